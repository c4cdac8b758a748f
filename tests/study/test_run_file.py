from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from robustft.study.run_file import identity_differences, read_run, run_id, write_run

IDENTITY: dict[str, Any] = {
    "seed": 0,
    "method": {"name": "lora", "rank": 8, "layers": ["q", "k"]},
    "trainer": {"max_steps": 50, "learning_rate": 1.0, "clip": None},
}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    content = {"run_id": "ab", "status": "failed", "reason": "größer", "identity": IDENTITY}

    write_run(tmp_path / "run", content)

    assert read_run(tmp_path / "run") == content


def test_a_directory_without_a_run_is_none(tmp_path: Path) -> None:
    assert read_run(tmp_path) is None


def test_content_that_json_cannot_hold_leaves_the_old_file(tmp_path: Path) -> None:
    write_run(tmp_path, {"status": "running"})

    with pytest.raises(TypeError):
        write_run(tmp_path, {"status": object()})
    with pytest.raises(ValueError):
        write_run(tmp_path, {"accuracy": float("nan")})

    assert read_run(tmp_path) == {"status": "running"}
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("text", ["", "{", "[1]"])
def test_a_damaged_file_is_an_error_of_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)

    with pytest.raises(ValueError, match=r"run\.json") as error:
        read_run(tmp_path)

    assert "\n" not in str(error.value)


def test_a_run_id_is_the_same_in_any_order_and_after_reading(tmp_path: Path) -> None:
    reordered = {
        "trainer": {"learning_rate": 1, "clip": None, "max_steps": 50},
        "method": {"layers": ("q", "k"), "rank": 8, "name": "lora"},
        "seed": 0,
    }
    write_run(tmp_path, IDENTITY)

    for same in (reordered, read_run(tmp_path)):
        assert same is not None
        assert run_id(same) == run_id(IDENTITY)
        assert identity_differences(IDENTITY, same) == []
    assert len(run_id(IDENTITY)) == 12


def test_every_changed_setting_changes_the_run_id_and_is_named() -> None:
    changes: list[tuple[dict[str, Any], str]] = [
        ({"seed": 1}, "seed is 0 there and 1 here"),
        ({"seed": False}, "seed is 0 there and false here"),
        ({"seed": "0"}, 'seed is 0 there and "0" here'),
        ({"name": "x"}, 'name is not set there and "x" here'),
        ({"trainer": {**IDENTITY["trainer"], "max_steps": 200}}, "trainer.max_steps is 50 there and 200 here"),
        ({"trainer": {**IDENTITY["trainer"], "clip": 1.5}}, "trainer.clip is null there and 1.5 here"),
        (
            {"method": {**IDENTITY["method"], "layers": ["k", "q"]}},
            'method.layers is ["q","k"] there and ["k","q"] here',
        ),
        ({"method": {**IDENTITY["method"], "extra": {}}}, "method.extra is not set there and {} here"),
    ]
    for change, line in changes:
        changed = IDENTITY | change
        assert run_id(changed) != run_id(IDENTITY)
        assert identity_differences(IDENTITY, changed) == [line]


def test_differences_are_sorted_and_complete() -> None:
    assert identity_differences({"b": {"x": 1, "y": 2}, "a": 1}, {"b": 3}) == [
        "a is 1 there and not set here",
        "b is not set there and 3 here",
        "b.x is 1 there and not set here",
        "b.y is 2 there and not set here",
    ]


def test_nan_has_no_identity() -> None:
    with pytest.raises(ValueError):
        run_id({"learning_rate": float("nan")})
