"""The hub's cache, laid out by hand as the hub's library does it, without network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data.pictures import table, write

ROOT = Path(__file__).parents[2]
COMMIT = "0123456789" * 4


def _cached(hub: Path, files: list[str]) -> None:
    repository = hub / "datasets--some--birds"
    for name in files:
        write(repository / "snapshots" / COMMIT / name, table([0, 1]))
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)


def _ask(hub: Path, arguments: str) -> str:
    code = (
        "from robustft.data.parquet import Parquet\n"
        "from robustft.data.errors import DataNotFound\n"
        f"source = Parquet({arguments})\n"
        "try:\n    print(sorted(source.files()), len(source.load(4).train), source.provenance())\n"
        "except DataNotFound as error:\n    print(error)"
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(hub)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.rstrip("\n")


FILES = ["data/test-00000-of-00001.parquet", "data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"]


@pytest.mark.parametrize("revision", ["None", repr("main"), repr(COMMIT)])
def test_the_cache_is_enough_and_tells_the_commit(tmp_path: Path, revision: str) -> None:
    _cached(tmp_path, FILES)
    provenance = {"hub_id": "some/birds", "commit": COMMIT}
    assert _ask(tmp_path, f"hub_id='some/birds', revision={revision}") == f"{FILES} 4 {provenance}"


@pytest.mark.parametrize("files", [[], FILES[1:], FILES[:2]])
def test_without_cache_and_network_one_line_says_what_to_do(tmp_path: Path, files: list[str]) -> None:
    _cached(tmp_path, files)
    said = _ask(tmp_path, "hub_id='some/birds'")
    assert said.startswith(f"hub_id some/birds (revision main) was found neither in the hub's cache {tmp_path} nor on ")
    assert "OfflineModeIsEnabled: " in said
    assert "dataset.path=DIR" in said
    assert said.endswith(": hf download some/birds --repo-type dataset")
    assert "\n" not in said


def test_the_revision_is_part_of_the_advice(tmp_path: Path) -> None:
    said = _ask(tmp_path, "hub_id='some/birds', revision='v2'")
    assert said.startswith("hub_id some/birds (revision v2) ")
    assert said.endswith("hf download some/birds --repo-type dataset --revision v2")


def test_the_path_comes_first(tmp_path: Path) -> None:
    _cached(tmp_path / "hub", FILES)
    for split in ("train", "test"):
        write(tmp_path / "here" / f"{split}.parquet", table([0, 1]))
    said = _ask(tmp_path / "hub", f"hub_id='some/birds', path={str(tmp_path / 'here')!r}")
    assert said == "['test.parquet', 'train.parquet'] 2 {}"
