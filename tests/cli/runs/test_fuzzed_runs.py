"""Files of a run in which anything may stand, drawn at random but always the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.made_up_run import CONFIG, RECORDS, RUN_JSON

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.just(10**400)
    | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@st.composite
def mangled(draw: st.DrawFn, content: Any) -> Any:
    """`content` with one key dropped, or one value anywhere replaced or nested deep."""
    if draw(st.integers(0, 3)) and isinstance(content, (dict, list)) and content:
        changed = dict(content) if isinstance(content, dict) else list(content)
        key = draw(st.sampled_from(sorted(content)) if isinstance(content, dict) else st.integers(0, len(content) - 1))
        if draw(st.integers(0, 3)) == 0:
            del changed[key]
        else:
            changed[key] = draw(mangled(content[key]))
        return changed
    return draw(VALUES)


@st.composite
def damaged(draw: st.DrawFn, original: bytes, file: str) -> bytes:
    """The file cut off, with bytes changed, or written anew with something else in its content."""
    how = draw(st.integers(0, 5))
    if how == 0:
        return original[: draw(st.integers(0, len(original)))]
    if how == 1 or file.endswith(".npy"):
        place = draw(st.integers(0, len(original)))
        return original[:place] + draw(st.binary(max_size=4)) + original[place + draw(st.integers(0, 4)) :]
    if file == CONFIG:
        return yaml.safe_dump(draw(mangled(yaml.safe_load(original)))).encode("utf-8", "replace")
    if file == RUN_JSON:
        return json.dumps(draw(mangled(json.loads(original)))).encode()
    lines = original.splitlines()
    row = draw(st.integers(0, len(lines) - 1))
    lines[row] = json.dumps(draw(mangled(json.loads(lines[row])))).encode()
    return b"\n".join(lines) + b"\n"


@pytest.mark.parametrize("file", [RUN_JSON, RECORDS, CONFIG, "outcome"])
def test_every_command_ends_well_or_in_one_line_that_names_the_file(commands, outcome, file):
    file = outcome if file == "outcome" else file
    content = json.loads((commands.run_dir / RUN_JSON).read_text()) | {"status": "failed"}
    (commands.run_dir / RUN_JSON).write_text(json.dumps(content))  # so that `train` goes on with it
    original = (commands.run_dir / file).read_bytes()

    @settings(max_examples=40, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(damaged(original, file))
    def check(content: bytes) -> None:
        (commands.run_dir / file).write_bytes(content)
        for command in commands.tasks if file in (RUN_JSON, RECORDS) else ["evaluate"]:
            line = commands.line(command)
            assert line is None or "\n" not in line
            if line is not None and "measured completely" not in line and "belongs to another run" not in line:
                assert str(commands.run_dir / file) in line

    check()
