"""A run that was cut off and whose checkpoints were damaged meanwhile ends as if neither had happened."""

from __future__ import annotations

import random
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch

from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.suite import Suite
from robustft.methods.lora import Lora
from robustft.models.states import States
from robustft.models.tuned_model import tuned_by
from robustft.training.checkpoints import LAST, PREVIOUS, RUN, Checkpoints
from robustft.training.fine_tune import fine_tune
from robustft.training.plan import TrainingPlan
from robustft.training.trackers.tracked_run import TrackedRun

STEPS = (0, 1, 3, 6)


class CutOffAt(TrackedRun):
    """Ends the run, as Ctrl-C does, once the update `step` is done."""

    def __init__(self, step: int | None) -> None:
        super().__init__(None, 1)
        self._step = step

    def log(self, step, values):
        if step == self._step:
            raise KeyboardInterrupt


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What the tests share: a directory, and the results of the runs in it."""
    return tmp_path_factory.mktemp("made"), {}


@pytest.fixture
def tuned(tmp_path, tiny_backbone, random_images):
    """(directory, the update after which it is cut off) -> the weights that move, the records."""
    suite = Suite(threat_model=ThreatModel(eps_255=4), attacks={"pgd": Pgd(steps=2)})
    images = {"validation": random_images(10, seed=1), "test": random_images(20, seed=2)}

    def run(name: str | Path, cut_off: int | None = None, run_id: str = "this"):
        run_dir = tmp_path / name  # an absolute path stays what it is
        run_dir.mkdir(exist_ok=True)
        model = tuned_by(Lora(dropout=0.5), tiny_backbone(embed_dim=48, num_heads=3), seed=0)
        records = fine_tune(
            run_dir=run_dir,
            model=model,
            images=random_images(40, seed=4),
            rows=np.arange(40),
            evaluator=Evaluator(suite=suite, ood={}, seed=0, **images),
            steps=STEPS,
            plan=TrainingPlan(max_steps=6, batch_size=8, learning_rate=1e-2, accelerator="cpu"),
            states=States(run_dir=run_dir),
            seed=0,
            tracked=CutOffAt(cut_off),
            description="test",
            run_id=run_id,
        )
        return dict(model.state_dict()), records

    return run


@pytest.fixture
def unbroken(tuned, made):
    """The result of the run that was left alone."""
    directory, results = made
    if not results:
        results["unbroken"] = tuned(directory / "unbroken")
    return results["unbroken"]


@pytest.fixture
def cut_off(tuned, made, tmp_path):
    """The directory of a run that was cut off behind its checkpoints at steps 1 and 3."""
    original = made[0] / "cut-off"
    if not original.exists():
        with pytest.raises(KeyboardInterrupt):
            tuned(original, cut_off=4)
        assert {path.name for path in original.glob("*.ckpt")} == {LAST, PREVIOUS}
    return shutil.copytree(original, tmp_path / "cut-off")


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def bit_flipped(content: bytes) -> bytes:
    """One bit of the first weight."""
    with BytesIO(content) as file:
        first = next(iter(torch.load(file, weights_only=True)["state_dict"].values()))
    place = content.index(first.numpy().tobytes())
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def foreign(content: bytes) -> bytes:
    """Whole, and of another run of the same model."""
    changed = torch.load(BytesIO(content), weights_only=True) | {RUN: "another"}
    file = BytesIO()
    torch.save(changed, file)
    return file.getvalue()


DAMAGES = [truncated, bit_flipped, foreign, lambda _: b"", lambda _: b"\x89PNG", lambda content: bytes(len(content))]
NAMES = ["truncated", "bit-flipped", "foreign", "empty", "picture", "zeros"]


def agree(one, other) -> bool:
    weights = all(torch.equal(one[0][name], other[0][name]) for name in one[0])
    measured = [[(r.key, r.correct, r.total, r.epoch) for r in records] for _, records in (one, other)]
    return weights and measured[0] == measured[1]


@pytest.mark.parametrize("damage", DAMAGES, ids=NAMES)
def test_a_damaged_checkpoint_costs_the_way_from_the_one_before(damage, tuned, cut_off, made, unbroken, capsys):
    last = cut_off / LAST
    last.write_bytes(damage(last.read_bytes()))
    records = (cut_off / "records.jsonl").read_bytes()
    capsys.readouterr()

    resumed = tuned("cut-off")

    captured = capsys.readouterr()
    assert captured.err.startswith(f"robustft: {last} is ")
    assert captured.err.endswith(": the run resumes from the checkpoint before it\n")
    assert captured.err.count("\n") == 1
    assert "step      0" not in captured.out  # it did not start again
    assert "step      3" in captured.out
    assert (cut_off / "records.jsonl").read_bytes().startswith(records)
    assert agree(resumed, unbroken)
    for state in (cut_off / "states").iterdir():
        assert state.read_bytes() == (made[0] / "unbroken/states" / state.name).read_bytes()
    assert [path.name for path in cut_off.glob("*.ckpt")] == [LAST]


def test_with_both_checkpoints_damaged_the_run_starts_again_and_keeps_its_records(tuned, cut_off, unbroken, capsys):
    (cut_off / LAST).write_bytes(truncated((cut_off / LAST).read_bytes()))
    (cut_off / PREVIOUS).write_bytes(b"")
    records = (cut_off / "records.jsonl").read_bytes()
    capsys.readouterr()

    resumed = tuned("cut-off")

    captured = capsys.readouterr()
    assert captured.err.endswith(": the run restarts from step 0, and its records are kept\n")
    assert captured.err.count("\n") == 1
    assert (cut_off / "records.jsonl").read_bytes().startswith(records)
    assert agree(resumed, unbroken)


def test_killed_between_the_two_renames_it_goes_on_from_the_one_before(tuned, cut_off, unbroken, capsys):
    (cut_off / LAST).unlink()
    capsys.readouterr()
    resumed = tuned("cut-off")
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "step      0" not in captured.out
    assert agree(resumed, unbroken)


def test_a_whole_checkpoint_is_used_in_silence(tuned, cut_off, unbroken, capsys):
    capsys.readouterr()
    resumed = tuned("cut-off")
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "step      1" not in captured.out
    assert agree(resumed, unbroken)


def test_a_damaged_checkpoint_never_takes_the_place_of_the_good_one(cut_off):
    """Killed again right after, with last.ckpt being written: the good one must still be there."""
    good = (cut_off / PREVIOUS).read_bytes()
    (cut_off / LAST).write_bytes(b"")
    checkpoints = Checkpoints(cut_off, run_id="this")
    assert checkpoints.newest() == cut_off / LAST
    assert (cut_off / LAST).read_bytes() == good
    checkpoints.save_checkpoint({RUN: "this"}, checkpoints.last)
    assert (cut_off / PREVIOUS).read_bytes() == good


def test_no_flipped_bit_is_resumed_in_silence(cut_off, tmp_path):
    """Wherever it is, it is noticed, or makes no difference."""
    content = (cut_off / LAST).read_bytes()
    before = torch.load(cut_off / LAST, weights_only=True)["state_dict"]
    other = tmp_path / "other"
    other.mkdir()
    random_ = random.Random(0)
    noticed = 0
    for _ in range(150):
        flipped = bytearray(content)
        flipped[random_.randrange(len(content))] ^= 1 << random_.randrange(8)
        (other / LAST).write_bytes(flipped)
        found = Checkpoints(other, run_id="this").newest()
        noticed += found is None
        if found is not None:
            now = torch.load(found, weights_only=True)["state_dict"]
            assert all(torch.equal(value, now[name]) for name, value in before.items())
    assert noticed > 75


def test_a_checkpoint_that_does_not_fit_leaves_the_earlier_ones(tuned, cut_off, unbroken, largest_file):
    earlier = {name: (cut_off / name).read_bytes() for name in (LAST, PREVIOUS)}
    with largest_file(len(earlier[LAST]) // 2), pytest.raises(OSError) as raised:
        tuned("cut-off")
    assert raised.value.filename == str(cut_off / LAST)
    assert {path.name: path.read_bytes() for path in cut_off.glob("*ckpt*")} == earlier
    assert agree(tuned("cut-off"), unbroken)
