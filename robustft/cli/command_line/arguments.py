"""The arguments of `python -m robustft`: the command, options for Hydra, and words `key=value`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from robustft.checks import suggestion
from robustft.cli.user_errors import Mistake

COMMANDS = {
    "train": "fine-tune, evaluate along the way, draw the trade-off curve (the default)",
    "evaluate": "measure saved states again and compare, or under other attacks and shifts: run=DIR",
    "report": "which method, how sure, which state to take: printed and as a page; a run's table and curve: run=DIR",
    "export": "write a state in a form that needs no robustft, with a model card: run=DIR state=best output=DIR",
    "status": "say how far runs are: run=DIR",
    "plan": "what a run, a sweep or a study would cost, starting nothing: study=paper, as for train",
    "sync": "send offline runs to W&B: run=DIR",
    "data": "download and decode ahead, for runs without a network: dataset=NAME, as for train",
    "pretrain": "make the lab's backbone again",
}

MULTIRUN = ("-m", "--multirun")
HELP = ("-h", "--help")
FLAGS = (*MULTIRUN, *HELP, "--hydra-help", "--version", "--resolve")
WITH_VALUE: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("-c", "--cfg"), ("job", "hydra", "all")),
    **dict.fromkeys(("-i", "--info"), ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")),
    **dict.fromkeys(("-p", "--package", "-cd", "--config-dir"), ()),
}
"""Options with a value -> the values allowed; () for any."""


@dataclass(kw_only=True)
class CommandLine:
    """command: None if there is none; options: for Hydra, unchanged; words: `key=value`."""

    command: str | None = None
    options: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    @property
    def multirun(self) -> bool:
        return self.has(*MULTIRUN)

    @property
    def shows(self) -> bool:
        """Whether the configuration is shown, and nothing is done."""
        return self.has(*HELP, "-c", "--cfg", "-i", "--info")

    @property
    def job_options(self) -> list[str]:
        """The options of a process that makes one of several runs."""
        return [option for option in self.options if option not in MULTIRUN]

    def has(self, *names: str) -> bool:
        """Whether one of the options is present, as `--cfg` or `--cfg=job`."""
        return any(option.partition("=")[0] in names for option in self.options)

    def value(self, short: str, long: str) -> str | None:
        """The value of an option, `-cd DIR` or `--config-dir=DIR`; None if it is absent."""
        for index, option in enumerate(self.options):
            if option == short:
                return self.options[index + 1]
            if option.startswith(f"{long}="):
                return option.partition("=")[2]
        return None


def parsed(arguments: Sequence[str]) -> CommandLine:
    """Parses the command line; a Mistake for a word that is neither command, option nor `key=value`."""
    line = CommandLine()
    rest = iter(arguments)
    for word in rest:
        if word.startswith("-"):
            line.options += _option(word, rest)
        elif "=" in word.lstrip("+~=") or word.startswith("~"):
            line.words.append(word)
        elif line.command is None and word in COMMANDS:
            line.command = word
        else:
            raise Mistake(_stray_word(word, next(rest, None), line))
    if line.multirun and line.has("-c", "--cfg", "-i", "--info"):
        raise Mistake("-m must stand without --cfg or --info, which show the configuration of one run")
    if line.has("--resolve") and not line.has("-c", "--cfg", *HELP):
        raise Mistake("--resolve must come with --cfg or --help, got neither")
    return line


def _option(word: str, rest: Iterator[str]) -> list[str]:
    """The option and its value, taken from `rest` if no = follows the option."""
    name, equals, value = word.partition("=")
    if word in FLAGS:
        return [word]
    if name not in WITH_VALUE:
        raise Mistake(_unknown_option(word, next(rest, None)))
    allowed = WITH_VALUE[name]
    if not equals:
        value = next(rest, "")
    if not value or (allowed and value not in allowed):
        raise Mistake(f"{name} must be followed by {', '.join(allowed) or 'a value'}; got {value or 'nothing'}")
    return [f"{name}={value}" if name.startswith("--") else name, *([] if name.startswith("--") else [value])]


def _unknown_option(word: str, following: str | None) -> str:
    """Message for an unknown option, such as `--seed 3` or `--seed=3` for seed=3; following: the next word."""
    name, equals, value = word.lstrip("-").partition("=")
    name = name.replace("-", "_")
    if equals or (following is not None and "=" not in following and not following.startswith("-")):
        option, setting = word.partition("=")[0], f"{name}={value if equals else following}"
        return f"{option} is no option: keys are set without dashes, {setting}"
    return f"{word} is no option{suggestion(word, (*FLAGS, *WITH_VALUE))}; keys are set without dashes, {name}=VALUE"


def _stray_word(word: str, following: str | None, line: CommandLine) -> str:
    """The message for a word that is neither a command nor an option and has no =."""
    pair = following is not None and "=" not in following and not following.startswith("-")
    if line.command is None:
        hint = f"; did you mean {word}={following}?" if pair else suggestion(word, COMMANDS)
        return f"unknown command {word}; one of {', '.join(COMMANDS)}, then key=value ...{hint}"
    if pair:
        return f"{word} must be written key=value; did you mean {word}={following}?"
    is_run = line.command in ("evaluate", "report", "export", "status", "sync") and os.path.isdir(word)
    return f"{word} must be written key=value" + (f"; did you mean run={word}?" if is_run else "")
