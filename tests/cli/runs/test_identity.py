"""What decides a run's id: more settings must not change the ids of runs that do not use them."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from robustft.cli.app import conf_dir
from robustft.cli.build import parts_of
from robustft.cli.command_line.groups import choices
from robustft.cli.runs.identity import contents, settings
from robustft.data.cache import fingerprint as fingerprints
from robustft.study.run_file import run_id


def identity(*words: str) -> dict:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        config = compose("train", overrides=list(words))
    parts_of(config)
    return settings(config)


def test_what_is_off_is_not_there():
    assert identity()["suite"] == {"max_images": None}
    assert "shift" not in identity()
    assert run_id(identity()) == run_id(identity("suite.severities=[1]", "suite.corruptions=[]", "shift=[]"))


def test_corruptions_are_the_same_however_they_are_named():
    assert identity("suite.corruptions=extra") == identity(
        "suite.corruptions=[saturate,spatter,gaussian_blur,speckle_noise]", "suite.severities=[5,4,3,2,1]"
    )
    assert identity("suite.corruptions=fog")["suite"]["corruptions"] == ["fog"]
    assert run_id(identity("suite.corruptions=fog")) != run_id(identity())
    assert run_id(identity("suite.attack_ood=true")) != run_id(identity())


def test_where_a_shift_set_lies_is_not_what_it_is():
    one, other = (identity("shift=[folder]", f"shift.folder.path=/{place}/pictures") for place in ("a", "b"))
    assert one == other
    assert "path" not in one["shift"]["folder"]
    mapped = identity("shift=[folder]", "shift.folder.path=/a", "shift.folder.mapping={zero: '0'}")
    assert mapped["shift"]["folder"]["mapping"] == {"zero": "0"}


def test_an_attack_at_every_step_is_the_run_that_it_was_and_another_tier_is_another_run():
    assert "when" not in identity()["attack"]["pgd"]
    both = "attack=[pgd,autoattack]"
    tiers = {when: identity(both, f"attack.autoattack.when={when}") for when in ("every", "last", "frontier", "null")}
    assert tiers["null"] == tiers["frontier"]
    assert tiers["every"]["attack"] == {
        name: {key: value for key, value in node.items() if key != "when"}
        for name, node in tiers["last"]["attack"].items()
    }
    assert len({run_id(identity) for identity in tiers.values()}) == 3
    assert "when" not in identity("attack=[autoattack]")["attack"]["autoattack"]


def test_a_grid_of_sizes_is_part_of_what_a_run_is_in_any_order():
    assert run_id(identity("suite.eps_grid_255=[]")) == run_id(identity())
    one, other = identity("suite.eps_grid_255=[1,2]"), identity("suite.eps_grid_255=[2.0,1]")
    assert run_id(one) == run_id(other) != run_id(identity())


def test_the_usual_share_of_validation_images_leaves_no_trace_and_another_is_another_run():
    assert "validation_fraction" not in identity("trainer.validation_fraction=0.1")["trainer"]
    assert identity("trainer.validation_fraction=0.2")["trainer"]["validation_fraction"] == 0.2


def test_the_ids_of_runs_without_later_additions_stay():
    assert run_id(identity()) == "d36505d2be18"


def test_a_pretext_makes_another_data_set_and_none_leaves_no_trace():
    assert identity("pretext=none") == identity()
    turned = identity("pretext=rotation")
    assert turned["dataset"]["pretext"] == {"_target_": "robustft.data.Rotation"}
    turned["dataset"].pop("pretext")
    assert turned == identity()
    assert len({run_id(identity(f"pretext={name}")) for name in choices("pretext")}) == len(choices("pretext"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["shift=[stl10]"], "b4ef1735e954"),
        (["shift=[cifar10]"], "d37b5cbb641c"),
        (["shift=[mnist]"], "2407ac0f0da6"),
        (["shift=[hub]", "shift.hub.hub_id=somebody/something"], "2dfd30f5d435"),
        (["shift=[hub]", "shift.hub.path=/x", "shift.hub.label_offset=1"], "181176f03b6c"),
        (
            ["shift=[hub]", "shift.hub.path=/x", "shift.hub.classes=[a,b]", "shift.hub.mapping={a: zero}"],
            "e7e89a4c947c",
        ),
    ],
)
def test_the_ids_of_runs_with_shift_sets_stay_though_these_read_more_forms_now(given, expected):
    assert run_id(identity(*given)) == expected


@pytest.fixture
def picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Path]]:
    """A file that was left alone for long, and that this process has not read."""
    monkeypatch.setattr(fingerprints, "_TICK_NANOSECONDS", -1)
    monkeypatch.setattr(fingerprints, "_digests", {})
    (tmp_path / "0.png").write_bytes(b"one")
    os.utime(tmp_path / "0.png", ns=(1, 1000))
    return {"dataset": {"train/0.png": tmp_path / "0.png"}}


def test_a_file_rewritten_with_its_size_and_time_kept_is_other_content(picture):
    before = contents(picture, {})
    assert contents(picture, before) == before
    time.sleep(0.02)
    file = picture["dataset"]["train/0.png"]
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1000))
    assert contents(picture, before)["dataset"]["fingerprint"] != before["dataset"]["fingerprint"]


def test_what_was_not_touched_is_not_read_again(picture):
    before = contents(picture, {})
    before["dataset"]["fingerprint"] = "as it was"
    assert contents(picture, before)["dataset"]["fingerprint"] == "as it was"


def test_a_stamp_of_an_earlier_version_is_not_trusted_but_the_files_are_the_same(picture):
    """It was of names, sizes and modification times."""
    before = contents(picture, {})
    line = b"train/0.png\0" + b"3 1000\n"
    old = {"dataset": before["dataset"] | {"stamp": hashlib.blake2b(line, digest_size=16).hexdigest()}}
    assert contents(picture, old) == before


def test_files_written_just_now_have_no_stamp(picture, monkeypatch):
    monkeypatch.setattr(fingerprints, "_TICK_NANOSECONDS", 10**15)
    before = contents(picture, {})
    assert before["dataset"]["stamp"] is None
    picture["dataset"]["train/0.png"].write_bytes(b"two")
    assert contents(picture, before)["dataset"]["fingerprint"] != before["dataset"]["fingerprint"]
