"""Numbers and lists in the sentences beside charts."""

from __future__ import annotations

from collections.abc import Sequence

from robustft.study.uncertainty.estimate import Estimate

MOST = 12


def interval(estimate: Estimate, *, digits: int = 3) -> str:
    """A number with its interval.

    >>> interval(Estimate(value=0.44, low=0.41, high=0.47))
    '0.440 (0.410 to 0.470)'
    """
    value = f"{estimate.value:.{digits}f}"
    return value if not estimate.known else f"{value} ({estimate.low:.{digits}f} to {estimate.high:.{digits}f})"


def per_cent(rate: float) -> str:
    """A rate in per cent.

    >>> per_cent(0.4111)
    '41.1 %'
    """
    return f"{100 * rate:.1f} %"


def listed(names: Sequence[str]) -> str:
    """Names as a list in a sentence.

    >>> listed(["lora", "bitfit", "full"])
    'lora, bitfit and full'
    """
    return " and ".join([*([", ".join(names[:-1])] if len(names) > 1 else []), *names[-1:]])


def and_so_on(sentences: Sequence[str]) -> str:
    """A line a sentence, the first twelve of many; what they begin with are names, which stay as they are."""
    shown = list(sentences[:MOST])
    if len(sentences) > MOST:
        shown.append(f"{len(sentences) - MOST} more are in the table")
    return "\n".join(f"{sentence}." for sentence in shown)
