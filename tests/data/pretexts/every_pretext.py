"""The pretexts of conf/pretext/, so that a new one is tested by being there."""

from __future__ import annotations

from pathlib import Path

import yaml

import robustft.data
from robustft.data import Pretext

GROUP = Path(__file__).parents[3] / "conf" / "pretext"


def every_pretext() -> list[Pretext]:
    nodes = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(GROUP.glob("*.yaml"))]
    return [getattr(robustft.data, node["_target_"].rpartition(".")[2])() for node in nodes if node]


EVERY = every_pretext()
