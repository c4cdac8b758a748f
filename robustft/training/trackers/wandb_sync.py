"""Sends offline runs to W&B by its own `wandb sync`: every segment of a run in order, each once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from robustft import interruption
from robustft.training.patience import LOOK_SECONDS

AT_A_TIME = 100
"""Segments that one `wandb sync` is given."""

RETRIES = {
    "WANDB_X_GRAPHQL_RETRY_MAX": "3",
    "WANDB_X_FILE_STREAM_RETRY_MAX": "3",
    "WANDB_X_FILE_TRANSFER_RETRY_MAX": "3",
}
"""W&B would ask a server that refuses for hours."""

_INCOMPLETE = "incomplete record"
"""What `wandb sync` says of a segment whose process was killed, once it has sent what is whole."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """What W&B kept offline of one start of a run; a run that was resumed has several, in the order of their names.

    file: run-ID.wandb in a directory `offline-run-TIME-ID`.
    """

    file: Path

    @property
    def run_id(self) -> str:
        """W&B's id of the run."""
        return self.file.stem.removeprefix("run-")

    @property
    def place(self) -> str:
        """What `wandb sync`, called in the root directory, calls it."""
        return str(self.file.parent.absolute().relative_to(self.file.absolute().anchor))

    @property
    def mark(self) -> Path:
        """The file with which W&B says that the segment was sent."""
        return self.file.with_suffix(".wandb.synced")

    @property
    def is_sent(self) -> bool:
        """Whether the segment was sent."""
        return self.mark.exists()


@dataclass(frozen=True, kw_only=True)
class Sent:
    """sent: segments; failures: run directory -> why it was not sent whole."""

    sent: Sequence[Segment]
    failures: Mapping[Path, str]


def segments_of(directory: Path) -> list[Segment]:
    """The offline segments in a directory of a run or a report, sent or not, in the order in which they were written.

    >>> segments_of(Path("nowhere"))
    []
    """
    return [Segment(file=file) for file in sorted((directory / "wandb").glob("offline-run-*/run-*.wandb"))]


def send(waiting: Mapping[Path, Sequence[Segment]]) -> Sent:
    """Sends what is waiting; of a run only as far as its segments go without a failure.

    waiting: run directory -> its segments that were not sent, in order.
    """
    failures: dict[Path, str] = {}
    left = {directory: list(segments) for directory, segments in waiting.items() if segments}
    sent: list[Segment] = []
    while left:
        some = _first(left)
        said = _wandb_sync([segment.file for directory in some for segment in left[directory]])
        for directory in some:
            done, reason = _outcome(left[directory], said)
            sent += done
            left[directory] = left[directory][len(done) :]
            if reason is not None:
                failures[directory] = reason
            if reason is not None or not left[directory]:
                del left[directory]
    return Sent(sent=sent, failures=failures)


def _first(left: Mapping[Path, Sequence[Segment]]) -> list[Path]:
    """The runs of the next `wandb sync`."""
    some: list[Path] = []
    count = 0
    for directory, segments in left.items():
        if some and count + len(segments) > AT_A_TIME:
            break
        some.append(directory)
        count += len(segments)
    return some


def _outcome(segments: Sequence[Segment], said: Sequence[str]) -> tuple[list[Segment], str | None]:
    """The segments that were sent, and why the next was not; None: there is none, or it is to be tried again."""
    for index, segment in enumerate(segments):
        if segment.is_sent:
            continue
        own = [line for line in said if segment.place in line]
        if any(_INCOMPLETE in line for line in own):  # the run goes on in the next segment, if it went on
            segment.mark.touch()
            return [*segments[: index + 1]], None
        return [*segments[:index]], _reason(own, segment, said)
    return [*segments], None


def _reason(own: Sequence[str], segment: Segment, said: Iterable[str]) -> str:
    """The line that says most about the segment."""
    of_run = [line for line in said if f"/{segment.run_id}]" in line]
    of_none = [line for line in said if not re.match(r"\[.+/.+\]", line) and "/offline-run-" not in line]
    line = next((lines[-1] for lines in (own, of_run, of_none) if lines), "wandb sync did not say why")
    return line.removeprefix(f"[{segment.run_id}]").strip()


def _wandb_sync(files: Sequence[Path]) -> list[str]:
    """What `wandb sync` says about errors, a line each."""
    command = [sys.executable, "-m", "wandb", "sync", *(str(file.absolute()) for file in files)]
    with tempfile.TemporaryDirectory() as logs:
        environment = {**RETRIES, **os.environ, "WANDB_DIR": logs, "WANDB_SILENT": "false"}
        environment.pop("WANDB_SERVICE", None)
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=Path.cwd().anchor,  # messages have paths as seen from here
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        with process:
            try:
                said = _said(process)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
    return list(_errors(said))


def _said(process: subprocess.Popen[str]) -> str:
    """What the process has said when it ends; Interrupted by a signal."""
    while True:
        try:
            return process.communicate(timeout=LOOK_SECONDS)[0]
        except subprocess.TimeoutExpired:
            interruption.check()


def _errors(said: str) -> Iterator[str]:
    for line in said.splitlines():
        match = re.match(r"(?:wandb: ERROR|Error:|error:) (.*)", line.strip())
        if match and not match[1].startswith("Find detailed error logs"):
            yield match[1].strip()
