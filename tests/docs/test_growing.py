"""docs/growing.md says what its script prints, and its study composes."""

from __future__ import annotations

import re
from pathlib import Path

from hydra.core.global_hydra import GlobalHydra

from robustft.cli.plans.composed_runs import composed_runs
from robustft.cli.runs import run_name
from tests.benchmarks import growing

TEXT = growing.DOCUMENT.read_text(encoding="utf-8")


def test_its_numbers_are_those_of_the_script():
    numbers = growing.results({"as assumed": {}})
    assert (numbers["configurations"], numbers["evaluations"]) == (1440, 7200)
    for line in growing.table(numbers):
        assert line in TEXT
    for shown in (numbers["job_limit_at"], numbers["quota_at"], round(numbers["longest_block_minutes"])):
        assert f"{shown:,}" in TEXT.partition("## What breaks first")[0 if shown < 1000 else 2]
    assert f"about {(numbers['files'] + numbers['directories']) / 1440:.0f} files" in TEXT


def test_its_study_is_a_run_for_each_backbone_data_set_protocol_and_loss(tmp_path: Path):
    growing.study_files(tmp_path)
    run_name.register()
    try:
        runs = list(composed_runs(["study=guide"], multirun=True, config_dir=str(tmp_path)))
    finally:
        GlobalHydra.instance().clear()
    assert len({directory for directory, _, _ in runs}) == len(runs) == 6 * 2 * 3 * 2
    backbones = re.search(r"backbone.name: (\S+)", TEXT)
    assert backbones is not None
    assert {config.backbone.name for _, _, config in runs} == set(backbones[1].split(","))
