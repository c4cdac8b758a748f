"""An evaluation shared out among processes: real ones, over gloo."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing

from robustft.attacks.autoattack import AutoAttack
from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.backbones.pixel_model import PixelModel
from robustft.backbones.timm_model import TimmModel
from robustft.data.dataset import Images
from robustft.evaluation import block_files
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.recorder import Recorder
from robustft.evaluation.remeasure import remeasure_steps
from robustft.evaluation.shards import Shards
from robustft.evaluation.suite import Suite
from robustft.study.records.outcomes import read_outcomes
from robustft.study.records.record_file import read_records

COUNT = 2


def evaluator_and_model(**options) -> tuple[Evaluator, PixelModel]:
    random = np.random.default_rng(0)
    images = Images(
        pixels=random.integers(0, 256, (41, 3, 8, 8), dtype=np.uint8), labels=random.integers(0, 4, 41).astype(np.int64)
    )
    vit = {"patch_size": 4, "embed_dim": 32, "depth": 2, "num_heads": 2}
    model = TimmModel(name="vit_tiny_patch16_224", pretrained=False, resolution=8, options=vit)
    suite = Suite(
        threat_model=ThreatModel(eps_255=4),
        attacks={
            "pgd": Pgd(steps=3, warm_start=True),
            "autoattack": AutoAttack(iterations=3, queries=10),
        },
        eps_grid_255=[2],
        attack_ood=True,
        batch_size=16,
    )
    few = images.take(np.arange(1))  # one process has nothing to do
    evaluator = Evaluator(suite=suite, validation=few, test=images, ood={"sketch": images}, seed=0, **options)
    return evaluator, model.build(classes=4, seed=0).double()


def measurements() -> list:
    evaluator, model = evaluator_and_model()
    return list(evaluator.evaluate(model))


def work(rank: int, directory: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{directory}/meet", rank=rank, world_size=COUNT)
    found = measurements()
    torch.save(
        [
            {
                "correct": torch.from_numpy(measured.correct),
                "predictions": [] if measured.predictions is None else measured.predictions.confidence.tolist(),
                "passes": measured.forward_passes,
                "notes": list(measured.notes),
                "kept": sorted(measured.perturbations.codes) if measured.perturbations else [],
                "gates": [str(gate) for gate in measured.gates],
            }
            for measured in found
        ],
        f"{directory}/{rank}.pt",
    )
    dist.destroy_process_group()


def work_in_blocks(rank: int, directory: str, run_dir: str, at_most: int) -> None:
    """Adds measurements to a run directory, as `evaluate` does; ends as if killed once it has kept `at_most` blocks."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{directory}/meet-{at_most}", rank=rank, world_size=COUNT)
    original, kept = block_files.MeasurementFiles.keep, [0]

    def keep(self, rows, result, seconds) -> None:
        original(self, rows, result, 1000.0)
        kept[0] += 1
        if kept[0] == at_most:
            os._exit(0)

    block_files.MeasurementFiles.keep = keep
    evaluator, model = evaluator_and_model(block=2)
    add_all(Path(run_dir), evaluator, model, add=rank == 0)
    dist.destroy_process_group()


def add_all(run_dir: Path, evaluator: Evaluator, model: PixelModel, *, add: bool) -> None:
    recorder = Recorder(run_dir, evaluator)

    def wanted(condition, step) -> bool:
        return (condition.attack, condition.shift, condition.split) in {("pgd", None, "test"), (None, None, "test")}

    list(remeasure_steps(recorder, lambda step: model, [3], wanted=wanted, add=add, resumes=True))


@pytest.fixture(scope="module")
def shared_out(tmp_path_factory):
    """What each of two processes found."""
    directory = tmp_path_factory.mktemp("shards")
    multiprocessing.spawn(work, args=(str(directory),), nprocs=COUNT)
    return [torch.load(directory / f"{rank}.pt", weights_only=True) for rank in range(COUNT)]


def test_every_process_has_the_exact_outcomes_of_one_process(shared_out):
    alone = measurements()
    assert len(alone) == 2 + 2 * 2 * (1 + 2) + 1 - 2 * 0
    for found in shared_out:
        assert len(found) == len(alone)
        for one, many in zip(alone, found, strict=True):
            assert np.array_equal(one.correct, many["correct"].numpy())
            assert many["predictions"] == ([] if one.predictions is None else one.predictions.confidence.tolist())
            assert sorted(one.perturbations.codes if one.perturbations else []) == many["kept"]
            assert [str(gate) for gate in one.gates] == many["gates"]
            parts = [note for note in many["notes"] if note.startswith("broken by")]
            assert parts == [note for note in one.notes if note.startswith("broken by")]
    assert any(one.condition.attack and 0 < one.correct.sum() < 41 for one in alone)


def test_the_work_is_shared_out():
    rows = torch.arange(11)
    parts = [Shards(rank=rank, count=3).mine(rows) for rank in range(3)]
    assert sorted(torch.cat(parts).tolist()) == rows.tolist()
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_processes_that_were_killed_go_on_at_their_blocks(tmp_path):
    run_dir, alone = tmp_path / "run", tmp_path / "alone"
    add_all(alone, *evaluator_and_model(block=2), add=True)
    multiprocessing.spawn(work_in_blocks, args=(str(tmp_path), str(run_dir), 4), nprocs=COUNT)
    finished = list(run_dir.glob("blocks/*/*.npz"))
    assert len(finished) == 2 * 2  # of each; those of the clean images are on record
    multiprocessing.spawn(work_in_blocks, args=(str(tmp_path), str(run_dir), 1000), nprocs=COUNT)
    expected, found = (read_records(directory / "records.jsonl") for directory in (alone, run_dir))
    assert [record.key for record in found] == [record.key for record in expected]
    for one, other in zip(expected, found, strict=True):
        assert np.array_equal(read_outcomes(alone, one), read_outcomes(run_dir, other))
        assert one.notes == other.notes
    assert max(record.seconds for record in found) > 1000  # of blocks that were taken
    assert not (run_dir / "blocks").exists()
