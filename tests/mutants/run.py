"""Puts one small mistake at a time into a copy of the code and expects the tests named beside it to fail, all of them.

`make mutants`, or `python tests/mutants/run.py [--only NAME]`. The mistakes are in mutants.yaml. Ends with 1 if a test
that must fail passes, or fails without any mistake.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("robustft", "conf", "tests", "pyproject.toml", "README.md")
PRELOADED = ["pytest", "torch", "timm", "pytorch_lightning"]
"""What takes longest to import is imported once: every mutant's process is a fork of one that has it."""
LIMIT = 300
"""Seconds for one mutant."""


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


class Failures:
    """A plugin of pytest that keeps which test functions failed."""

    def __init__(self) -> None:
        self.tests: set[str] = set()

    def pytest_runtest_logreport(self, report: object) -> None:
        if report.failed:  # type: ignore[attr-defined]
            self.tests.add(report.nodeid.partition("[")[0])  # type: ignore[attr-defined]


def passing(tests: Sequence[str], mutant: Mutant | None = None) -> tuple[list[str], str, float]:
    """Those of `tests` that do not fail in a copy of the code with `mutant` in it, why pytest could not say (empty if
    it could), and the seconds that it took. To be called in a process of its own."""
    import pytest

    begin, failures, said = time.perf_counter(), Failures(), io.StringIO()
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory)
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, tree / name)
        if mutant is not None:
            (tree / mutant.file).write_text(mutant.text(ROOT), encoding="utf-8")
        os.chdir(tree)
        os.environ["PYTHONPATH"] = str(tree)
        sys.path.insert(0, str(tree))
        words = ["-q", "-p", "no:cacheprovider", "--tb=short", *(["-x"] if len(tests) == 1 else []), *tests]
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = int(pytest.main(words, plugins=[failures]))
    trouble = "" if code in (0, 1) else f"pytest ended with {code}: {said.getvalue()}"
    return [test for test in tests if test not in failures.tests], trouble, time.perf_counter() - begin


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", metavar="NAME", action="append", help="this mutant; may be given several times")
    parser.add_argument("--processes", type=int, choices=(1, 2), default=2)
    arguments = parser.parse_args()
    chosen = [mutant for mutant in mutants() if arguments.only is None or mutant.name in arguments.only]
    if not chosen:
        parser.error(f"--only must be one of {', '.join(mutant.name for mutant in mutants())}; got {arguments.only}")
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with context.Pool(arguments.processes, maxtasksperchild=1) as pool:
        every = list(dict.fromkeys(test for mutant in chosen for test in mutant.tests))
        expected = pool.apply_async(passing, (every,))
        outcomes = [(mutant, pool.apply_async(passing, (mutant.tests, mutant))) for mutant in chosen]
        living = 0
        for mutant, outcome in outcomes:
            try:
                left, trouble, seconds = outcome.get(timeout=LIMIT)
            except multiprocessing.TimeoutError:
                left, trouble, seconds = [], f"took more than {LIMIT} s", LIMIT
            verdict = trouble or (f"LIVES: passes {', '.join(left)}" if left else "killed")
            living += verdict != "killed"
            print(f"{mutant.name:42} {mutant.file:38} {seconds:4.0f} s  {verdict}", flush=True)
        left, trouble, _ = expected.get(timeout=2 * LIMIT)
    print(f"{len(chosen)} mutants, {living} not killed")
    if trouble or len(left) < len(every):
        print("without any mistake these fail:", *(test for test in every if test not in left), trouble, sep="\n")
    return 1 if living or trouble or len(left) < len(every) else 0


if __name__ == "__main__":
    sys.exit(main())
