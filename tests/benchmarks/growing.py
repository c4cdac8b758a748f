"""The numbers of docs/growing.md: a study of 1,440 configurations with 5 evaluations each, planned and simulated.

python tests/benchmarks/growing.py [--json]     prints the tables of the document, or one JSON object

Nothing is measured here: sizes and counts are the tool's own (one run of each data set, protocol and loss is composed
and counted), rates of GPUs, shares of broken images and start-up are assumptions, each named below.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra

from robustft.attacks.autoattack import AutoAttack
from robustft.attacks.engine.block_size import images_of_block
from robustft.attacks.passes import Passes
from robustft.cli.plans.composed_runs import composed_runs
from robustft.cli.plans.plan_settings import PlanSettings
from robustft.cli.plans.run_work import run_work
from robustft.cli.runs import run_name
from robustft.planning.cluster import Cluster, Forecast, Task
from robustft.planning.cost import GATE_IMAGES, GATES, RecordedPasses, run_cost
from robustft.planning.disk import Disk, run_disk, size, total_disk
from robustft.planning.known_parameters import assumed_parameters
from robustft.planning.observations import Observations
from robustft.planning.plan_table import duration
from robustft.planning.rates import Rates
from robustft.planning.span import Span
from robustft.planning.work import RunWork

DATASETS = {
    "caltech101": (3_060, 6_084, 102),
    "fgvc_aircraft": (6_667, 3_333, 100),
    "flowers102": (2_040, 6_149, 102),
    "oxford_pets": (3_680, 3_669, 37),
    "stanford_cars": (8_144, 8_041, 196),
    "uc_merced": (1_680, 420, 21),
}
"""Training images, test images, classes."""

BACKBONES = {"small": (8, 22_000_000, 2500), "base": (26, 87_000_000, 1000), "large": (6, 250_000_000, 350)}
"""40 backbones: number, parameters, forward passes a second on one GPU (assumed; 224 px, bfloat16 search and float32
verdicts mixed)."""

START_UP, EXIT = 30.0, 10.0
"""Seconds of a process before and after its work (assumed; a shared file system is slower than a disk)."""
ROBUST = 0.2
"""Share of AutoAttack's budget that a test image takes: the images that stay unbroken, about a quarter of those of the
paper's full fine-tuning and less elsewhere."""

NORMS = ("linf", "l2", "l1")
CORRUPTIONS = 15 * 5
JOB_FILES = 5
"""Of submitit for each SLURM job: script, pickle, result, output, errors."""

MAX_ARRAY, MAX_JOBS, QUOTA = 1001, 10_000, 1_000_000
"""SLURM's MaxArraySize and MaxJobCount where nobody changed them, and a usual quota of files."""

CASES: dict[str, dict[str, Any]] = {
    "as assumed": {},
    "GPUs half as fast": {"speed": 0.5},
    "GPUs twice as fast": {"speed": 2.0},
    "half as many images robust": {"robust": ROBUST / 2},
    "preempted every 2 hours": {"preempted_every_hours": 2},
    "suite.batch_size=16, blocks of 128 images": {"batch_size": 16},
    "the same, slices of an hour": {"batch_size": 16, "slice_minutes": 60},
    "never stopped": {"slice_minutes": None, "preempted_every_hours": None},
}

DOCUMENT = Path(__file__).parents[2] / "docs" / "growing.md"


def study_files(directory: Path) -> None:
    """The yaml files of the document, below `directory`; and one for each data set, which it shows one of."""
    text = DOCUMENT.read_text(encoding="utf-8")
    files = dict(re.findall(r"^`([\w/]+\.yaml)`[^\n]*:\n\n```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    shown = files["dataset/caltech101.yaml"]
    for name in DATASETS:
        files[f"dataset/{name}.yaml"] = shown.replace("caltech101", name)
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(content)


def counted() -> list[RunWork]:
    """The work of one run for each data set, protocol and loss, as the tool composes and counts it."""
    settings = PlanSettings(
        cluster=Cluster(),
        train_images={name: train for name, (train, _, _) in DATASETS.items()},
        test_images={name: test for name, (_, test, _) in DATASETS.items()},
        parameters=87_000_000,
    )
    run_name.register()
    with tempfile.TemporaryDirectory() as directory:
        study_files(Path(directory))
        words = ["study=guide", "backbone.name=vit_base_patch16_224"]
        try:
            runs = list(composed_runs(words, multirun=True, config_dir=directory))
            return [run_work(where, config, settings, Observations([]))[0] for where, _, config in runs]
        finally:
            GlobalHydra.instance().clear()


def configurations() -> Iterator[tuple[RunWork, str, float]]:
    """(work, kind of backbone, its speed) of all 1,440 in the order of the study."""
    by_protocol = groupby(counted(), key=lambda work: (work.dataset, work.method, work.updates))
    for _, losses in by_protocol:
        works = list(losses)
        for kind, (count, parameters, speed) in BACKBONES.items():
            for number in range(count):
                for loss, work in enumerate(works):
                    total = assumed_parameters(parameters, work.method, DATASETS[work.dataset][2])
                    named = {"backbone": f"{kind}-{number}", "method": f"{work.method}-{loss}"}
                    yield replace(work, **named, parameters=total), kind, speed


def tasks_of(work: RunWork, speed: float, robust: float, batch_size: int = 128) -> tuple[Task, list[Task]]:
    """The job that trains, and those of the five evaluations of its last state, with batches of `batch_size`."""
    rates = replace(Rates.of_speed(speed, work.parameters), start_up=START_UP, exit=EXIT)
    share = RecordedPasses(passes=Passes(forward=4, backward=3), of_method=True)
    cost = run_cost(work, rates, lambda condition: share)
    assert cost is not None
    training = Task(start_up=cost.start_up, work=cost.work.expected, exit=cost.exit, block=cost.block.expected)
    test, classes = DATASETS[work.dataset][1:]

    def evaluation(passes: Passes, *, extra: float = 0) -> Task:
        seconds = passes.forward * rates.forward + passes.backward * rates.backward
        return Task(
            start_up=START_UP,
            work=test * seconds + extra,
            exit=EXIT,
            block=min(test, images_of_block(batch_size)) * seconds,
        )

    gates = min(GATE_IMAGES, test) * (GATES.forward * rates.forward + GATES.backward * rates.backward) / 2
    budgets = [AutoAttack().budget(classes, norm) for norm in NORMS]
    attacks = [evaluation(robust * budget, extra=gates) for budget in budgets if budget is not None]
    return training, [evaluation(Passes(forward=1)), *attacks, evaluation(Passes(forward=CORRUPTIONS))]


def simulated(
    jobs: int, speed: float = 1.0, robust: float = ROBUST, batch_size: int = 128, **cluster: Any
) -> tuple[Forecast, Forecast]:
    """Training, then evaluation; speed: over that assumed."""
    both = [tasks_of(work, speed * own, robust, batch_size) for work, _, own in configurations_once()]
    where = Cluster(jobs=jobs, **cluster)
    return where.simulated([task for task, _ in both]), where.simulated([task for _, some in both for task in some])


_KNOWN: list[tuple[RunWork, str, float]] = []


def configurations_once() -> Sequence[tuple[RunWork, str, float]]:
    """All 1,440, counted once."""
    if not _KNOWN:
        _KNOWN.extend(configurations())
    return _KNOWN


def disk_of_all() -> Disk:
    """Of training and of the five evaluations: their records and outcomes."""
    works = [work for work, _, _ in configurations_once()]
    disk = total_disk(run_disk(work) for work in works)
    assert disk is not None
    records = len(works) * (1 + len(NORMS) + CORRUPTIONS + 1)
    return replace(disk, bytes=disk.bytes + Span.of(5000 * records), files=disk.files + Span.of(records))


def results(cases: Mapping[str, Mapping[str, Any]] = CASES) -> dict[str, Any]:
    """The numbers of the document; cases: name -> what differs from the assumptions."""
    works = configurations_once()
    disk = disk_of_all()
    simulations: dict[str, Any] = {}
    for name, settings in cases.items():
        for jobs in (64, 256):
            training, evaluation = simulated(jobs, **settings)
            simulations[f"{name}, {jobs}"] = {
                "case": name,
                "jobs": jobs,
                "training": asdict(training),
                "evaluation": asdict(evaluation),
            }
    jobs = len(works) * (1 + 2 + len(NORMS))
    files = disk.files.expected / len(works)
    return {
        "configurations": len(works),
        "evaluations": len(works) * (2 + len(NORMS)),
        "simulations": simulations,
        "disk_bytes": disk.bytes.expected,
        "files": disk.files.expected + JOB_FILES * jobs,
        "directories": disk.directories,
        "jobs": jobs,
        "arrays": -(-len(works) // MAX_ARRAY) + -(-(jobs - len(works)) // MAX_ARRAY),
        "job_limit_at": MAX_JOBS // (3 + len(NORMS)),
        "quota_at": int(QUOTA / (files + disk.directories / len(works) + JOB_FILES * (3 + len(NORMS)))),
        "longest_block_minutes": max(
            task.block for work, _, speed in works for task in tasks_of(work, speed, ROBUST)[1]
        )
        / 60,
        "short_jobs": sum(
            task.work < task.start_up + task.exit
            for work, _, speed in works
            for one, some in [tasks_of(work, speed, ROBUST)]
            for task in (one, *some)
        ),
    }


def table(numbers: dict[str, Any]) -> Iterator[str]:
    """The document's tables."""
    yield "| | GPUs | training | evaluation | device hours | lost | starts |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for one in numbers["simulations"].values():
        training, evaluation = one["training"], one["evaluation"]
        device = training["device"] + evaluation["device"]
        lost = training["lost"] + evaluation["lost"]
        yield (
            f"| {one['case']} | {one['jobs']} | {duration(training['wall_clock'])} | "
            f"{duration(evaluation['wall_clock'])} | {device:,.0f} | {lost:,.0f} ({lost / device:.1%}) | "
            f"{training['starts'] + evaluation['starts']:,.0f} |"
        )
    yield ""
    for one in facts(numbers):
        yield f"- {one}"


def facts(numbers: dict[str, Any]) -> Iterator[str]:
    """What the document says of files and jobs."""
    shorter = f"{numbers['short_jobs']:,} of them shorter than their start-up and exit"
    yield f"{numbers['jobs']:,} jobs in {numbers['arrays']} arrays, {shorter}"
    directories = f"{numbers['directories']:,.0f} directories"
    yield f"{size(numbers['disk_bytes'])} in {numbers['files']:,.0f} files and {directories}"
    yield f"{MAX_JOBS:,} jobs (MaxJobCount) at {numbers['job_limit_at']:,} configurations"
    yield f"{QUOTA:,} files and directories at {numbers['quota_at']:,} configurations"
    yield f"the longest block takes {numbers['longest_block_minutes']:.0f} minutes"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="only the JSON object")
    as_json = parser.parse_args().json
    numbers = results()
    print(json.dumps(numbers) if as_json else "\n".join(table(numbers)))


if __name__ == "__main__":
    main()
