"""What docs/extending.md adds from outside the package, in real processes."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w/]+\.(?:py|yaml))`[^\n]*:\n\n```\w+\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL))
COMMANDS = re.findall(r"^python -m robustft (.*)$", GUIDE, re.MULTILINE)


@pytest.fixture
def mylab(tmp_path: Path) -> Path:
    """The directory of the guide: its files, and a data set that can be learned."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    random, arrays = np.random.default_rng(0), {}
    for split, count in (("train", 80), ("test", 8)):
        labels = np.arange(count) % 2
        noise = random.integers(0, 128, (count, 14, 14, 3))
        arrays |= {f"{split}_images": (noise + 127 * labels[:, None, None, None]).astype(np.uint8)}
        arrays |= {f"{split}_labels": labels[:, None].astype(np.uint8)}
    np.savez(tmp_path / "blood.npz", **arrays)
    return tmp_path


def robustft(words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(cwd), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-m", "robustft", *shlex.split(words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "ROBUSTFT_CACHE": str(cwd / "cache")},
    )


def test_the_guide_has_one_python_file_and_one_yaml_each() -> None:
    assert [Path(name).parent.as_posix() for name in FILES] == [
        *("mylab", "conf/method", "mylab", "conf/objective", "mylab", "conf/attack", "mylab", "conf/dataset"),
    ]
    assert [words.split()[0] for words in COMMANDS] == ["--config-dir=conf", "evaluate", "report"]


def test_what_the_guide_adds_is_trained_measured_again_and_reported(mylab: Path) -> None:
    train, evaluate, report = COMMANDS
    done = robustft(train, mylab)
    assert done.returncode == 0, done.stderr
    run_dir = mylab / report.partition("run=")[2]
    records = [json.loads(line) for line in (run_dir / "records.jsonl").read_text().splitlines()]
    assert {record["condition"] for record in records} == {"clean", "pgd", "momentum_fgsm"}
    content = json.loads((run_dir / "run.json").read_text())
    assert content["identity"]["method"] == {"_target_": "mylab.norm_tuning.NormTuning", "shifts": True}
    assert content["identity"]["objective"]["_target_"] == "mylab.logit_pairing.LogitPairing"
    assert content["update"]["trained"] == 2
    assert content["parameters"]["trainable"] == 2 * 96 * (2 * 4 + 1)
    clean = {
        (record["step"], record["split"]): record["correct"] for record in records if record["condition"] == "clean"
    }
    for record in records:
        assert record["correct"] <= clean[record["step"], record["split"]]

    refused = robustft(evaluate.replace(" trust=[mylab]", ""), mylab)
    assert refused.returncode == 1
    assert "has a _target_ outside robustft" in refused.stderr
    assert "trust=[mylab] lets it run" in refused.stderr
    done = robustft(evaluate, mylab)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("agrees") == 6
    done = robustft(report, mylab)
    assert done.returncode == 0, done.stderr
    assert "momentum_fgsm" in done.stdout

    help_text = robustft("--help --config-dir=conf method=norm_tuning", mylab).stdout
    assert re.search(
        r"^method: +# Norm tuning: .*\n  shifts: true +# false: the scales alone$", help_text, re.MULTILINE
    )
    code = robustft(f"{train} attack.momentum_fgsm.steps=0", mylab)
    wrong = robustft(f"{train} objective.weight=-1", mylab)
    assert wrong.stderr.startswith("robustft: objective.weight must be")
    assert code.stderr == "robustft: attack.momentum_fgsm.steps must be a whole number of at least 1, got 0\n"
