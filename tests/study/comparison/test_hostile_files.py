"""Directories may come from anywhere: whatever is in them, the rest is reported and the run named with its reason."""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robustft.study.comparison.compare import compare
from robustft.study.comparison.compared_run import ListedRun
from robustft.study.comparison.comparison import Comparison

WEIRD = (
    *(None, True, -1, 0, 1e308, 2**62, 0.5, "", " ", "clean", "\x1b[2J\x9b", "</script>", "=1+1", "a/b:c", "x" * 5000),
    *([], {}, [[]], [{"_target_": 3}], {"a": {"b": [None, {}]}}, {"_target_": "os.system"}, "../../etc", "\u2028"),
)


@pytest.fixture
def study(make_run, tmp_path: Path) -> Path:
    """One good run, and `bad`, to be spoiled."""
    make_run("study/full/seed-0", method="full")
    make_run("study/bad/seed-1", seed=1, ood=3)
    return tmp_path / "study"


@pytest.fixture
def bad(study: Path) -> Path:
    return study / "bad/seed-1"


def compared(*roots: Path) -> Comparison:
    comparison = compare(roots, image_draws=5, seed_terms=1)
    for text in texts(comparison):
        assert text.isprintable(), repr(text)
    return comparison


def texts(comparison: Comparison) -> Iterator[str]:
    """All that is shown as it is."""
    yield comparison.title
    yield from comparison.warnings
    for run in comparison.runs:
        setting = run.setting
        yield from (run.name, run.strategy, run.method, run.command, *run.further, *run.failed_gates)
        yield from (setting.name, setting.dataset, setting.backbone, setting.norm, setting.attack)
        yield from (shift for point in run.points for shift in point.ood)
    for listed in comparison.listed:
        yield from (listed.name, listed.state, listed.reason or "", listed.setting or "", listed.strategy or "")
        yield from (listed.last_record or "", *listed.versions)


def of_bad(study: Path) -> ListedRun:
    """How the bad run is listed; the good one is compared, whatever is beside it."""
    comparison = compared(study)
    assert comparison.runs[-1].name == "full/seed-0"
    return next(listed for listed in comparison.listed if listed.name == "bad/seed-1")


def places(node: Any, path: tuple = ()) -> Iterator[tuple]:
    """The paths of all values inside."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        yield (*path, key)
        yield from places(value, (*path, key))


def test_whatever_stands_in_run_json_the_rest_is_reported(study: Path, bad: Path) -> None:
    original = json.loads((bad / "run.json").read_text())
    original["validation_rows"] = [1, 2]
    original["versions"] = original["starts"][0]["versions"]
    everywhere = list(places(original))
    generator = random.Random(0)
    states = set()
    for index in range(len(everywhere) * 4):
        content = copy.deepcopy(original)
        *above, key = everywhere[index % len(everywhere)]
        parent = content
        for step in above:
            parent = parent[step]
        parent[key] = generator.choice(WEIRD)
        (bad / "run.json").write_text(json.dumps(content))
        states.add(of_bad(study).state)
    assert {"compared", "finished", "damaged"} <= states


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "run.json is not JSON"),
        (b"[1]", "run.json must hold a JSON object, got list"),
        (b"{}", "run.json must have identity, contents"),
        (b"\xff\xfe", "run.json is not JSON"),
        (b'{"a": ' + b"[" * 100_000, "run.json is not JSON"),
        (b'{"a": NaN}', "run.json is not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "run.json is not JSON"),
    ],
)
def test_a_run_json_that_is_none_is_damaged(study: Path, bad: Path, content: bytes, reason: str) -> None:
    (bad / "run.json").write_bytes(content)

    listed = of_bad(study)

    assert listed.state == "damaged"
    assert listed.reason is not None
    assert listed.reason.startswith(reason)


@pytest.mark.parametrize("name", ["run.json", "records.jsonl"])
@pytest.mark.parametrize("kind", ["directory", "pipe", "device", "loop"])
def test_what_is_no_file_is_not_waited_for(study: Path, bad: Path, name: str, kind: str) -> None:
    path = bad / name
    path.unlink()
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path)

    if name == "run.json" and kind == "directory":  # then it is no run
        assert [listed.name for listed in compared(study).listed] == ["full/seed-0"]
    else:
        assert of_bad(study).state == "damaged"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.unlink(), "no outcomes: no interval"),
        (lambda path: path.write_bytes(b""), "damaged outcomes: no interval: outcomes/test/"),
        (lambda path: np.save(path, np.zeros(2, dtype=np.uint8)), "counts 0 correct, the record 4"),
        (lambda path: np.save(path, np.zeros(3, dtype=np.uint8)), "does not hold 10 packed bits"),
        (lambda path: np.save(path, np.zeros(2, dtype=np.int8)), "does not hold 10 packed bits"),
        (lambda path: np.save(path, np.array([{}, {}]), allow_pickle=True), "is not an array"),
        (lambda path: path.write_bytes(path.read_bytes() + b"\0" * 10_000), "must have 4,098 bytes at most"),
    ],
)
def test_outcomes_that_are_not_what_was_counted_give_no_interval(study: Path, bad: Path, spoil, reason: str) -> None:
    lines = [json.loads(line) for line in (bad / "records.jsonl").read_text().splitlines()]
    (key,) = [line["key"] for line in lines if (line["step"], line["split"], line["condition"]) == (50, "test", "pgd")]
    spoil(bad / f"outcomes/test/{key}.npy")

    listed = of_bad(study)

    assert listed.state == "compared"
    assert listed.reason is not None
    assert reason in listed.reason
    assert listed.reason.partition(": ")[2].startswith("no interval")


def test_bits_behind_the_last_image_mean_nothing(study: Path, bad: Path) -> None:
    before = compared(study).rankings[0].draws["lora"]
    for path in (bad / "outcomes/test").iterdir():
        np.save(path, np.load(path) | np.array([0, 0b00111111], dtype=np.uint8))

    assert of_bad(study).reason is None
    np.testing.assert_array_equal(compared(study).rankings[0].draws["lora"], before)


def test_counts_that_no_disk_holds_are_not_drawn_from(study: Path, bad: Path) -> None:
    lines = [json.loads(line) for line in (bad / "records.jsonl").read_text().splitlines()]
    huge = [json.dumps(line | {"total": 10**17}) for line in lines]
    (bad / "records.jsonl").write_text("".join(f"{line}\n" for line in huge))

    comparison = compared(study)

    assert "damaged outcomes" in (comparison.listed[0].reason or "")
    assert {setting.images for setting in comparison.settings} == {10, 10**17}


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"runs": [{"directory": 3}]}', b'{"runs": [{"directory": "\\ud800"}]}']
)
def test_a_study_json_that_is_none_costs_its_list_alone(study: Path, content: bytes) -> None:
    (study / "study.json").write_bytes(content)

    comparison = compared(study)

    assert [run.name for run in comparison.runs] == ["bad/seed-1", "full/seed-0"]
    (warning,) = [line for line in comparison.warnings if "study.json" in line]
    assert warning.startswith("a study's list of runs is left out: ")


def test_words_of_a_study_that_move_the_cursor_are_no_command(study: Path) -> None:
    runs = [{"directory": "bad/seed-1", "overrides": ["seed=1", "a=\x1b[2J"]}]
    (study / "study.json").write_text(json.dumps({"runs": runs}))

    commands = [run.command for run in compared(study).runs]

    assert commands[0].startswith("python -m robustft dataset=digits")


def test_directories_with_strange_names_have_names_to_show(make_run, tmp_path: Path) -> None:
    strange = os.fsdecode(b"st\xffudy\n\x1b[2J")
    make_run(f"{strange}/seed-0")
    make_run("other/seed-1", seed=1)
    (tmp_path / "loop").symlink_to(tmp_path)

    comparison = compared(tmp_path, tmp_path / strange)

    assert len(comparison.runs) == len({run.name for run in comparison.runs}) == 2
