from __future__ import annotations

import shutil
from collections import namedtuple

import pytest
import torch

from robustft.models.keep_policy import keep_policy
from robustft.models.states import States
from robustft.study.records.condition import Condition
from robustft.study.records.record import Record

CLEAN = {0: 10, 1: 60, 2: 70, 3: 70, 4: 65}
ROBUST = {0: 5, 1: 30, 2: 20, 3: 10, 4: 8}


def records_until(step: int) -> list[Record]:
    return [
        Record(
            step=done,
            epoch=done / 10,
            condition=condition,
            correct=counts[done],
            total=100,
            seconds=0,
            forward_passes=0,
            backward_passes=0,
            time="2026-01-01T00:00:00+00:00",
        )
        for done in range(step + 1)
        for split in ("validation", "test")
        for condition, counts in (
            (Condition(split=split), CLEAN),
            (Condition(split=split, attack="pgd", norm="linf", eps=0.1, settings="abc"), ROBUST),
        )
    ]


def test_of_states_with_one_clean_accuracy_the_most_robust_is_kept(tmp_path, tiny_backbone, monkeypatch):
    monkeypatch.setitem(ROBUST, 3, 25)  # 3 ties with 2 on clean and beats it: 2 is neither best nor on the frontier
    assert kept_after_a_run(tmp_path, tiny_backbone(), "selected") == [1, 3, 4]


def kept_after_a_run(tmp_path, model, keep):
    states = States(run_dir=tmp_path, keep=keep)
    for step in CLEAN:
        states.save(model, step)
        states.prune(model, records_until(step), attack="pgd")
    return states.steps()


def test_all_keeps_all_and_none_keeps_none(tmp_path, tiny_backbone):
    assert kept_after_a_run(tmp_path / "all", tiny_backbone(), "all") == [0, 1, 2, 3, 4]
    assert kept_after_a_run(tmp_path / "none", tiny_backbone(), "none") == []


def test_selected_keeps_best_last_and_the_frontier(tmp_path, tiny_backbone):
    # 1 and 2 are on the frontier, 2 is the best (the most robust of the tie), 4 is the last.
    assert kept_after_a_run(tmp_path, tiny_backbone(), "selected") == [1, 2, 4]


def test_small_states_are_all_kept_and_large_ones_selected():
    assert keep_policy(None, 49_999_999) == "all"
    assert keep_policy(None, 343_000_000) == "selected"
    assert keep_policy("none", 1) == "none"


def test_a_state_comes_back_to_the_bit(tmp_path, tiny_backbone):
    states = States(run_dir=tmp_path)
    model, other = tiny_backbone(), tiny_backbone(seed=1)
    states.save(model, 3)
    states.load(other, 3)
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)


def test_a_state_that_was_not_kept_is_named(tmp_path, tiny_backbone):
    states = States(run_dir=tmp_path)
    states.save(tiny_backbone(), 3)
    with pytest.raises(ValueError, match=r"states must be the step of a kept state \(3\), best or last; got 4"):
        states.load(tiny_backbone(), 4)


def test_a_state_that_the_model_holds_is_not_loaded_again(tmp_path, tiny_backbone):
    states, first, second = States(run_dir=tmp_path), tiny_backbone(), tiny_backbone(seed=1)
    model = tiny_backbone(seed=2)
    states.save(first, 1)
    states.save(second, 2)

    def holds(expected) -> bool:
        return all(torch.equal(one, two) for one, two in zip(model.parameters(), expected.parameters(), strict=True))

    at = states.restored_into(model, holds=7)
    assert at(7) is model  # no file has it
    assert at(1) is model
    assert holds(first)
    states.path(1).unlink()
    assert at(1) is model
    at(2)
    assert holds(second)
    for _ in range(2):
        with pytest.raises(ValueError, match="states must be the step of a kept state"):
            at(1)
    at(2)
    assert holds(second)


def test_too_little_disk_is_said_before_with_the_size_needed(tmp_path, tiny_backbone, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, 1000))
    with pytest.raises(OSError, match=r"not enough disk for the run's states: .* GB needed under .*states.keep=all"):
        States(run_dir=tmp_path).check_space(tiny_backbone(), 10)


def test_what_a_run_that_goes_on_has_on_the_disk_already_needs_no_room(tmp_path, tiny_backbone, monkeypatch):
    usage = namedtuple("usage", "total used free")
    model = tiny_backbone()
    size = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    states = States(run_dir=tmp_path, keep="all")
    needed = (10 + 3 * 3) * size  # ten states; three checkpoints at most, each with AdamW's two moments
    for there, name in ((0, None), (size, "states/step-000000.safetensors"), (4 * size, "last.ckpt")):
        if name is not None:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(bytes(there if name.startswith("states") else 3 * size))
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=needed - there: usage(0, 0, free))
        states.check_space(model, 10)
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=needed - there - 1: usage(0, 0, free))
        with pytest.raises(OSError, match="not enough disk"):
            states.check_space(model, 10)


def test_a_checkpoint_with_a_peer_and_an_average_needs_room_for_them(tmp_path, tiny_backbone, monkeypatch):
    usage = namedtuple("usage", "total used free")
    model = tiny_backbone()
    size = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 3 * 7 * size - 1))
    states = States(run_dir=tmp_path, keep="none")
    states.check_space(model, 10)
    with pytest.raises(OSError, match="not enough disk"):
        states.check_space(model, 10, checkpoint=7)


def test_an_unknown_policy_is_refused(tmp_path):
    with pytest.raises(ValueError, match="keep must be one of all, selected, none, null; got 'some'"):
        States(run_dir=tmp_path, keep="some")
