"""How long a user waits: the default run (seconds, peak memory), help, mistakes, and a run that is finished.

python tests/benchmarks/first_run.py [--json]     prints one JSON object last
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ANSWERS = {
    "help": ("--help",),
    "a composition": ("dataset=cub200", "method=compacter", "--cfg", "job"),
    "an unknown method": ("method=foo",),
    "an unknown key": ("trainer.max_step=5",),
    "a value out of range": ("threat_model.eps_255=-1",),
}


def measured(words: tuple[str, ...], cwd: Path) -> dict[str, float]:
    """Seconds and peak resident memory (with children's largest) of `python -m robustft words`."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "robustft", *words], cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    return {
        "seconds": round(time.perf_counter() - begin, 2),
        "peak_megabytes": round(usage.ru_maxrss / 1024),
        "exit_code": os.waitstatus_to_exitcode(status),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="only the JSON object")
    only_json = parser.parse_args().json
    results = {}
    with tempfile.TemporaryDirectory() as directory:
        cases = {**ANSWERS, "the default run": (), "the same, finished": ()}
        for name, words in cases.items():
            results[name] = measured(words, Path(directory))
            if not only_json:
                print(f"{name:24} {results[name]['seconds']:7.2f} s   {results[name]['peak_megabytes']:6} MB")
    print(json.dumps({"cores": os.cpu_count(), "cases": results}))


if __name__ == "__main__":
    main()
