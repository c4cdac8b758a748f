"""The YAML at the top of a model card, which the Hugging Face hub reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from robustft.report.card.exported_model import ExportedModel
from robustft.study.plain_file import plain_line
from robustft.study.records.record import Record
from robustft.study.run import Run
from robustft.study.tradeoff import count_of

HUB_WEIGHTS = "backbone.pretrained"
"""Among a run's contents: its weights came from the hub."""


def front_matter(run: Run, model: ExportedModel, shown: Sequence[Record]) -> str:
    """Library, task, tags, the model it came from, and the test accuracies among `shown` as results."""
    library = "pytorch" if model.architecture is None else "timm"
    name = f"{run.method}-{run.dataset}-seed-{run.seed}-step-{model.step}"
    metrics = [
        {"type": "accuracy", "name": _line(run.names.of(record)), "value": round(count_of(record).rate, 6)}
        for record in shown
        if record.split == "test" and record.total
    ]
    dataset = {"type": _line(run.dataset), "name": _line(run.dataset), "split": "test"}
    content = {
        "library_name": library,
        "pipeline_tag": "image-classification",
        "tags": ["image-classification", library, "robustness", "robustft"],
        **_base_model(run),
        "model-index": [
            {
                "name": _line(name),
                "results": [{"task": {"type": "image-classification"}, "dataset": dataset, "metrics": metrics}],
            }
        ],
    }
    return f"---\n{yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=10**6)}---"


def _base_model(run: Run) -> Mapping[str, Any]:
    backbone = run.identity.get("backbone")
    name = backbone.get("name") if isinstance(backbone, Mapping) else None
    if HUB_WEIGHTS not in run.contents or not isinstance(name, str):
        return {}
    return {"base_model": f"timm/{_line(name)}"}


def _line(text: str) -> str:
    return plain_line(text) or "unknown"
