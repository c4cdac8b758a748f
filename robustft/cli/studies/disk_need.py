"""What the runs of a sweep will take of the disk, as `plan` counts it."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from robustft.cli.command_line.groups import conf_dir
from robustft.cli.plans.plan_settings import plan_settings
from robustft.cli.plans.run_work import run_work
from robustft.cli.user_errors import Mistake
from robustft.planning.disk import run_disk
from robustft.planning.observations import Observations


def bytes_of_run(directory: Path, composed: DictConfig) -> float | None:
    """Bytes that the run of `composed` takes while it runs; None if the size of its data or states is not known."""
    settings = plan_settings(OmegaConf.load(conf_dir() / "plan.yaml").plan)
    try:
        work, _, _ = run_work(directory, composed, settings, Observations(()))
    except Mistake:  # what it reads has a size that only the run itself finds out
        return None
    disk = run_disk(work)
    return None if disk is None else disk.bytes.expected + disk.peak
