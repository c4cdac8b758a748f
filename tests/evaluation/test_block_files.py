"""Finished blocks in a run directory: an evaluation that ended early goes on there."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from robustft.attacks.engine.perturbations import Perturbations
from robustft.attacks.engine.search import SearchResult
from robustft.attacks.pgd import Pgd
from robustft.attacks.square import Square
from robustft.attacks.threat_model import ThreatModel
from robustft.evaluation import block_files
from robustft.evaluation.block_files import BlockFiles
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.recorder import Recorder
from robustft.evaluation.remeasure import remeasure_steps
from robustft.evaluation.suite import Suite
from robustft.study.records.condition import Condition
from robustft.study.records.record_file import read_records

CONDITION = Condition(split="test", attack="pgd", norm="linf", eps=8 / 255, settings="5e77145a")
ROWS = torch.tensor([3, 5, 8])
RESULT = SearchResult(
    broken=torch.tensor([True, False, True]),
    forward_passes=12,
    backward_passes=9,
    by_part={"warm start": 0, "Pgd": 2},
    notes=("margin loss instead of DLR, which needs 3 classes: 2",),
)


class Killed(BaseException):
    pass


@pytest.fixture
def evaluator(random_images):
    suite = Suite(
        threat_model=ThreatModel(eps_255=2),
        attacks={"pgd": Pgd(steps=2, warm_start=True), "square": Square(queries=20)},
        eps_grid_255=[1],
        batch_size=4,
    )
    images = {"validation": random_images(5, seed=1), "test": random_images(60, seed=2)}
    return Evaluator(suite=suite, **images, ood={}, seed=0, block=3)


@pytest.fixture
def killed_after(monkeypatch):
    """(number) -> from now on the process dies instead of writing one more block; None: it does not."""
    original = block_files.MeasurementFiles.keep
    left: list[int | None] = [None]

    def keep(self, rows: Tensor, result: SearchResult, seconds: float) -> None:
        if left[0] is not None:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
        original(self, rows, result, 1000.0 if left[0] is not None else seconds)

    monkeypatch.setattr(block_files.MeasurementFiles, "keep", keep)
    return lambda number: left.__setitem__(0, number)


@pytest.fixture
def passes():
    """(model) -> [number of images that it has been asked about], from now on."""

    def count(model) -> list[int]:
        asked = [0]
        model.register_forward_pre_hook(lambda module, arguments: asked.__setitem__(0, asked[0] + len(arguments[0])))
        return asked

    return count


def content(run_dir: Path) -> dict[str, bytes]:
    """Everything in a run directory, without the times."""
    found = {str(path.relative_to(run_dir)): path.read_bytes() for path in run_dir.rglob("*") if path.is_file()}
    found["records.jsonl"] = re.sub(rb'"(seconds|time)": [^,]*', b"", found["records.jsonl"])
    return found


def measured(run_dir: Path, evaluator: Evaluator, model) -> Path:
    for step in (1, 2):
        Recorder(run_dir, evaluator).measure(model, step=step, epoch=step)
    return run_dir


@pytest.mark.parametrize("finished", [2, 5])
def test_killed_again_and_again_it_leaves_what_the_unbroken_leaves(
    tmp_path, evaluator, tiny_backbone, killed_after, finished
):
    model = tiny_backbone()
    whole, cut = measured(tmp_path / "whole", evaluator, model), tmp_path / "cut"
    for _ in range(200):
        killed_after(finished)
        try:
            measured(cut, evaluator, model)
        except Killed:
            continue
        break
    assert content(cut) == content(whole)
    assert {path.name for path in cut.iterdir()} == {"records.jsonl", "outcomes", "predictions", "warm"}
    attacked = [record for record in read_records(cut / "records.jsonl") if record.condition.attack]
    assert max(record.seconds for record in attacked) > 1000  # of blocks made by the dead


def test_at_most_a_block_is_made_again(tmp_path, evaluator, tiny_backbone, killed_after, passes):
    model = tiny_backbone()
    asked = passes(model)
    measured(tmp_path / "whole", evaluator, model)
    unbroken, asked[0] = asked[0], 0
    killed_after(20)
    with pytest.raises(Killed):
        measured(tmp_path / "cut", evaluator, model)
    killed_after(None)
    measured(tmp_path / "cut", evaluator, model)
    # A block of 3 under Square, the last of clean images, which nobody keeps, two calibrations
    assert unbroken < asked[0] < unbroken + 3 * 25 + 60


def test_what_is_read_is_what_was_written(tmp_path):
    blocks = BlockFiles(tmp_path, 5).finished(CONDITION, ["cpu"])
    assert blocks.of(ROWS) is None
    blocks.keep(ROWS, RESULT, 1.5)
    (path,) = tmp_path.rglob("*.npz")
    assert re.fullmatch(rf"blocks/{CONDITION.key(5)}-[0-9a-f]{{16}}/3-8\.npz", str(path.relative_to(tmp_path)))
    found, seconds = blocks.of(ROWS)
    assert seconds == 1.5
    assert torch.equal(found.broken, RESULT.broken)
    assert list(found.by_part.items()) == list(RESULT.by_part.items())
    assert replace(found, broken=None) == replace(RESULT, broken=None)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("broken", [[], [0, 2]])
def test_perturbations_come_back_to_the_bit(tmp_path, norm, broken):
    perturbations, images = Perturbations(norm=norm), torch.rand(3, 3, 2, 2)
    if broken:
        perturbations.add(ROWS[broken], images[broken], torch.rand(len(broken), 3, 2, 2))
    blocks = BlockFiles(tmp_path, 5).finished(CONDITION, ["cpu"])
    blocks.keep(ROWS, replace(RESULT, perturbations=perturbations), 1)
    found = blocks.of(ROWS)[0].perturbations
    assert found.norm == norm
    for name, values in perturbations.arrays().items():
        assert np.array_equal(found.arrays()[name], values)


@pytest.mark.parametrize("rows", [[3, 8], [3, 6, 8], [3, 5, 7, 8]])
def test_a_block_of_other_images_is_not_taken(tmp_path, rows):
    blocks = BlockFiles(tmp_path, 5).finished(CONDITION, ["cpu"])
    blocks.keep(ROWS, RESULT, 1)
    assert blocks.of(torch.tensor(rows)) is None


def test_a_block_of_another_measurement_is_not_taken(tmp_path):
    BlockFiles(tmp_path, 5).finished(CONDITION, ["cpu"]).keep(ROWS, RESULT, 1)
    assert BlockFiles(tmp_path, 6).finished(CONDITION, ["cpu"]).of(ROWS) is None
    assert BlockFiles(tmp_path, 5).finished(CONDITION.clean, ["cpu"]).of(ROWS) is None
    assert BlockFiles(tmp_path, 5).finished(replace(CONDITION, eps=4 / 255), ["cpu"]).of(ROWS) is None
    assert BlockFiles(tmp_path, 5).finished(CONDITION, ["cuda"]).of(ROWS) is None
    assert BlockFiles(tmp_path, 5).finished(CONDITION, ["cpu"]).of(ROWS) is not None


def rewritten(path: Path, **changes) -> bytes:
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files} | changes
    into = BytesIO()
    np.savez(into, **arrays)
    return into.getvalue()


def facts(path: Path, **changes) -> np.ndarray:
    with np.load(path) as file:
        return np.array(json.dumps(json.loads(str(file["facts"])) | changes))


DAMAGE = {
    "empty": lambda path: b"",
    "no archive": lambda path: b"something else",
    "truncated": lambda path: path.read_bytes()[:-20],
    "a bit": lambda path: bytes([*path.read_bytes()[:200], path.read_bytes()[200] ^ 1, *path.read_bytes()[201:]]),
    "too long": lambda path: path.read_bytes() + bytes(5 << 20),
    "pickled": lambda path: rewritten(path, images=np.array([{}], dtype=object)),
    "counts for bools": lambda path: rewritten(path, broken=np.array([1, 0, 1])),
    "two bools": lambda path: rewritten(path, broken=np.array([True, False])),
    "no JSON": lambda path: rewritten(path, facts=np.array("{")),
    "a list": lambda path: rewritten(path, facts=np.array("[]")),
    "fewer than no passes": lambda path: rewritten(path, facts=facts(path, forward_passes=-1)),
    "half a pass": lambda path: rewritten(path, facts=facts(path, backward_passes=0.5)),
    "no seconds": lambda path: rewritten(path, facts=facts(path, seconds=None)),
    "odd parts": lambda path: rewritten(path, facts=facts(path, by_part=[["Pgd", "many"]])),
    "no perturbations": lambda path: rewritten(path, facts=facts(path, norm="linf")),
    "odd norm": lambda path: rewritten(path, facts=facts(path, norm="l3")),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_block_that_is_damaged_is_made_again(tmp_path, damage, caplog):
    blocks = BlockFiles(tmp_path, 5).finished(CONDITION, ["cpu"])
    blocks.keep(ROWS, RESULT, 1)
    (path,) = tmp_path.rglob("*.npz")
    path.write_bytes(damage(path))
    assert blocks.of(ROWS) is None
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(str(path))
    assert line.endswith("; these images are measured again")
    assert "\n" not in line
    blocks.keep(ROWS, RESULT, 1)
    assert blocks.of(ROWS) is not None


def test_damaged_blocks_change_no_number(tmp_path, evaluator, tiny_backbone, killed_after):
    model = tiny_backbone()
    whole, cut = measured(tmp_path / "whole", evaluator, model), tmp_path / "cut"
    killed_after(12)
    with pytest.raises(Killed):
        measured(cut, evaluator, model)
    killed_after(None)
    blocks = sorted((cut / "blocks").rglob("*.npz"))
    assert len(blocks) > 2
    blocks[0].write_bytes(b"")
    blocks[1].write_bytes(blocks[2].read_bytes())
    measured(cut, evaluator, model)
    assert content(cut) == content(whole)


def test_a_disk_that_is_full_is_an_error_that_names_the_file(tmp_path, largest_file):
    blocks = BlockFiles(tmp_path, 5).finished(CONDITION, ["cpu"])
    with largest_file(100), pytest.raises(OSError, match=r"3-8\.npz"):
        blocks.keep(ROWS, RESULT, 1)
    assert not list(tmp_path.rglob("*.npz"))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_only_the_blocks_of_what_is_on_record_are_removed(tmp_path):
    (tmp_path / "blocks" / "of_somebody").mkdir(parents=True)
    for step, origin in ((5, "cpu"), (5, "cuda"), (6, "cpu")):
        BlockFiles(tmp_path, step).finished(CONDITION, [origin]).keep(ROWS, RESULT, 1)
    BlockFiles(tmp_path, 5).remove([CONDITION])
    assert BlockFiles(tmp_path, 6).finished(CONDITION, ["cpu"]).of(ROWS) is not None
    assert len(list((tmp_path / "blocks").iterdir())) == 2
    BlockFiles(tmp_path, 6).remove([CONDITION])
    (tmp_path / "blocks" / "of_somebody").rmdir()
    BlockFiles(tmp_path, 6).remove([CONDITION])
    assert not (tmp_path / "blocks").exists()
    BlockFiles(tmp_path, 6).remove([CONDITION])


def test_the_directory_may_go_while_a_block_is_written(tmp_path, monkeypatch):
    """As when the first of several processes has committed a record and found the directory empty."""
    original, calls = block_files.write_whole, []

    def write(path, content):
        calls.append(path)
        if len(calls) == 1:
            raise FileNotFoundError(path)
        original(path, content)

    monkeypatch.setattr(block_files, "write_whole", write)
    blocks = BlockFiles(tmp_path, 5).finished(CONDITION, ["cpu"])
    blocks.keep(ROWS, RESULT, 1)
    assert blocks.of(ROWS) is not None


def added(run_dir: Path, evaluator: Evaluator, model, *, add: bool, resumes: bool) -> list:
    recorder = Recorder(run_dir, evaluator)

    def wanted(condition: Condition, step: int) -> bool:
        return condition.split == "test"

    return list(remeasure_steps(recorder, lambda step: model, [3], wanted=wanted, add=add, resumes=resumes))


def test_an_addition_goes_on_at_its_block_too(tmp_path, evaluator, tiny_backbone, killed_after):
    model = tiny_backbone()
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    added(whole, evaluator, model, add=True, resumes=True)
    killed_after(15)
    with pytest.raises(Killed):
        added(cut, evaluator, model, add=True, resumes=True)
    assert list(cut.rglob("blocks/*/*.npz"))
    killed_after(None)
    added(cut, evaluator, model, add=True, resumes=True)
    assert content(cut) == content(whole)
    assert not (cut / "blocks").exists()
    assert any(record.seconds > 1000 for record in read_records(cut / "records.jsonl"))


def test_who_only_compares_writes_nothing(tmp_path, evaluator, tiny_backbone):
    model = tiny_backbone()
    added(tmp_path, evaluator, model, add=True, resumes=True)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    comparisons = added(tmp_path, evaluator, model, add=False, resumes=False)
    assert comparisons
    assert not any(comparison.differing for comparison in comparisons)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
