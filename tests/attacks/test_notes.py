"""Notes on what too few classes do not allow say what is really done, for every number of classes under every norm."""

from __future__ import annotations

import re

import pytest
import torch
from pyautoattack import AutoAttack as Authors

from robustft.attacks.apgd import Apgd, ApgdTargeted
from robustft.attacks.attack import Attack
from robustft.attacks.autoattack import AutoAttack
from robustft.attacks.autoattack_official import NORMS, OfficialAutoAttack
from robustft.attacks.fab import FabTargeted

EVERY = [(classes, norm) for classes in range(2, 13) for norm in NORMS]
every = pytest.mark.parametrize(("classes", "norm"), EVERY)
FEWER = re.compile(r"^(?:(\w+): )?(\d+) instead of (\d+) targets: there are (\d+) classes$")


def targets_in(notes: tuple[str, ...]) -> dict[str, tuple[int, int, int]]:
    """(used, asked for, classes) by part."""
    found = [match.groups() for match in map(FEWER.match, notes) if match]
    assert len({part for part, *_ in found}) == len(found)
    return {part or "": (int(used), int(asked), int(classes)) for part, used, asked, classes in found}


@pytest.mark.parametrize(
    ("attack", "used", "asked"),
    [
        (AutoAttack(), {"linf": (9, 9), "l2": (9, 9), "l1": (5, 9)}, ("apgd_t", "fab_t")),
        (OfficialAutoAttack(), {"linf": (9, 9), "l2": (9, 9), "l1": (5, 9)}, ("apgd_t", "fab_t")),
        (ApgdTargeted(targets=4), dict.fromkeys(NORMS, (4,)), ("",)),
        (FabTargeted(targets=7), dict.fromkeys(NORMS, (7,)), ("",)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Attack) else "",
)
@every
def test_fewer_targets_are_noted_where_and_only_where_there_are_fewer(attack, used, asked, classes, norm):
    there = classes - 1
    expected = {
        part: (there, targets, classes) for part, targets in zip(asked, used[norm], strict=True) if there < targets
    }
    assert targets_in(attack.notes(classes, norm)) == expected


@every
def test_the_note_has_the_number_of_runs_that_the_search_makes(classes, norm):
    attack = AutoAttack()
    parts = attack.parts(classes, norm)
    for part, (targets, _, _) in targets_in(attack.notes(classes, norm)).items():
        assert parts[part].runs(classes) == targets


@every
def test_a_stand_in_for_dlr_is_noted_where_and_only_where_there_is_one(classes, norm):
    notes = [note for note in AutoAttack().notes(classes, norm) if "margin loss" in note]
    expected = [("apgd_t", 4, "targeted DLR"), ("apgd_dlr", 3, "DLR")]
    assert notes == [
        f"{part}: margin loss instead of {loss}, which needs {needed} classes: {classes}"
        for part, needed, loss in expected
        if classes < needed
    ]
    assert Apgd(loss="dlr").notes(classes, norm) == tuple(
        note.removeprefix("apgd_dlr: ") for note in notes if note.startswith("apgd_dlr")
    )


@pytest.mark.parametrize("norm", NORMS)
def test_the_authors_code_has_the_targets_that_its_notes_speak_of(norm):
    official = Authors(torch.nn.Identity(), norm=NORMS[norm], eps=0.1, seed=0, version="standard")
    (few_in_apgd, _, _), (few_in_fab, _, _) = targets_in(OfficialAutoAttack().notes(2, norm)).values()
    assert few_in_apgd == few_in_fab == 1
    asked = {part: asked for part, (_, asked, _) in targets_in(OfficialAutoAttack().notes(2, norm)).items()}
    assert asked == {"apgd_t": official.apgd_targeted.n_target_classes, "fab_t": official.fab.n_target_classes}


def test_a_search_in_l1_with_8_classes_notes_what_it_did(searched):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 8)).requires_grad_(False)
    pixels = torch.rand(6, 3, 4, 4)
    found = searched(
        network, pixels, network(pixels).argmax(1), AutoAttack(iterations=2, queries=2), norm="l1", eps_255=100
    )
    assert found.notes == ("fab_t: 7 instead of 9 targets: there are 8 classes",)
