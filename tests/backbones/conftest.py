from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def glyph_vit() -> dict[str, Any]:
    """Settings of the backbone that ships with robustft."""
    return {
        "name": "vit_tiny_patch16_224",
        "checkpoint": "package:glyph_vit.safetensors",
        "resolution": 28,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "options": {"patch_size": 4, "embed_dim": 96, "depth": 4, "num_heads": 3},
    }
