"""How fast and how strong robustft's attacks are beside other libraries', on the same model, images and threat model.

python tests/benchmarks/attacks.py [--json] [--only pgd,warm_start,autoattack,strength,rounding,bfloat16,vit]

Prints what it measures as it goes and one JSON object last: for every case and library the seconds, the robust accuracy
and the ratio, the library's seconds over robustft's. The other libraries come with the extra `bench`. The states of the
lab are fine-tuned by the script in a minute and kept. The case `vit` needs a GPU and CIFAR-10 (--cifar10 DIR); run the
timings on a machine that does nothing else. With `strength` or `rounding` it ends with an error if AutoAttack is weaker
than the authors', or rounding changes more verdicts, than it may: this is what `make soak` runs.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from lab_states import EPS, lab_data, lab_states, small_network
from torch import Tensor, nn

from robustft.attacks.apgd import Apgd, ApgdTargeted
from robustft.attacks.attack import Attack
from robustft.attacks.autoattack import AutoAttack
from robustft.attacks.fab import FabTargeted
from robustft.attacks.pgd import Pgd
from robustft.attacks.square import Square
from robustft.attacks.threat_model import ThreatModel
from robustft.data.dataset import Images
from robustft.data.sources.digits import Digits
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.measurement import Measurement
from robustft.evaluation.suite import Suite
from robustft.study.records.condition import Condition

LAB = ThreatModel(eps_255=8)
STEPS = 15
BATCH = 128
STATE = 160
STATES = ("linear probe", "bitfit", "full")
NORMS = {"linf": "Linf", "l2": "L2", "l1": "L1"}

SMALL = {"linf": 30, "l2": 280, "l1": 1280}
"""eps_255 for small networks on digits of 8 x 8 pixels, where the shares that stay robust are far from 0 and 1."""

VIT = {
    "full": {"linf": 10, "l2": 260, "l1": 2800},
    "adversarial": {"linf": 29, "l2": 640, "l1": 6500},
}
"""eps_255 for the lab's ViT, where a few in a hundred stay robust: they are what takes the time."""

WEAKER = 0.002
"""How much higher the robust accuracy may be than by the authors' code, mean of three seeds."""

CHANGES = 0.005
"""The share of float32 verdicts that rounding may change."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One library's attack on all images: robust (N,) bool, and how long it took."""

    seconds: float
    robust: np.ndarray
    passes: int | None = None


class ImpreciseFab(FabTargeted):
    """FAB that searches in bfloat16 where others do."""

    is_precise: ClassVar[bool] = False


class ImpreciseSquare(Square):
    """Square that searches in bfloat16 where others do."""

    is_precise: ClassVar[bool] = False


Library = Callable[[int], Outcome]
"""seed -> outcome."""


def robustft(
    model: nn.Module,
    images: Images,
    attack: Attack,
    *,
    threat_model: ThreatModel = LAB,
    **suite: Any,
) -> Library:
    """What a user gets: the evaluator's clean and attacked conditions, both counted. The gates beside a strong attack
    are no attack and not counted."""
    few = images.take(np.arange(1))

    def run(seed: int) -> Outcome:
        made = Suite(threat_model=threat_model, attacks={"attack": attack}, **({"batch_size": BATCH} | suite))
        evaluator = Evaluator(suite=made, validation=few, test=images, ood={}, seed=seed)
        clean, attacked = evaluator.evaluate(model, lambda condition: condition.split == "test")
        return Outcome(
            seconds=clean.seconds + attacked.seconds,
            robust=attacked.correct,
            passes=clean.forward_passes + attacked.forward_passes + attacked.backward_passes,
        )

    return run


def by_batch(model: nn.Module, images: Images, attack: Callable[[Tensor, Tensor], Tensor], size: int) -> Outcome:
    """Attacks batch by batch, as people do, and asks the model about the results."""
    begin, found = time.perf_counter(), []
    device = next(model.parameters()).device
    for rows in np.split(np.arange(len(images)), range(size, len(images), size)):
        stored, numbers = images.batch(rows)
        pixels = torch.from_numpy(stored).to(device).float() / 255
        labels = torch.from_numpy(numbers).to(device)
        adversarial = attack(pixels, labels)
        with torch.no_grad():
            found.append((model(adversarial).argmax(1) == labels).cpu().numpy())
    return Outcome(seconds=time.perf_counter() - begin, robust=np.concatenate(found))


def torchattacks_pgd(model: nn.Module, images: Images) -> Library:
    """torchattacks' PGD with the same budget."""
    import torchattacks

    def run(seed: int) -> Outcome:
        torch.manual_seed(seed)
        return by_batch(model, images, torchattacks.PGD(model, eps=EPS, alpha=EPS / 4, steps=STEPS), BATCH)

    return run


def foolbox_pgd(model: nn.Module, images: Images) -> Library:
    """foolbox's PGD with the same budget."""
    import foolbox

    def run(seed: int) -> Outcome:
        torch.manual_seed(seed)
        wrapped = foolbox.PyTorchModel(model, bounds=(0, 1))
        pgd = foolbox.attacks.LinfPGD(abs_stepsize=EPS / 4, steps=STEPS)
        return by_batch(model, images, lambda pixels, labels: pgd(wrapped, pixels, labels, epsilons=EPS)[1], BATCH)

    return run


def official_autoattack(model: nn.Module, images: Images, *, threat_model: ThreatModel = LAB) -> Library:
    """The authors' AutoAttack, standard version."""
    from pyautoattack import AutoAttack as Official

    def run(seed: int) -> Outcome:
        official = Official(model, norm=NORMS[threat_model.norm], eps=threat_model.eps, seed=seed, version="standard")

        def attack(pixels: Tensor, labels: Tensor) -> Tensor:
            return official.run_standard_evaluation(pixels, labels, batch_size=BATCH)[0]

        return by_batch(model, images, attack, len(images))

    return run


def compared(libraries: dict[str, Library], seeds: int) -> dict[str, Any]:
    """Means over seeds, the libraries in turns so that a slow minute of the machine strikes all; the first is ours."""
    found: dict[str, list[Outcome]] = {name: [] for name in libraries}
    for seed in range(seeds):
        for name, library in libraries.items():
            found[name].append(library(seed))
    ours = found[next(iter(libraries))]
    seconds = float(np.mean([outcome.seconds for outcome in ours]))
    result: dict[str, Any] = {}
    for name, outcomes in found.items():
        result[name] = {
            "seconds": round(float(np.mean([outcome.seconds for outcome in outcomes])), 2),
            "robust_accuracy": round(float(np.mean([outcome.robust.mean() for outcome in outcomes])), 4),
        }
        if outcomes[0].passes is not None:
            result[name]["passes_per_image"] = round(outcomes[0].passes / len(outcomes[0].robust), 2)
        if outcomes is not ours:
            pairs = zip(ours, outcomes, strict=True)
            result[name]["ratio"] = round(result[name]["seconds"] / seconds, 2)
            differences = [(int((~a.robust & b.robust).sum()), int((a.robust & ~b.robust).sum())) for a, b in pairs]
            shared = 1 - np.sum(differences) / len(outcomes) / len(outcomes[0].robust)
            result[name]["agreement"] = round(float(shared), 4)
            result[name]["only_robustft_breaks"] = [broken for broken, _ in differences]
            result[name]["only_this_breaks"] = [broken for _, broken in differences]
    return result


def pgd_cases() -> dict[str, Any]:
    """PGD-15 on 450 digits, three seeds; `equal steps` is robustft's plain form."""
    data, cases = lab_data(), {}
    for state in STATES:
        model = lab_states(state, data)[STATE]
        libraries = {
            "robustft": robustft(model, data.test, Pgd(steps=STEPS)),
            "robustft, equal steps": robustft(model, data.test, Pgd(steps=STEPS, opening=[])),
            "torchattacks": torchattacks_pgd(model, data.test),
            "foolbox": foolbox_pgd(model, data.test),
        }
        cases[f"pgd/{state}"] = compared(libraries, seeds=3)
        shown(cases, f"pgd/{state}")
    return cases


def warm_start_cases() -> dict[str, Any]:
    """PGD-15 with warm start over all states of a run, and torchattacks over the same states."""
    data, cases = lab_data(), {}
    for state in STATES:
        models = lab_states(state, data)

        def warm(seed: int, models: dict[int, nn.Module] = models) -> Outcome:
            suite = Suite(threat_model=LAB, attacks={"pgd": Pgd(steps=STEPS, warm_start=True)}, batch_size=BATCH)
            few = data.test.take(np.arange(1))
            evaluator = Evaluator(suite=suite, validation=few, test=data.test, ood={}, seed=seed)
            return _one_after_the_other(evaluator, models)

        def other(seed: int, models: dict[int, nn.Module] = models) -> Outcome:
            return _together([torchattacks_pgd(model, data.test)(seed) for model in models.values()])

        def cold(seed: int, models: dict[int, nn.Module] = models) -> Outcome:
            return _together([robustft(model, data.test, Pgd(steps=STEPS))(seed) for model in models.values()])

        libraries = {"robustft, warm start": warm, "robustft": cold, "torchattacks": other}
        cases[f"warm start/{state}"] = compared(libraries, seeds=3)
        shown(cases, f"warm start/{state}")
    return cases


def _one_after_the_other(evaluator: Evaluator, models: dict[int, nn.Module]) -> Outcome:
    from robustft.attacks.engine.perturbations import Perturbations

    known = Perturbations(norm=LAB.norm)
    measured: list[Measurement] = []

    def is_test(condition: Condition) -> bool:
        return condition.split == "test"

    for model in models.values():
        measured += evaluator.evaluate(model, is_test, lambda condition, known=known: known)
        new = measured[-1].perturbations
        assert new is not None
        known = Perturbations.together(LAB.norm, [known, new])
    return Outcome(
        seconds=sum(measurement.seconds for measurement in measured),
        robust=np.concatenate([measurement.correct for measurement in measured if measurement.condition.attack]),
    )


def _together(outcomes: list[Outcome]) -> Outcome:
    return Outcome(
        seconds=sum(outcome.seconds for outcome in outcomes),
        robust=np.concatenate([outcome.robust for outcome in outcomes]),
    )


def rounding_cases() -> dict[str, Any]:
    """The share of float32 verdicts that change with the size of the batch, by rounding alone."""
    data, cases = lab_data(), {}
    few = data.test.take(np.arange(128))
    attacks = {"pgd": (Pgd(), data.test), "autoattack": (AutoAttack(iterations=20, queries=200), few)}
    for state in STATES:
        model = lab_states(state, data)[STATE]
        for name, (attack, images) in attacks.items():
            one, other = (robustft(model, images, attack, batch_size=size)(0) for size in (128, 50))
            share = float((one.robust != other.robust).mean())
            cases[f"rounding/{name}/{state}"] = {"share_that_changes": share, "passed": share < CHANGES}
            shown(cases, f"rounding/{name}/{state}")
    return cases


def bfloat16_cases() -> dict[str, Any]:
    """What it would change to search in bfloat16, FAB and Square too, which by themselves do not: 128 digits."""
    data, cases = lab_data(), {}
    images = data.test.take(np.arange(128))
    attacks = {
        "pgd": Pgd(steps=STEPS),
        "apgd_ce": Apgd(iterations=50),
        "apgd_t": ApgdTargeted(iterations=30, targets=3),
        "fab_t": ImpreciseFab(iterations=30, targets=3),
        "square": ImpreciseSquare(queries=400),
    }
    for state, eps_255 in {"full": 8, "bitfit": 5}.items():
        model, within = lab_states(state, data)[STATE], ThreatModel(eps_255=eps_255)
        for name, attack in attacks.items():
            libraries = {
                precision: robustft(model, images, attack, threat_model=within, precision=precision)
                for precision in ("float32", "bf16")
            }
            cases[f"bfloat16/{name}/{state}"] = compared(libraries, seeds=1)
            shown(cases, f"bfloat16/{name}/{state}")
    return cases


def autoattack_cases() -> dict[str, Any]:
    """AutoAttack, standard, on 256 digits."""
    data, cases = lab_data(), {}
    images = data.test.take(np.arange(256))
    for state in STATES:
        model = lab_states(state, data)[STATE]
        libraries = {
            "robustft": robustft(model, images, AutoAttack()),
            "pyautoattack": official_autoattack(model, images),
        }
        cases[f"autoattack/{state}"] = compared(libraries, seeds=1)
        shown(cases, f"autoattack/{state}")
    return cases


def strength_cases() -> dict[str, Any]:
    """AutoAttack beside the authors', three seeds, on networks trained as usual and adversarially: 450 digits of 8 x 8
    pixels on small ones, 256 of 28 x 28 on the lab's ViT."""
    small, lab = Digits().load(8), lab_data()
    few = lab.test.take(np.arange(256))
    tried = {
        "small, standard": (small_network(small, adversarial=False), small.test, SMALL),
        "small, adversarial": (small_network(small, adversarial=True), small.test, SMALL),
        "ViT, standard": (lab_states("full", lab)[STATE], few, VIT["full"]),
        "ViT, adversarial": (lab_states("adversarial", lab)[STATE], few, VIT["adversarial"]),
    }
    cases: dict[str, Any] = {}
    for name, (model, images, sizes) in tried.items():
        for norm, eps_255 in sizes.items():
            case = f"strength/{name}/{norm}"
            within = ThreatModel(norm=norm, eps_255=eps_255)
            libraries = {
                "robustft": robustft(model, images, AutoAttack(), threat_model=within),
                "pyautoattack": official_autoattack(model, images, threat_model=within),
            }
            found = compared(libraries, seeds=3)
            weaker = found["robustft"]["robust_accuracy"] - found["pyautoattack"]["robust_accuracy"]
            cases[case] = found | {"eps_255": eps_255, "passed": weaker <= WEAKER}
            shown(cases, case)
    return cases


def vit_cases(cifar10: Path) -> dict[str, Any]:
    """PGD-15 at 1/255 on a ViT-B/16 at 224 px, 2,000 CIFAR-10 images: robustft in bfloat16, compiled, against the plain
    loop in float32; one GPU."""
    from vit_state import plain_pgd, vit_and_images

    model, images = vit_and_images(cifar10)
    threat_model, few = ThreatModel(eps_255=1), images.take(np.arange(512))
    settings = {"batch_size": 256, "precision": "bf16", "compile": True}
    attack = robustft(model, images, Pgd(steps=STEPS), threat_model=threat_model, **settings)
    attack(0)  # compiles
    torch.cuda.reset_peak_memory_stats()
    result = compared({"robustft": attack}, seeds=1)
    gigabytes = torch.cuda.max_memory_allocated() / 2**30
    exact = robustft(model, few, Pgd(steps=STEPS), threat_model=threat_model, batch_size=256, precision="float32")
    fast = robustft(model, few, Pgd(steps=STEPS), threat_model=threat_model, **settings)
    result |= {
        "on 512 images": compared(
            {
                "robustft": fast,
                "robustft, float32": exact,
                "plain loop": lambda seed: by_batch(model, few, plain_pgd(model, threat_model.eps, STEPS, seed), 64),
            },
            seeds=1,
        ),
        "images_per_second": round(len(images) / result["robustft"]["seconds"], 1),
        "peak_GiB": round(gigabytes, 2),
        "device": torch.cuda.get_device_name(),
    }
    shown({"vit": result}, "vit")
    return {"vit": result}


def shown(cases: dict[str, Any], name: str) -> None:
    """What one case gave, at once."""
    print(name, json.dumps(cases[name]), flush=True)


def main() -> None:
    """Measures the chosen cases."""
    here = Path(__file__).resolve().parents[2]
    cases: dict[str, Callable[[], dict[str, Any]]] = {
        "pgd": pgd_cases,
        "warm_start": warm_start_cases,
        "autoattack": autoattack_cases,
        "strength": strength_cases,
        "rounding": rounding_cases,
        "bfloat16": bfloat16_cases,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="kept for symmetry: the JSON object is always printed last")
    parser.add_argument("--only", default=",".join(cases), help="cases, with commas between them")
    parser.add_argument("--cifar10", type=Path, default=here.parent / "shared" / "data" / "cifar10")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    cases["vit"] = lambda: vit_cases(arguments.cifar10)
    found: dict[str, Any] = {}
    for name in arguments.only.split(","):
        found |= cases[name]()
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "cases": found}))
    failed = [name for name, case in found.items() if not case.get("passed", True)]
    if failed:
        raise SystemExit(f"not as strong, or not as exact, as it must be: {', '.join(failed)}")


if __name__ == "__main__":
    main()
