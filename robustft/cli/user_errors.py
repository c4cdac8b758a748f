"""Error messages for users: one line with the key, its value and what is allowed."""

from __future__ import annotations

import errno
import functools
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    InterpolationKeyError,
    InterpolationResolutionError,
    MissingMandatoryValue,
    OmegaConfBaseException,
    UnsupportedInterpolationType,
)

from robustft import interruption
from robustft.checks import suggestion
from robustft.cli.command_line import stops
from robustft.cli.command_line.groups import choices, is_group, must_be_one_of
from robustft.cli.command_line.keys import list_allowed, unknown_key
from robustft.data.errors import CacheError
from robustft.divergence import Diverged
from robustft.interruption import Interrupted
from robustft.lease import LeaseLost
from robustft.study.plain_file import DamagedFile

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Mistake(Exception):
    """An error that the user can correct; its text is the whole message."""

    exit_code = 2


class Failure(Exception):
    """An error although the command is valid: the disk is full, training diverged. Its text is the whole message."""

    exit_code = 1

    @classmethod
    def of(cls, error: OSError | Diverged | LeaseLost) -> Failure:
        """The one-line message for `error`."""
        if isinstance(error, (Diverged, LeaseLost)):
            return cls(str(error))
        if error.strerror is None:
            return cls(" ".join(f"{type(error).__name__}: {error}".split()))
        where = f": {error.filename}" if error.filename is not None else ""
        again = "; the same command resumes when there is room again" if error.errno in _FULL else ""
        return cls(" ".join(f"{error.strerror}{where}{again}".split()))


@contextmanager
def naming(key: str) -> Iterator[None]:
    """Turns ValueErrors and OSErrors, whose text begins with the argument, into Mistakes that name `key`."""
    try:
        yield
    except CacheError as error:  # its message names the cause, which is no key
        raise Mistake(str(error)) from error
    except (ValueError, OSError) as error:
        raise Mistake(_with_key(key, " ".join(str(error).split()))) from error


def _with_key(key: str, text: str) -> str:
    """`dataset.path must ...` for `dataset.` and `path must ...`; a text without an argument follows a colon."""
    node = key.removesuffix(".")
    if node != key and not re.match(r"[a-z_]", text):  # from the system or a library: [Errno 13] ...
        return f"{node}: {text}"
    # Sources do not know their key: their messages name dataset.path.
    source = node if node.startswith(("shift.", "objective.")) else "dataset"
    return f"{key}{text}".replace("dataset.path=", f"{source}.path=")


def command(task: Callable[[DictConfig], Any]) -> Callable[[DictConfig], Any]:
    """Decorator of a command's `run`: a Mistake exits with code 2, a Failure with 1, both after one line on standard
    error; in a sweep they end only their own job. A signal ends the sweep too, with code 130 or 143."""

    @functools.wraps(task)
    def run(config: DictConfig) -> Any:
        hydra: Any = HydraConfig.get()
        words = list(hydra.overrides.task)
        try:
            try:
                with stops.handled(hydra.job.config_name, words):  # in a process that a launcher started, too
                    interruption.check()
                    return task(config)
            except DamagedFile as error:  # its message names the file
                raise Mistake(str(error)) from error
            except (HydraException, OmegaConfBaseException) as error:  # before OSError: some are both
                raise Mistake(explained(error, command=hydra.job.config_name, words=words)) from error
            except (OSError, Diverged, LeaseLost) as error:
                raise Failure.of(error) from error
        except Interrupted as stop:
            print(f"robustft: {stop}{stops.going_on(words)}", file=sys.stderr)
            sys.exit(stop.exit_code)  # nor is it an Exception, with which Hydra would go on to the next job
        except (Mistake, Failure) as reason:
            job = f" ({' '.join(words)})" if hydra.mode == RunMode.MULTIRUN else ""
            print(f"robustft: {reason}{job}", file=sys.stderr)
            if job:
                raise
            # sys.exit rather than raise: Hydra would print the overrides before the line.
            sys.exit(reason.exit_code)

    return run


def explained(error: BaseException, *, command: str, words: Sequence[str]) -> str:
    """The one-line message for an error of Hydra or OmegaConf; words: the overrides that `command` was called with."""
    causes = list(_causes(error))
    for cause in reversed(causes):  # the root cause names the key, errors above it only pass it on
        if isinstance(cause, Mistake):
            return str(cause)
        if isinstance(cause, OverrideParseException):
            return _syntax_error(cause.override)
        if isinstance(cause, MissingConfigException) and (missing := _unknown_choice(cause)):
            return missing
        if isinstance(cause, MissingMandatoryValue):
            return f"{cause.full_key} must be given: it has no default"
        if isinstance(cause, (InterpolationResolutionError, UnsupportedInterpolationType)):
            return _unresolved(cause, causes, words)
        if isinstance(cause, (ConfigAttributeError, ConfigKeyError)) and cause.full_key:
            return unknown_key(str(cause.full_key), command=command, words=words)
    lines = [line.strip() for cause in causes for line in str(cause).splitlines() if line.strip()]
    return _hydra_message(lines, command=command, words=words) if lines else type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and its chain of causes; the original of OmegaConf's interpolation errors may be only their context."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:  # errors that are raised again may form a circle
        yield cause
        seen.append(cause)
        cause = cause.__cause__ or (cause.__context__ if isinstance(cause, InterpolationResolutionError) else None)


def _unknown_choice(error: MissingConfigException) -> str | None:
    """Message for an unknown choice of a group; None for any other missing file."""
    group, _, choice = str(error.missing_cfg_file).rpartition("/")
    if is_group(group):
        return must_be_one_of(group, choice) + suggestion(choice, choices(group))
    if group and error.options:
        return f"{group} must be one of {', '.join(sorted(error.options))}; got {choice}"
    return None


def _unresolved(error: BaseException, causes: Sequence[BaseException], words: Sequence[str]) -> str:
    """Message for a key whose interpolation cannot be resolved; `error` is the root of `causes`."""
    reason, reference = str(error).splitlines()[0], "${"
    if isinstance(error, InterpolationKeyError):
        name = reason.split("'")[1]
        reason, reference = f"it refers to {name}, which is no key", "${" + name
    reason = reason.partition(" raised while resolving interpolation: ")[2] or reason
    # The root error may lack the key that the errors above it have, and those may name a key of Hydra's own.
    unescaped = [word.replace("\\", "") for word in words]  # in a sweep, Hydra escapes { and }
    keys = [word.partition("=")[0].lstrip("+") for word in unescaped if reference in word]
    keys += [str(cause.full_key) for cause in causes if isinstance(cause, OmegaConfBaseException) and cause.full_key]
    key = next((key for key in keys if not key.startswith("hydra.")), "the configuration")
    return f"{key} cannot be resolved: {reason.strip(chr(34))}"


def _syntax_error(word: str) -> str:
    """Message for an override that Hydra's grammar rejects."""
    key, _, value = word.partition("=")
    if value.count('"') % 2 or value.count("'") % 2:
        return f"{key} must have a value with its quotes closed, got {value}"
    for opening, closing in ("()", "[]", "{}"):
        if value.count(opening) != value.count(closing):
            fault = "closed" if value.count(opening) > value.count(closing) else "opened"
            return f"{key} must have a value with every {opening} {fault}, got {value}"
    return f"{key} must have a value in quotes if it holds one of = : , ( ) [ ] {{ }}, '{key}=\"...\"'; got {value}"


def _hydra_message(lines: Sequence[str], *, command: str, words: Sequence[str]) -> str:
    """Message for overrides that Hydra can parse but not apply; lines: those of its own message."""
    first = lines[0]
    if match := re.match(r"(?:Ambiguous value for argument|Sweep parameters) '([^=]+)=(.*)'", first):
        return _several_values(*match.groups(), command=command, words=words)
    if match := re.match(r"Could not append to config\. An item is already at '(.*)'", first):
        return f"{match[1]} is a key already: without + in front it is set"
    if match := re.match(r"Could not override '([^']+)@", first):
        return f"{match[1]} must be chosen without @, by {match[1]}=NAME"
    if match := re.match(r"Could not (?:delete from config\.|override|delete) '([^'=@]+)", first):
        return unknown_key(match[1].replace("/", "."), command=command, words=words)
    if match := re.match(r"Override .*, but config group '(.*)' does not exist", " ".join(lines)):
        return unknown_key(match[1], command=command, words=words)
    if match := re.match(r"Error merging override \+*([^=]+)=", first):
        return f"{match[1]}: {next((line for line in lines[1:] if line), 'its value does not fit')}"
    return first


def _several_values(key: str, value: str, *, command: str, words: Sequence[str]) -> str:
    """Message for several values where one run takes one."""
    key = key.lstrip("+")
    if re.fullmatch(r"\w+\(.*", value):
        return f"{key} must be one value, got {value}: -m for several runs"
    in_one = f"[{value}] for several in one run, " if list_allowed(key, command=command, words=words) else ""
    return f"{key} must be one value, got {value}: {in_one}-m for several runs"
