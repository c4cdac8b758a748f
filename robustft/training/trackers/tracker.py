"""What every tracker is: settings that open the mirror of a run, which is told what happens to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from robustft import checks

Number = float | int | bool | None


@dataclass(frozen=True, kw_only=True)
class MirroredRun:
    """What a tracker is told of a run when it opens.

    directory: of the run; run_id: the same whenever the run is resumed.
    name, group, tags: what the run is called, its study, and by what runs are filtered.
    config: nested settings to show.
    """

    directory: Path
    run_id: str
    name: str
    group: str
    tags: Sequence[str]
    config: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Results:
    """What a finished run is worth.

    columns, rows: the trade-off points as a table; picture: of the curve, None: it could not be drawn.
    summary: single values by name; step: completed updates.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Number]]
    picture: Path | None
    summary: Mapping[str, Number]
    step: int


class Mirror(Protocol):
    """An open mirror of one run; its calls may raise anything, and take as long as they like."""

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Values against `step`, completed optimiser updates."""

    def finish(self, results: Results) -> None:
        """What the run came to."""

    def close(self, exit_code: int) -> None:
        """There is no more; what was sent is kept."""


@dataclass(frozen=True, kw_only=True)
class RunTracker(ABC):
    """Settings of a tracker; what they open mirrors a run, whose records are the truth.

    log_every: updates between two logged training losses.
    """

    log_every: int = 10

    def __post_init__(self) -> None:
        checks.keep(self, log_every=checks.whole_number("log_every", self.log_every, at_least=1))

    @property
    def label(self) -> str:
        """What it is called in warnings."""
        return type(self).__name__

    @property
    def is_on(self) -> bool:
        """Whether anything is mirrored."""
        return True

    @property
    def is_remote(self) -> bool:
        """Whether a server is asked, which may be slow."""
        return False

    @property
    def hint(self) -> str:
        """What else to say where it cannot be opened."""
        return ""

    def check_installed(self) -> None:  # noqa: B027  nothing by default
        """Raises ValueError, in one line, if a package is missing; imports nothing."""

    def prepare(self) -> None:  # noqa: B027  nothing by default
        """What takes time and asks nobody, before `opened`."""

    @abstractmethod
    def opened(self, run: MirroredRun) -> Mirror:
        """The mirror of the run; where there is one already, as of a resumed run, it goes on."""

    def leave(self) -> None:  # noqa: B027  nothing by default
        """Ends what `opened` has started and nobody needs any more: the mirror was closed."""

    def abandon(self) -> None:  # noqa: B027  nothing by default
        """Ends what `opened` has started, whatever has become of it, at once."""
