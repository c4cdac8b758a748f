"""What must answer at once loads nothing heavy."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "timm", "adapters", "pytorch_lightning", "wandb", "matplotlib", "sklearn")

CODE = """
import sys
from robustft.cli.app import main
try:
    main()
except SystemExit:
    pass
print("loaded:", *[name for name in {heavy} if name in sys.modules], file=sys.stderr)
"""


def loaded_by(*words: str, cwd) -> str:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(heavy=HEAVY), *words], cwd=cwd, capture_output=True, text=True, timeout=120
    )
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("--cfg", "job"),
        ("method=foo",),
        ("method=LoRA", "attack=fgms"),
        ("evaluate", "run=x", "tracker.mode=offline"),
        ("-m", "seed=-1,-2"),
        ("-sc", "install=bash"),
        ("-sc", "query=bash"),
        ("trainer.max_step=5",),
        ("plan", "study=lab", "seed=0", "plan.images_per_second=1000"),
        ("threat_model.eps_255=-1",),
        ("attack.pgd.when=last",),
        ("status", "run=nowhere"),
        ("report", "run=nowhere"),
        ("report", "run=x", "choose.ood_at_least=0.2"),
        ("export", "run=nowhere", "output=there"),
        ("evaluate", "run=nowhere", "threat_model.eps_255=4"),
        ("evaluate", "run=nowhere", "attack=[pgd]", "attack.pgd.steps=0"),
    ],
    ids=" ".join,
)
def test_help_and_mistakes_load_nothing_heavy(words, tmp_path):
    assert loaded_by(*words, cwd=tmp_path) == "loaded:"


def test_a_study_is_reported_without_anything_heavy(made_up_run, tmp_path):
    shutil.copytree(made_up_run, tmp_path / "study/copy")
    words = ("report", "run=study", "draws=100", "page=false", "figures=false")
    assert loaded_by(*words, cwd=tmp_path) == "loaded:"
    assert (tmp_path / "study/report/tables/area.csv").is_file()


def test_the_state_of_runs_is_told_without_anything_heavy(made_up_run, tmp_path):
    assert loaded_by("status", f"run={made_up_run}", cwd=tmp_path) == "loaded:"
