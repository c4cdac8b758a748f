"""An AutoAttack evaluation that is killed goes on at the block where it stopped, from end to end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

RUN = (
    "attack.pgd.steps=2",
    "suite.max_images=30",
    "trainer.max_steps=20",
    "schedule.points=2",
    "trainer.accelerator=cpu",
    "tracker.mode=disabled",
    "hydra.run.dir=run",
)
EVALUATE = (
    "evaluate",
    "run=run",
    "states=last",
    "accelerator=cpu",
    "attack=[autoattack]",
    "attack.autoattack.iterations=1",
    "attack.autoattack.queries=1",
    "suite.batch_size=1",  # blocks of 8 images
)


def content(cwd: Path) -> tuple[list[dict], dict[str, bytes]]:
    """Records without times, and outcomes."""
    lines = (cwd / "run/records.jsonl").read_text().splitlines()
    records = [json.loads(line) | {"seconds": None, "time": None} for line in lines]
    return records, {path.name: path.read_bytes() for path in (cwd / "run/outcomes").rglob("*.npy")}


def test_killed_twice_in_autoattack_it_ends_like_the_unbroken_one(tmp_path, robustft):
    unbroken, killed = tmp_path / "unbroken", tmp_path / "killed"
    unbroken.mkdir()
    assert robustft(*RUN, cwd=unbroken).returncode == 0
    shutil.copytree(unbroken, killed)
    seen: set[Path] = set()
    for _ in range(2):
        assert robustft(*EVALUATE, cwd=killed, kill=("block", 1)).returncode == -9
        blocks = set(killed.glob("run/blocks/*/*.npz"))
        assert len(blocks - seen) == 1
        assert blocks > seen
        seen = blocks
    for cwd in (unbroken, killed):
        done = robustft(*EVALUATE, cwd=cwd)
        assert done.returncode == 0, done.stderr
        assert not (cwd / "run/blocks").exists()
    assert content(killed) == content(unbroken)
    assert content(killed)[0][-1]["condition"] == "autoattack"
