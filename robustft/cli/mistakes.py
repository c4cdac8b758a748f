"""What a user got wrong, in one line that names the key, what was given and what is allowed."""

from __future__ import annotations

import difflib
import errno
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    InterpolationResolutionError,
    MissingMandatoryValue,
)

from robustft.data.errors import CacheError
from robustft.study.plain_file import DamagedFile
from robustft.training.errors import Diverged

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Mistake(Exception):
    """Something that the user can put right; its text is the whole message."""

    exit_code = 2


class Failure(Exception):
    """Nothing in the command is wrong, and yet it cannot be done: the disk is full, the training diverged. Its text is
    the whole message."""

    exit_code = 1

    @classmethod
    def of(cls, error: OSError | Diverged) -> Failure:
        """The one line about `error`."""
        if isinstance(error, Diverged):
            return cls(str(error))
        if error.strerror is None:
            return cls(" ".join(f"{type(error).__name__}: {error}".split()))
        where = f": {error.filename}" if error.filename is not None else ""
        again = "; the same command goes on when there is room again" if error.errno in _FULL else ""
        return cls(" ".join(f"{error.strerror}{where}{again}".split()))


@contextmanager
def naming(key: str) -> Iterator[None]:
    """ValueErrors and OSErrors from below, whose text begins with the argument, become mistakes that name `key`."""
    try:
        yield
    except CacheError as error:  # it names what is at fault itself, and that is no key
        raise Mistake(str(error)) from error
    except (ValueError, OSError) as error:
        raise Mistake(" ".join(f"{key}{error}".split())) from error


def command(task: Callable[[DictConfig], None]) -> Callable[[DictConfig], None]:
    """A command's `run`: a mistake ends the process with exit code 2, a failure with 1, both with one line; but inside
    a sweep they only end their own job."""

    @functools.wraps(task)
    def run(config: DictConfig) -> None:
        try:
            try:
                task(config)
            except MissingMandatoryValue as error:
                raise Mistake(f"{error.full_key} must be given: it has no default") from error
            except DamagedFile as error:  # it names the file itself
                raise Mistake(str(error)) from error
            except HydraException:  # of which some are OSErrors
                raise
            except (OSError, Diverged) as error:
                raise Failure.of(error) from error
        except (Mistake, Failure) as reason:
            print(f"robustft: {reason}", file=sys.stderr)
            if HydraConfig.get().mode == RunMode.MULTIRUN:
                raise
            # Left here rather than raised: Hydra would print the overrides in front of the line.
            sys.exit(reason.exit_code)

    return run


def explained(error: BaseException, *, command: str, conf: Path, words: Sequence[str]) -> str:
    """One line for an error of Hydra's or OmegaConf's, for `command` called with `words`."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, Mistake):
            return str(cause)
        if isinstance(cause, MissingConfigException):
            group, _, choice = str(cause.missing_cfg_file).rpartition("/")
            # Hydra does not say what there is where several are chosen as a list.
            options = cause.options or ([path.stem for path in (conf / group).glob("*.yaml")] if group else [])
            if options:
                return f"{group} must be one of {', '.join(sorted(options))}; got {choice}"
        if isinstance(cause, MissingMandatoryValue):
            return f"{cause.full_key} must be given: it has no default"
    for cause in causes:
        if isinstance(cause, (ConfigAttributeError, ConfigKeyError)) and cause.full_key:
            return _unknown_key(str(cause.full_key), command=command, conf=conf, words=words)
    lines = [line.strip() for line in str(causes[-1]).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from; OmegaConf keeps the original of an interpolation's error as the cause."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        yield cause
        seen.append(cause)
        cause = cause.__cause__ or (cause.__context__ if isinstance(cause, InterpolationResolutionError) else None)


def _unknown_key(key: str, *, command: str, conf: Path, words: Sequence[str]) -> str:
    """`trainer.max_step is no key; did you mean trainer.max_steps? trainer has batch_size, ...`."""
    parent, _, name = key.rpartition(".")
    siblings = _keys(parent, command=command, conf=conf, words=words)
    close = difflib.get_close_matches(name, siblings, n=1)
    prefix = f"{parent}." if parent else ""
    hint = f"; did you mean {prefix}{close[0]}?" if close else ";"
    where = parent or "the configuration"
    if (conf / key).is_dir() and not siblings.count(key):
        options = ", ".join(sorted(path.stem for path in (conf / key).glob("*.yaml")))
        return f"{key} must be chosen before it is set: {key}=[NAME] with {options}"
    if parent.endswith(".options"):  # passed on as they are: any name may be meant
        return f"{key} is not set yet; +{key}=... adds it"
    return f"{key} is no key{hint} {where} has {', '.join(siblings)}" if siblings else f"{key} is no key"


def _keys(node: str, *, command: str, conf: Path, words: Sequence[str]) -> list[str]:
    """The keys of `node` in the configuration that the group choices among `words` give; [] if it has none."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(conf), version_base="1.3"):
            choices = [word for word in words if _is_group_choice(word, conf)]
            found: Any = compose(command, overrides=choices)
            if node:
                found = OmegaConf.select(found, node)
    except HydraException:
        return []
    return [str(key) for key in found if key != "_target_"] if isinstance(found, DictConfig) else []


def _is_group_choice(word: str, conf: Path) -> bool:
    if "=" not in word or word.startswith("-"):
        return False
    override = OverridesParser.create().parse_override(word)
    return (conf / override.key_or_group).is_dir() and not override.is_sweep_override()
