"""What a run's objective needs beside the model: a reference, peers, an uncertainty set."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from robustft.cli.additions import Additions
from robustft.cli.build import Parts
from robustft.cli.companions.start import OtherState, kept_start
from robustft.cli.runs.evaluation_config import run_parts
from robustft.cli.user_errors import Mistake, naming

if TYPE_CHECKING:
    from robustft.backbones.pixel_model import PixelModel
    from robustft.cli.load import Loaded
    from robustft.data.dataset import Images
    from robustft.data.source import Source
    from robustft.training.companions import Companions


def check_uncertain(contents: Mapping[str, Any]) -> None:
    """A Mistake for an uncertainty set whose images are measured: the model would be trained on the test."""
    uncertain = contents.get("objective.uncertain", {}).get("fingerprint")
    for key, content in contents.items():
        is_measured = key.split(".")[0] in ("dataset", "shift")
        if is_measured and uncertain is not None and content["fingerprint"] == uncertain:
            raise Mistake(f"objective.uncertain must be another data set than {key}, whose images are measured")


def check_reference(parts: Parts) -> None:
    """A Mistake for a reference with other classes, or for images of another resolution. Decodes nothing."""
    if parts.reference is None:
        return
    with naming("dataset."):
        classes = parts.source.class_names()
    _refuse_other_classes(parts.reference, classes)
    with naming("backbone."):
        resolution = parts.backbone.image_size()
    theirs = _as_it_was(parts.reference).backbone.image_size()
    if theirs != resolution:
        raise Mistake(
            f"objective.reference.run must have images of {resolution} pixels, got {parts.reference.run.directory}, "
            f"which has {theirs}"
        )


def companions_of(parts: Parts, inputs: Loaded) -> Companions:
    """The companions of the run, whose model is at its start."""
    from robustft.cli.load import peers_of
    from robustft.training.companions import Companions

    objective = parts.objective
    reference = uncertain = None
    if objective.needs_reference:
        reference = deepcopy(inputs.model) if parts.reference is None else _model_of(parts.reference, inputs)
        reference.requires_grad_(False).eval()
    if objective.needs_uncertain:
        uncertain = inputs.held_apart if parts.uncertain is None else _unlabelled(parts.uncertain, inputs)
    return Companions(reference=reference, peers=peers_of(parts, inputs), uncertain=uncertain)


def _model_of(state: OtherState, inputs: Loaded) -> PixelModel:
    """The network of another run's state, which must tell the same classes apart."""
    from robustft.cli.load import model_of
    from robustft.models.start_state import StartState
    from robustft.models.states import States

    classes = inputs.dataset.classes
    _refuse_other_classes(state, classes)  # of sources that do not name them before they are read
    parts = _as_it_was(state)
    begun = kept_start(state.run.directory)
    model, _ = model_of(parts, len(classes), parts.seed, None if begun is None else StartState(begun, keep_head=False))
    with naming("objective.reference."):
        States(run_dir=state.run.directory).load(model, state.step)
    return model


def _refuse_other_classes(state: OtherState, classes: tuple[str, ...] | None) -> None:
    theirs = state.run.content.get("classes")
    if classes is not None and theirs != list(classes):
        raise Mistake(
            f"objective.reference.run must be of the same {len(classes)} classes, got {state.run.directory}, "
            f"which has {len(theirs or ())}{' others' if len(theirs or ()) == len(classes) else ''}"
        )


def _as_it_was(state: OtherState) -> Parts:
    """The parts of the state's run."""
    as_it_was = OmegaConf.create({"trust": [], "dataset": {"path": None}, "backbone": {"checkpoint": None}})
    return run_parts(state.run, as_it_was, Additions())


def _unlabelled(source: Source, inputs: Loaded) -> Images:
    with naming("objective.uncertain_set."):
        return source.load(inputs.model.resolution).train
