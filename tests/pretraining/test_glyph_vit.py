from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from robustft.backbones.checkpoint import find_checkpoint, tensor_shapes
from robustft.pretraining.glyph_vit import Pretraining, glyph_vit, letter_accuracy

SHIPPED = find_checkpoint("package:glyph_vit.safetensors")


def tiny(**changes: Any) -> Pretraining:
    return Pretraining(**{"steps": 2, "batch_size": 8, "test_letters": 16, "accelerator": "cpu"} | changes)


def test_the_weights_that_ship_name_the_letters_that_the_recipe_draws() -> None:
    model = glyph_vit(seed=0)
    model.network.load_state_dict(load_file(SHIPPED))

    assert letter_accuracy(model, letters=1024) > 0.96


def test_random_weights_do_not() -> None:
    assert letter_accuracy(glyph_vit(seed=0), letters=512) < 0.1


def test_what_is_written_fits_where_the_weights_that_ship_fit(tmp_path: Path) -> None:
    output = tmp_path / "folder" / "glyph_vit.safetensors"

    accuracy = tiny().run(output)

    assert 0 <= accuracy <= 1
    assert tensor_shapes(output) == tensor_shapes(SHIPPED)
    assert {value.dtype for value in load_file(output).values()} == {torch.float32}
    assert [entry.name for entry in output.parent.iterdir()] == ["glyph_vit.safetensors"]


@pytest.mark.parametrize("steps", [1, 3])
def test_every_parameter_moves_in_a_run_however_short(tmp_path: Path, steps: int) -> None:
    tiny(steps=steps, learning_rate=1).run(tmp_path / "a.safetensors")

    before = glyph_vit(seed=0).network.state_dict()
    after = load_file(tmp_path / "a.safetensors")
    assert all(not torch.equal(after[name], value) for name, value in before.items())


def test_a_seed_makes_the_same_weights_again(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        torch.manual_seed(hash(name) % 1000)  # the global generator must not matter
        tiny(seed=seed).run(tmp_path / f"{name}.safetensors")

    written = {name: (tmp_path / f"{name}.safetensors").read_bytes() for name in "abc"}
    assert written["a"] == written["b"]
    assert written["a"] != written["c"]


def test_a_head_that_was_lost_is_learned_again_in_a_few_steps() -> None:
    """From scratch it would take hundreds: this says that images, labels, loss and optimiser belong together."""
    model = glyph_vit(seed=0)
    head = {name: value for name, value in model.network.state_dict().items() if name.startswith("head.")}
    model.network.load_state_dict(load_file(SHIPPED) | head)

    before = letter_accuracy(model, letters=256)
    tiny(steps=12, batch_size=32, test_letters=1).train(model)
    after = letter_accuracy(model, letters=256)

    assert before < 0.1
    assert after > 0.3


def test_a_run_that_diverges_writes_nothing(tmp_path: Path) -> None:
    output = tmp_path / "a.safetensors"
    output.write_bytes(b"old")

    with pytest.raises(FloatingPointError, match=r"^learning_rate may be too high: the loss is \w+ at step"):
        tiny(steps=4, learning_rate=1e30).run(output)

    assert output.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.safetensors"]


def test_letters_are_not_named_by_a_network_that_answers_with_nan() -> None:
    model = glyph_vit(seed=0)
    model.network.head.weight.data.fill_(float("nan"))

    assert letter_accuracy(model, letters=256) == 0


def test_an_output_that_cannot_be_is_refused_before_training(tmp_path: Path) -> None:
    endless = tiny(steps=10**9)
    (tmp_path / "b.safetensors").mkdir()
    (tmp_path / "file").write_bytes(b"")

    for name in ("a.pt", "b.safetensors"):
        with pytest.raises(ValueError, match=r"^output must be a file whose name ends in \.safetensors, got"):
            endless.run(tmp_path / name)
    with pytest.raises(OSError):
        endless.run(tmp_path / "file" / "a.safetensors")


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU")
def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^accelerator must be auto or one that this machine has \(.*cpu\), got gpu$"):
        tiny(accelerator="gpu").run(tmp_path / "a.safetensors")


def test_whole_numbers_given_as_floats_are_the_same_recipe() -> None:
    floats = {name: float(getattr(tiny(), name)) for name in ("steps", "batch_size", "seed", "test_letters")}
    assert repr(tiny(**floats)) == repr(tiny())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"steps": 0}, "steps must be a whole number of at least 1, got 0"),
        ({"batch_size": 1.5}, "batch_size must be a whole number of at least 1, got 1.5"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0, got 0"),
        ({"weight_decay": -1}, "weight_decay must be a number at least 0, got -1"),
        ({"label_smoothing": 1}, "label_smoothing must be a number at least 0 and below 1, got 1"),
        ({"seed": None}, "seed must be a whole number of at least 0"),
        ({"accelerator": "tpu"}, "accelerator must be one of auto, cpu, gpu, mps; got 'tpu'"),
        ({"test_letters": 0}, "test_letters must be a whole number of at least 1, got 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused_when_built(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:
        Pretraining(**setting)

    assert str(error.value).startswith(message)
