"""What decides a run's id: more settings must not change the ids of runs that do not use them."""

from __future__ import annotations

from hydra import compose, initialize_config_dir

from robustft.cli.app import conf_dir
from robustft.cli.build import parts_of
from robustft.cli.identity import settings
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
