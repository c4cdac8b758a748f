from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from robustft.cli.command_line.completion import completions
from robustft.cli.command_line.groups import choices

PROJECT = Path(__file__).resolve().parents[3]

COMPLETE = """
eval "$({python} -m robustft {option} install=bash)"
COMP_LINE="$1" COMP_POINT=${{#1}}
{breaks}
_robustft {program}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("python -m robustft method=", {f"method={name}" for name in choices("method")}),
        ("robustft method=l", {"method=last_blocks", "method=linear_probe", "method=lora"}),
        ("python -m robustft -m seed=0,1 method=li", {"method=linear_probe"}),
        ("robustft trainer.max", {"trainer.max_steps="}),
        ("robustft evaluate miss", {"missing_only="}),
        ("robustft sour", set()),
        ("robustft dataset.sour", set()),
        ("robustft dataset=domains dataset.path=x dataset.sour", {"dataset.source="}),
        ("python -m robustft eval", {"evaluate"}),
    ],
)
def test_what_may_stand_next(line, expected):
    assert set(completions(line)) == expected


def test_commands_come_first_only():
    assert {"train", "evaluate", "method="} <= set(completions("robustft "))
    assert "train" not in completions("robustft evaluate ")


@pytest.mark.parametrize(("given", "names"), [("", ""), ("[", "["), ("[pgd,", "[pgd,"), ("[pgd,f", "[pgd,")])
def test_lists_go_on(given, names):
    expected = {f"attack={names}{name}" for name in choices("attack") if "pgd," not in names or name != "pgd"}
    assert set(completions(f"robustft attack={given}")) == expected


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("option", ["-sc", "--shell-completion"])
@pytest.mark.parametrize(
    ("breaks", "expected"),
    [
        # bash replaces what stands behind the = only, unless = does not break words.
        ('COMP_WORDBREAKS="$COMP_WORDBREAKS="', choices("method")),
        ('COMP_WORDBREAKS="${COMP_WORDBREAKS//=}"', [f"method={name}" for name in choices("method")]),
    ],
)
def test_bash_completes(tmp_path, option, breaks, expected):
    script = COMPLETE.format(python=sys.executable, option=option, breaks=breaks, program=sys.executable)
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", "python -m robustft method="],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    assert done.stdout.split() == expected, done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_other_programs_of_python_are_left_alone(tmp_path):
    script = COMPLETE.format(python=sys.executable, option="-sc", breaks="", program="python")
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", "python train.py method="],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("given", [["-sc"], ["-sc", "install=fish"], ["--shell-completion", "bash"]], ids=" ".join)
def test_another_shell_is_refused_in_one_line(words, given):
    code, out, err = words(*given)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("robustft: --shell-completion must be followed by install=bash or uninstall=bash, got ")
