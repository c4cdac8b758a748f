"""Attacks that wait for the end of the run, from end to end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ATTACKS = {
    "apgd_ce": ("attack.apgd_ce.iterations=1", "attack.apgd_ce.when=frontier"),
    "autoattack": ("attack.autoattack.iterations=1", "attack.autoattack.queries=1"),  # with gates, which take long
}
WORDS = (
    "attack.pgd.steps=2",
    "trainer.max_steps=20",
    "trainer.learning_rate=0.03",  # so fast that the last state loses robustness: two are on the frontier
    "schedule.points=4",
    "suite.max_images=40",
    "trainer.accelerator=cpu",
    "tracker.mode=disabled",
    "hydra.run.dir=run",
)
SEEN = ("step", "epoch", "split", "condition", "eps", "attack", "correct", "total", "forward_passes")


def measured(cwd: Path) -> list[dict]:
    lines = (cwd / "run/records.jsonl").read_text().splitlines()
    return [{key: json.loads(line)[key] for key in SEEN} for line in lines]


@pytest.mark.parametrize("attack", ["apgd_ce", pytest.param("autoattack", marks=pytest.mark.soak)])
def test_a_run_killed_while_it_attacks_its_frontier_ends_like_the_unbroken_one(attack, tmp_path, robustft):
    words = (f"attack=[pgd,{attack}]", *ATTACKS[attack], *WORDS)
    for name, kills in {"unbroken": [], "killed": [("record", 26), ("record", 0)]}.items():
        cwd = tmp_path / name
        cwd.mkdir()
        for kill in kills:  # behind the 25 records of the scheduled steps
            assert robustft(*words, cwd=cwd, kill=kill).returncode == -9
            assert len(measured(cwd)) == 26
        done = robustft(*words, cwd=cwd)
        assert done.returncode == 0, done.stderr
    whole = measured(tmp_path / "unbroken")
    assert measured(tmp_path / "killed") == whole
    late = [record for record in whole if record["condition"] == attack]
    assert whole[25:] == late
    assert {record["split"] for record in late} == {"test"}
    assert [record["step"] for record in late] == [7, 20]
    assert done.stdout.count(f"   {attack} ") == len(late)  # their lines, whoever measured them
    weights = [(tmp_path / name / "run/states/step-000020.safetensors").read_bytes() for name in ("unbroken", "killed")]
    assert weights[0] == weights[1]
