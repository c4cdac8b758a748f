"""How far a run is, from its directory alone, at the cost of a few small reads."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from robustft.lease import Holder, holder_of
from robustft.study.plain_file import DamagedFile, plain_line
from robustft.study.records.record import Record
from robustft.study.records.record_file import RECORDS, last_record
from robustft.study.run_file import LEASE, read_run

STATES = ("failed", "damaged", "interrupted", "running", "waiting", "finished")
"""What needs a person comes first."""

KILLED = "killed"
"""The reason of a run that ended without saying so."""

_SEED = re.compile(r"seed-\d+")


@dataclass(frozen=True, kw_only=True)
class RunState:
    """What is known of a run without reading its records.

    directory: of the run, which need not exist.
    state: one of STATES. `running`: a process holds its lease; `interrupted`: it goes on when it is started again;
        `waiting`: it was not begun; `damaged`: a file of it cannot be read.
    step, steps: completed updates, and those of the whole run; None: not known yet.
    since: when it came into this state, UTC, ISO 8601; of a killed run its last record, the last sign of life.
    host, job, log: the machine, the SLURM job and the log file of the last start; None: none or not known.
    reason: why it is failed, damaged or interrupted.
    attempts: how often it was started.
    seconds: wall-clock time of all starts, at least: of one that was killed it counts up to its last record, or not at
        all if others followed.
    dataset, backbone, method: what the run is of; None: not known.
    settings: its other settings, as its directory is named, without the seed.
    commits, versions: of all starts; a version is `(package, version)`.

    >>> run_state(Path("nowhere/digits/glyph_vit/lora/seed-0")).state
    'waiting'
    """

    directory: Path
    state: str
    step: int | None = None
    steps: int | None = None
    since: str | None = None
    host: str | None = None
    job: str | None = None
    log: str | None = None
    reason: str | None = None
    attempts: int = 0
    seconds: float = 0.0
    dataset: str | None = None
    backbone: str | None = None
    method: str | None = None
    settings: str = ""
    commits: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to do."""
        return self.state == "finished"


def run_state(directory: Path, *, now: float | None = None) -> RunState:
    """The state of the run in `directory`; of one that nobody has begun it is `waiting`.

    now: seconds since 1970, for how long a run has been running; None: the clock's.

    >>> run_state(Path("nowhere")).attempts
    0
    """
    names = _levels(directory)
    try:
        holder = holder_of(directory / LEASE)
        content = read_run(directory, whole=True)
        record = None if content is None else last_record(directory / RECORDS)
        if holder is None and content is not None and content["status"] == "running":
            # Looked for on both sides: a run that begins or ends in between was not killed.
            holder = holder_of(directory / LEASE)
    except (DamagedFile, OSError) as error:
        return RunState(directory=directory, state="damaged", reason=plain_line(_inside(directory, error)), **names)
    if content is None:
        return _without_file(directory, holder, names)
    return replace(state_in(directory, content, record, holder=holder, now=now), **names)


def state_in(
    directory: Path,
    content: Mapping[str, Any],
    record: Record | None,
    *,
    holder: Holder | None = None,
    now: float | None = None,
) -> RunState:
    """The state of a run whose files are read already.

    content: of run.json; record: the last one, None if there is none; holder: who is at work on it.
    """
    names: dict[str, Any] = {name: plain_line(content.get(name)) for name in ("dataset", "backbone", "method")}
    starts = _starts(content)
    last = starts[-1] if starts else {}
    state, reason = _state(content, holder)
    sign = None if record is None else record.time
    is_new = state == "running" and content["status"] != "running"  # held, and nothing written yet
    here = {} if is_new else last
    end = _utc(time.time() if now is None else now) if state == "running" else content.get("finished") or sign
    return RunState(
        directory=directory,
        state=state,
        step=_step(content, state, None if record is None else record.step),
        steps=_steps(content),
        since=_moment(holder.since) if is_new and holder else _since(content, last, state, sign),
        host=plain_line(holder.host if state == "running" and holder else here.get("host")),
        job=plain_line(here.get("job")),
        log=plain_line(here.get("log")),
        reason=reason,
        attempts=_count(content.get("attempts")) or len(starts),
        seconds=sum(_seconds(start, None) for start in starts[:-1]) + _seconds(last, sign if is_new else end),
        commits=_different(plain_line(start.get("git_commit")) for start in starts),
        versions=_different(pair for start in starts for pair in _versions(start)),
        **names,
    )


def _without_file(directory: Path, holder: Holder | None, names: Mapping[str, Any]) -> RunState:
    """Before the run's first file: waiting, or about to begin."""
    if holder is None:
        return RunState(directory=directory, state="waiting", **names)
    host = plain_line(holder.host)
    return RunState(directory=directory, state="running", since=_moment(holder.since), host=host, **names)


def _state(content: Mapping[str, Any], holder: Holder | None) -> tuple[str, str | None]:
    """The state with its reason. Who holds the lease of a run that is not finished works on it, whatever it was."""
    status, reason = content["status"], plain_line(content.get("reason"))
    if status == "finished":
        return status, None
    if holder is not None:
        return "running", None
    return ("interrupted", KILLED) if status == "running" else (status, reason)


def _since(content: Mapping[str, Any], last: Mapping[str, Any], state: str, sign: str | None) -> str | None:
    """When the run came into its state; sign: the time of its last record."""
    started, ended = _moment(last.get("started")), _moment(last.get("ended"))
    if state == "finished":
        return _moment(content.get("finished")) or ended or _moment(sign)
    if state == "running":
        return started
    return ended or max(filter(None, (started, _moment(sign))), default=None)


def _levels(directory: Path) -> dict[str, Any]:
    """Data set, backbone, method and other settings by the last levels of the path, if it has these."""
    *_, dataset, backbone, method, name = ("", "", "", *directory.parts)[-4:]
    if not (dataset and _SEED.match(name)):
        return {}
    levels = {"dataset": dataset, "backbone": backbone, "method": method, "settings": _SEED.sub("", name, count=1)}
    return {key: plain_line(level) or "" for key, level in levels.items()}


def _step(content: Mapping[str, Any], state: str, recorded: int | None) -> int | None:
    """A record may be of an earlier step than the last one, if it was added to the run later."""
    if state == "finished":
        return _steps(content) or recorded
    known = [step for step in (_count(content.get("step")), recorded) if step is not None]
    return max(known, default=None)


def _steps(content: Mapping[str, Any]) -> int | None:
    """Those of the whole run, which files of earlier versions have among their settings."""
    places = (
        content.get("steps"),
        _mapping(content.get("effective")).get("trainer.max_steps"),
        _mapping(_mapping(content.get("identity")).get("trainer")).get("max_steps"),
    )
    return next((steps for place in places if (steps := _count(place)) is not None), None)


def _starts(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The starts, the first one first; files of earlier versions have one at the top."""
    starts = content.get("starts")
    if isinstance(starts, list):
        return [start for start in starts if isinstance(start, Mapping)]
    return [content] if "started" in content else []


def _seconds(start: Mapping[str, Any], end: Any) -> float:
    """Of a start that ended, or else lasted until `end`."""
    total = _mapping(start.get("seconds")).get("total")
    if isinstance(total, int | float) and not isinstance(total, bool) and math.isfinite(total):
        return max(0.0, float(total))
    begin, last = _time(start.get("started")), _time(start.get("ended") or end)
    return 0.0 if begin is None or last is None else max(0.0, (last - begin).total_seconds())


def _versions(start: Mapping[str, Any]) -> list[tuple[str, str] | None]:
    pairs = ((plain_line(package), plain_line(version)) for package, version in _mapping(start.get("versions")).items())
    return [(package, version) for package, version in pairs if package and version]


def _different(values: Any) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(value for value in values if value is not None))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _inside(directory: Path, error: Exception) -> str:
    """The message without the directory, beside which it is shown."""
    return str(error).removeprefix(f"{directory}/")


def _time(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))  # Python 3.10 does not read the Z
    except (AttributeError, TypeError, ValueError):
        return None
    return moment if moment.utcoffset() == timedelta(0) else None


def _moment(value: Any) -> str | None:
    moment = _time(value)
    return None if moment is None else moment.isoformat(timespec="seconds")


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")
