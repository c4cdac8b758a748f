from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from robustft import checks
from tests.condition_names import ODD, UNUSABLE


@pytest.mark.parametrize("value", [3, 3.0])
def test_whole_numbers_come_back_as_int(value):
    found = checks.whole_number("steps", value, at_least=1)
    assert found == 3
    assert isinstance(found, int)


def test_what_was_checked_is_kept_in_a_frozen_dataclass():
    @dataclass(frozen=True)
    class Settings:
        steps: int
        rate: float | None = None

        def __post_init__(self):
            checks.keep(
                self,
                steps=checks.whole_number("steps", self.steps, at_least=1),
                rate=checks.optional(checks.number, "rate", self.rate, above=0),
            )

    assert repr(Settings(15.0, 2)) == repr(Settings(15, 2.0))
    assert Settings(1).rate is None
    with pytest.raises(ValueError, match="rate must be a number above 0, got 0"):
        Settings(1, 0)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: checks.whole_number("n", 0, at_least=1), "n must be a whole number of at least 1, got 0"),
        (lambda: checks.whole_number("n", True, at_least=0), "n must be a whole number of at least 0, got True"),
        (lambda: checks.whole_number("n", None, at_least=0), "n must be a whole number of at least 0, got None"),
        (
            lambda: checks.whole_number("n", 9, at_least=0, at_most=8),
            "n must be a whole number of at least 0 and at most 8, got 9",
        ),
        (lambda: checks.number("x", float("nan")), "x must be a number, got nan"),
        (lambda: checks.number("x", 1, above=1), "x must be a number above 1, got 1"),
        (lambda: checks.number("x", 1, at_least=0, below=1), "x must be a number at least 0 and below 1, got 1"),
        (lambda: checks.number("x", "1"), "x must be a number, got '1'"),
        (lambda: checks.number("x", 10**400), f"x must be a number, got {10**400}"),
        (lambda: checks.one_of("k", 1, ("1", None)), "k must be one of 1, null; got 1"),
        (lambda: checks.one_of("k", True, (1, 2)), "k must be one of 1, 2; got True"),
        (
            lambda: checks.one_of("decay", "Cosin", ("linear", "cosine")),
            "decay must be one of linear, cosine; got 'Cosin'; did you mean cosine?",
        ),
        (lambda: checks.yes_or_no("flag", 1), "flag must be true or false, got 1"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_was_given_and_what_is_allowed(check, message):
    with pytest.raises(ValueError) as caught:
        check()
    assert str(caught.value) == message


@pytest.mark.parametrize("name", UNUSABLE, ids=ascii)
def test_names_that_no_condition_can_hold_are_refused(name):
    with pytest.raises(ValueError, match=r"^its name must be a text of 1 to 100 characters other than clean") as caught:
        checks.condition_name("its name", name)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ODD)
def test_odd_names_that_it_can_hold_are_kept_as_they_are(name):
    assert checks.condition_name("its name", name) == name


def test_a_path_has_its_home_directory():
    assert checks.path("checkpoint", "~/x") == Path.home() / "x"
    assert checks.path("checkpoint", "a/../b") == Path("a/../b")


@pytest.mark.parametrize("value", [None, "", 3, "~nosuchuser/x", "caf\udce9"], ids=ascii)
def test_what_is_no_path_is_refused(value):
    with pytest.raises(ValueError, match=r"^checkpoint must be a path") as caught:
        checks.path("checkpoint", value)
    assert str(caught.value).endswith(f"got {value!r}")
    assert str(caught.value).isprintable()
