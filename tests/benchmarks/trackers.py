"""What a tracker costs a run of the lab, and a server or a disk that fails: seconds of the whole command, in turns.

    python tests/benchmarks/trackers.py [--steps 200] [--repeat 3] [--only wandb,refused]

Prints for each the median seconds, what they are more than with `tracker.mode=disabled` in per cent, and how it ended.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from subprocess import DEVNULL

from tests.training.trackers.wandb_server import KEY, wandb_server

ONLINE = ("tracker.mode=online",)
CASES: dict[str, tuple[str, ...]] = {
    "disabled": ("tracker.mode=disabled",),
    "wandb": (),
    "csv": ("tracker=csv",),
    "tensorboard": ("tracker=tensorboard",),
    "mlflow": ("tracker=mlflow",),
    "online": ONLINE,
    "refused": ONLINE,
    "10 s an answer": ONLINE,
    "500": ONLINE,
    "full disk": ("tracker.mode=offline",),
}
SERVERS = {"online": {}, "10 s an answer": {"seconds": 10.0}, "500": {"status": 500}}


@contextmanager
def environment_of(case: str) -> Iterator[dict[str, str]]:
    if case == "refused":
        yield {"WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_API_KEY": KEY}
    elif case in SERVERS:
        with wandb_server(**SERVERS[case]) as server:
            yield server.environment
    else:
        yield {}


def command_of(case: str, words: list[str], place: Path) -> list[str]:
    """The full disk is that of the mirror alone: what a full disk does to a run itself is another matter. Its directory
    must be the run's own, so the run is begun, and stopped, before it is timed."""
    command = [sys.executable, "-m", "robustft", *words, *CASES[case], "hydra.run.dir=run"]
    if case != "full disk":
        return command
    begun = subprocess.Popen([*command, "tracker.mode=disabled"], cwd=place, stdout=DEVNULL, stderr=DEVNULL)
    while not (place / "run/last.ckpt").is_file() and begun.poll() is None:
        time.sleep(0.1)
    begun.terminate()
    begun.wait()
    (place / "run/wandb").mkdir()
    mounted = 'mount -t tmpfs -o size=100k tmpfs run/wandb && exec "$@"'
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, "sh", *command]


def seconds(case: str, words: list[str]) -> tuple[float, str]:
    """Of one run, and what it said on standard error."""
    with tempfile.TemporaryDirectory() as place, environment_of(case) as environment:
        command = command_of(case, words, Path(place))
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=place, env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
        took = time.monotonic() - began
        lines = [line for line in done.stderr.splitlines() if line.startswith("robustft: ")]
        return took, f"exit {done.returncode}" + "".join(f"; {line[:110]}" for line in lines[-1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default="", help="names of cases, with commas")
    given = parser.parse_args()
    words = [f"trainer.max_steps={given.steps}"]
    chosen = [case for case in CASES if case == "disabled" or not given.only or case in given.only.split(",")]
    took: dict[str, list[float]] = {case: [] for case in chosen}
    said: dict[str, str] = {}
    seconds("disabled", words)  # files into memory
    for _ in range(given.repeat):
        for case in chosen:
            one, said[case] = seconds(case, words)
            took[case].append(one)
            print(f"  {case}: {one:.1f} s", file=sys.stderr, flush=True)
    alone = median(took["disabled"])
    for case in chosen:
        own = median(took[case])
        print(f"{case:16} {own:7.1f} s  {100 * (own / alone - 1):+6.1f} %  {said[case]}")


if __name__ == "__main__":
    main()
