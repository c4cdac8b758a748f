"""Processes of one machine share its GPUs by leases: no two have the same."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

import pytest

from robustft import interruption
from robustft.cli.studies.devices import free_device, visible_devices

VISIBLE = "CUDA_VISIBLE_DEVICES"


def test_each_has_another_device_until_it_gives_it_back(tmp_path):
    with ExitStack() as stack:
        held = [stack.enter_context(free_device(["a", "b"], tmp_path))[VISIBLE] for _ in range(2)]
        assert sorted(held) == ["a", "b"]
    with free_device(["a", "b"], tmp_path) as device:
        assert device[VISIBLE] == "a"


def test_another_process_s_device_is_not_taken(tmp_path):
    script = (
        "import sys; from pathlib import Path; from robustft.cli.studies.devices import free_device\n"
        "with free_device(['a', 'b'], Path(sys.argv[1])) as device:\n"
        "    print(device['CUDA_VISIBLE_DEVICES'], flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline().strip() == "a"
        with free_device(["a", "b"], tmp_path) as device:
            assert device[VISIBLE] == "b"
        other.stdin.close()


def test_the_device_of_a_dead_process_is_free(tmp_path):
    script = (
        "import os, sys; from pathlib import Path; from robustft.cli.studies.devices import free_device\n"
        "free_device(['a'], Path(sys.argv[1])).__enter__(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    with free_device(["a"], tmp_path) as device:
        assert device[VISIBLE] == "a"


def test_who_waits_for_a_device_can_be_interrupted(tmp_path):
    import signal

    with free_device(["a"], tmp_path), interruption.on_signals():
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(interruption.Interrupted), free_device(["a"], tmp_path):
            pass


def test_without_devices_nothing_is_set(tmp_path):
    with free_device([], tmp_path) as environment:
        assert environment == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("given", "devices"), [("", []), ("-1", []), ("GPU-a, GPU-b", ["GPU-a", "GPU-b"])])
def test_what_the_environment_hides_is_not_used(monkeypatch, given, devices):
    monkeypatch.setenv(VISIBLE, given)
    assert visible_devices() == devices
