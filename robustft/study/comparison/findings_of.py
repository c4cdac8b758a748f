"""Everything that a comparison says beside its areas."""

from __future__ import annotations

from robustft.study.comparison.comparison import Comparison
from robustft.study.comparison.findings import Demand, Findings
from robustft.study.findings.attack_order import attack_orders
from robustft.study.findings.bands import frontier_bands
from robustft.study.findings.calibration import calibrations
from robustft.study.findings.choice import choices, without_states
from robustft.study.findings.ood_line import ood_lines
from robustft.study.findings.published import published_agreements
from robustft.study.findings.setting_runs import by_setting


def findings(comparison: Comparison, demand: Demand | None = None) -> Findings:
    """All findings, in the order of settings and of strategies by area; the same comparison gives the same ones.

    demand: what a chosen state must reach; None: none is chosen.
    """
    settings = by_setting(comparison)
    return Findings(
        bands=frontier_bands(settings),
        lines=ood_lines(settings),
        attack_orders=attack_orders(settings),
        published=published_agreements(settings),
        choices=() if demand is None else choices(settings, demand),
        calibrations=calibrations(settings),
        notes=() if demand is None else without_states(settings),
    )
