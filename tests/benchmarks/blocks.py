"""What it costs to make an AutoAttack evaluation in blocks, beside the same in one piece.

python tests/benchmarks/blocks.py [--json] [--rounds 2] [--batch 16] [--iterations 20] [--queries 500]

450 digits on the lab's fully fine-tuned state, in blocks of 8 batches as everywhere, written to a disk, and in one
piece that is not; in turn, so that both see the same machine. What blocks cost is a matter of batches in a block and of
how many images are left for the attack's later iterations, less of their number, so that short attacks on small batches
tell. Prints the ratios of wall-clock time, of this process's time, of passes and of calls of the network, as a median
over the rounds; where a call takes as long for one image as for a full batch, the last is that of time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from lab_states import lab_data, lab_states
from torch import nn

from robustft.attacks.autoattack import AutoAttack
from robustft.attacks.engine.block_size import images_of_block
from robustft.attacks.threat_model import ThreatModel
from robustft.data.dataset import Images
from robustft.evaluation.block_files import BlockFiles
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.suite import Suite

STATE = 160


@dataclass(frozen=True, kw_only=True)
class Ungated(AutoAttack):
    """The gates beside it are not made in blocks."""

    is_strong: ClassVar[bool] = False


def measured(model: nn.Module, images: Images, suite: Suite, block: int | None) -> tuple[dict[str, float], np.ndarray]:
    """What one evaluation takes, and its outcomes; block: images in a block, None: all in one."""
    few, calls = images.take(np.arange(1)), [0]
    counting = model.register_forward_pre_hook(lambda module, arguments: calls.__setitem__(0, calls[0] + 1))
    evaluator = Evaluator(
        suite=suite, validation=few, test=images, ood={}, seed=0, block=len(images) if block is None else block
    )
    with tempfile.TemporaryDirectory() as directory:
        store = None if block is None else BlockFiles(Path(directory), STATE)
        begin, of_process = time.perf_counter(), time.process_time()
        _, attacked = evaluator.evaluate(model, lambda condition: condition.split == "test", blocks=store)
        cost = {
            "seconds": time.perf_counter() - begin,
            "process_seconds": time.process_time() - of_process,
            "passes": attacked.forward_passes + 2 * attacked.backward_passes,
            "calls": calls[0],
        }
    counting.remove()
    return cost, attacked.correct


def main() -> None:
    """Measures in turn and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="kept for symmetry: the JSON object is always printed last")
    parser.add_argument("--state", default="full", help="of lab_states")
    parser.add_argument("--eps_255", type=float, default=8)
    for name, normal in {"rounds": 2, "images": 450, "batch": 16, "iterations": 20, "queries": 500}.items():
        parser.add_argument(f"--{name}", type=int, default=normal)
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore")
    data = lab_data()
    model, images = lab_states(chosen.state, data)[STATE], data.test.take(np.arange(chosen.images))
    attack = Ungated(iterations=chosen.iterations, queries=chosen.queries)
    threat_model = ThreatModel(eps_255=chosen.eps_255)
    suite = Suite(threat_model=threat_model, attacks={"attack": attack}, batch_size=chosen.batch)
    block = images_of_block(chosen.batch)
    ratios: dict[str, list[float]] = {}
    differing = 0
    for number in range(chosen.rounds):
        order = (None, block) if number % 2 == 0 else (block, None)
        costs, outcomes = {}, {}
        for size in order:
            costs[size], outcomes[size] = measured(model, images, suite, size)
            print(f"block {size or 'of all'}: {costs[size]}, robust {int(outcomes[size].sum())}", flush=True)
        differing += int((outcomes[None] != outcomes[block]).sum())
        for name in costs[None]:
            ratios.setdefault(name, []).append(costs[block][name] / costs[None][name])
    found: dict[str, Any] = {name: round(statistics.median(values), 4) for name, values in ratios.items()}
    print(json.dumps({"block": block, "settings": vars(chosen), "in blocks / in one": found, "differing": differing}))


if __name__ == "__main__":
    main()
