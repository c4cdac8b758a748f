"""Command lines that are sweeps without -m: a study that says so, and the evaluation of many runs by a launcher."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import OmegaConf

from robustft.cli.command_line.arguments import CommandLine
from robustft.cli.command_line.groups import conf_dir
from robustft.cli.command_line.spellings import quoted
from robustft.cli.user_errors import Mistake

_IN_PROCESS = ("basic", "null")


def is_study(line: CommandLine) -> bool:
    """Whether the words, without -m, choose a study whose file says `hydra.mode: MULTIRUN`, or say so themselves."""
    if line.multirun or line.shows:
        return False
    values = dict(word.partition("=")[::2] for word in line.words)
    if "hydra.mode" in values:
        return values["hydra.mode"] == "MULTIRUN"
    own = line.value("-cd", "--config-dir")
    return _says_multirun(values.get("study", ""), ([Path(own)] if own else []) + [conf_dir()])


def _says_multirun(study: str, directories: Sequence[Path]) -> bool:
    """Whether the file of a study, or one of those that it builds upon, says so."""
    path = next((path for each in directories if (path := each / "study" / f"{study}.yaml").is_file()), None)
    if path is None:
        return False
    content: Any = OmegaConf.load(path)
    mode = OmegaConf.select(content, "hydra.mode")
    if mode is not None:
        return str(mode) == "MULTIRUN"
    below = [each for each in content.get("defaults") or () if isinstance(each, str) and each not in ("_self_", study)]
    return any(_says_multirun(each, directories) for each in below)


def a_job_a_run(words: Sequence[str]) -> list[str] | None:
    """The words with `run=` as a sweep over the runs that it names, if a launcher is to run them; None otherwise."""
    parsed = {word: _parsed(word) for word in words}
    launcher = next((each for each in parsed.values() if each and each.key_or_group == "hydra/launcher"), None)
    runs = next((word for word, each in parsed.items() if each and each.key_or_group == "run"), None)
    if launcher is None or launcher.value() in _IN_PROCESS or runs is None or parsed[runs].is_sweep_override():
        return None
    from robustft.cli.run_argument import known_run, several_runs  # imports numpy, which --help does not need

    value: Any = parsed[runs].value()
    is_list = isinstance(value, list)
    directories: Any = OmegaConf.create([str(each) for each in value]) if is_list else str(value).strip("'\"")
    found = several_runs(directories) or [known_run(directories)]
    finished = [run for run in found if run.is_finished]
    if not finished:
        raise Mistake(f"run must have a finished run in it, got {value}")
    if len(finished) < len(found):
        line = f"{len(found) - len(finished)} of {len(found)} runs are not finished and not evaluated"
        print(f"robustft: {line}", file=sys.stderr, flush=True)
    sweep = ",".join(quoted(str(run.directory)) for run in finished)
    return [f"run={sweep}" if word == runs else word for word in words]


def _parsed(word: str) -> Any:
    try:
        return OverridesParser.create().parse_override(word)
    except HydraException:
        return None
