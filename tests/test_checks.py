from __future__ import annotations

from dataclasses import dataclass

import pytest

from robustft import checks


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
        (lambda: checks.one_of("k", 1, ("1", None)), "k must be one of 1, null; got 1"),
        (lambda: checks.one_of("k", True, (1, 2)), "k must be one of 1, 2; got True"),
        (lambda: checks.yes_or_no("flag", 1), "flag must be true or false, got 1"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_was_given_and_what_is_allowed(check, message):
    with pytest.raises(ValueError) as caught:
        check()
    assert str(caught.value) == message
