"""How well `plan` knows before what `study=lab` takes: device hours planned beside those that its runs took.

python tests/benchmarks/plan.py [--study multirun/lab] [--json]     prints one JSON object last

The study must have been made on this machine (`python -m robustft study=lab`, 20 minutes on two cores). Its device
hours are the seconds that its starts took, as run.json has them. Two plans are compared with them: one that measures
this machine and has no records, and one that knows a finished run of each method and plans the other seeds.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from robustft.study.run import Run, runs_below

MOST = 0.25
"""The difference that is allowed, as a share of the truth."""


def device_hours(runs: list[Run]) -> float:
    """Of all starts of finished runs; a run whose starts do not tell is an error."""
    seconds = 0.0
    for run in runs:
        for start in run.content["starts"]:
            seconds += float(start["seconds"]["total"])
    return seconds / 3600


def planned(directory: Path, *words: str) -> dict[str, Any]:
    """The plan of study=lab with the records below `directory`."""
    command = [
        sys.executable,
        "-m",
        "robustft",
        "plan",
        "study=lab",
        f"hydra.sweep.dir={directory}",
        "json=true",
        *words,
    ]
    answer: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return answer


def compared(study: Path) -> dict[str, Any]:
    """The truth, both plans, and how far they are from it."""
    runs = [run for run in runs_below(study) if run.is_finished]
    truth = device_hours(runs)
    result: dict[str, Any] = {"runs": len(runs), "device_hours": round(truth, 4)}
    with tempfile.TemporaryDirectory() as empty:
        measured = planned(Path(empty), "plan.measure=true")["device_hours"]
    result["measured"] = _beside(measured, truth)
    with tempfile.TemporaryDirectory() as some:
        known = [run for run in runs if run.seed == 0]
        for run in known:
            target = Path(some) / "lab" / run.directory.relative_to(study)
            shutil.copytree(run.directory, target, ignore=shutil.ignore_patterns("*.ckpt", "states", "wandb"))
        left = planned(Path(some))["device_hours_left"]
    result["from_records"] = _beside(left, device_hours([run for run in runs if run.seed != 0]))
    return result


def _beside(hours: dict[str, float], truth: float) -> dict[str, Any]:
    difference = hours["expected"] / truth - 1
    return {
        "planned": {name: round(value, 4) for name, value in hours.items()},
        "truth": round(truth, 4),
        "difference": round(difference, 3),
        "within": abs(difference) <= MOST,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", type=Path, default=Path("multirun/lab"), help="directory of a finished study=lab")
    parser.add_argument("--json", action="store_true", help="only the JSON object")
    arguments = parser.parse_args()
    result = compared(arguments.study)
    if not arguments.json:
        for name in ("measured", "from_records"):
            one = result[name]
            hours, truth = one["planned"]["expected"], one["truth"]
            print(f"{name:14} planned {hours:.3f} h, took {truth:.3f} h, {one['difference']:+.0%}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
