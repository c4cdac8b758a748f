"""The runs of a comparison, setting by setting and strategy by strategy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from robustft.study.comparison.compared_run import ComparedRun
from robustft.study.comparison.comparison import Comparison, Ranking
from robustft.study.comparison.setting import Setting


@dataclass(frozen=True, kw_only=True)
class SettingRuns:
    """One setting: its ranking, and strategy -> its runs, strategies by area; a strategy has at least one run."""

    setting: Setting
    ranking: Ranking
    by_strategy: Mapping[str, tuple[ComparedRun, ...]]

    @property
    def name(self) -> str:
        """The setting's."""
        return self.setting.name

    @cached_property
    def runs(self) -> tuple[ComparedRun, ...]:
        """All of them, strategies by area."""
        return tuple(run for runs in self.by_strategy.values() for run in runs)


def by_setting(comparison: Comparison) -> tuple[SettingRuns, ...]:
    """The settings in the order of the rankings. Each run is looked at once, of 10,000 too."""
    grouped: dict[tuple[str, str], list[ComparedRun]] = {}
    for run in comparison.runs:
        grouped.setdefault((run.setting.key, run.strategy), []).append(run)
    return tuple(
        SettingRuns(
            setting=ranking.setting,
            ranking=ranking,
            by_strategy={
                result.strategy: tuple(runs)
                for result in ranking.strategies
                if (runs := grouped.get((ranking.setting.key, result.strategy)))
            },
        )
        for ranking in comparison.rankings
        if ranking.setting is not None
    )
