"""The comments of a configuration file by the key that they are about."""

from __future__ import annotations

import re

import yaml

_BEHIND = re.compile(r"\s(# ?)(.*)$")


def yaml_comments(text: str, *, package: str, group: str) -> dict[str, str]:
    """Dotted key -> comment, behind the key or above it.

    text: of the file; package: where its content stands in the configuration, `attack.pgd`, or "";
    group: the folder of the file, `method`, or "". The comment that begins the file is about its package, or its group.

    >>> yaml_comments("# A method.\\nrank: 8  # of the update\\n", package="method", group="method")
    {'method': 'A method.', 'method.rank': 'of the update'}
    """
    lines = text.splitlines()
    length = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    header = " ".join(line.strip("# ") for line in lines[:length] if not line.startswith("# @package"))
    comments = {package or group: header} if header and (package or group) else {}
    keys = _keys(yaml.compose(text, Loader=yaml.SafeLoader), f"{package}." if package else "")
    above: list[str] = []
    last, column = "", -1
    for number, line in enumerate(lines[length:], start=length):
        if not line.strip():
            above, column = [], -1
        elif line.lstrip().startswith("#"):
            if line.index("#") == column:
                comments[last] += f" {line.strip('# ')}"
            else:
                above.append(line.strip("# "))
        else:
            behind = _BEHIND.search(line)
            comment = behind[2] if behind else " ".join(above)
            column = behind.start(1) if behind and number in keys else -1
            if number in keys and comment:
                last = keys[number]
                comments[last] = comment
            above = []
    return comments


def _keys(node: yaml.Node | None, prefix: str) -> dict[int, str]:
    """Line -> the first key on it; on a line of the defaults list, the group that is chosen there."""
    keys: dict[int, str] = {}
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            keys |= _keys(item, prefix)
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        is_defaults = key.value == "defaults"
        name = f"{prefix}{key.value}"
        keys.setdefault(key.start_mark.line, name)
        inner = _keys(value, "" if is_defaults else f"{name}.") if is_defaults or value.id == "mapping" else {}
        keys = inner | keys
    return keys
