"""What objectives bring and cost: one hidden layer on small digits, and passes and seconds of an update on the lab.

The lab's own figures come from `python -m robustft method=full objective=NAME objective.inner.steps=5
objective.inner.step_size_255=4`, whose table says them; `--only lab` runs these.

    python tests/benchmarks/objectives.py [--json] [--only small,cost,lab,vit]      vit needs a GPU
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from robustft.attacks.noise import Noise
from robustft.attacks.norms import project
from robustft.attacks.threat_model import ThreatModel
from robustft.backbones.pixel_model import PixelModel
from robustft.backbones.timm_model import TimmModel
from robustft.data.batch_order import batch_rows
from robustft.data.sources.digits import Digits
from robustft.methods.full import Full
from robustft.models.tuned_model import tuned_by
from robustft.models.tuned_state import tuned_parameters
from robustft.objectives import AdversarialTraining, InnerMaximisation, Mart, Objective, Score, Standard, Step, Trades
from robustft.study.run import Run
from tests.benchmarks.lab_states import GLYPH_VIT

SIZE, EPS_255, UPDATES, SMALL_BATCH, BATCH = 8, 32.0, 400, 128, 64


def small_objectives() -> dict[str, Objective]:
    """Ten steps of a quarter eps, but for the single long one."""
    return {
        "standard": Standard(),
        "fast_at": AdversarialTraining(inner=InnerMaximisation(steps=1, relative_step_size=1.25)),
        "pgd_at": AdversarialTraining(),
        "score": Score(),
        "trades": Trades(),
        "mart": Mart(),
    }


class OneHiddenLayer(nn.Module):
    """192-64-10 with GELU."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.head = nn.Linear(3 * SIZE * SIZE, 64), nn.Linear(64, 10)

    def get_classifier(self) -> nn.Module:
        return self.head

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(nn.functional.gelu(self.hidden(pixels.flatten(1))))


def small_case() -> dict[str, dict[str, float]]:
    """Clean and robust test accuracy in per cent of every objective; PGD of 20 steps, any iterate counts.

    Trained with Adam at 3e-3 on batches of 128, all training rows, pixels as they are.
    """
    data = Digits().load(SIZE)
    pixels, labels = (torch.from_numpy(part) for part in data.test.batch(np.arange(len(data.test))))
    results = {}
    for name, objective in small_objectives().items():
        torch.manual_seed(0)
        model = PixelModel(OneHiddenLayer(), resolution=SIZE, mean=(0.0,) * 3, std=(1.0,) * 3).train()
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        for update in range(UPDATES):
            rows = batch_rows(update, count=len(data.train), batch_size=SMALL_BATCH, seed=0)
            optimizer.zero_grad()
            objective.loss(step_of(model, data.train, rows, update, UPDATES)).backward()
            optimizer.step()
        clean, robust = accuracies(model.eval(), pixels.float().div(255), labels)
        results[name] = {"clean": clean, "robust": robust}
    return results


def step_of(
    model: PixelModel,
    images: Any,
    rows: np.ndarray,
    update: int,
    updates: int,
    eps_255: float = EPS_255,
    device: str = "cpu",
) -> Step:
    pixels, labels = (torch.from_numpy(part).to(device) for part in images.batch(rows))
    return Step(
        model=model,
        pixels=pixels.float().div(255),
        labels=labels,
        threat_model=ThreatModel(eps_255=eps_255),
        noise=Noise(seed=0, rows=torch.from_numpy(rows)),
        update=update,
        progress=update / updates,
    )


def accuracies(model: nn.Module, pixels: Tensor, labels: Tensor, steps: int = 20) -> tuple[float, float]:
    """Clean and robust accuracy in per cent, against plain PGD from a random start."""
    eps = EPS_255 / 255
    correct = model(pixels).argmax(1) == labels
    unbroken = correct.clone()
    images = pixels + eps * (2 * torch.rand(pixels.shape, generator=torch.Generator().manual_seed(1)) - 1)
    for _ in range(steps):
        images = project(pixels, images.detach(), "linf", eps).requires_grad_(True)
        logits = model(images)
        unbroken &= logits.argmax(1) == labels
        (gradients,) = torch.autograd.grad(nn.functional.cross_entropy(logits, labels), images)
        images = images + eps / 4 * gradients.sign()
    unbroken &= model(project(pixels, images.detach(), "linf", eps)).argmax(1) == labels
    return 100 * correct.float().mean().item(), 100 * unbroken.float().mean().item()


def cost_case(
    updates: int = 6, *, backbone: TimmModel = GLYPH_VIT, device: str = "cpu", bfloat16: bool = False
) -> dict[str, dict[str, float]]:
    """Seconds of an update (`method=full`) as a multiple of `standard`, in turn, the median; its passes forward and
    backward, and those forward alone. CPU time on a CPU."""
    data = Digits().load(backbone.image_size())
    cases: dict[str, Objective] = {
        "standard": Standard(),
        "fast_at": AdversarialTraining(inner=InnerMaximisation(steps=1, relative_step_size=1.25)),
        "pgd_at, 5 steps": AdversarialTraining(inner=InnerMaximisation(steps=5)),
        "pgd_at, 10 steps": AdversarialTraining(inner=InnerMaximisation(steps=10)),
        "trades, 5 steps": Trades(inner=InnerMaximisation(steps=5, start="small")),
    }
    models = {name: tuned_by(Full(), backbone.build(classes=10, seed=0), seed=0).to(device).train() for name in cases}
    optimizers = {name: torch.optim.AdamW(tuned_parameters(model).values(), lr=3e-4) for name, model in models.items()}
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    passes: dict[str, tuple[int, int]] = {}
    for update in range(updates + 1):
        rows = batch_rows(update, count=len(data.train), batch_size=BATCH, seed=0)
        for name, objective in cases.items():
            both = forward = 0

            def count(*_: Any) -> None:
                nonlocal both, forward
                both, forward = both + torch.is_grad_enabled(), forward + (not torch.is_grad_enabled())

            watch = models[name].network.register_forward_hook(count)
            at = step_of(models[name], data.train, rows, update, updates, eps_255=8, device=device)
            began = now(device)
            optimizers[name].zero_grad()
            with torch.autocast(device, torch.bfloat16, enabled=bfloat16):  # as Lightning does for a training step
                loss = objective.loss(at)
            loss.backward()
            optimizers[name].step()
            if update:  # the first one warms up
                seconds[name].append(now(device) - began)
            watch.remove()
            passes[name] = both, forward
    base = float(np.median(seconds["standard"]))
    return {
        name: {
            "passes": passes[name][0],
            "forward_only": passes[name][1],
            "times_standard": float(np.median(of_case)) / base,
            "images_per_second": BATCH / float(np.median(of_case)),
        }
        for name, of_case in seconds.items()
    }


def now(device: str) -> float:
    """Seconds: of the process on a CPU, of the clock on a GPU, whose work is waited for."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def vit_case() -> dict[str, dict[str, dict[str, float]]]:
    """`cost_case` of ViT-B/16 at 224 px on a GPU, in both precisions."""
    if not torch.cuda.is_available():
        raise SystemExit("the case vit needs a GPU")
    vit = TimmModel(name="vit_base_patch16_224", pretrained=False, resolution=224)
    return {
        precision: cost_case(10, backbone=vit, device="cuda", bfloat16=precision == "bf16-mixed")
        for precision in ("32-true", "bf16-mixed")
    }


LAB = {
    "standard": ["objective=standard"],
    "pgd_at": ["objective=pgd_at", "objective.inner.steps=5", "objective.inner.step_size_255=4"],
    "trades": ["objective=trades", "objective.inner.steps=5", "objective.inner.step_size_255=4"],
    "fast_at": ["objective=fast_at"],
}


def lab_case() -> dict[str, dict[int, dict[str, float]]]:
    """Clean, robust and OOD test accuracy in per cent at updates 83 and 200 of the lab's runs with method=full."""
    results = {}
    with tempfile.TemporaryDirectory() as root:
        for name, words in LAB.items():
            directory = Path(root, name)
            command = [sys.executable, "-m", "robustft", "method=full", f"hydra.run.dir={directory}", *words]
            subprocess.run([*command, "tracker.mode=disabled"], check=True, stdout=subprocess.DEVNULL)
            results[name] = {
                point.step: {
                    "clean": 100 * point.clean.rate,
                    "robust": 100 * point.robust.rate,
                    "ood": 100 * next(iter(point.ood.values())).rate,
                }
                for point in Run(directory).points
                if point.step in (83, 200)
            }
    return results


CASES = {"small": small_case, "cost": cost_case, "lab": lab_case, "vit": vit_case}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", default="small,cost,lab")
    arguments = parser.parse_args()
    results = {name: CASES[name]() for name in arguments.only.split(",")}
    if arguments.json:
        print(json.dumps(results))
        return
    for case, rows in results.items():
        print(f"\n{case}")
        for name, values in rows.items():
            print(f"  {name:<18} {values}")


if __name__ == "__main__":
    main()
