from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from robustft.report.label_placement import DISTANCES, Label, place_labels

CORNER = [(0.04, 0), (0.3, 0), (0.55, 0), (0.84, 0.045), (0.91, 0.087), (0.95, 0.093), (0.978, 0.124), (0.984, 0.082)]


@pytest.mark.parametrize("which", range(len(CORNER)))
def test_a_label_stands_at_its_point_or_a_line_leads_there(which: int) -> None:
    figure = Figure(figsize=(6, 5.8), dpi=160)
    axes = figure.subplots()
    axes.set(xlim=(0, 1.02), ylim=(0, 0.175))
    curve = np.array(CORNER)
    place_labels(
        axes,
        [Label(text="200 best = last", step=200, x=curve[which, 0], y=curve[which, 1], needed=True)],
        curve,
        curve[:0],
    )
    (text,) = axes.texts
    figure.draw_without_rendering()  # an annotation takes its place when it is drawn
    box = Text.get_window_extent(text).padded(0)
    places = axes.transData.transform(curve)
    gaps = np.linalg.norm(places - np.clip(places, box.min, box.max), axis=1) * 72 / figure.dpi
    near = gaps[which] <= DISTANCES[0] + 0.5 and gaps[which] == gaps.min()
    arrow = text.arrow_patch
    assert near or arrow.get_visible()
    assert gaps[which] <= DISTANCES[-1] + 0.5
    assert np.allclose(text.xy, curve[which])  # where the line leads
