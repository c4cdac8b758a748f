"""The entry point: parses the command, runs it under Hydra, turns errors into one line."""

from __future__ import annotations

import importlib
import os
import sys
import warnings

import hydra
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from robustft.cli.command_line import completion, stops
from robustft.cli.command_line.arguments import COMMANDS, HELP, MULTIRUN, CommandLine, parsed
from robustft.cli.command_line.groups import conf_dir
from robustft.cli.command_line.help import help_text
from robustft.cli.command_line.spellings import understood
from robustft.cli.environment import own_environment
from robustft.cli.output import unfailing_output
from robustft.cli.runs import run_name
from robustft.cli.runs.versions import versions
from robustft.cli.studies import sweep
from robustft.cli.studies.implied_sweep import a_job_a_run, is_study
from robustft.cli.user_errors import Failure, Mistake, explained
from robustft.cli.warning_line import on_one_line
from robustft.interruption import Interrupted
from robustft.study.plain_file import DamagedFile

__all__ = ["COMMANDS", "conf_dir", "main"]


def main() -> None:
    """Runs the command that the first word names. Exit code 2 and one line for a mistake of the user's."""
    stops.typed = sys.argv[1:]
    with unfailing_output(), own_environment():
        _main(sys.argv[1:])


def _main(given: list[str]) -> None:
    try:
        if completion.is_requested(given):
            completion.answer(given)
            return
        line = parsed(given)
        if line.has("--version"):
            print(f"robustft {versions()['robustft']}")
            return
        _run(line)
    except (Mistake, Failure) as reason:
        _stop(str(reason), exit_code=reason.exit_code)
    except Interrupted as stop:  # where the runs are in other processes
        _stop(f"{stop}{stops.going_on(given)}", exit_code=stop.exit_code)
    except KeyboardInterrupt:
        _stop("interrupted", exit_code=130)


def _run(line: CommandLine) -> None:
    """Runs the command under Hydra; a Mistake for words that it does not take."""
    command = line.command or "train"
    if command in ("train", "plan") and is_study(line):
        line.options.append(MULTIRUN[1])
    words = understood(line.words, command=command, multirun=line.multirun)
    if command == "evaluate" and not line.shows and (sweep_words := a_job_a_run(words)):
        line.options.append(MULTIRUN[1])
        words = sweep_words
    sys.argv = [sys.argv[0], *line.options, *words]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises instead of printing and exiting
    if line.has(*HELP):
        _help(line, command, words)
        return
    with stops.handled(command, words):
        _call(line, command, words)


def _call(line: CommandLine, command: str, words: list[str]) -> None:
    run_name.register()
    warnings.showwarning = on_one_line(warnings.showwarning)
    if command == "plan" and not line.shows:
        _plan(line, words)
        return
    task = importlib.import_module(f"robustft.cli.commands.{command}").run
    run = hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=command)(task)
    from robustft.cli.studies.study_launcher import studies  # imports numpy, which --help does not need

    sweep.current = sweep.Sweep()
    try:
        with studies(line, command) as results:
            run()
    except (HydraException, OmegaConfBaseException) as error:
        raise Mistake(explained(error, command=command, words=words)) from error
    except OSError as error:  # Hydra's, which makes the directory before it calls the command
        key = "hydra.sweep.dir" if line.multirun else "hydra.run.dir"
        reason = error.strerror or error
        raise Mistake(f"{key} must be a directory that can be written, got {error.filename} ({reason})") from error
    finally:
        ended, is_raised = sweep.current.ended, sys.exc_info()[0] is not None
        if ended or is_raised:
            sweep.current.leave_nothing()
        sweep.current = None
    results.tell()
    if code := max([results.exit_code, *(reason.exit_code for reason in ended)]):
        sys.exit(code)  # each was printed when its job ended


def _help(line: CommandLine, command: str, words: list[str]) -> None:
    """Prints the help. Not Hydra's: that shows no comments, and needs the command's code, which takes long to load."""
    try:
        config_dir = line.value("-cd", "--config-dir")
        print(help_text(command, words, config_dir=config_dir, resolve=line.has("--resolve")))
    except (HydraException, OmegaConfBaseException) as error:
        raise Mistake(explained(error, command=command, words=words)) from error


def _plan(line: CommandLine, words: list[str]) -> None:
    """Prints a plan: made of the words, as Hydra would begin the sweep."""
    from robustft.cli.commands.plan import plan_words

    try:
        plan_words(words, multirun=line.multirun, config_dir=line.value("-cd", "--config-dir"))
    except DamagedFile as error:
        raise Mistake(str(error)) from error
    except (HydraException, OmegaConfBaseException) as error:
        raise Mistake(explained(error, command="plan", words=words)) from error


def _stop(line: str, exit_code: int = 2) -> None:
    print(f"robustft: {line}", file=sys.stderr)
    sys.exit(exit_code)
