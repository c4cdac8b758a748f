"""Package versions and the commit of the checkout, for run.json."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("robustft", "torch", "torchvision", "pytorch-lightning", "timm", "adapters", "transformers", "numpy")


def versions() -> dict[str, str]:
    """Python's version and those of the packages that decide numbers."""
    installed = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            continue
    return installed


def git_commit() -> str | None:
    """The commit of the checkout that the code runs from, with `-dirty` if files differ; None outside a checkout."""
    package = Path(__file__).resolve().parents[2]

    def git(*words: str) -> str | None:
        try:
            process = subprocess.run(["git", "-C", str(package), *words], capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return process.stdout.strip() if process.returncode == 0 else None

    # An installed package may sit in somebody else's repository: only files that git tracks are this project's.
    if not git("ls-files", "__main__.py"):
        return None
    commit = git("rev-parse", "HEAD")
    return commit if commit is None or not git("status", "--porcelain", ".") else f"{commit}-dirty"
