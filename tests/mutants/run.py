"""Puts one small mistake at a time into a copy of the code and expects the tests named beside it to fail.

`make mutants`, or `python tests/mutants/run.py [--only NAME]`. The mistakes are in mutants.yaml. Ends with 1 if a test
that must fail passes, or fails without any mistake.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import yaml

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("robustft", "conf", "tests", "pyproject.toml", "README.md")
LIMIT = 300
"""Seconds for the tests of one mutant."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A mistake: in `file`, `new` in place of `old`, which is there exactly once; `tests` are those that must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def text(self, root: Path) -> str:
        """The file below `root` with the mistake in it; ValueError unless `old` is there exactly once."""
        text = (root / self.file).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: old must be in {self.file} once, got {text.count(self.old)}: {self.old!r}")
        return text.replace(self.old, self.new)


def mutants() -> list[Mutant]:
    """All that are listed."""
    by_file = yaml.safe_load((Path(__file__).parent / "mutants.yaml").read_text(encoding="utf-8"))
    return [
        Mutant(file=file, **{**entry, "tests": tuple(entry["tests"])})
        for file, entries in by_file.items()
        for entry in entries
    ]


def failures(tree: Path, tests: Sequence[str]) -> set[str]:
    """Those of `tests` that fail in `tree`; RuntimeError if pytest could not run them."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rfE", "--tb=no"]
    if len(tests) == 1:
        words.append("-x")
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",  # a mutant may be as long and as old as the code
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run([*words, *tests], cwd=tree, env=environment, capture_output=True, text=True, timeout=LIMIT)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    lines = re.findall(r"^(?:FAILED|ERROR) (.+)$", done.stdout, flags=re.MULTILINE)
    return {test for test in tests if any(re.match(re.escape(test) + r"(\[| |$)", line) for line in lines)}


def tried(mutant: Mutant, tree: Path) -> str:
    """`killed`, or what is wrong; `tree` is afterwards as it was."""
    file = tree / mutant.file
    before = file.read_bytes()
    try:
        file.write_text(mutant.text(tree), encoding="utf-8")
        missed = [test for test in mutant.tests if test not in failures(tree, mutant.tests)]
    except (RuntimeError, ValueError, subprocess.TimeoutExpired) as error:
        return f"not tried: {error}"
    finally:
        file.write_bytes(before)
    return "killed" if not missed else "LIVES: passes " + ", ".join(missed)


def copy_of_the_code(directory: Path) -> Path:
    directory.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, directory / name)
    return directory


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", metavar="NAME", action="append", help="this mutant (may be given several times)")
    parser.add_argument("--processes", type=int, choices=(1, 2), default=2)
    arguments = parser.parse_args()
    chosen = [mutant for mutant in mutants() if arguments.only is None or mutant.name in arguments.only]
    if not chosen:
        parser.error(f"--only must be one of {', '.join(mutant.name for mutant in mutants())}; got {arguments.only}")
    with tempfile.TemporaryDirectory() as directory:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(arguments.processes):
            trees.put(copy_of_the_code(Path(directory) / str(number)))

        def outcome(mutant: Mutant) -> str:
            tree, begin = trees.get(), time.perf_counter()
            found = tried(mutant, tree)
            trees.put(tree)
            print(f"{mutant.name:42} {mutant.file:38} {time.perf_counter() - begin:4.0f} s  {found}", flush=True)
            return found

        unpatched = failures(Path(directory) / "0", list(dict.fromkeys(t for mutant in chosen for t in mutant.tests)))
        if unpatched:
            print("these fail without any mistake:", *sorted(unpatched), sep="\n")
            return 1
        with ThreadPoolExecutor(arguments.processes) as pool:
            outcomes = list(pool.map(outcome, chosen))
    living = len(outcomes) - outcomes.count("killed")
    print(f"{len(outcomes)} mutants, {living} not killed")
    return 1 if living else 0


if __name__ == "__main__":
    sys.exit(main())
