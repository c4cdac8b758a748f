"""A run: its directory, and what the files in it say."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from robustft.lease import Holder, holder_of
from robustft.study.records.condition_names import ConditionNames, condition_names
from robustft.study.records.record import Record
from robustft.study.records.record_file import RECORDS, read_records
from robustft.study.run_file import LEASE, read_run, write_run
from robustft.study.tradeoff import TradeoffPoint, tradeoff_points


@dataclass(frozen=True, eq=False)
class Run:
    """A run directory. Each of its files is read when something in it is first asked for, and only once.

    directory: of the run, which need not exist yet.
    known: the content of run.json where it is known without reading; None: it is read.

    Raises:
        DamagedFile: by any property, if the file behind it is not what a run writes.

    >>> Run(Path("nowhere")).exists
    False
    """

    directory: Path
    known: Mapping[str, Any] | None = field(default=None, repr=False)

    @cached_property
    def content(self) -> Mapping[str, Any]:
        """All of run.json, for what has no property here; empty if there is none."""
        return read_run(self.directory, whole=True) or {} if self.known is None else self.known

    @cached_property
    def records(self) -> Sequence[Record]:
        """What was measured, in the order of writing."""
        return tuple(read_records(self.directory / RECORDS))

    @cached_property
    def points(self) -> Sequence[TradeoffPoint]:
        """The trade-off points of the main attack, by step."""
        return tuple(tradeoff_points(self.records, self.main_attack))

    @cached_property
    def names(self) -> ConditionNames:
        """What its conditions are called in tables and pictures; there must be a point."""
        first = self.points[0]
        return condition_names(
            self.records,
            norm=first.norm,
            eps=first.eps,
            configured=self.identity["attack"],
            settings=self.attack_settings,
        )

    @property
    def exists(self) -> bool:
        """Whether there is a run.json."""
        return bool(self.content)

    @property
    def run_id(self) -> str:
        """The hash of the identity."""
        return str(self.content["run_id"])

    @property
    def status(self) -> str | None:
        """`running`, `interrupted`, `finished` or `failed`; None before the start."""
        return self.content.get("status")

    @property
    def is_finished(self) -> bool:
        """Whether the run has come to its end."""
        return self.status == "finished"

    @property
    def holder(self) -> Holder | None:
        """The process that is at work on the run now; read anew each time."""
        return holder_of(self.directory / LEASE)

    @property
    def state(self) -> str:
        """The status with its reason in one line: `failed OSError: no space left`."""
        return f"{self.status} {self.content.get('reason') or ''}".rstrip()

    @property
    def identity(self) -> Mapping[str, Any]:
        """What decides the run's numbers, as nested settings; empty before the start."""
        return self.content.get("identity", {})

    @property
    def contents(self) -> Mapping[str, Any]:
        """Name of what was read from disk -> its fingerprint and stamp; empty before the start."""
        return self.content.get("contents", {})

    @property
    def main_attack(self) -> str:
        """The attack that the trade-off curve is about: the first of the run's own."""
        return str(next(iter(self.identity["attack"])))

    @property
    def attack_settings(self) -> Mapping[str, Any]:
        """The hash of an attack's settings -> these; empty for a run of a version that did not write them."""
        settings = self.content.get("attacks")
        return settings if isinstance(settings, Mapping) else {}

    @property
    def shift_names(self) -> Mapping[str, str]:
        """Key of a shift set of the run's own -> its name in conditions."""
        return {key: str(node["name"]) for key, node in self.identity.get("shift", {}).items()}

    @property
    def validation_rows(self) -> Sequence[int] | None:
        """The rows of the training split that were held out; None before the start."""
        return self.content.get("validation_rows")

    @property
    def study(self) -> str:
        """The study that the run belongs to."""
        return str(self.content["study"])

    @property
    def dataset(self) -> str:
        """The name of the data set, with its source domain."""
        return str(self.content["dataset"])

    @property
    def backbone(self) -> str:
        """The name of the backbone."""
        return str(self.content["backbone"])

    @property
    def method(self) -> str:
        """The name of the fine-tuning method."""
        return str(self.content["method"])

    @property
    def strategy(self) -> str:
        """The method, and the objective behind it if that is not the standard one: `lora trades`."""
        objective = self.content.get("objective")
        return self.method if objective in (None, "standard") else f"{self.method} {objective}"

    @property
    def seed(self) -> int:
        """The seed."""
        return int(self.content["seed"])

    def with_content(self, **changes: Any) -> Run:
        """The same directory with other values in run.json, which is not written; its records are read anew."""
        return Run(self.directory, {**self.content, **changes})

    def write(self, **changes: Any) -> Run:
        """Writes run.json with these values changed; returns the run that it then describes."""
        run = self.with_content(**changes)
        write_run(run.directory, run.content)
        return run


def runs_below(directory: Path) -> list[Run]:
    """The runs anywhere below `directory`, by path; none of their files is read, nor is any of them searched."""
    directories = []
    for here, inner, files in os.walk(directory):
        if "run.json" in files:
            directories.append(Path(here))
            inner.clear()
    return [Run(path) for path in sorted(directories)]
