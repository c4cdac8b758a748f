"""What PGD's long first steps gain over equal steps of eps / 4, on three fine-tuned states of the lab.

python tests/benchmarks/attacks.py [--json]     prints one JSON object last; the states are made in a minute, not kept
"""

from __future__ import annotations

import argparse
import json

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.backbones.backbone import Backbone
from robustft.backbones.timm_vit import TimmVit
from robustft.data.dataset import Dataset
from robustft.data.digits import Digits
from robustft.data.order import batch_rows
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.model import tuned_by
from robustft.evaluation.suite import Suite
from robustft.methods.bitfit import BitFit
from robustft.methods.full import Full
from robustft.methods.linear_probe import LinearProbe
from robustft.methods.method import Method
from robustft.methods.tuned_state import tuned_parameters

STATES: dict[str, tuple[Method, float]] = {
    "linear probe": (LinearProbe(), 5e-3),
    "bitfit": (BitFit(), 5e-3),
    "full": (Full(), 3e-4),
}
GLYPH_VIT = TimmVit(
    name="vit_tiny_patch16_224",
    checkpoint="package:glyph_vit.safetensors",
    resolution=28,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    options={"patch_size": 4, "embed_dim": 96, "depth": 4, "num_heads": 3},
)


def fine_tuned(method: Method, learning_rate: float, data: Dataset, steps: int = 200) -> Backbone:
    """The lab's backbone after `steps` updates on the digits' training split."""
    model = tuned_by(method, GLYPH_VIT.build(classes=10, seed=0), seed=0)
    optimizer = torch.optim.AdamW(tuned_parameters(model).values(), lr=learning_rate, weight_decay=0.01)
    for step in range(steps):
        pixels, labels = data.train.batch(batch_rows(step, count=len(data.train), batch_size=64, seed=0))
        loss = cross_entropy(model(torch.from_numpy(pixels).float() / 255), torch.from_numpy(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def main() -> None:
    """Attacks the 450 test digits of every state at L-inf 8/255 with either form, three seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="only the JSON object")
    only_json = parser.parse_args().json
    data = Digits().load(28)
    suite = Suite(threat_model=ThreatModel(eps_255=8), attacks={"opening": Pgd(), "equal": Pgd(opening=[])})
    results = {}
    for name, (method, learning_rate) in STATES.items():
        model = fine_tuned(method, learning_rate, data)
        found: dict[str, list] = {"opening": [], "equal": []}
        for seed in range(3):
            few = data.test.take(np.arange(1))
            evaluator = Evaluator(suite=suite, validation=few, test=data.test, ood={}, seed=seed)
            for measured in evaluator.evaluate(model, lambda condition: condition.split == "test"):
                if measured.condition.name in found:
                    found[measured.condition.name].append(
                        (measured.correct.mean(), measured.forward_passes, measured.seconds)
                    )
        results[name] = {
            attack: dict(zip(("robust_accuracy", "forward_passes", "seconds"), np.mean(values, axis=0), strict=True))
            for attack, values in found.items()
        }
        results[name]["ratio_of_seconds"] = results[name]["equal"]["seconds"] / results[name]["opening"]["seconds"]
        if not only_json:
            print(name, results[name])
    print(json.dumps(results))


if __name__ == "__main__":
    main()
