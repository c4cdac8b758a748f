"""The commands that read a run's directory, at the pace of functions."""

from __future__ import annotations

import contextlib
import copy
import io
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from robustft.cli.commands import evaluate, report, train
from robustft.cli.user_errors import Mistake
from robustft.study.plain_file import DamagedFile
from tests.cli.made_up_run import WORDS, composed


@cache
def compositions() -> dict[str, DictConfig]:
    """The configurations of the commands, without the directory; composing takes longer than all that they do here."""
    found = {
        "train": composed("train", *WORDS),
        "evaluate": composed("evaluate", "run=x", "states=all"),
        "report": composed("report", "run=x"),
    }
    for config in found.values():
        OmegaConf.set_struct(config, False)
        OmegaConf.set_readonly(config.hydra, False)
    return found


class Commands:
    """The commands on one directory, without Hydra's start, and up to where a model would be loaded or drawn."""

    def __init__(self, run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run_dir = run_dir
        monkeypatch.setattr(train, "_train", lambda *arguments: None)
        monkeypatch.setattr(evaluate, "_measure", lambda *arguments: 0)
        monkeypatch.setattr(report.tradeoff_figure, "draw_tradeoff", lambda *arguments, **options: None)
        monkeypatch.setattr(report.eps_figure, "draw_eps", lambda *arguments, **options: None)
        self.configs = copy.deepcopy(compositions())
        hydra = self.configs["train"].pop("hydra")
        hydra.runtime.output_dir = str(run_dir)
        monkeypatch.setattr(HydraConfig.instance(), "cfg", OmegaConf.create({"hydra": hydra}))
        self.configs["evaluate"].run = self.configs["report"].run = str(run_dir)
        self.tasks = {"train": train.run, "evaluate": evaluate.run, "report": report.run}

    def line(self, command: str) -> str | None:
        """The one line that the command ends with; None if it ends well. Anything else is raised."""
        task: Any = self.tasks[command].__wrapped__  # type: ignore[attr-defined]
        with contextlib.redirect_stdout(io.StringIO()) as out:
            try:
                task(self.configs[command])
            except (Mistake, DamagedFile) as error:
                return str(error)
        out.getvalue().encode()  # can be printed
        return None
