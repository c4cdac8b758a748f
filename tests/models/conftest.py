"""States are saved and loaded of the networks and methods that tests/methods has."""

from __future__ import annotations

from tests.methods.conftest import make_vit, method, train

__all__ = ["make_vit", "method", "train"]
