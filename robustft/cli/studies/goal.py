"""What a run returns to a sweeper that searches: values of its summary, as `study.goal` names them."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf

from robustft.cli.user_errors import Mistake
from robustft.report.tradeoff_rows import SUMMARY, run_summary
from robustft.study.run import Run


def check_goal(config: DictConfig) -> list[str]:
    """The names in `study.goal`; a Mistake unless they are a list of names of the summary."""
    goal = OmegaConf.to_container(config.study.goal) if OmegaConf.is_list(config.study.goal) else config.study.goal
    if not isinstance(goal, list) or not all(name in SUMMARY for name in goal):
        raise Mistake(f"study.goal must be a list of {', '.join(SUMMARY)}; got {goal}")
    return [str(name) for name in goal]


def goal_values(config: DictConfig, run: Run) -> Any:
    """None without a goal; a number for one name, a tuple of numbers for several."""
    goal = check_goal(config)
    if not goal:
        return None
    summary = run.content.get("summary") or {}
    if any(name not in summary for name in goal):  # finished by a version whose summary was shorter
        summary = run_summary(run.points)
    values = tuple(float(summary[name]) for name in goal)
    return values[0] if len(values) == 1 else values
