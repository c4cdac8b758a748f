"""What settings came to, where they left it open or had to be replaced."""

from __future__ import annotations

from typing import Any

from robustft.cli.build import Parts
from robustft.cli.load import Loaded


def effective_settings(parts: Parts, run: Loaded, total_steps: int) -> dict[str, Any]:
    """By key, `method.reduction: 24`: those that are null, or another, in the configuration, and so in the identity.

    total_steps: updates of the run.
    """
    model, plan = run.model, parts.plan
    came_to: dict[str, dict[str, Any]] = {
        "backbone": {
            "resolution": model.resolution,
            "mean": _channels(model.mean),
            "std": _channels(model.std),
        },
        "trainer": {"max_steps": total_steps, "warmup_steps": plan.warmup(total_steps)},
    }
    configured = {"backbone": vars(parts.backbone), "trainer": vars(plan)}
    found = {
        f"{section}.{name}": value
        for section, values in came_to.items()
        for name, value in values.items()
        if configured[section].get(name, value) is None
    }
    given = vars(parts.method)
    return found | {f"method.{name}": value for name, value in vars(run.method).items() if value != given[name]}


def _channels(values: Any) -> list[float]:
    """Of a float32 buffer, as people write them: 0.485 rather than 0.48500001."""
    return [round(value, 6) for value in values.flatten().tolist()]
