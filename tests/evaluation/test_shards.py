"""An evaluation shared out among processes: real ones, over gloo."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing

from robustft.attacks.autoattack import AutoAttack
from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.backbones.timm_model import TimmModel
from robustft.data.dataset import Images
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.shards import Shards
from robustft.evaluation.suite import Suite

COUNT = 2


def measurements() -> list:
    random = np.random.default_rng(0)
    images = Images(
        pixels=random.integers(0, 256, (41, 3, 8, 8), dtype=np.uint8), labels=random.integers(0, 4, 41).astype(np.int64)
    )
    options = {"patch_size": 4, "embed_dim": 32, "depth": 2, "num_heads": 2}
    model = TimmModel(name="vit_tiny_patch16_224", pretrained=False, resolution=8, options=options)
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
    evaluator = Evaluator(suite=suite, validation=few, test=images, ood={"sketch": images}, seed=0)
    return list(evaluator.evaluate(model.build(classes=4, seed=0).double()))


def work(rank: int, directory: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{directory}/meet", rank=rank, world_size=COUNT)
    found = measurements()
    torch.save(
        [
            {
                "correct": torch.from_numpy(measured.correct),
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
