"""One colour and one shape a method, the same in every chart, table and report.

Okabe and Ito's colours, told apart by any colour vision, and Tol's muted ones behind them; shapes differ as well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise, product

SHAPES = {
    "circle": "M1,0A1,1,0,1,1,-1,0A1,1,0,1,1,1,0Z",
    "square": "M-0.85,-0.85H0.85V0.85H-0.85Z",
    "triangle": "M0,-1L1,0.85H-1Z",
    "diamond": "M0,-1.15L1.15,0L0,1.15L-1.15,0Z",
    "down": "M0,1L1,-0.85H-1Z",
    "plus": "M-0.4,-1.05H0.4V-0.4H1.05V0.4H0.4V1.05H-0.4V0.4H-1.05V-0.4H-0.4Z",
    "cross": "M-1,-0.5L-0.5,-1L0,-0.5L0.5,-1L1,-0.5L0.5,0L1,0.5L0.5,1L0,0.5L-0.5,1L-1,0.5L-0.5,0Z",
    "right": "M1,0L-0.85,-1V1Z",
    "left": "M-1,0L0.85,-1V1Z",
    "hexagon": "M-1,0L-0.5,-0.9H0.5L1,0L0.5,0.9H-0.5Z",
    "star": "M0,-1.15L0.28,-0.39L1.09,-0.36L0.46,0.15L0.68,0.93L0,0.48L-0.68,0.93L-0.46,0.15L-1.09,-0.36L-0.28,-0.39Z",
    "hourglass": "M-0.95,-1H0.95L-0.95,1H0.95Z",
    "bowtie": "M-1,-0.95L1,0.95V-0.95L-1,0.95Z",
}
"""Name -> SVG path within [-1, 1], which Vega takes as a shape and a page as a drawing."""

OF_METHODS = {
    "full": ("#222222", "circle"),
    "linear_probe": ("#CC79A7", "square"),
    "lora": ("#0072B2", "triangle"),
    "adapter": ("#D55E00", "diamond"),
    "compacter": ("#E69F00", "down"),
    "bitfit": ("#009E73", "plus"),
    "ia3": ("#56B4E9", "cross"),
    "last_blocks": ("#882255", "hexagon"),
    "dora": ("#332288", "right"),
    "par_bn": ("#661100", "left"),
    "norm": ("#117733", "star"),
    "reft": ("#999933", "hourglass"),
    "vpt": ("#762A83", "bowtie"),
}
_FURTHER_COLORS = ("#6699CC", "#888888", "#AA4499", "#44AA99", "#8C510A", "#004488", "#B2182B", "#01665E")
_FURTHER = tuple(product(reversed(SHAPES), _FURTHER_COLORS))
_SHADES = (0.0, 0.45, -0.4, 0.65, -0.65, 0.25)  # towards white (above 0) or black
_SHADES_OF_DARK = (0.0, 0.5, 0.7, 0.3, 0.6, 0.4)
_FEW = 3
"""Shades of one colour that are told apart at a glance."""

_NUMBER = re.compile(r"(\d+)", re.ASCII)
_DASHES: tuple[tuple[int, ...], ...] = ((), (6, 3), (2, 2), (8, 2, 2, 2))


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How a strategy is drawn.

    color: `#rrggbb`; shape: a name in `SHAPES`; dash: lengths of strokes and gaps in pixels, empty: a solid line.
    """

    color: str
    shape: str
    dash: tuple[int, ...] = ()

    @property
    def path(self) -> str:
        """The shape as an SVG path within [-1, 1]."""
        return SHAPES[self.shape]


def marks(strategies: Mapping[str, str]) -> dict[str, Mark]:
    """Strategy -> mark, by strategy.

    A method has one colour and one shape, whatever else takes part; methods that are not in `OF_METHODS` get
    theirs by name. Strategies of one method share its shape and differ in dash, and a few of them in shade. Of more
    than that, objectives of one method for instance, shades look alike: they have the colours of methods that do not
    take part, as long as these last.

    strategies: strategy -> its method.

    >>> marks({"lora": "lora", "lora rank=4": "lora"})["lora"]
    Mark(color='#0072B2', shape='triangle', dash=())
    """
    further = sorted({method for method in strategies.values() if method not in OF_METHODS})
    counts = Counter(strategies.values())
    free = [color for method, (color, _) in OF_METHODS.items() if method not in counts]
    of_many = [strategy for strategy in by_name(strategies) if counts[strategies[strategy]] > _FEW]
    further_of_many = [later for earlier, later in pairwise(of_many) if strategies[earlier] == strategies[later]]
    own = dict(zip(further_of_many, free, strict=False)) if len(further_of_many) <= len(free) else {}
    seen: dict[str, int] = {}
    drawn = {}
    for strategy in by_name(strategies):
        method = strategies[strategy]
        variant = seen[method] = seen.get(method, -1) + 1
        if method in OF_METHODS:
            color, shape = OF_METHODS[method]
        else:
            shape, color = _FURTHER[further.index(method) % len(_FURTHER)]
        color = own.get(strategy) or _shaded(color, variant)
        drawn[strategy] = Mark(color=color, shape=shape, dash=_DASHES[variant % len(_DASHES)])
    return drawn


def by_name(strategies: Iterable[str]) -> list[str]:
    """Strategies in the order of legends: by name, a method before its variants, and these by their numbers.

    >>> by_name(["lora rank=16", "lora rank=4", "full", "lora"])
    ['full', 'lora', 'lora rank=4', 'lora rank=16']
    """

    def place(strategy: str) -> tuple[object, ...]:
        method, *differs = strategy.split(" ")
        numbers = tuple(
            (not part.isdecimal(), int(part) if part.isdecimal() else part) for part in _NUMBER.split(strategy)
        )
        return method, len(differs), numbers, strategy

    return sorted(strategies, key=place)


def _shaded(color: str, variant: int) -> str:
    """`color` mixed with white or black."""
    parts = [int(color[start : start + 2], 16) for start in (1, 3, 5)]
    shades = _SHADES_OF_DARK if max(parts) < 100 else _SHADES
    shade = shades[variant % len(shades)]
    towards = 255 if shade > 0 else 0
    return "#" + "".join(f"{round(part + (towards - part) * abs(shade)):02X}" for part in parts)
