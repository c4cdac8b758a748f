from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from robustft.attacks.engine.perturbations import Perturbations
from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.recorder import Recorder
from robustft.evaluation.remeasure import remeasure
from robustft.evaluation.suite import Suite
from robustft.evaluation.warm_starts import WarmStarts
from robustft.study.plain_file import DamagedFile
from robustft.study.records.condition import Condition
from robustft.study.records.outcomes import read_outcomes

STEPS = (0, 1, 2, 3)
COLD = Pgd(steps=1, opening=[])
WARM = Pgd(steps=1, opening=[], warm_start=True)


@pytest.fixture
def evaluator_of(random_images):
    def make(attack, norm="linf", eps_255=2, **settings) -> Evaluator:
        suite = Suite(threat_model=ThreatModel(norm=norm, eps_255=eps_255), attacks={"pgd": attack}, **settings)
        images = {"validation": random_images(10, seed=1), "test": random_images(800, seed=2)}
        return Evaluator(suite=suite, **images, ood={}, seed=0)

    return make


class Sharp(nn.Module):
    """A network whose loss is rugged, so that one step does not find everything there is."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.first, self.last = nn.Linear(192, 48), nn.Linear(48, 4)
        for layer, scale in ((self.first, 4.0), (self.last, 1.0)):
            layer.weight.data = scale * torch.randn(layer.weight.shape, generator=generator) / layer.in_features**0.5
            layer.bias.data.zero_()

    def forward(self, pixels):
        return self.last((3 * self.first(pixels.flatten(1) - 0.5)).sin())


@pytest.fixture
def models():
    """step -> a state of a run: each a little further from the first."""
    found = {}
    for step in STEPS:
        model = Sharp()
        noise = torch.randn(model.first.weight.shape, generator=torch.Generator().manual_seed(step))
        model.first.weight.data += 0.02 * step * noise
        found[step] = model
    return found


def measured(directory, evaluator, models, steps=STEPS) -> Recorder:
    recorder = Recorder(directory, evaluator)
    for step in steps:
        recorder.measure(models[step], step=step, epoch=step)
    return recorder


def outcomes(directory, recorder) -> dict:
    return {
        (record.step, record.split): (read_outcomes(directory, record), record.forward_passes)
        for record in recorder.records
        if record.condition.name == "pgd"
    }


@pytest.mark.parametrize(("norm", "eps_255"), [("linf", 2), ("l2", 40), ("l1", 300)])
def test_it_only_makes_the_attack_stronger(norm, eps_255, tmp_path, evaluator_of, models):
    found = {}
    for name, attack in {"cold": COLD, "warm": WARM}.items():
        recorder = measured(tmp_path / name, evaluator_of(attack, norm, eps_255), models)
        found[name] = outcomes(tmp_path / name, recorder)
    for key, (warm, _) in found["warm"].items():
        cold, _ = found["cold"][key]
        assert not (warm & ~cold).any()
        if key[0] == 0:
            assert np.array_equal(warm, cold)
    warm, cold = (sum(correct.sum() for correct, _ in found[name].values()) for name in ("warm", "cold"))
    assert 0 < warm <= cold
    if norm == "linf":
        assert warm < cold
    notes = " ".join(
        note for record in recorder.records if record.split == "test" and record.step for note in record.notes
    )
    assert "broken by warm start: " in notes
    assert "broken by warm start: 0" not in notes


def test_it_saves_passes_on_states_that_are_alike(tmp_path, evaluator_of, models):
    passes = {}
    for name, attack in {"cold": Pgd(warm_start=False), "warm": Pgd(warm_start=True)}.items():
        recorder = measured(tmp_path / name, evaluator_of(attack), models)
        passes[name] = sum(record.forward_passes for record in recorder.records if record.condition.name == "pgd")
    assert passes["warm"] < passes["cold"]


def test_the_record_says_so(tmp_path, evaluator_of, models):
    recorder = measured(tmp_path, evaluator_of(WARM), models)
    late = [record for record in recorder.records if record.condition.name == "pgd" and record.step == 3]
    assert all(note.startswith("broken by warm start: ") for record in late for note in record.notes)
    assert (
        late[0].condition.settings
        != measured(tmp_path / "cold", evaluator_of(COLD), models, [0]).records[1].condition.settings
    )


@pytest.mark.parametrize("cut_behind", range(1, 16))
def test_cut_off_anywhere_it_goes_on_and_gives_the_same(cut_behind, tmp_path, evaluator_of, models):
    evaluator = evaluator_of(WARM)
    whole = measured(tmp_path / "whole", evaluator, models)
    cut = tmp_path / "cut"
    measured(cut, evaluator, models)
    # As if killed between the files of a measurement and its record line: files are there, some lines are not.
    lines = (cut / "records.jsonl").read_bytes().splitlines(keepends=True)
    (cut / "records.jsonl").write_bytes(b"".join(lines[:cut_behind]))
    later = [path for path in (cut / "warm").glob("*/*.npz") if int(path.stem) > cut_behind // 4]
    for path in later:
        path.unlink()
    again = measured(cut, evaluator, models)
    expected, found = outcomes(tmp_path / "whole", whole), outcomes(cut, again)
    assert found.keys() == expected.keys()
    for key in expected:
        assert np.array_equal(found[key][0], expected[key][0])
        assert found[key][1] == expected[key][1]


def test_measured_again_alone_and_later_a_state_gives_the_same(tmp_path, evaluator_of, models):
    evaluator = evaluator_of(WARM)
    recorder = measured(tmp_path, evaluator, models, [0, 2])
    measured(tmp_path, evaluator, models, [1, 3])  # a state between the two is added afterwards
    for step in (2, 0):
        comparisons = list(remeasure(tmp_path, evaluator, models[step], step=step, records=recorder.records))
        assert [comparison.differing for comparison in comparisons] == [0] * 4
        for comparison in comparisons:
            assert comparison.recorded.forward_passes == comparison.now.forward_passes


def test_what_is_kept_is_a_bit_a_value_of_what_broke(tmp_path, evaluator_of, models):
    recorder = measured(tmp_path, evaluator_of(WARM), models)
    files = [np.load(path) for path in (tmp_path / "warm").glob("*/*.npz")]
    kept = sum(len(file["rows"]) for file in files)
    broken = {
        split: [
            clean.correct - attacked.correct
            for clean, attacked in zip(recorder.records, recorder.records[1:], strict=False)
            if clean.condition.name == "clean" and clean.split == split
        ]
        for split in ("validation", "test")
    }
    assert sum(counts[0] for counts in broken.values()) <= kept < sum(sum(counts) for counts in broken.values())
    assert all(file["codes"].shape[1] in (0, 3 * 8 * 8 // 8) for file in files)
    assert all(file["codes"].dtype == np.uint8 for file in files)


def test_every_size_of_a_grid_has_its_own(tmp_path, evaluator_of, models):
    evaluator = evaluator_of(WARM, eps_grid_255=[1, 4])
    recorder = measured(tmp_path, evaluator, models)
    assert len(list((tmp_path / "warm").glob("*"))) == 2 * 3
    for step in (0, 3):
        comparisons = remeasure(tmp_path, evaluator, models[step], step=step, records=recorder.records)
        assert all(comparison.differing == 0 for comparison in comparisons)


def test_a_state_is_attacked_with_what_broke_all_states_before_it_and_none_after(tmp_path):
    condition = Condition(split="test", attack="pgd", norm="linf", eps=0.1, settings="abc")
    warm_starts, pixels = WarmStarts(tmp_path), torch.full((1, 3, 2, 2), 0.5)
    for step in (0, 1, 3, 4):
        new = Perturbations(norm="linf")
        new.add(torch.tensor([10 + step]), pixels, pixels + 0.1)
        warm_starts.keep(condition, step, new)
    assert warm_starts.before(condition, 0) is None
    expected = {1: [10], 2: [10, 11], 3: [10, 11], 4: [10, 11, 13], 5: [10, 11, 13, 14]}
    for step, rows in expected.items():
        assert sorted(warm_starts.before(condition, step).codes) == rows


def without_codes(path):
    with np.load(path) as file:
        kept = {name: file[name] for name in file.files if name != "codes"}
    np.savez(path, **kept)


def of_objects(path):
    with np.load(path) as file:
        kept = {name: file[name] for name in file.files}
    np.savez(path, **kept | {"rows": np.array([{}], dtype=object)})


def shorter(path):
    with np.load(path) as file:
        kept = {name: file[name] for name in file.files}
    np.savez(path, **kept | {"scales": kept["scales"][1:]})


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-300] + bytes(300)),
        lambda path: (path.unlink(), path.mkdir()),
        without_codes,
        of_objects,
        shorter,
    ],
)
def test_a_damaged_file_is_named(tmp_path, evaluator_of, models, damage):
    measured(tmp_path, evaluator_of(WARM), models, steps=(0,))
    for path in (tmp_path / "warm").rglob("0.npz"):
        damage(path)
    with pytest.raises(DamagedFile, match=r"/0\.npz .*; restore it from a copy, or remove the directory"):
        measured(tmp_path, evaluator_of(WARM), models, steps=(1,))


def test_files_of_other_names_are_of_no_account(tmp_path, evaluator_of, models):
    measured(tmp_path / "one", evaluator_of(WARM), models, steps=(0, 1))
    measured(tmp_path / "two", evaluator_of(WARM), models, steps=(0,))
    for path in list((tmp_path / "two/warm").rglob("0.npz")):
        for name in ("0-copy.npz", "0².npz", ".npz", "x.npz"):
            path.with_name(name).touch()
    measured(tmp_path / "two", evaluator_of(WARM), models, steps=(1,))
    one, two = (Recorder(tmp_path / name, evaluator_of(WARM)).records for name in ("one", "two"))
    assert [(record.key, record.correct) for record in one] == [(record.key, record.correct) for record in two]
