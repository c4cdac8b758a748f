"""Two processes that want the same run: the second leaves it alone, and who has lost it stops."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from robustft.cli.runs.run_directory import claimed
from robustft.lease import LEASE_SECONDS
from tests.cli.made_up_run import WORDS
from tests.cli.test_light_imports import loaded_by

ROOT = Path(__file__).parents[2]

STANDING_STILL = """
import os, signal
from robustft.cli.app import main
from robustft.study.records.record_file import RecordFile
calls, original = 0, RecordFile.append
def append(*arguments):
    global calls
    calls += 1
    if calls == 3:
        os.kill(os.getpid(), signal.SIGSTOP)
    return original(*arguments)
RecordFile.append = append
main()
"""


def files_of(run_dir: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(run_dir)): path.read_bytes()
        for path in sorted(run_dir.rglob("*"))
        if path.is_file() and path.name != "run.lease"
    }


def test_the_second_leaves_the_run_alone_in_one_line_and_loads_nothing(words, tmp_path):
    with claimed(tmp_path / "run"):
        code, out, err = words(*WORDS, "hydra.run.dir=run")
        assert (code, err) == (0, "")
        assert out.startswith("run is being worked on by ")
        assert f"(process {os.getpid()}) since 20" in out
        assert out.count("\n") == 1
        assert loaded_by(*WORDS, "hydra.run.dir=run", cwd=tmp_path) == "loaded:"
        assert [path.name for path in (tmp_path / "run").iterdir()] == ["run.lease"]


def test_a_run_that_stood_still_while_another_took_over_writes_nothing_more_and_stops(tmp_path):
    run_dir = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", STANDING_STILL, *WORDS, "trainer.accelerator=cpu", "hydra.run.dir=run"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
        before = files_of(run_dir)
        assert before["records.jsonl"].count(b"\n") == 2
        then = (run_dir / "run.lease").stat().st_mtime - LEASE_SECONDS - 1
        os.utime(run_dir / "run.lease", (then, then))
        with claimed(run_dir):
            process.send_signal(signal.SIGCONT)
            _, said = process.communicate(timeout=120)
            assert process.returncode == 1
            (line,) = [line for line in said.splitlines() if line.startswith("robustft: ")]
            assert line.startswith(f"robustft: {run_dir} is being worked on by ")
            assert f"(process {os.getpid()}) since 20" in line
            assert "Traceback" not in said
            after = files_of(run_dir)
            assert after == {name: content for name, content in before.items() if name in after}
            assert {Path(name).suffix for name in before.keys() - after.keys()} <= {".tmp"}
    finally:
        process.kill()
        process.communicate()
