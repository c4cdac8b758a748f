"""What a report costs: seconds and peak memory for hundreds of runs and thousands, and what its page weighs.

python tests/benchmarks/report.py [--json] [--only paper|many] [--directory DIR]     prints one JSON object last

paper: 231 runs x 21 steps x 10,000 images, clean, PGD, 5 shifts and 75 corruptions a step: 412,335 records. On disk
are the outcomes of the test split and the shifts, 33,957 files; reports read no others.
many: 10,010 runs x 21 steps x 10,000 images, clean and PGD: 840,840 records. On disk are the outcomes of the states on
the validation frontier, which are the ones that are read.

Each row is a process of its own, from its start to its end. --directory keeps the studies for the next time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from made_up_measurements import DATASETS, METHODS, Measured, write_measured

from robustft.study.records.record import Record
from robustft.study.run import runs_below

PROJECT = Path(__file__).resolve().parents[2]
LEARNING_RATES = [{"learning_rate": 2.0**-power} for power in range(13)]


def paper(study: Path) -> int:
    """7 strategies on 11 data sets with 3 seeds."""
    return write_measured(study, Measured(shifts=5, corruptions=True))


def many(study: Path) -> int:
    """7 methods at 13 learning rates on 11 data sets with 10 seeds: 91 strategies a setting."""
    measured = Measured(outcomes="selected")
    return write_measured(study, measured, datasets=DATASETS, methods=METHODS, seeds=10, variants=LEARNING_RATES)


STUDIES: dict[str, Callable[[Path], int]] = {"paper": paper, "many": many}


def report(study: Path, output: Path, *, figures: bool) -> dict[str, float]:
    """Seconds of the parts, in this process, as the command does them."""
    seconds: dict[str, float] = {}

    @contextmanager
    def timed(part: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        seconds[part] = round(time.perf_counter() - begin, 2)

    with timed("import"):
        from robustft.study.comparison.compare import compare
    with timed("compare"):
        comparison = compare([study])
    try:
        from robustft.report.study_report import StudyReport, write_report
        from robustft.study.comparison.findings import Demand
        from robustft.study.comparison.findings_of import findings
    except ImportError:  # a version without tables and page
        return seconds
    with timed("findings"):
        found = findings(comparison, None)
    with timed("write"):
        write_report(StudyReport(comparison, found, Demand()), output, figures=figures)
    return seconds


def measured(study: Path, output: Path, *, figures: bool) -> dict[str, Any]:
    """Seconds and memory of `report` in a process of its own; what lies in `output` then."""
    words = [sys.executable, __file__, "--study", str(study), "--output", str(output)]
    words += ["--figures"] if figures else []
    begin = time.perf_counter()
    process = subprocess.run(words, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(PROJECT)})
    seconds = round(time.perf_counter() - begin, 2)
    if process.returncode:
        return {"exit_code": process.returncode, "seconds": seconds}
    result = {"seconds": seconds, **json.loads(process.stdout.splitlines()[-1])}
    files = [path for path in output.rglob("*") if path.is_file()]
    if (output / "index.html").is_file():
        result["page_megabytes"] = round((output / "index.html").stat().st_size / 1e6, 2)
    return result | {"files": len(files), "megabytes": round(sum(path.stat().st_size for path in files) / 1e6, 2)}


def first_paint(page: Path) -> float | None:
    """Seconds until the browser has painted something of the page, from disk; None without Debian's chromium."""
    driver, browser = shutil.which("chromedriver"), shutil.which("chromium")
    if driver is None or browser is None:
        return None
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,900"):
        options.add_argument(word)
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as chrome:
        chrome.get(page.absolute().as_uri())
        entries = chrome.execute_script("return performance.getEntriesByName('first-contentful-paint')")
        return round(entries[0]["startTime"] / 1000, 2) if entries else None


def figure(name: str, directory: Path) -> dict[str, Any]:
    """All numbers of a study, which is made if it is not there."""
    study = directory / name
    begin = time.perf_counter()
    runs = STUDIES[name](study) if not (study / "study.json").exists() else len(runs_below(study))
    check(study)
    made = round(time.perf_counter() - begin, 1)
    result: dict[str, Any] = {"runs": runs, "made_in": made}
    result["page_and_tables"] = measured(study, directory / f"{name}-report", figures=False)
    if "findings" in result["page_and_tables"].get("parts", {}):
        result["with_figures"] = measured(study, directory / f"{name}-figures", figures=True)
        result["first_paint"] = first_paint(directory / f"{name}-report" / "index.html")
    return result


def check(study: Path) -> None:
    """That the first run's lines are as a record writes them."""
    for line in (runs_below(study)[0].directory / "records.jsonl").read_text().splitlines():
        assert Record.from_json(line).to_json() == line, line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="only the JSON object")
    parser.add_argument("--only", choices=STUDIES, help="one study")
    parser.add_argument("--directory", type=Path, help="where studies stay for the next time")
    parser.add_argument("--study", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--figures", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.study is not None:
        parts = report(given.study, given.output, figures=given.figures)
        peak = resource.getrusage(resource.RUSAGE_SELF)
        cpu = round(peak.ru_utime + peak.ru_stime, 2)
        print(json.dumps({"parts": parts, "cpu_seconds": cpu, "peak_megabytes": round(peak.ru_maxrss / 1024)}))
        return
    results = {}
    for name in STUDIES:
        if given.only in (None, name):
            with tempfile.TemporaryDirectory() as temporary:
                results[name] = figure(name, given.directory or Path(temporary))
            if not given.json:
                print(f"{name}: {results[name]}", flush=True)
    print(json.dumps({"cores": os.cpu_count(), "figures": results}))


if __name__ == "__main__":
    main()
