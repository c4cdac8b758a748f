"""A browser for the tests, and pages of made-up studies for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest

from robustft.report.page.page import write_page
from robustft.report.study_report import StudyReport
from robustft.study.comparison.comparison import Comparison
from tests.browser.browser import PROGRAMS, Browser
from tests.report.made_comparison import made_comparison, made_findings

PACKAGES = "chromium chromium-driver fonts-liberation"
WritePage = Callable[..., str]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's chromium, without a window."""
    if _missing() and os.geteuid() == 0:
        _install()
    if lacking := _missing():
        pytest.skip(f"chromium is not here and cannot be installed with apt-get: no {', '.join(lacking)}")
    with Browser() as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """The browser as a desktop that has seen nothing yet."""
    chromium.reset()
    return chromium


@pytest.fixture(scope="session")
def write(tmp_path_factory: pytest.TempPathFactory) -> WritePage:
    """Writes the page of a comparison, or of a made-up one of some size; gives its address on disk."""

    def written(comparison: Comparison | None = None, **size: object) -> str:
        comparison = comparison or made_comparison(**size)  # type: ignore[arg-type]
        path = tmp_path_factory.mktemp("page") / "index.html"
        write_page(StudyReport(comparison, made_findings(comparison)), path)
        return path.as_uri()

    return written


@pytest.fixture(scope="session")
def page(write: WritePage) -> str:
    """Two strategies with three seeds in one setting: six runs."""
    return write(strategies=(("lora", "lora"), ("full", "full")))


def _missing() -> list[str]:
    return [program for program in PROGRAMS if shutil.which(program) is None]


def _install() -> None:
    """Debian's packages; what is missing afterwards is told by name."""
    if (apt := shutil.which("apt-get")) is None:
        return
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES.split()]):
        subprocess.run([apt, "-qq", *words], env=quiet, capture_output=True, timeout=600, check=False)
