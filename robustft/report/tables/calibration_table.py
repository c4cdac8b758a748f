"""How far confidence can be trusted: of a study's strategies, and of two states of one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from robustft.report.tables.numbers import per_cent
from robustft.report.tables.table import Table
from robustft.report.tables.text_table import line, text_table
from robustft.study.comparison.findings import Calibration
from robustft.study.confidence.calibration import BINS
from robustft.study.confidence.state_confidence import StateConfidence

CALIBRATION_COLUMNS = ("setting", "strategy", "condition", "seeds", "confidence", "ece", "auroc", "fpr95")

HEADINGS = ("condition", "images", "confidence", "ECE", "AUROC", "FPR95")


def calibration_table(calibrations: Sequence[Calibration]) -> Table:
    """A row a setting, strategy and condition: means over seeds at the best state."""
    return Table(
        name="calibration",
        title="Confidence at the best state: calibration, and telling images of no class from the test images",
        columns=CALIBRATION_COLUMNS,
        rows=tuple(
            (
                each.setting,
                each.strategy,
                each.condition,
                each.seeds,
                each.confidence,
                each.ece,
                each.auroc,
                each.fpr95,
            )
            for each in calibrations
        ),
        headings=(
            "setting",
            "strategy",
            "condition",
            "seeds",
            "mean confidence (%)",
            "ECE (%)",
            "AUROC (%)",
            "FPR95 (%)",
        ),
        texts=tuple(
            (each.setting, each.strategy, each.condition, str(each.seeds), *_in_per_cent(each)) for each in calibrations
        ),
        notes=(
            f"Confidence is the highest softmax probability; ECE: expected calibration error, {BINS} bins of one "
            "width. AUROC and FPR95: clean test images are known, those of unknown conditions are not.",
        ),
        blocks=True,
    )


def confidence_text(states: Mapping[str, Sequence[StateConfidence]]) -> str:
    """The same of one run in a terminal: a block for each of `states`, its name -> its conditions; empty without any.

    >>> clean = StateConfidence(condition="clean", images=450, confidence=0.97, ece=0.021)
    >>> print(confidence_text({"best step 83": [clean]}))
    confidence on test images, best step 83; in %
    <BLANKLINE>
    condition  images  confidence  ECE  AUROC  FPR95
    clean         450        97.0  2.1      -      -
    """
    blocks = []
    for name, conditions in states.items():
        rows = [[line(each.condition), f"{each.images:,}", *_in_per_cent(each)] for each in conditions]
        if rows:
            head = f"confidence on test images, {name}; in %"
            blocks.append("\n".join([head, "", *(text.rstrip() for text in text_table(HEADINGS, rows, left=1))]))
    return "\n\n".join(blocks)


def _in_per_cent(each: Calibration | StateConfidence) -> tuple[str, ...]:
    return tuple(per_cent(value) for value in (each.confidence, each.ece, each.auroc, each.fpr95))
