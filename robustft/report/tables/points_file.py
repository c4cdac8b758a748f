"""points.parquet: every state of every compared run in a row, for pandas, R or DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

from robustft.lazy_module import lazy_module
from robustft.study.comparison.compared_run import ComparedRun
from robustft.study.comparison.comparison import Comparison
from robustft.study.tradeoff import Count, TradeoffPoint

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
else:  # a fifth of a second, and a run's own table needs none of it
    pa = lazy_module("pyarrow")
    pq = lazy_module("pyarrow.parquet")

TEXTS = ("run", "setting", "strategy", "method", "attack", "norm")
WHOLE = ("seed", "step")
FLAGS = ("selected", "best", "peak", "last", "kept")


def points_parquet(comparison: Comparison) -> bytes:
    """The content of the file: the same bytes for the same comparison.

    Columns: `run setting strategy method seed step epoch attack norm eps_255`; for `validation_clean validation_robust
    clean robust`, every `ood:NAME` and every further `attack:NAME` the rate and, with `_correct` and `_total` behind,
    the counts (null where it was not measured); `selected` (on the validation frontier), `best`, `peak`, `last`, `kept`
    (the state is on disk).
    """
    rows = [row for run in comparison.runs for row in _rows(run)]
    counted = ["validation_clean", "validation_robust", "clean", "robust"]
    counted += sorted({f"ood:{name}" for run in comparison.runs for point in run.points for name in point.ood})
    counted += sorted({f"attack:{name}" for run in comparison.runs for name in run.further})
    columns: dict[str, Any] = {}
    for name in (*TEXTS[:4], *WHOLE):
        columns[name] = _column(rows, name)
    columns["epoch"] = pa.array([row["epoch"] for row in rows], pa.float64())
    for name in TEXTS[4:]:
        columns[name] = _column(rows, name)
    columns["eps_255"] = pa.array([row["eps_255"] for row in rows], pa.float64())
    for name in counted:
        counts: list[Count | None] = [row["counts"].get(name) for row in rows]
        columns[name] = pa.array([None if count is None else count.rate for count in counts], pa.float64())
        for part in ("correct", "total"):
            values = [None if count is None else getattr(count, part) for count in counts]
            columns[f"{name}_{part}"] = pa.array(values, pa.int64())
    for name in FLAGS:
        columns[name] = pa.array([row[name] for row in rows], pa.bool_())
    content = BytesIO()
    pq.write_table(pa.table(columns), content, compression="zstd")
    return content.getvalue()


def _column(rows: Iterable[Mapping[str, Any]], name: str) -> Any:
    if name in WHOLE:
        return pa.array([row[name] for row in rows], pa.int64())
    # Names of directories may hold bytes that are no UTF-8, which no column of text takes.
    texts = [row[name].encode("utf-8", "backslashreplace").decode() for row in rows]
    return pa.array(texts, pa.dictionary(pa.int32(), pa.string()))


def _rows(run: ComparedRun) -> Iterator[dict[str, Any]]:
    selected = frozenset(run.selected)
    for point in run.points:
        yield {
            "run": run.name,
            "setting": run.setting.name,
            "strategy": run.strategy,
            "method": run.method,
            "seed": run.seed,
            "step": point.step,
            "epoch": point.epoch,
            "attack": run.setting.attack,
            "norm": point.norm,
            "eps_255": point.eps_255,
            "counts": _counts(run, point),
            "selected": point.step in selected,
            "best": point.step == run.best,
            "peak": point.step == run.peak,
            "last": point.step == run.last,
            "kept": point.step in run.states,
        }


def _counts(run: ComparedRun, point: TradeoffPoint) -> dict[str, Count]:
    return {
        "validation_clean": point.validation_clean,
        "validation_robust": point.validation_robust,
        "clean": point.clean,
        "robust": point.robust,
        **{f"ood:{name}": count for name, count in point.ood.items()},
        **{f"attack:{name}": by_step[point.step] for name, by_step in run.further.items() if point.step in by_step},
    }
