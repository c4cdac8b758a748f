"""The runs that the words of a command line stand for, each composed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig

from robustft.cli.command_line.groups import conf_dir
from robustft.cli.studies.yaml_reading import read_each_file_once

ComposedRun = tuple[Path, tuple[str, ...], DictConfig]
"""Directory of the run, the words that compose it, and its configuration with Hydra's own node `hydra`."""


def composed_runs(words: Sequence[str], *, multirun: bool, config_dir: str | None = None) -> Iterator[ComposedRun]:
    """The runs of `words` in the order of Hydra's sweeper; one for a single run.

    multirun: whether -m was given; a study's yaml may say so as well. config_dir: the user's own configuration.

    Raises:
        HydraException, OmegaConfBaseException: if a run cannot be composed.
    """
    with _loader(config_dir) as loader:
        choices = [word for word in words if word.startswith("study=")]
        study = loader.load_configuration("train", overrides=choices, run_mode=RunMode.RUN)
        parser = OverridesParser.create(loader)
        named = {override.key_or_group for override in parser.parse_overrides(list(words))}
        params = study.hydra.sweeper.get("params") or {}
        many = multirun or study.hydra.mode == RunMode.MULTIRUN
        of_study = [f"{key}={value}" for key, value in params.items() if many and key not in named]
        parsed = parser.parse_overrides([*of_study, *words])
        runs = BasicSweeper.split_arguments(parsed, None)[0] if many else [[str(each.input_line) for each in parsed]]
        master = loader.load_configuration("train", overrides=choices, run_mode=RunMode.MULTIRUN)
        for overrides in runs:
            config = loader.load_sweep_config(master, list(overrides))
            hydra = config.hydra
            where = Path(hydra.sweep.dir) / hydra.sweep.subdir if many else Path(hydra.run.dir)
            yield where, tuple(overrides), config


@contextmanager
def _loader(config_dir: str | None) -> Iterator[Any]:
    """Hydra's loader of our configuration and the user's own."""
    search_path = create_config_search_path(str(conf_dir()))
    if config_dir is not None:
        own = f"file://{Path(config_dir).absolute()}"  # where Hydra's --config-dir has it
        search_path.prepend("command-line", own, anchor=SearchPathQuery(provider="schema"))
    GlobalHydra.instance().clear()
    try:
        loader = Hydra.create_main_hydra2(task_name="plan", config_search_path=search_path).config_loader
        read_each_file_once(loader)
        yield loader
    finally:
        GlobalHydra.instance().clear()
