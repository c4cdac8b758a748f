"""The 7 x 33 runs of a large lab study as finished: run.json with the identity that the command would give them."""

from __future__ import annotations

import itertools
from pathlib import Path

from omegaconf import OmegaConf

from robustft.cli.plans.composed_runs import composed_runs
from robustft.cli.runs import run_name
from robustft.cli.runs.preparation import parts_and_before, prepared
from robustft.study.run import Run
from robustft.study.run_file import run_id

SEEDS = 33
SUMMARY = {"area": 0.2, "best/step": 83, "best/clean": 0.98, "best/robust": 0.1}
SUMMARY |= {"last/step": 200, "last/clean": 0.99, "last/robust": 0.1}


def write_finished_lab(root: Path) -> int:
    """Writes the runs below `root`/multirun/lab; the number of runs. Whatever they measured is not there."""
    run_name.register()
    first: dict[str, dict] = {}
    runs = 0
    for directory, _, whole in composed_runs(["study=lab", f"seed=range(0,{SEEDS})"], multirun=True):
        method = str(whole.hydra.runtime.choices.method)
        if method not in first:
            config = OmegaConf.masked_copy(whole, [key for key in whole if key != "hydra"])
            parts, before = parts_and_before(config, directory, whole.hydra)
            preparation = prepared(config, parts, before)
            first[method] = {"identity": preparation.identity, "contents": preparation.contents}
        identity = {**first[method]["identity"], "seed": int(whole.seed)}
        content = {
            "run_id": run_id(identity),
            "identity": identity,
            "contents": first[method]["contents"],
            "study": "lab",
            "dataset": "digits",
            "backbone": "glyph_vit",
            "method": method,
            "seed": int(whole.seed),
            "validation_rows": list(itertools.islice(range(0, 1212, 9), 135)),
            "summary": SUMMARY,
        }
        (root / directory).mkdir(parents=True)
        Run(root / directory, content).write(status="finished", reason=None)
        runs += 1
    return runs
