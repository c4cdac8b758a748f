from __future__ import annotations

from dataclasses import replace

from robustft.report.page.page import page_html
from robustft.report.study_report import StudyReport
from robustft.report.tables.calibration_table import calibration_table, confidence_text
from robustft.study.comparison.findings import Calibration
from robustft.study.confidence.state_confidence import StateConfidence
from tests.report.made_comparison import made_comparison, made_findings

CLEAN = Calibration(
    setting="cifar10", strategy="lora", condition="clean", seeds=3, confidence=0.9, ece=0.0312, auroc=None, fpr95=None
)
SVHN = replace(CLEAN, condition="unknown:svhn", ece=None, auroc=0.9449, fpr95=0.5)


def test_what_is_not_known_is_empty_for_programs_and_a_dash_for_people() -> None:
    table = calibration_table([CLEAN, SVHN])
    assert table.to_csv().splitlines()[1:] == [
        "cifar10,lora,clean,3,0.9,0.0312,,",
        "cifar10,lora,unknown:svhn,3,0.9,,0.9449,0.5",
    ]
    assert "| cifar10 | lora | clean | 3 | 90.0 | 3.1 | - | - |" in table.to_markdown()
    assert "unknown:svhn & 3 & 90.0 & -- & 94.5 & 50.0" in table.to_latex()


def test_the_page_has_them_only_where_there_are_any() -> None:
    comparison = made_comparison(strategies=(("lora", "lora"), ("full", "full")), steps=(0, 1, 2), images=100)
    findings = made_findings(comparison)
    assert 'id="calibration"' not in page_html(StudyReport(comparison, findings))
    page = page_html(StudyReport(comparison, replace(findings, calibrations=(CLEAN, SVHN))))
    assert 'href="#calibration"' in page
    assert "unknown:svhn" in page


def test_a_run_shows_the_states_that_have_any_and_names_move_no_cursor() -> None:
    odd = StateConfidence(condition="ood:a\x1b[2J", images=1000, confidence=0.5, ece=0.25)
    assert confidence_text({"best step 83": [], "last step 200": []}) == ""
    text = confidence_text({"best step 83": [odd], "last step 200": []})
    assert text.splitlines()[0] == "confidence on test images, best step 83; in %"
    assert text.splitlines()[-1].split()[1:] == ["1,000", "50.0", "25.0", "-", "-"]
    assert text.replace("\n", "").isprintable()
