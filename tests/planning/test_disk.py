from __future__ import annotations

from pathlib import Path

import pytest

from robustft.planning.disk import check_space, free_bytes, run_disk, size, total_disk
from robustft.planning.work import Parameters

SMALL = Parameters(total=1000, trainable=90, head=10)
LARGE = Parameters(total=86_000_000, trainable=85_800_000, head=7_690)


def test_the_number_of_states_follows_the_policy(make_work):
    def files(**settings) -> float:
        disk = run_disk(make_work(tracked=False, **settings))
        assert disk is not None
        return disk.files.expected

    none = files(parameters=SMALL, keep="none")
    assert files(parameters=SMALL) == files(parameters=SMALL, keep="all") == none + 3
    steps = tuple(range(30))
    assert files(parameters=LARGE, steps=steps) == none + 8  # records are those of three states as before
    assert files(parameters=LARGE, steps=steps, keep="all") == none + 30


def test_large_states_decide_the_size(make_work):
    disk = run_disk(make_work(parameters=LARGE, keep="all"))
    assert disk is not None
    state = 4 * (85_800_000 + 7_690)
    assert disk.bytes.expected == pytest.approx(
        (3 + 3) * state, rel=0.001
    )  # three states, last.ckpt of three times one
    assert disk.peak == pytest.approx(2 * 3 * state, rel=0.001)


def test_every_network_that_is_trained_is_in_a_checkpoint(make_work):
    usual, with_peer = (run_disk(make_work(parameters=LARGE, checkpoint_states=count)) for count in (3, 6))
    assert usual is not None
    assert with_peer is not None
    assert with_peer.peak == pytest.approx(2 * usual.peak, rel=0.001)


def test_what_is_not_known_of_one_run_is_not_known_of_all(make_work):
    known, unknown = run_disk(make_work()), run_disk(make_work(parameters=None))
    assert unknown is None
    assert total_disk([known, unknown]) is None
    both = total_disk([known, known])
    assert known is not None
    assert both is not None
    assert both.bytes == 2 * known.bytes
    assert both.peak == known.peak


def test_a_disk_that_is_too_small_is_refused_in_one_line(tmp_path: Path):
    check_space(1, tmp_path / "not/there/yet")
    with pytest.raises(ValueError, match=r"^hydra.sweep.dir must be on a disk with .* free") as error:
        check_space(free_bytes(tmp_path) + 10**13, tmp_path / "not/there/yet")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("count", "shown"), [(12, "12 bytes"), (4_096, "4.1 kB"), (5e12, "5.0 TB")])
def test_sizes_are_for_people(count: float, shown: str):
    assert size(count) == shown
