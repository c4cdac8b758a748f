"""The report of a study as a run of W&B's: one a study, whenever it is made again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from robustft.atomic_write import write_whole
from robustft.canonical_hash import canonical_hash
from robustft.study.comparison.comparison import Comparison, Ranking
from robustft.training.patience import PATIENCE, Failed, Patience, reason_of, within
from robustft.training.trackers.wandb_tracker import Tracker, end_service, open_run

JOB_TYPE = "report"
WORKSPACE = "workspace.url"
"""The file beside the report's W&B files that says where the study's workspace is, so that it stays one."""


class Table(Protocol):
    """name: of the table among those of a report; columns, rows: its cells."""

    @property
    def name(self) -> str: ...
    @property
    def columns(self) -> Sequence[str]: ...
    @property
    def rows(self) -> Sequence[Sequence[Any]]: ...


def report_id(comparison: Comparison) -> str:
    """The id of a study's report in W&B: of the same studies always the same.

    >>> from dataclasses import replace
    >>> from robustft.study.comparison.compare import compare
    >>> report_id(replace(compare([Path("nowhere")]), title="lab"))
    'report-9f6a9ec7a1a4'
    """
    return f"report-{canonical_hash(comparison.title, characters=12)}"


def mirror_report(
    directory: Path,
    comparison: Comparison,
    tables: Sequence[Table],
    *,
    tracker: Tracker,
    patience: Patience = PATIENCE,
) -> list[str]:
    """Sends the report in `directory` (index.html, figures/*.png) with its tables to W&B; online also a workspace of the
    study, where wandb-workspaces is installed.

    Returns:
        Where it is now: addresses, or the directory of what `robustft sync` will send.

    Raises:
        Failed: if W&B does, or is not done in time; the report itself is not affected.
    """
    lines: list[str] = []
    is_sent = False
    try:
        lines = within(
            patience.close,
            lambda: _sent(directory, comparison, tables, tracker),
            signalled=patience.signalled,
        )
        is_sent = True
    finally:
        with suppress(Failed):
            within(patience.signalled, lambda: end_service(at_once=not is_sent), signalled=patience.signalled)
    return lines


def _sent(directory: Path, comparison: Comparison, tables: Sequence[Table], tracker: Tracker) -> list[str]:
    tracker.prepare()
    import wandb

    run = open_run(
        tracker,
        directory=directory,
        run_id=report_id(comparison),
        name=f"report {comparison.title}",
        group=comparison.title,
        job_type=JOB_TYPE,
        tags=list(dict.fromkeys(setting.dataset for setting in comparison.settings)),
        config={"runs": len(comparison.runs), "draws": comparison.image_draws, "seed": comparison.seed},
    )
    is_done = False
    try:
        content: dict[str, Any] = {
            f"tables/{table.name}": wandb.Table(columns=list(table.columns), data=_one_type_a_column(table.rows))
            for table in tables
        }
        for figure in sorted((directory / "figures").glob("*.png")):
            content[f"figures/{figure.stem}"] = wandb.Image(str(figure))
        page = directory / "index.html"
        if page.is_file():
            content["report/page"] = wandb.Html(str(page), inject=False)
        run.log(content)
        run.summary.update(dict(_summary(comparison)))
        is_done = True
    finally:
        run.finish(exit_code=0 if is_done else 1)
    if tracker.mode != "online":
        return [str(directory / "wandb")]
    try:
        return [str(run.url), *_workspace(directory / "wandb", comparison, run)]
    except Exception as error:  # the report is there without it
        return [str(run.url), f"no workspace: {reason_of(error)}"]


def _one_type_a_column(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """W&B takes columns of one type: numbers stay numbers only where all of the column are."""
    mixed = [len({type(cell) is str for cell in column if cell is not None}) > 1 for column in zip(*rows, strict=True)]
    return [
        [
            str(cell) if is_mixed and cell is not None else float(cell) if type(cell) is int else cell
            for cell, is_mixed in zip(row, mixed, strict=True)
        ]
        for row in rows
    ]


def _summary(comparison: Comparison) -> Iterator[tuple[str, float | str]]:
    """The areas with their intervals, and what is best."""
    rankings: list[Ranking] = [*comparison.rankings, *([] if comparison.overall is None else [comparison.overall])]
    for ranking in rankings:
        yield f"{ranking.name}/best", ranking.best or "not known"
        for result in ranking.strategies:
            name = f"{ranking.name}/{result.strategy}/area"
            for end, value in (("", result.area.value), ("/low", result.area.low), ("/high", result.area.high)):
                if value is not None:
                    yield f"{name}{end}", value


def _workspace(directory: Path, comparison: Comparison, run: Any) -> list[str]:
    """A view of the project that shows the study: curves by step of its runs, beside them their areas."""
    try:
        import wandb_workspaces.reports.v2 as panels
        from wandb_workspaces import workspaces
    except ImportError:
        return []
    file = directory / WORKSPACE
    view = None
    with suppress(Exception):  # there is none yet, or it was removed
        view = workspaces.Workspace.from_url(file.read_text(encoding="utf-8").strip())
    if view is None:
        view = workspaces.Workspace(entity=run.entity, project=run.project, name=f"study {comparison.title}")
    attack = comparison.runs[0].points[0].attack if comparison.runs else "pgd"
    curves = [panels.LinePlot(x="step", y=[f"test/{name}"], title=f"test/{name}") for name in ("clean", attack)]
    areas = [panels.BarPlot(metrics=[name], title=name) for name in ("area", "peak/robust", "lost")]
    view.sections = [
        workspaces.Section(name="By step", panels=curves, is_open=True),
        workspaces.Section(name="By run", panels=areas, is_open=True),
    ]
    view.runset_settings = workspaces.RunsetSettings(
        filters=[workspaces.Metric("Group") == comparison.title, workspaces.Metric("JobType") == "train"],
        groupby=[workspaces.Metric("Tags")],
    )
    view.save()
    write_whole(file, f"{view.url}\n".encode())
    return [str(view.url)]
