"""The entry point: finds the command, hands over to Hydra, turns what goes wrong into one line."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import hydra
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from robustft.cli import run_dir
from robustft.cli.environment import own_environment
from robustft.cli.mistakes import Failure, Mistake, explained
from robustft.cli.output import unfailing_output

COMMANDS = {
    "train": "fine-tune, evaluate along the way, draw the trade-off curve (the default)",
    "evaluate": "measure saved states again and compare, or under other attacks and shifts: run=DIR",
    "report": "print a run's table and draw its curve: run=DIR",
    "data": "download and decode ahead, for runs without a network: dataset=NAME, as for train",
    "pretrain": "make the lab's backbone again",
}

PATHS = ("run", "output", "dataset.path", "backbone.checkpoint", "hydra.run.dir")


def main() -> None:
    """Runs the command that the first word names. Exit code 2 and one line for a mistake of the user's."""
    with unfailing_output(), own_environment():
        _main(sys.argv[1:])


def _main(words: list[str]) -> None:
    command = "train"
    if words and words[0].isidentifier():
        command = words.pop(0)
    if command not in COMMANDS:
        _stop(f"unknown command {command}; one of {', '.join(COMMANDS)}, then key=value ...")
    words = [_with_path_quoted(word) for word in words] if "-m" not in words and "--multirun" not in words else words
    sys.argv = [sys.argv[0], *words]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises instead of printing and exiting; the line is ours
    run_dir.register()
    task = importlib.import_module(f"robustft.cli.{command}").run
    run = hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=command)(task)
    try:
        run()
    except (Mistake, Failure) as reason:
        _stop(str(reason), exit_code=reason.exit_code)
    except (HydraException, OmegaConfBaseException) as error:
        _stop(explained(error, command=command, conf=conf_dir(), words=words))
    except OSError as error:  # Hydra's, which makes the directory before it calls the command
        key = "hydra.sweep.dir" if "-m" in words or "--multirun" in words else "hydra.run.dir"
        _stop(f"{key} must be a directory that can be written, got {error.filename} ({error.strerror or error})")
    except KeyboardInterrupt:
        _stop("interrupted", exit_code=130)


def conf_dir() -> Path:
    """The configuration: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for directory in (package / "conf", package.parent / "conf"):
        if (directory / "train.yaml").is_file():
            return directory
    raise FileNotFoundError(f"no configuration in {package / 'conf'} or {package.parent / 'conf'}")


def _with_path_quoted(word: str) -> str:
    """A path as the shell completes it, commas, blanks and all: Hydra would take a comma for a sweep."""
    key, equals, value = word.partition("=")
    key = key.lstrip("+")
    is_path = key in PATHS or (key.startswith("shift.") and key.endswith(".path"))
    if not equals or not is_path or not value or value[0] in "'\"" or value in ("null", "???"):
        return word
    escaped = value.replace("\\", "\\\\").replace('"', '\\"') if '"' in value or value.endswith("\\") else value
    return f'{word.partition("=")[0]}="{escaped}"'


def _stop(line: str, exit_code: int = 2) -> None:
    print(f"robustft: {line}", file=sys.stderr)
    sys.exit(exit_code)
