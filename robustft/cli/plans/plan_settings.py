"""The node `plan` of the configuration, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from robustft import checks
from robustft.cli.user_errors import naming
from robustft.planning.cluster import Cluster


@dataclass(frozen=True, kw_only=True)
class PlanSettings:
    """cluster: where the runs are made; images_per_second, train_images, test_images, parameters: one number for all,
    or numbers by backbone or data set; measure: whether to measure here."""

    cluster: Cluster
    images_per_second: Any = None
    train_images: Any = None
    test_images: Any = None
    parameters: Any = None
    training_factor: float = 1.0
    measure: bool = False


def plan_settings(node: DictConfig) -> PlanSettings:
    """The settings in `node`; a Mistake that names plan.KEY if one is invalid."""
    values: dict[str, Any] = OmegaConf.to_container(node, resolve=True)  # type: ignore[assignment]
    with naming("plan."):
        return PlanSettings(
            cluster=Cluster(
                jobs=values["jobs"],
                slice_minutes=values["slice_minutes"],
                preempted_every_hours=values["preempted_every_hours"],
            ),
            **{
                name: _numbers(name, values[name])
                for name in ("images_per_second", "train_images", "test_images", "parameters")
            },
            training_factor=checks.number("training_factor", values["training_factor"], above=0),
            measure=checks.yes_or_no("measure", values["measure"]),
        )


def of(numbers: Any, name: str) -> Any:
    """The number for `name`, a backbone or a data set; None if there is none."""
    return numbers.get(name) if isinstance(numbers, Mapping) else numbers


def _numbers(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _number(f"{key}.{name}", number) for name, number in value.items()}
    return checks.optional(_number, key, value)


def _number(key: str, value: Any) -> float:
    if key.startswith("images_per_second"):
        return checks.number(key, value, above=0)
    return checks.whole_number(key, value, at_least=1)
