from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from robustft.backbones.checkpoint import find_checkpoint, tensor_shapes


def test_shapes_are_read_from_the_header(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2, 3), "b": torch.zeros(4)}, tmp_path / "weights.safetensors")
    assert tensor_shapes(tmp_path / "weights.safetensors") == {"a": (2, 3), "b": (4,)}


def test_packaged_weights_are_found_by_name() -> None:
    path = find_checkpoint("package:glyph_vit.safetensors")
    assert tensor_shapes(path)["head.weight"] == (41, 96)


def test_a_pickle_is_refused_whatever_its_name(tmp_path: Path) -> None:
    for name in ("weights.pt", "weights.safetensors"):
        torch.save({"head.weight": torch.zeros(2, 2)}, tmp_path / name)
        with pytest.raises(ValueError, match=r"^checkpoint must be a safetensors file") as caught:
            find_checkpoint(str(tmp_path / name))
        assert "\n" not in str(caught.value)


def test_a_download_cut_off_half_way_is_refused(tmp_path: Path) -> None:
    whole = find_checkpoint("package:glyph_vit.safetensors").read_bytes()
    (tmp_path / "half.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"^checkpoint must be a safetensors file"):
        find_checkpoint(str(tmp_path / "half.safetensors"))


@pytest.mark.parametrize("name", ["nothing.safetensors", "package:nothing.safetensors", "package:../checkpoint.py", ""])
def test_what_is_not_there_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=r"^checkpoint must be ") as caught:
        find_checkpoint(name)
    assert repr(name) in str(caught.value)
