from __future__ import annotations

from dataclasses import replace

from robustft.study.comparison.findings import Calibration
from robustft.study.comparison.findings_of import findings
from robustft.study.confidence.state_confidence import StateConfidence


def test_a_strategy_has_the_means_of_the_seeds_that_have_predictions(make_point, make_run, make_comparison) -> None:
    def run(strategy, seed, *confidence):
        return replace(make_run(strategy, seed, make_point(1, 50, 50)), confidence=confidence)

    def clean(ece):
        return StateConfidence(condition="clean", images=100, confidence=0.75, ece=ece)

    svhn = StateConfidence(condition="unknown:svhn", images=40, confidence=0.5, auroc=0.9, fpr95=0.25)
    lost = replace(svhn, confidence=0.25, auroc=None, fpr95=None)
    runs = [run("lora", 0, clean(0.25), svhn), run("lora", 1, clean(0.5), lost), run("lora", 2), run("full", 0)]
    found = findings(make_comparison(*runs))
    of_lora = {"setting": "digits", "strategy": "lora", "seeds": 2}
    assert found.calibrations == (
        Calibration(**of_lora, condition="clean", confidence=0.75, ece=0.375, auroc=None, fpr95=None),
        Calibration(**of_lora, condition="unknown:svhn", confidence=0.375, ece=None, auroc=0.9, fpr95=0.25),
    )
