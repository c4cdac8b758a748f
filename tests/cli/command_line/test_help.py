"""The help shows every key with what it means, and loads nothing heavy for it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from robustft.cli.command_line.arguments import COMMANDS
from robustft.cli.command_line.groups import PARTS, choices, conf_dir, takes_a_list
from robustft.cli.command_line.help import help_text
from robustft.cli.command_line.yaml_comments import yaml_comments

GROUPS = [path.name for path in conf_dir().iterdir() if path.is_dir() and path.name not in PARTS]
CHOICES = [f"{group}={f'[{name}]' if takes_a_list(group) else name}" for group in GROUPS for name in choices(group)]
KEYS = "Keys (key=value) and their defaults\n"


def keys_of(text: str) -> str:
    return text.partition(KEYS)[2]


def without_comment(text: str) -> list[str]:
    """Lines of keys with a value and no comment."""
    return [line for line in keys_of(text).splitlines() if re.match(r" *[\w]+: \S", line) and " # " not in line]


@pytest.mark.parametrize(("command", "words"), [*((command, []) for command in COMMANDS)])
def test_every_key_of_a_command_has_a_comment(command, words):
    text = help_text(command, words)
    assert keys_of(text).count("\n")
    assert without_comment(text) == []
    assert "_target_" not in text
    assert max(len(line) for line in keys_of(text).splitlines()) <= 140


@pytest.mark.parametrize("choice", CHOICES)
def test_every_key_of_a_choice_has_a_comment(choice):
    assert without_comment(help_text("train", [choice])) == []


def test_a_comment_stands_behind_the_key_or_above_it_and_goes_on_below():
    text = (
        "# @package attack.mine\n# An attack\n# of two lines.\n_target_: x\nsteps: 3   # how\n           # many\n"
        "# above\nloss: dlr\n\nparts:\n  one: {a: 1}  # inside\nbare: 1\n"
    )
    assert yaml_comments(text, package="attack.mine", group="attack") == {
        "attack.mine": "An attack of two lines.",
        "attack.mine.steps": "how many",
        "attack.mine.loss": "above",
        "attack.mine.parts.one": "inside",
    }


def test_the_help_is_of_the_choices_on_the_command_line_and_of_one_s_own(words, tmp_path):
    (tmp_path / "mine/method").mkdir(parents=True)
    (tmp_path / "mine/method/own.yaml").write_text(
        "# @package _global_\n# One's own.\nmethod:\n  _target_: own.Own\n  depth: 3  # of something\n"
    )
    code, out, err = words("--help", "method=own", "--config-dir=mine", "attack=[fgsm]")
    assert (code, err) == (0, "")
    assert re.search(r"^method: +# One's own\.\n  depth: 3 +# of something$", out, re.MULTILINE)
    assert re.search(r"^  fgsm: +# One step of length eps", out, re.MULTILINE)
    assert list(tmp_path.iterdir()) == [tmp_path / "mine"]


def test_references_are_shown_or_resolved(words):
    assert "learning_rate: ${rates.lab.learning_rate}" in words("-h")[1]
    assert re.search(r"  learning_rate: 0\.005 +#", words("-h", "--resolve")[1])


def test_a_mistake_beside_help_is_one_line(words):
    code, out, err = words("--help", "method=lroa")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("robustft: method must be one of adapter")


def test_nothing_heavy_is_loaded(tmp_path):
    script = (
        "import sys; from robustft.cli.app import main; main(); "
        "sys.exit(', '.join({'torch', 'numpy', 'matplotlib', 'timm', 'pytorch_lightning'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script, "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stderr.strip(), "Keys (key=value)" in done.stdout) == ("", True)
