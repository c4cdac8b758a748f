from __future__ import annotations

import pytest

from robustft.cli.command_line.arguments import COMMANDS, parsed
from robustft.cli.user_errors import Mistake


@pytest.mark.parametrize(
    ("given", "command", "options", "words"),
    [
        ("", None, [], []),
        ("evaluate run=x", "evaluate", [], ["run=x"]),
        ("-m evaluate run=x,y", "evaluate", ["-m"], ["run=x,y"]),
        ("--cfg job data seed=1", "data", ["--cfg=job"], ["seed=1"]),
        ("--cfg=job --resolve", None, ["--cfg=job", "--resolve"], []),
        ("report -h", "report", ["-h"], []),
        ("-cd mine seed=1 ~shift", None, ["-cd", "mine"], ["seed=1", "~shift"]),
    ],
)
def test_command_options_and_words_in_any_order(given, command, options, words):
    line = parsed(given.split())
    assert (line.command, line.options, line.words) == (command, options, words)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--seed 3", "--seed is no option: keys are set without dashes, seed=3"),
        ("--seed=3", "--seed is no option: keys are set without dashes, seed=3"),
        ("-seed 3", "-seed is no option: keys are set without dashes, seed=3"),
        ("--method=lora", "--method is no option: keys are set without dashes, method=lora"),
        ("evaluate --run multirun", "--run is no option: keys are set without dashes, run=multirun"),
        ("--max-steps 3", "--max-steps is no option: keys are set without dashes, max_steps=3"),
        ("--seed", "--seed is no option; keys are set without dashes, seed=VALUE"),
        ("--hepl", "--hepl is no option; did you mean --help?"),
        ("--multirun=3", "--multirun is no option"),
        (
            "evalute",
            f"unknown command evalute; one of {', '.join(COMMANDS)}, then key=value ...; did you mean evaluate?",
        ),
        ("lora", f"unknown command lora; one of {', '.join(COMMANDS)}, then key=value ..."),
        ("seed 3", f"unknown command seed; one of {', '.join(COMMANDS)}, then key=value ...; did you mean seed=3?"),
        ("train seed 3", "seed must be written key=value; did you mean seed=3?"),
        ("evaluate /", "/ must be written key=value; did you mean run=/?"),
        ("--cfg", "--cfg must be followed by job, hydra, all; got nothing"),
        ("--cfg nosuch", "--cfg must be followed by job, hydra, all; got nosuch"),
        ("-m --cfg job", "-m must stand without --cfg"),
        ("--resolve", "--resolve must come with --cfg or --help, got neither"),
    ],
)
def test_what_is_no_command_line_says_how_it_is_written(given, said):
    with pytest.raises(Mistake) as mistake:
        parsed(given.split())
    assert str(mistake.value).startswith(said)


@pytest.mark.parametrize("given", [("--seed", "3"), ("lora",), ("-m", "--cfg", "job"), ("--resolve",)], ids=" ".join)
def test_it_is_said_in_one_line(words, tmp_path, given):
    code, out, err = words(*given)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("robustft: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_has_help_with_its_keys(words, command, option):
    code, out, err = words(command, option)
    assert (code, err) == (0, "")
    keys = {
        "train": "tracker:",
        "plan": "json:",
        "data": "output:",
        "evaluate": "missing_only:",
        "report": "run:",
        "pretrain": "steps:",
    }
    keys |= {"status": "watch:", "sync": "run:", "export": "state:"}
    assert keys[command] in out.splitlines() or any(line.startswith(keys[command]) for line in out.splitlines())


def test_the_version_is_robustfts(words):
    code, out, _ = words("--version")
    assert code == 0
    assert out.startswith("robustft ")
