"""python -m robustft export: a state of a run in a form that needs no robustft, compared with the run first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from robustft import checks
from robustft.atomic_write import directory_written_whole
from robustft.cli.additions import Additions
from robustft.cli.build import Parts
from robustft.cli.companions.start import kept_start
from robustft.cli.processes import refuse_several
from robustft.cli.run_argument import known_run, several_runs, shown
from robustft.cli.runs.chosen_state import chosen_state
from robustft.cli.runs.evaluation_config import check_trust, config_file, misfit, run_parts
from robustft.cli.runs.libraries import load_libraries
from robustft.cli.runs.same_contents import same_contents
from robustft.cli.runs.versions import versions
from robustft.cli.user_errors import Failure, Mistake, command, naming
from robustft.device import ACCELERATORS, refuse_missing_device, torch_device
from robustft.models.keep_policy import kept_steps
from robustft.report.card.exported_model import ExportedModel
from robustft.report.card.model_card import model_card
from robustft.study.records.condition import Condition
from robustft.study.records.outcomes import read_outcomes
from robustft.study.records.record import Record
from robustft.study.run import Run
from robustft.study.run_command import command_line, run_command

if TYPE_CHECKING:
    from robustft.models.export.export import Exported

CARD = "README.md"
PACKAGES = ("robustft", "torch", "timm")
"""Whose versions the card names."""


@command
def run(config: DictConfig) -> None:
    """Writes the state `config.state` of the run in `config.run` to `config.output`."""
    refuse_several("export")
    with naming(""):
        checks.one_of("accelerator", config.accelerator, ACCELERATORS)
        check_trust(config.trust)
        output = checks.path("output", config.output)
        refuse_missing_device(config.accelerator)
    _refuse_taken(output)
    one = _one_run(config.run)
    with naming("run: "):
        points = one.points
    if not points:
        raise Mistake(f"run: no step of {one.directory} has been measured completely yet")
    with naming(""):
        step = chosen_state(one, config.state, on_disk=kept_steps(one.directory / "states"))
    parts = replace(run_parts(one, config, Additions()), shifts={})  # sets that are not measured need not be there
    same_contents(one, parts)
    recorded = read_outcomes(one.directory, _clean_record(one, step))
    with directory_written_whole(output.resolve()) as directory:
        exported = _export(one, parts, step, recorded, directory, config.accelerator)
        card = model_card(one, _described(config, step, exported), command=run_command(one.directory))
        (directory / CARD).write_text(card, encoding="utf-8")
    same = exported.agreement
    rounded = f", {same.rounded} of them otherwise within rounding" if same.rounded else ""
    form = "torch.export.load" if exported.architecture is None else "timm.create_model"
    print(
        f"{shown(output)}: the state after {step:,} updates, for {form}; logits differ by up to {same.largest:.1g}, "
        f"{same.outcomes:,} clean outcomes made again{rounded}"
    )


def _export(run: Run, parts: Parts, step: int, recorded: np.ndarray, directory: Path, accelerator: str) -> Exported:
    """The files of the model, in `directory`; a Failure if they are another model."""
    load_libraries()
    from robustft.cli.load import loaded
    from robustft.data.split import fixed_subset
    from robustft.models.export.export import export_model
    from robustft.models.export.verification import Mismatch
    from robustft.models.states import States

    try:
        inputs = loaded(parts, run.validation_rows, start=kept_start(run.directory))
    except (TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise misfit(config_file(run.directory), error) from error
    images = inputs.dataset.test
    images = images.take(fixed_subset(len(images), parts.suite.max_images))
    if len(images) != len(recorded):
        raise Mistake(f"run: its outcomes must be of the {len(images):,} test images, got {len(recorded):,}")
    with naming(""):
        States(run_dir=run.directory, keep=parts.keep_states).load(inputs.model, step)
        device = torch_device(accelerator)
    try:
        with naming("method: "):
            return export_model(
                inputs.model,
                directory,
                method=inputs.method,
                architecture=parts.backbone.architecture(),
                classes=inputs.dataset.classes,
                resize=parts.source.resize,
                images=images,
                recorded=recorded,
                batch_size=parts.suite.batch_size,
                device=device,
            )
    except Mismatch as mismatch:
        raise Failure(f"the exported model is not the run's, and nothing was written: {mismatch}") from mismatch


def _one_run(directory: Any) -> Run:
    """The run in a directory, or the only one below it."""
    if OmegaConf.is_list(directory):
        raise Mistake(f"run must be the directory of one run, got {directory}")
    below = several_runs(directory)
    if len(below) > 1:
        raise Mistake(
            f"run must be the directory of one run, got {directory}, which has {len(below)} below it: "
            f"{shown(below[0].directory)}, ..."
        )
    return below[0] if below else known_run(directory)


def _refuse_taken(output: Path) -> None:
    """A Mistake if there is something at `output` already."""
    with naming("output: "):
        is_free = not output.exists() or (output.is_dir() and not any(output.iterdir()))
    if not is_free:
        raise Mistake(f"output must be a new or an empty directory, got {output}, which is there already")


def _clean_record(run: Run, step: int) -> Record:
    """That of the clean test images, which every measured state has."""
    clean = Condition(split="test")
    return next(record for record in run.records if record.step == step and record.condition == clean)


def _described(config: DictConfig, step: int, exported: Exported) -> ExportedModel:
    """What the card says of the files."""
    images, same, installed = exported.preprocessing, exported.agreement, versions()
    return ExportedModel(
        state=str(config.state),
        step=step,
        architecture=None if exported.architecture is None else exported.architecture.name,
        resolution=images.resolution,
        mean=images.mean,
        std=images.std,
        crop_mode=images.crop_mode,
        compared=same.compared,
        largest=same.largest,
        outcomes=same.outcomes,
        rounded=same.rounded,
        versions={name: installed[name] for name in PACKAGES if name in installed},
        command=command_line(["export", f"run={config.run}", f"state={config.state}", f"output={config.output}"]),
    )
