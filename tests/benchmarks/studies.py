"""What studies cost: seconds and peak memory of the commands that look after hundreds of runs and thousands.

python tests/benchmarks/studies.py [--json] [--only status|recheck|lab]     prints one JSON object last
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from finished_lab import SEEDS, write_finished_lab
from made_up_study import write_many

PROJECT = Path(__file__).resolve().parents[2]


def measured(*words: str, cwd: Path) -> dict[str, Any]:
    """Seconds, seconds of CPU and peak resident memory of `python -m robustft words`, its children's included."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "robustft", *words],
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    _, status, usage = os.wait4(process.pid, 0)
    return {
        "seconds": round(time.perf_counter() - begin, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_megabytes": round(usage.ru_maxrss / 1024),
        "exit_code": os.waitstatus_to_exitcode(status),
    }


def status(directory: Path) -> dict[str, Any]:
    """`status` of 10,000 run directories in all states, a tenth with 12,000 validation rows: in 30 s and 1 GB."""
    datasets = [f"dataset-{number:02d}" for number in range(34)]
    runs = write_many(directory / "study", datasets, seeds=42, waiting=0, rows_in_a_tenth=12_000)
    return {
        "runs": runs,
        "table": measured("status", "run=study", cwd=directory),
        "json": measured("status", "run=study", "json=true", cwd=directory),
    }


def recheck(directory: Path) -> dict[str, Any]:
    """231 finished runs, checked again by the command that made them: in 30 s, below 500 MB."""
    runs = write_finished_lab(directory)
    return {"runs": runs, **measured("study=lab", f"seed=range(0,{SEEDS})", cwd=directory)}


def lab(directory: Path) -> dict[str, Any]:
    """`study=lab` as joblib runs it on this machine, from nothing to its table: 21 runs in 20 minutes."""
    return {"runs": 21, **measured("study=lab", "hydra/launcher=joblib", cwd=directory)}


FIGURES: dict[str, Callable[[Path], dict[str, Any]]] = {"status": status, "recheck": recheck, "lab": lab}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="only the JSON object")
    parser.add_argument("--only", choices=FIGURES, help="one figure")
    given = parser.parse_args()
    results = {}
    for name, figure in FIGURES.items():
        if given.only in (None, name):
            with tempfile.TemporaryDirectory() as directory:
                results[name] = figure(Path(directory))
            if not given.json:
                print(f"{name}: {results[name]}", flush=True)
    print(json.dumps({"cores": os.cpu_count(), "figures": results}))


if __name__ == "__main__":
    main()
