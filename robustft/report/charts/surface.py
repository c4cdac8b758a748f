"""Attainment surfaces as rows that a step line and a step area draw."""

from __future__ import annotations

from robustft.study.comparison.findings import Corners, FrontierBand


def heights(band: FrontierBand) -> list[tuple[float, float, float, float]]:
    """(x, median, low, high) at every place where one of them changes, from 0 to behind the last corner.

    Between two places hold the values of the right one (Vega's `step-before`). low is what all seeds attain, high what
    any does.
    """
    surfaces = (band.median, band.all_seeds, band.any_seed)
    places = sorted({0.0, *(x for corners in surfaces for x, _ in corners)})
    rows = [(place, *(height(corners, place) for corners in surfaces)) for place in places]
    return [(*row,) for row in [*rows, (places[-1], 0.0, 0.0, 0.0)]]  # type: ignore[misc]


def height(corners: Corners, place: float) -> float:
    """The highest y that is attained with an x of at least `place`.

    >>> height(((0.5, 0.4), (0.9, 0.2)), 0.6)
    0.2
    """
    return max((y for x, y in corners if x >= place), default=0.0)
