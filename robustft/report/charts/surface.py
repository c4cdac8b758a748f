"""Attainment surfaces as rows that a step line and a step area draw."""

from __future__ import annotations

from itertools import pairwise

from robustft.study.comparison.findings import Corners, FrontierBand


def heights(band: FrontierBand) -> list[tuple[float, float | None, float, float]]:
    """(x, median, low, high) at every place where one of them changes, from 0 to behind the last corner.

    Between two places hold the values of the right one (Vega's `step-before`). The median falls to 0 behind its last
    corner and ends there, as None. low is what all seeds attain, high what any does.

    >>> corners = ((0.5, 0.4),)
    >>> heights(FrontierBand(setting="digits", strategy="lora", x="clean", y="robust", median=corners,
    ...     all_seeds=(), any_seed=((0.6, 0.3),)))
    [(0.0, 0.4, 0.0, 0.3), (0.5, 0.4, 0.0, 0.3), (0.5, 0.0, 0.0, 0.3), (0.6, None, 0.0, 0.3), (0.6, None, 0.0, 0.0)]
    """
    surfaces = (band.median, band.all_seeds, band.any_seed)
    places = sorted({0.0, *(x for corners in surfaces for x, _ in corners)})
    last = band.median[-1][0] if band.median else -1.0
    rows: list[tuple[float, float | None, float, float]] = []
    for place, following in pairwise([*places, None]):
        assert place is not None
        low, high = height(band.all_seeds, place), height(band.any_seed, place)
        rows.append((place, height(band.median, place) if place <= last else None, low, high))
        if place == last or following is None:
            behind = 1.0 if following is None else following
            ends = (0.0, 0.0) if following is None else (height(band.all_seeds, behind), height(band.any_seed, behind))
            rows.append((place, 0.0 if place == last else None, *ends))
    return rows


def height(corners: Corners, place: float) -> float:
    """The highest y that is attained with an x of at least `place`.

    >>> height(((0.5, 0.4), (0.9, 0.2)), 0.6)
    0.2
    """
    return max((y for x, y in corners if x >= place), default=0.0)
