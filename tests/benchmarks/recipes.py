"""What recipes of robust fine-tuning bring on the lab, at an eps where digits know a price: 24/255.

    python tests/benchmarks/recipes.py --output DIR [--seeds 3] [--json]

Every recipe is one command, or two where the second starts from the state of the first. Finished runs in DIR are left
alone, so that the script goes on where it was stopped. The table is of the last state (update 200), means over seeds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from robustft.study.run import Run

EPS_255 = 24
PGD_AT = ("objective=pgd_at", "objective.inner.steps=5", "objective.inner.relative_step_size=0.5")
ROTATION = ("pretext=rotation", "objective.inner.share=0.5", "suite.max_images=450", "schedule.points=1")

RECIPES: dict[str, tuple[tuple[str, ...], ...]] = {
    "standard": (("method=full",),),
    "LP-FT": (("method=linear_probe",), ("method=full",)),
    "pgd_at": (("method=full", *PGD_AT),),
    "RoLI": (("method=linear_probe", *PGD_AT), ("method=full", *PGD_AT)),
    "pgd_at, eps ramp": (("method=full", *PGD_AT, "objective.inner.ramp=[0.25,0.75]"),),
    "pgd_at after rotation": (("method=full", *PGD_AT, *ROTATION), ("method=full", *PGD_AT)),
}
"""The commands of each recipe; every later one starts from the last state of the one before it."""


def run_recipe(name: str, seed: int, output: Path) -> Run:
    """Runs the commands of a recipe and returns the last run."""
    before: Path | None = None
    for stage, words in enumerate(RECIPES[name]):
        directory = output / f"{name.replace(', ', '_').replace(' ', '_')}-{stage}" / f"seed-{seed}"
        command = [sys.executable, "-m", "robustft", *words, f"threat_model.eps_255={EPS_255}", f"seed={seed}"]
        command += ["tracker.mode=disabled", f"hydra.run.dir={directory}"]
        if before is not None:
            command.append(f"start.run={before}")
        if not Run(directory).is_finished:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        before = directory
    assert before is not None
    return Run(before)


def row(runs: list[Run]) -> dict[str, list[float]]:
    """Clean, robust and OOD accuracy of the last states, in per cent, seed by seed."""
    last = [run.points[-1] for run in runs]
    return {
        "clean": [100 * point.clean.rate for point in last],
        "robust": [100 * point.robust.rate for point in last],
        "ood": [100 * point.mean_ood for point in last if point.mean_ood is not None],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default=";".join(RECIPES), help="names, separated by semicolons")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    names = arguments.only.split(";")
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for seed in range(arguments.seeds):
        for name in names:
            runs[name].append(run_recipe(name, seed, arguments.output.resolve()))
    rows = {name: row(of_name) for name, of_name in runs.items()}
    if arguments.json:
        print(json.dumps(rows))
        return
    print(f"{'L-inf ' + str(EPS_255) + '/255':<24}{'clean':>22}{'robust':>22}{'OOD':>22}")
    for name, values in rows.items():
        cells = [f"{np.mean(value):.1f} ({min(value):.1f} to {max(value):.1f})" for value in values.values()]
        print(f"{name:<24}" + "".join(f"{cell:>22}" for cell in cells))


if __name__ == "__main__":
    main()
