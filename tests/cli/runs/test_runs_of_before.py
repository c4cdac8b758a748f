"""Run directories made by the first version, with addresses of files in run.json and configuration, still are runs.

`tests/before/` has one that finished and the same one killed behind its third evaluated step.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

BEFORE = Path(__file__).parents[2] / "before"
WORDS = (
    *("method=bitfit", "trainer.max_steps=12", "schedule.points=3", "trainer.batch_size=32", "suite.max_images=40"),
    *("attack=[pgd,fgsm]", "suite.eps_grid_255=[4]", "suite.corruptions=[fog]", "suite.severities=[3]"),
    *("attack.pgd.warm_start=true", "tracker.mode=disabled", "study.name=before"),
)


def records(run_dir: Path) -> list[tuple[str, int]]:
    lines = (run_dir / "records.jsonl").read_text().splitlines()
    return sorted((record["key"], record["correct"]) for record in map(json.loads, lines))


def test_a_finished_run_is_measured_again_with_the_same_outcomes_and_reported(words, tmp_path):
    shutil.copytree(BEFORE / "finished", tmp_path / "run")
    code, out, err = words("evaluate", "run=run", "states=all", "accelerator=cpu")
    assert (code, err) == (0, "")
    lines = [line for line in out.splitlines() if " test " in line or " validation " in line]
    assert len(lines) == len(records(tmp_path / "run"))
    assert all(line.endswith("agrees") for line in lines)
    code, out, err = words("report", "run=run")
    assert (code, err) == (0, "")
    assert "area under the frontier 0.0850" in out
    code, out, _ = words(*WORDS, "hydra.run.dir=run")
    assert code == 0
    assert out.startswith("finished before: run")


def test_a_killed_run_goes_on_and_is_the_run_that_it_would_have_been(words, tmp_path):
    shutil.copytree(BEFORE / "killed", tmp_path / "run")
    begun = json.loads((tmp_path / "run/run.json").read_text())
    expected = records(BEFORE / "finished")
    assert 0 < len(records(tmp_path / "run")) < len(expected)
    code, _, _ = words(*WORDS, "hydra.run.dir=run")
    assert code == 0
    assert records(tmp_path / "run") == expected
    ended = json.loads((tmp_path / "run/run.json").read_text())
    assert ended["run_id"] == begun["run_id"]
    assert ended["validation_rows"] == begun["validation_rows"]
    assert ended["identity"]["dataset"]["_target_"] == "robustft.data.Digits"


def test_a_public_name_that_was_renamed_is_read_as_today_s(words, tmp_path):
    shutil.copytree(BEFORE / "finished", tmp_path / "run")
    for name in ("run.json", ".hydra/config.yaml"):
        path = tmp_path / "run" / name
        text = path.read_text()
        assert "robustft.backbones.timm_vit.TimmVit" in text
        path.write_text(text.replace("robustft.backbones.timm_vit.TimmVit", "robustft.backbones.TimmVit"))
    code, out, err = words("evaluate", "run=run", "accelerator=cpu")
    assert (code, err) == (0, "")
    assert "agrees" in out
    code, out, err = words(*WORDS, "hydra.run.dir=run")
    assert (code, err) == (0, "")
    assert out.startswith("finished before: run")
