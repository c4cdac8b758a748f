"""The runs of a sweep before any of them starts: composed once, checked as far as no torch is needed, their state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from robustft.cli.build import Parts
from robustft.cli.runs import run_directory
from robustft.cli.runs.identity import files_of
from robustft.cli.runs.preparation import parts_and_before, prepared
from robustft.cli.runs.run_name import study_label
from robustft.cli.studies.goal import check_goal
from robustft.cli.user_errors import Mistake, explained, naming
from robustft.device import refuse_missing_device
from robustft.study.plain_file import DamagedFile

Compose = Callable[[Sequence[str]], DictConfig]


@dataclass(frozen=True, kw_only=True)
class CheckedRun:
    """A run of a sweep that has no mistake that can be seen without torch.

    overrides: that compose it; directory: its own; study: the directory of its study.
    status: of its run.json; None if it was not begun.
    config: with Hydra's own node, of the first run that differs in the seed alone; None if the run is finished.
    """

    overrides: tuple[str, ...]
    directory: Path
    study: Path
    status: str | None
    config: DictConfig | None = field(compare=False, repr=False)


class Checks:
    """Checks the runs of a sweep one after the other.

    compose: overrides -> configuration with Hydra's own.
    here: whether runs are made on this machine, whose devices then count.
    """

    def __init__(self, compose: Compose, *, here: bool) -> None:
        self._compose = compose
        self._here = here
        self._there: set[str] = set()
        self._kinds: dict[tuple[str, ...], DictConfig] = {}
        self._checked: dict[tuple[str, ...], CheckedRun | Mistake] = {}

    def composed(self, overrides: Sequence[str]) -> DictConfig:
        """Composes the run and remembers what the check of it says."""
        config = self._compose(overrides)
        if tuple(overrides) not in self._checked:
            self._checked[tuple(overrides)] = self._result(overrides, config)
        return config

    def all(self, jobs: Sequence[Sequence[str]]) -> list[CheckedRun]:
        """The runs of a sweep, each directory once; a Mistake for the first that has one, saying how many have."""
        runs: dict[Path, CheckedRun] = {}
        mistakes: list[tuple[str, str]] = []
        for overrides in jobs:
            if tuple(overrides) not in self._checked:
                try:
                    self.composed(overrides)
                except (HydraException, OmegaConfBaseException) as error:
                    reason = explained(error, command="train", words=list(overrides))
                    self._checked[tuple(overrides)] = Mistake(reason)
            result = self._checked[tuple(overrides)]
            if isinstance(result, Mistake):
                mistakes.append((str(result), " ".join(overrides)))
            else:
                runs.setdefault(result.directory.absolute(), result)
        if mistakes:
            raise Mistake(_together(mistakes, len(jobs)))
        return list(runs.values())

    def run_of(self, overrides: Sequence[str]) -> CheckedRun:
        """The run that these overrides compose, which has no mistake."""
        result = self._checked[tuple(overrides)]
        assert isinstance(result, CheckedRun)
        return result

    def _result(self, overrides: Sequence[str], config: DictConfig) -> CheckedRun | Mistake:
        try:
            return self._check(overrides, config)
        except (HydraException, OmegaConfBaseException) as error:
            return Mistake(explained(error, command="train", words=list(overrides)))
        except (Mistake, DamagedFile, OSError) as error:
            return Mistake(str(error))

    def _check(self, overrides: Sequence[str], composed: DictConfig) -> CheckedRun:
        sweep = Path(str(composed.hydra.sweep.dir))
        directory = sweep / str(composed.hydra.sweep.subdir)
        config = OmegaConf.masked_copy(composed, [str(name) for name in composed if name != "hydra"])
        hydra = composed.hydra
        parts, before = parts_and_before(config, directory, hydra)
        check_goal(config)
        if self._here and not before.is_finished:
            with naming("trainer."):
                refuse_missing_device(parts.plan.accelerator)
        if before.exists:
            prepared(config, parts, before)
        else:
            run_directory.refuse_another(before, {})
            self._refuse_missing_files(config, parts)
        _refuse_unwritable(directory)
        kind = tuple(word for word in overrides if not word.startswith("seed="))
        return CheckedRun(
            overrides=tuple(overrides),
            directory=directory,
            study=sweep / study_label(config),
            status=before.status,
            config=None if before.is_finished else self._kinds.setdefault(kind, composed),
        )

    def _refuse_missing_files(self, config: DictConfig, parts: Parts) -> None:
        """Mistake if a data set or local weights are not there; once for all runs with the same."""
        sections = {name: config.get(name) for name in ("dataset", "backbone", "shift")}
        key = OmegaConf.to_yaml(OmegaConf.create(sections), resolve=False)
        if key not in self._there:
            files_of(parts)
            self._there.add(key)


def _refuse_unwritable(directory: Path) -> None:
    """Mistake if nothing can be written into the directory, or into the nearest one above that is there."""
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    run_directory.refuse_unwritable(directory, key="hydra.sweep.dir")


def _together(mistakes: Sequence[tuple[str, str]], runs: int) -> str:
    """The first mistake with its run, and how many runs have one."""
    reason, words = mistakes[0]
    return f"{reason} ({words}); {len(mistakes)} of {runs} runs have a mistake, and nothing was started"
