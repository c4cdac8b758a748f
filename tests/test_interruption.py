from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from robustft import interruption
from robustft.interruption import Interrupted, check, deadline, install, on_signals, requested


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGUSR2, 143)], ids=lambda it: str(it)
)
def test_a_signal_raises_nothing_until_the_next_safe_point(number, code):
    with on_signals():
        check()
        signal.raise_signal(number)
        assert requested() == number.name
        with pytest.raises(Interrupted) as raised:
            check()
        with pytest.raises(Interrupted):  # not only the first, whoever swallowed it
            check()
    assert (raised.value.signal, raised.value.exit_code) == (number.name, code)
    check()  # outside there is nothing to see


def test_handlers_are_given_back_and_the_first_signal_is_the_reason():
    before = [signal.getsignal(each) for each in interruption.SIGNALS]
    with on_signals(), on_signals(), deadline(60):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGUSR2)
        assert requested() == "SIGTERM"
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert [signal.getsignal(each) for each in interruption.SIGNALS] == before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    assert requested() is None


def test_handlers_of_a_library_are_replaced_again():
    with on_signals():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        install()
        signal.raise_signal(signal.SIGTERM)
        assert requested() == "SIGTERM"
    before = signal.getsignal(signal.SIGTERM)
    install()
    assert signal.getsignal(signal.SIGTERM) == before


def test_in_a_thread_nothing_is_installed():
    seen = []

    def work():
        before = signal.getsignal(signal.SIGTERM)
        with on_signals():
            seen.append(signal.getsignal(signal.SIGTERM) == before)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [True]


def ended(script: str) -> subprocess.CompletedProcess:
    head = "import os, signal\nfrom robustft.interruption import *\nfrom robustft import interruption\n"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", head + script], capture_output=True, text=True, check=False, env=environment, timeout=60
    )


def test_without_a_safe_point_the_process_ends_in_time_and_says_its_last_words():
    done = ended(
        "with on_signals('; `this` goes on'), deadline(0.01), last_words(lambda: print('last')):\n"
        "    with last_words(lambda: 1 / 0), last_words(lambda: print('first')):\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "        while True: pass\n"
    )
    assert (done.returncode, done.stdout) == (143, "first\nlast\n")
    assert done.stderr == "robustft: interrupted by SIGTERM; `this` goes on\n"


def test_where_work_is_worth_saving_the_next_safe_point_is_waited_for():
    done = ended(
        "import time\n"
        "with on_signals(), deadline(0.01):\n"
        "    try:\n"
        "        with deadline(None):\n"
        "            signal.raise_signal(signal.SIGTERM)\n"
        "            end = time.monotonic() + 0.1\n"
        "            while time.monotonic() < end: pass\n"
        "            check()\n"
        "    except Interrupted as stop:\n"
        "        print(stop)\n"
    )
    assert (done.returncode, done.stdout) == (0, "interrupted by SIGTERM\n")


def test_a_second_ctrl_c_ends_the_process_at_once():
    done = ended("with on_signals():\n    signal.raise_signal(signal.SIGINT)\n    signal.raise_signal(signal.SIGINT)\n")
    assert (done.returncode, done.stderr) == (130, "robustft: interrupted by SIGINT\n")
