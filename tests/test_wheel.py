"""What pip installs is complete: the configuration, the lab's weights and the split travel in the wheel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[1]


def test_an_installed_wheel_runs_away_from_the_checkout(tmp_path):
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("robustft-*.whl")
    page = {str(path.relative_to(ROOT)) for path in (ROOT / "robustft/report/page/web").iterdir()}
    with ZipFile(wheel) as archive:  # nothing in it has to be compiled: to install it is to unpack it
        archive.extractall(site)
        assert page <= set(archive.namelist())
    code = "import robustft, robustft.cli.app as app; print(robustft.__file__, app.conf_dir(), sep='\\n')"
    environment = {**os.environ, "PYTHONPATH": str(site)}

    def python(*words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, *words], cwd=elsewhere, env=environment, capture_output=True, text=True, timeout=120
        )

    places = python("-c", code).stdout.splitlines()
    assert places == [str(site / "robustft/__init__.py"), str(site / "robustft/conf")]
    short = ("trainer.max_steps=1", "schedule.points=1", "suite.max_images=4", "attack.pgd.steps=1")
    run = python("-m", "robustft", *short, "tracker.mode=disabled", "hydra.run.dir=run")
    assert run.returncode == 0, run.stderr
    assert (elsewhere / "run/tradeoff.png").is_file()
