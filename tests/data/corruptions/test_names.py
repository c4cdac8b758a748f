from __future__ import annotations

import subprocess
import sys

import pytest

from robustft.data.corruptions.names import COMMON, EXTRA, corruption_names, severity_numbers


def test_there_are_15_and_4():
    assert (len(set(COMMON)), len(set(EXTRA)), set(COMMON) & set(EXTRA)) == (15, 4, set())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, ()),
        ([], ()),
        ("all", COMMON),
        ("extra", EXTRA),
        (["extra", "all"], (*COMMON, *EXTRA)),
        ("fog", ("fog",)),
        (["fog", "snow", "fog"], ("snow", "fog")),
    ],
)
def test_any_subset_in_one_order(given, expected):
    assert corruption_names(given) == expected


@pytest.mark.parametrize(("given", "expected"), [([5, 1, 1], (1, 5)), (3, (3,)), ([2.0], (2,))])
def test_severities_ascend(given, expected):
    assert severity_numbers(given) == expected


@pytest.mark.parametrize("given", ["rain", ["fog", 3], 7])
def test_another_name_is_refused_with_what_there_is(given):
    with pytest.raises(ValueError, match=r"^corruptions must be"):
        corruption_names(given)


@pytest.mark.parametrize("given", [[], [0], [6], "all", [True]])
def test_another_severity_is_refused(given):
    with pytest.raises(ValueError, match=r"^severities must"):
        severity_numbers(given)


def test_names_load_nothing_heavy():
    code = "import sys, robustft.data.corruptions.names; print({'scipy', 'numpy', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
