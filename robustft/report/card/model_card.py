"""A model card in the form of the Hugging Face hub: how a state was chosen and what its numbers are."""

from __future__ import annotations

from collections.abc import Sequence

from robustft.report.card.attack_settings import attack_settings
from robustft.report.card.exported_model import ExportedModel
from robustft.report.card.front_matter import front_matter
from robustft.report.card.loading import loading
from robustft.report.tables.markup import markdown_text
from robustft.study.frontier import frontier_steps
from robustft.study.records.gate_summary import failed_gates, gates_in_short
from robustft.study.records.record import Record, without_parts
from robustft.study.run import Run
from robustft.study.tradeoff import Count, best_step, count_of, peak_step

CHOSEN = {
    "best": "the highest clean validation accuracy (on a tie the more robust one, then the earlier)",
    "peak": "the highest robust validation accuracy (on a tie the earlier)",
    "last": "the most updates, the end of the run",
}
"""State as it is asked for -> what it has of all."""


def model_card(run: Run, model: ExportedModel, *, command: str | None) -> str:
    """The text of README.md.

    run: the finished run; command: what makes it again, None if that is not known.
    """
    shown = [record for record in without_parts(run.records) if record.step == model.step]
    title = f"{run.method} on {run.dataset}, {run.backbone}, after {model.step:,} updates"
    sections = {
        "How it was chosen": how_chosen(run, model),
        "Numbers": [*numbers(run, shown), *notes(shown)],
        "Attacks": attacks(run, shown),
        "Gates": gates(run, shown),
        "How to load it": loading(model),
        "What was checked": checks(model),
        "How to make it again": commands(run, model, command),
    }
    lines = [front_matter(run, model, shown), f"# {markdown_text(title)}", summary(run)]
    for heading, paragraphs in sections.items():
        lines += [f"## {heading}", *paragraphs]
    return "\n\n".join(lines) + "\n"


def summary(run: Run) -> str:
    """What it is, in a paragraph."""
    parameters = run.content.get("parameters")
    counted = ""
    if isinstance(parameters, dict) and all(isinstance(parameters.get(key), int) for key in ("trainable", "total")):
        counted = f", which trains {parameters['trainable']:,} of its {parameters['total']:,} parameters and the head"
    text = f"{run.backbone}, fine-tuned on {run.dataset} by {run.method}{counted}; seed {run.seed}, run {run.run_id}."
    return f"An image classifier: {markdown_text(text)}"


def how_chosen(run: Run, model: ExportedModel) -> list[str]:
    """By which numbers, and among how many."""
    points = {point.step: point for point in run.points}
    point, count = points[model.step], len(points)
    if model.state in CHOSEN:
        by = f"`state={model.state}`: of the {count:,} states that the run measured, the one of {CHOSEN[model.state]}."
    else:
        by = f"`state={model.step}`: it was named by its step; the run measured {count:,} states."
    also = [name for name, step in _named(run).items() if step == model.step and name != model.state]
    is_on_frontier = model.step in frontier_steps(run.points)
    where = f"It is {'' if is_on_frontier else 'not '}on the frontier of clean and robust validation accuracy"
    where += f", and the run's {' and '.join(also)} state." if also else "."
    return [
        f"{by} {where}",
        f"On the {point.validation_clean.total:,} validation images: clean {_with_interval(point.validation_clean)}, "
        f"robust {_with_interval(point.validation_robust)}. States are chosen by these numbers, which it flatters; the "
        "test numbers below took no part in it, unless somebody looked at them first.",
    ]


def numbers(run: Run, shown: Sequence[Record]) -> list[str]:
    """The table of test accuracies."""
    rows = [
        f"| {_kind(run, record)} | {markdown_text(_named_condition(run, record))} | {100 * count_of(record).rate:.1f} "
        f"| {_interval(count_of(record))} | {record.correct:,} of {record.total:,} |"
        for record in shown
        if record.split == "test" and record.total
    ]
    head = "| what | condition | accuracy, % | 95 % interval | images |\n| --- | --- | ---: | --- | ---: |"
    return [
        "\n".join([head, *rows]),
        "Test images; intervals are Wilson's, for the images alone: another seed is not in them.",
    ]


def notes(shown: Sequence[Record]) -> list[str]:
    """What a reader must know of single numbers."""
    said = dict.fromkeys(note for record in shown if record.split == "test" for note in record.notes)
    return ["\n".join(f"- {markdown_text(note)}" for note in said)] if said else []


def attacks(run: Run, shown: Sequence[Record]) -> list[str]:
    """What each attack was."""
    lines: dict[str, tuple[str, dict[str, None]]] = {}
    for record in shown:
        condition = record.condition
        if condition.attack is None or condition.settings is None:
            continue
        name = run.names.of_attack(condition.attack, condition.settings)
        text = f"{name}: {attack_settings(run, condition.attack, condition.settings)}"
        lines.setdefault(name, (text, {}))[1].setdefault(f"{condition.norm} {condition.eps_255:g}/255", None)
    listed = [f"- {markdown_text(text)}; size {', '.join(sizes)}" for text, sizes in lines.values()]
    return [
        "\n".join(listed) or "None.",
        "An image counts as robust if it is classified correctly when clean and at everything that the attack tried, "
        "out of all images; sizes are of pixels in [0, 1]. A stronger attack can only find less.",
    ]


def gates(run: Run, shown: Sequence[Record]) -> list[str]:
    """Which checks the numbers passed."""
    failed = failed_gates(shown, run.names.of)
    counted = gates_in_short(shown) or ["No attack at this state was one that gates are checked for (AutoAttack is)."]
    return ["\n".join(markdown_text(line) for line in counted), *(f"- {markdown_text(line)}" for line in failed)]


def checks(model: ExportedModel) -> list[str]:
    """What was compared before the folder was there."""
    held = "`model.pt2` is torch's own archive, a graph and plain tensors"
    if model.architecture is not None:
        held = "`model.safetensors` is plain tensors"
    rounded = ""
    if model.rounded:
        verb = "images come" if model.rounded > 1 else "image comes"
        rounded = f" ({model.rounded} {verb} out otherwise, by a margin that is within rounding)"
    return [
        f"The files, loaded again, give the logits of the run's own model on {model.compared:,} test images: the "
        f"largest difference is {model.largest:.1g}. The clean outcomes on record were made again, on "
        f"{model.outcomes:,} test images{rounded}. "
        "Robust accuracy was not measured again: it is that of the same function.",
        f"No file here is a pickle, and none holds code: {held}.",
    ]


def commands(run: Run, model: ExportedModel, command: str | None) -> list[str]:
    """The run, its evaluation and this export."""
    lines = [*([] if command is None else [command]), model.command]
    made = ", ".join(f"{name} {version}" for name, version in model.versions.items())
    trained = run.content.get("versions")
    ran = ", ".join(f"{name} {version}" for name, version in trained.items()) if isinstance(trained, dict) else ""
    commit = run.content.get("git_commit")
    by = f"{ran}, commit {commit}" if isinstance(commit, str) else ran
    return [
        "\n".join(f"    {_one_line(line)}" for line in lines),
        f"Exported with {markdown_text(made)}." + (f" Trained with {markdown_text(by)}." if by else ""),
    ]


def _one_line(text: str) -> str:
    """Of any length; an indented line is code in Markdown, whatever is in it."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def _named(run: Run) -> dict[str, int]:
    points = run.points
    if not run.is_finished:
        return {}
    return {"best": best_step(points), "peak": peak_step(points), "last": points[-1].step}


def _kind(run: Run, record: Record) -> str:
    condition, point = record.condition, run.points[0]
    if condition.ood is not None:
        return "OOD" if condition.attack is None else "OOD, attacked"
    if condition.attack is None:
        return "clean"
    is_main = (condition.attack, condition.norm, condition.eps) == (point.attack, point.norm, point.eps)
    return "robust (main attack)" if is_main else "robust"


def _named_condition(run: Run, record: Record) -> str:
    condition, name = record.condition, run.names.of(record)
    return name if condition.attack is None else f"{name}, {condition.norm}, eps {condition.eps_255:g}/255"


def _interval(count: Count) -> str:
    low, high = count.interval
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _with_interval(count: Count) -> str:
    return f"{100 * count.rate:.1f} % ({_interval(count)})"
