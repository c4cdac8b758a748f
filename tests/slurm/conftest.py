"""Clusters for the tests, and the commands that run studies on them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm.cluster import PACKAGES, Cluster, missing, one_node


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster without accounting."""
    yield from _started()


@pytest.fixture(scope="session")
def accounted_cluster() -> Iterator[Cluster]:
    """A cluster with accounting, where only the account `lab` may submit, and where job arrays have at most 3 jobs."""
    yield from _started(accounting=True, max_array_size=3)


def _started(accounting: bool = False, max_array_size: int = 1001) -> Iterator[Cluster]:
    if os.geteuid() != 0:
        pytest.skip("a SLURM of the tests' own needs root")
    if missing(accounting):
        _install()
    if lacking := missing(accounting):
        pytest.skip(f"SLURM is not here and cannot be installed with apt-get: no {', '.join(lacking)}")
    root = Path(tempfile.mkdtemp(prefix="robustft-slurm-"))  # of a short name: sockets' paths have at most 107 bytes
    with one_node(root, accounting=accounting, max_array_size=max_array_size) as cluster:
        yield cluster


def _install() -> None:
    """Debian's packages of SLURM; what is missing afterwards is told by name."""
    if (apt := shutil.which("apt-get")) is None:
        return
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES.split()]):
        subprocess.run([apt, "-qq", *words], env=quiet, capture_output=True, timeout=600, check=False)
