"""Effective values of settings that are null in the configuration or had to be replaced."""

from __future__ import annotations

from typing import Any

from robustft.cli.build import Parts
from robustft.cli.load import Loaded


def effective_settings(parts: Parts, run: Loaded, total_steps: int) -> dict[str, Any]:
    """By key, `method.reduction: 24`: values that the configuration, and so the identity, has as null or otherwise.

    total_steps: updates of the run.
    """
    model, plan = run.model, parts.plan
    effective: dict[str, dict[str, Any]] = {
        "backbone": {
            "resolution": model.resolution,
            "mean": _channels(model.mean),
            "std": _channels(model.std),
        },
        "trainer": {"max_steps": total_steps, "warmup_steps": plan.warmup(total_steps)},
    }
    configured = {"backbone": vars(parts.backbone), "trainer": vars(plan)}
    resolved = {
        f"{section}.{name}": value
        for section, values in effective.items()
        for name, value in values.items()
        if configured[section].get(name, value) is None
    }
    configured_method = vars(parts.method)
    return resolved | {
        f"method.{name}": value for name, value in vars(run.method).items() if value != configured_method[name]
    }


def _channels(values: Any) -> list[float]:
    """Values of a float32 buffer in six decimals: 0.485 rather than 0.48500001."""
    return [round(value, 6) for value in values.flatten().tolist()]
