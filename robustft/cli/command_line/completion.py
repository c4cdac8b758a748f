"""Completion in bash: `eval "$(python -m robustft --shell-completion install=bash)"`.

Hydra's own completes `python FILE.py` and programs, not `python -m`, and supports neither commands nor lists.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

from hydra.core.global_hydra import GlobalHydra
from hydra.plugins.completion_plugin import DefaultCompletionPlugin

from robustft.cli.command_line.arguments import COMMANDS
from robustft.cli.command_line.groups import PARTS, choices, conf_dir, is_group, takes_a_list
from robustft.cli.user_errors import Mistake

OPTIONS = ("-sc", "--shell-completion")
PROGRAMS = ("python", "python3", "robustft")

INSTALL = r"""
_robustft()
{
    local line="${COMP_LINE:0:COMP_POINT}" start choices
    if [[ "$line" =~ ^[^\ ]*robustft( |$) ]]; then
        start="$1"
    elif [[ "$line" =~ ^[^\ ]*python[0-9.]*\ +-m\ +robustft( |$) ]]; then
        start="$1 -m robustft"
    else
        return
    fi
    local current="${line##* }" shown
    choices=$(COMP_LINE="$line" $start -sc query=bash 2> /dev/null)
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
    # bash replaces only the text after the last = or :, where these break words.
    if [[ "$current" == *[=:]* && "$COMP_WORDBREAKS" == *=* ]]; then
        shown="${current%"${current##*[=:]}"}"
        COMPREPLY=("${COMPREPLY[@]#"$shown"}")
    fi
}
complete -o nospace -o default -F _robustft python python3 robustft
""".strip()

UNINSTALL = "complete -r python python3 robustft; unset -f _robustft"


def is_requested(arguments: Sequence[str]) -> bool:
    """Whether the command line is about completion."""
    return any(word in OPTIONS for word in arguments)


def answer(arguments: Sequence[str]) -> None:
    """Prints the shell's script (install=bash, uninstall=bash) or the candidates for the next word (query=bash)."""
    word = next((word for word in arguments if word not in OPTIONS), "")
    action, _, shell = word.partition("=")
    if action not in ("install", "uninstall", "query") or shell != "bash":
        raise Mistake(f"--shell-completion must be followed by install=bash or uninstall=bash, got {word or 'nothing'}")
    if action == "query":
        print(" ".join(completions(os.environ.get("COMP_LINE", ""))))
    else:
        print(INSTALL if action == "install" else UNINSTALL)


def completions(line: str) -> list[str]:
    """Candidates for the last word of `line`, up to the cursor: commands, keys, choices, items of a list."""
    words = line.split("robustft", 1)[-1].split()
    last = words.pop() if words and not line.endswith(" ") else ""
    commands = [word for word in words if word in COMMANDS]
    key, equals, value = last.partition("=")
    if equals and is_group(key) and takes_a_list(key):
        return _list_candidates(key, value)
    names = [] if commands or "=" in last else [name for name in COMMANDS if name.startswith(last)]
    return names + _hydra_candidates((commands or ["train"])[0], [word for word in words if "=" in word], last)


def _list_candidates(group: str, value: str) -> list[str]:
    """`[pgd,` is followed by every choice that the list lacks."""
    before, comma, _ = value.rpartition(",")
    opening = before + comma if comma else "[" if value.startswith("[") else ""
    names = [name for name in choices(group) if name not in before.strip("[").split(",")]
    return [f"{group}={opening}{name}" for name in names]


def _hydra_candidates(command: str, words: Sequence[str], last: str) -> list[str]:
    from hydra import initialize_config_dir

    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        plugin = DefaultCompletionPlugin(GlobalHydra.instance().config_loader())
        line = " ".join(shlex.quote(word) for word in words) + f" {last}"
        words = plugin._query(config_name=command, line=line)
        hidden = ("hydra", *(f"{group}{end}" for group in PARTS for end in "=@/"))
        return [word for word in words if not word.startswith(hidden)]
