"""Lightning's MLflow logger, whose run a resumed run continues."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytorch_lightning.loggers import MLFlowLogger

from robustft.training.trackers.tracker import Results

RUN_ID = "robustft.run_id"
"""The tag by which a run is found again: MLflow makes ids of its own."""


class ContinuedMlflowLogger(MLFlowLogger):
    """A run of MLflow's, in the experiment of the study. One that is resumed is the same run, and what it has sent of a
    step before is not sent twice.

    study, name, run_id: of the run; tracking_uri: null: $MLFLOW_TRACKING_URI, or files in ./mlruns.

    >>> issubclass(ContinuedMlflowLogger, MLFlowLogger)
    True
    """

    def __init__(self, study: str, name: str, run_id: str, tracking_uri: str | None = None) -> None:
        uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or "file:mlruns"
        if uri.startswith("file:"):  # many runs at a time can write files, also on a cluster, and not one database
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        super().__init__(experiment_name=study, run_name=name, tracking_uri=uri, tags={RUN_ID: run_id})
        self._sent: dict[str, int] = {}
        self._parameters: set[str] = set()
        self._continue(study, run_id)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Metrics that are new; names in the characters that Lightning lets through."""
        new = {_metric(name): value for name, value in metrics.items() if value is not None}
        new = {name: value for name, value in new.items() if (step or 0) > self._sent.get(name, -1)}
        if new:
            super().log_metrics(new, step)

    def log_hyperparams(self, params: Any) -> None:
        """Settings that are new: MLflow refuses other values of those that it has."""
        super().log_hyperparams({key: value for key, value in _flat(params) if key not in self._parameters})

    def log_results(self, results: Results) -> None:
        """The points and the curve as artifacts."""
        columns = dict(zip(results.columns, map(list, zip(*results.rows, strict=True)), strict=True))
        self.experiment.log_dict(self.run_id, columns, "tradeoff/points.json")
        if results.picture is not None:
            self.experiment.log_artifact(self.run_id, str(results.picture), "tradeoff")

    def _continue(self, study: str, run_id: str) -> None:
        client = self._mlflow_client
        experiment = client.get_experiment_by_name(study)
        if experiment is None:
            return
        earlier = client.search_runs([experiment.experiment_id], f"tags.`{RUN_ID}` = '{run_id}'", max_results=1)
        for run in earlier:
            self._run_id = run.info.run_id
            client.update_run(self._run_id, status="RUNNING")
            self._parameters = set(run.data.params)
            for name in run.data.metrics:
                self._sent[name] = max(each.step for each in client.get_metric_history(self._run_id, name))


def _metric(name: str) -> str:
    """A metric's name with one folder: MLflow's files cannot have a metric and a folder of one name, as `summary/area`
    and `summary/area/low` would be.

    >>> _metric("test/ood:mnist/pgd@2")
    'test/ood.mnist.pgd at 2'
    """
    folder, slash, rest = _name(name).partition("/")
    return folder + slash + rest.replace("/", ".")


def _name(name: str) -> str:
    """In the characters that MLflow takes."""
    return re.sub(r"[^\w/. -]", "", name.replace("@", " at ").replace(":", "."), flags=re.ASCII)


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting by its path, `attack/pgd/steps`, in the characters that MLflow takes."""
    for key, value in settings.items():
        name = f"{prefix}{_name(str(key))}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}/")
        else:
            yield name, value
