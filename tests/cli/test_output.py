"""Printing fails no command, and no command needs what its surroundings may lack."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from robustft.cli.output import unfailing_output


def robustft(*words: str, **options) -> subprocess.CompletedProcess:
    start = [sys.executable, "-m", "robustft", *words]
    return subprocess.run(start, stderr=subprocess.PIPE, text=True, check=False, **options)


def test_what_a_terminal_has_no_letters_for_is_written_as_escapes(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    with unfailing_output():
        print("日本 é")
    assert written.getvalue() == rb"\u65e5\u672c \xe9" + b"\n"


def test_a_reader_that_has_gone_stops_nothing(monkeypatch):
    reader, writer = os.pipe()
    stream = os.fdopen(writer, "w")
    monkeypatch.setattr(sys, "stdout", stream)
    with unfailing_output():
        print("first", flush=True)
        os.close(reader)
        for _ in range(3):
            print("x" * 100_000, flush=True)
    stream.close()  # what was left in its buffer goes nowhere


def test_a_stream_that_was_closed_is_no_stream_to_fail_on(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with unfailing_output():
        sys.stdout.write("nobody hears")
    assert sys.stdout is None


def test_help_into_a_pipe_that_nobody_reads_ends_well():
    reader, writer = os.pipe()
    os.close(reader)
    done = robustft("--help", stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_help_onto_a_full_disk_ends_well():
    with open("/dev/full", "w") as full:
        done = robustft("--help", stdout=full)
    assert (done.returncode, done.stderr) == (0, "")


SURROUNDINGS = """
import getpass
from pathlib import Path
from robustft.cli.environment import own_environment
with own_environment():
    import matplotlib
    home = Path("~/.config").expanduser().parent
    home.joinpath("file").write_text("")
    assert home == Path.home() and getpass.getuser(), home
    print(matplotlib.get_backend())
assert not home.exists()
"""


def test_without_a_home_a_user_name_and_a_backend_that_exists_libraries_find_all_three():
    somebody = ["unshare", "--user", "--map-user=54321"]
    if subprocess.run([*somebody, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user without an entry can be made here")
    unset = ("HOME", "LOGNAME", "USER", "LNAME", "USERNAME")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    done = subprocess.run(
        [*somebody, sys.executable, "-c", SURROUNDINGS],
        env=environment | {"MPLBACKEND": "module://nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "agg\n", done.stderr
    assert done.stderr.startswith("robustft: HOME must be a directory for caches to last, got none: ")
