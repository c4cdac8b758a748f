"""Other data sets as OOD conditions, and what else the suite looks at, as a user chooses it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from PIL import Image

from tests.data.pictures import domain_folder, parquet

SHORT = (
    "trainer.max_steps=1",
    "schedule.points=1",
    "suite.max_images=6",
    "attack.pgd.steps=1",
    "tracker.mode=disabled",
)
ON_CPU = "trainer.accelerator=cpu"


def digit_pictures(root: Path, *names: str) -> Path:
    """{train,test}/NAME/*.png: two pictures of noise a class."""
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        for name in names:
            (root / split / name).mkdir(parents=True)
            for index in range(2):
                pixels = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / split / name / f"{index}.png")
    return root


def records_of(run_dir: Path) -> list[dict]:
    return [json.loads(line) for line in (run_dir / "records.jsonl").read_text().splitlines()]


def test_a_folder_is_a_shift_that_is_attacked_and_measured_again_wherever_it_lies(words, tmp_path):
    place = digit_pictures(tmp_path / "my pens, scanned", "3", "seven", "cat")
    given = ("shift=[folder]", "shift.folder.mapping={seven: '7'}", "suite.attack_ood=true", "hydra.run.dir=run")
    more = ("suite.corruptions=[fog,contrast]", "suite.severities=[1,5]")
    code, out, err = words(*SHORT, ON_CPU, *given, *more, f"shift.folder.path={place}")
    assert code == 0, err
    assert "ood:my-pens-scanned: 4 images; 2 images left out, of classes not in ours: cat; no images of 0, 1, 2" in out
    table = out[out.index("val") :]
    assert "corruptions" in table
    assert "fog-1" not in out
    run_dir = tmp_path / "run"
    last = [record for record in records_of(run_dir) if record["step"] == 1 and record["split"] == "test"]
    assert [record["condition"] for record in last] == [
        *("clean", "pgd", "ood:mnist", "ood:mnist/pgd", "ood:my-pens-scanned", "ood:my-pens-scanned/pgd"),
        *("ood:fog-1", "ood:fog-5", "ood:contrast-1", "ood:contrast-5", "ood:corruptions"),
    ]
    by_name = {record["condition"]: record for record in last}
    assert by_name["ood:my-pens-scanned"]["total"] == 4
    assert "2 images left out" in by_name["ood:my-pens-scanned"]["notes"][0]
    assert (by_name["ood:mnist/pgd"]["norm"], by_name["ood:mnist/pgd"]["eps_255"]) == ("linf", 8)
    assert by_name["ood:mnist/pgd"]["attack"] == by_name["pgd"]["attack"]
    assert by_name["ood:corruptions"]["total"] == 4 * 6
    assert "sum_of" not in by_name["clean"]
    content = json.loads((run_dir / "run.json").read_text())
    assert content["identity"]["shift"]["folder"]["fingerprint"]

    moved = place.rename(tmp_path / "elsewhere")
    code, out, err = words("evaluate", "run=run", "accelerator=cpu", f"+shift.folder.path={moved}", "states=all")
    assert code == 0, err
    assert out.count("agrees") == len(records_of(run_dir))
    next((moved / "test" / "3").iterdir()).unlink()
    code, _, err = words("evaluate", "run=run", "accelerator=cpu", f"+shift.folder.path={moved}")
    assert code == 2
    assert "shift.folder has another content" in err
    code, _, err = words("evaluate", "run=run", "accelerator=cpu", "+shift.other.path=/nowhere")
    assert code == 2
    assert "(shift.folder.path); got shift.other" in err


def test_a_run_of_before_shift_sets_read_more_than_parquet_is_reported_measured_again_and_left_alone(words, tmp_path):
    parquet(tmp_path / "set", [0, 1], [0, 1, 1])
    given = ("shift=[hub]", "shift.hub.path=set", "shift.hub.classes=['3','7']", "hydra.run.dir=run")
    assert words(*SHORT, ON_CPU, *given)[0] == 0
    path = tmp_path / "run/.hydra/config.yaml"
    config = OmegaConf.load(path)
    config.shift.hub = {
        "_target_": "robustft.data.parquet.Parquet",
        "path": "set",
        **dict.fromkeys(("name", "hub_id", "revision", "config", "mapping")),
        "image_column": "image",
        "label_column": "label",
        "label_offset": 0,
        "classes": ["3", "7"],
        "resize": "squash",
    }
    OmegaConf.save(config, path)
    identity = json.loads((tmp_path / "run/run.json").read_text())["identity"]["shift"]["hub"]
    assert identity.keys() - {"name", "fingerprint"} == config.shift.hub.keys() - {
        *("name", "path", "hub_id", "revision", "config")
    }
    code, out, err = words("evaluate", "run=run", "accelerator=cpu", "states=last")
    assert (code, out.count("agrees"), err) == (0, 6, "")
    assert words("report", "run=run")[0] == 0
    assert words(*SHORT, ON_CPU, *given)[1].startswith("finished before: run")


def test_images_of_no_class_are_measured_by_their_confidence(words, tmp_path):
    place = digit_pictures(tmp_path / "pets", "3", "cat")
    given = (*SHORT, ON_CPU, "shift=[folder]", f"shift.folder.path={place}")
    code, out, err = words(*given, "shift.folder.unknown=true")
    assert code == 0, err
    assert "unknown:pets: 4 images; images of no class: confidence is measured, not accuracy" in out
    assert "ood:pets" not in out
    run_dir = next(Path("multirun").rglob("run.json")).parent
    assert "unknown-pets" in run_dir.name
    lines = [line for line in records_of(run_dir) if line["condition"] == "unknown:pets"]
    assert [(line["step"], line["correct"], line["total"], line["forward_passes"]) for line in lines] == [
        (0, 0, 0, 4),
        (1, 0, 0, 4),
    ]
    assert json.loads((run_dir / "run.json").read_text())["identity"]["shift"]["folder"]["unknown"] is True
    shown = [line.split() for line in out.splitlines() if line.startswith(("clean ", "ood:mnist ", "unknown:pets "))]
    assert [(name, images) for name, images, *_ in shown[:3]] == [
        ("clean", "6"),
        ("ood:mnist", "6"),
        ("unknown:pets", "4"),
    ]
    assert [[cell == "-" for cell in cells[-3:]] for cells in shown[:3]] == [
        *2 * [[False, True, True]],
        [True, False, False],
    ]
    code, out, err = words("evaluate", f"run={run_dir}", "accelerator=cpu", "states=all")
    assert (code, out.count("agrees")) == (0, len(records_of(run_dir))), err
    assert "4 seen" in out
    code, _, err = words("evaluate", f"run={run_dir}", "accelerator=cpu", *given[-2:])
    assert (code, err) == (2, "robustft: shift may have pets as the run has it, shift.folder.unknown=True\n")


def test_a_set_whose_images_have_classes_leaves_no_trace_of_that_in_the_identity(words, tmp_path):
    place = digit_pictures(tmp_path / "pens", "3", "7")
    assert words(*SHORT, ON_CPU, "shift=[folder]", f"shift.folder.path={place}", "hydra.run.dir=run")[0] == 0
    assert "unknown" not in json.loads(Path("run/run.json").read_text())["identity"]["shift"]["folder"]


def test_a_set_without_a_class_in_common_is_refused_in_one_line(words, tmp_path):
    place = digit_pictures(tmp_path / "pets", "cat", "dog")
    code, _, err = words(*SHORT, ON_CPU, "shift=[folder]", f"shift.folder.path={place}")
    assert code == 2
    expected = "shift.folder.no class in common: it has cat, dog; this data set has 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert err == f"robustft: {expected.replace('folder.no', 'folder: no')}\n"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["shift=[folder]"], "shift.folder.path must be given: it has no default"),
        (["shift=[folder]", "shift.folder.path=nowhere"], "shift.folder.path must be a directory"),
        (["shift=[rain]"], "shift must be one of cifar10, digits, domains, folder, hub, mnist, stl10; got rain"),
        (["shift.folder.path=x"], "shift must be chosen before it is set: shift=[NAME] with cifar10, digits,"),
        (["shift=[digits]", "shift.digits.mapping=zero"], "shift.digits.mapping must be {their class: our class}"),
        (["shift=[digits]", "shift.digits.unknown=1"], "shift.digits.unknown must be true or false, got 1"),
        (
            ["shift=[digits]", "shift.digits.unknown=true", "shift.digits.mapping={zero: '0'}"],
            "shift.digits.mapping must be null where unknown is true, got {'zero': '0'}",
        ),
        (["shift=[digits]", "shift.digits.sie=1"], "shift.digits.sie is no key"),
        (["shift=[folder]", "shift.folder.path=clean"], "shift.folder.name must be a text of 1 to 100"),
        (["shift=[folder]", "shift.folder.path=corruptions"], "shift.folder.name must not be 'corruptions'"),
        (["shift=[folder]", f"shift.folder.path={'x' * 101}"], "shift.folder.name must be a text of 1 to 100"),
        (["shift=[stl10,hub]", "shift.hub.path=STL10"], "shift.hub.name must be another: ood:STL10 is taken"),
        (["+attack.clean._target_=robustft.attacks.pgd.Pgd"], "attack.clean: its name must be a text of 1 to 100"),
        (["shift=[stl10,hub]", "shift.hub.path=stl10"], "shift.hub.name must be another: ood:stl10 is taken"),
        (["suite.corruptions=rain"], "suite.corruptions must be all (the 15), extra or a list of gaussian_noise"),
        (["suite.severities=[9]"], "suite.severities must be a whole number of at least 1 and at most 5, got 9"),
        (["suite.attack_ood=1"], "suite.attack_ood must be true or false, got 1"),
    ],
)
def test_mistakes_are_one_line_that_names_the_key(words, given, expected):
    code, _, err = words(*given)
    assert code == 2
    assert err.startswith(f"robustft: {expected}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", ["style: sketch", "clean", "corruptions", "a\nb", " sketch"])
def test_a_domain_that_no_condition_can_hold_is_named_before_anything_is_measured(words, tmp_path, name):
    domain_folder(tmp_path / "pets", domains=("photo", name))
    before = sorted(tmp_path.rglob("*"))
    given = ("dataset=domains", "dataset.path=pets", "dataset.source=photo", "backbone=glyph_vit")
    code, _, err = words(*given, *SHORT, ON_CPU)
    assert code == 2
    assert err.startswith(f"robustft: dataset.path {tmp_path / 'pets'} has a domain {name!r}, but its name must ")
    assert err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before
