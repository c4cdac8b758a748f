"""How long a lab run takes beside its work, how fast it stops, and what it loses when it is killed.

    python tests/benchmarks/stops.py [--signals 20] [--kills 20] [--seed 0] [--json] [key=value ...]

Start-up and exit are those of one run in a process of its own; then signals at random moments of such a run, which goes
on after each; then kill -9 at random moments, each time of a new run, which is resumed to its end and compared with the
unbroken one to the bit. A run of some seconds is killed between two saves, so it is saved every `--save-minutes`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

NOT_MEASURED = ("seconds", "time")
"""Fields of a record that no two runs share."""


class Lab:
    """Runs of one configuration in directories below `root`."""

    def __init__(self, root: Path, words: list[str]) -> None:
        self.root, self.words = root, words

    def start(self, name: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "robustft", *self.words, f"hydra.run.dir={self.root / name}"]
        environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, env=environment, cwd=self.root, **quiet)

    def ended(self, name: str) -> float:
        """Seconds of a run to its end."""
        begin = time.monotonic()
        code = self.start(name).wait()
        if code:
            raise SystemExit(f"{name} ended with {code}")
        return time.monotonic() - begin

    def content(self, name: str) -> dict[str, Any]:
        path = self.root / name / "run.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def results(self, name: str) -> dict[str, Any]:
        """What must be the same in every run."""
        run_dir = self.root / name
        lines = [json.loads(line) for line in (run_dir / "records.jsonl").read_text().splitlines()]
        return {
            "records": [{key: line[key] for key in line if key not in NOT_MEASURED} for line in lines],
            "outcomes": {path.name: path.read_bytes() for path in sorted((run_dir / "outcomes").rglob("*.npy"))},
            "states": {path.name: load_file(path) for path in sorted((run_dir / "states").iterdir())},
        }


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two runs have the same results to the bit."""
    if (
        any(one[part] != other[part] for part in ("records", "outcomes"))
        or one["states"].keys() != other["states"].keys()
    ):
        return False
    pairs = [(one["states"][name], other["states"][name]) for name in one["states"]]
    return all(a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a) for a, b in pairs)


def start_and_exit(lab: Lab) -> dict[str, float]:
    """Seconds of a whole run beside its updates and measurements."""
    wall = lab.ended("unbroken")
    seconds = lab.content("unbroken")["starts"][-1]["seconds"]
    after = seconds["after_last_measurement"] + wall - seconds["total"]  # run.json cannot have Python's own end
    both = {"to_first_update": seconds["to_first_update"], "after_last_measurement": round(after, 2)}
    return {"run": round(wall, 2), **both, "together": round(sum(both.values()), 2)}


def signalled(lab: Lab, tries: int, longest: float) -> dict[str, Any]:
    """Seconds from a signal to the exit, at random moments of a run."""
    waited, codes = [], []
    while len(waited) < tries:  # a run that ended before its moment does not count
        if lab.content("signalled").get("status") == "finished":
            shutil.rmtree(lab.root / "signalled")
        process = lab.start("signalled")
        number = random.choice([signal.SIGTERM, signal.SIGINT, signal.SIGUSR2])
        try:
            process.wait(random.uniform(1, longest))  # in its first second Python has no handler yet
        except subprocess.TimeoutExpired:
            process.send_signal(number)
            begin = time.monotonic()
            codes.append(process.wait())
            waited.append(round(time.monotonic() - begin, 2))
            print(f"{len(waited)}: {number.name}, {codes[-1]} after {waited[-1]} s", file=sys.stderr)
    return {"seconds_to_exit": waited, "longest": max(waited), "codes": sorted(set(codes))}


def killed(lab: Lab, tries: int, longest: float) -> dict[str, Any]:
    """What kill -9 at random moments costs, and whether every end is the unbroken one's."""
    expected, lost, equal = lab.results("unbroken"), [], 0
    while len(lost) < tries:
        name = f"killed-{len(lost)}"
        process = lab.start(name)
        try:
            process.wait(random.uniform(0, longest))
            shutil.rmtree(lab.root / name)
            continue  # it ended before its moment
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        now = time.time()
        written = [lab.root / name / file for file in ("last.ckpt", "records.jsonl")]
        begun = [path.stat().st_mtime for path in written if path.exists()]
        lost.append(round(now - max(begun), 2) if begun and lab.content(name)["status"] != "finished" else 0.0)
        lab.ended(name)
        equal += same(lab.results(name), expected)
        print(f"{name}: lost {lost[-1]} s, {equal} of {len(lost)} equal", file=sys.stderr)
        shutil.rmtree(lab.root / name)
    condition = max(json.loads(line)["seconds"] for line in (lab.root / "unbroken/records.jsonl").open())
    return {"lost_seconds": lost, "most_lost": max(lost), "longest_condition": condition, "equal": equal, "of": tries}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signals", type=int, default=20)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--save-minutes", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments, words = parser.parse_known_args()
    random.seed(arguments.seed)
    root = Path(tempfile.mkdtemp(prefix="robustft-stops-"))
    try:
        lab = Lab(root, [f"trainer.save_minutes={arguments.save_minutes}", *words])
        results: dict[str, Any] = {"start_and_exit": start_and_exit(lab)}
        longest = results["start_and_exit"]["run"]
        if arguments.signals:
            results["signals"] = signalled(lab, arguments.signals, longest)
        if arguments.kills:
            results["kills"] = {"bound_seconds": 60 * arguments.save_minutes, **killed(lab, arguments.kills, longest)}
    finally:
        shutil.rmtree(root, ignore_errors=True)
    if arguments.json:
        print(json.dumps(results, indent=2))
    else:
        for name, result in results.items():
            print(name, *(f"  {key}: {value}" for key, value in result.items()), sep="\n")


if __name__ == "__main__":
    main()
