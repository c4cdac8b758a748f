"""The page of a study in a browser, from disk: what it shows, and that it keeps to itself."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from robustft.report.palette import OF_METHODS
from robustft.study.plain_file import plain_line
from tests.browser.browser import Browser
from tests.browser.conftest import WritePage
from tests.report.made_comparison import made_comparison

pytestmark = pytest.mark.browser
LORA = OF_METHODS["lora"][0]
PHONE = 390, 844
SIZES = {
    1: {"strategies": (("lora", "lora"),), "seeds": 1},
    6: {"strategies": (("lora", "lora"), ("full", "full"))},
    231: {"settings": 11},
}
TOO_WIDE = """
return [...document.querySelectorAll("body *")].filter((element) => {
  const place = element.getBoundingClientRect();
  return place.width > 0 && place.left >= 0 && place.right > innerWidth + 1 && element.checkVisibility();
}).map((element) => `${element.tagName} ${element.id} ${element.className}`.trim());
"""
SERIOUS = """
const done = arguments[arguments.length - 1];
axe.run(document, { resultTypes: ["violations"] }).then((result) => done(result.violations.filter(
  ({ impact }) => impact === "serious" || impact === "critical",
).map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html).join(" ")}`)));
"""


def draw_everything(browser: Browser) -> None:
    for host in browser.every("[data-chart]"):
        browser.chart(str(host.get_attribute("data-chart")))


@pytest.mark.parametrize("runs", SIZES)
def test_nothing_is_said_in_the_console_and_nothing_is_asked_for(browser: Browser, write: WritePage, runs: int):
    address = write(**SIZES[runs])
    browser.open(address)
    draw_everything(browser)
    browser.script("arguments[0].click()", browser.one('input[name="method"]'))
    assert browser.messages() == []
    assert [url for url in browser.requests() if url != "about:blank"] == [address]


def test_names_from_elsewhere_are_shown_and_never_run(browser: Browser, write: WritePage):
    script = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>\u2028{{ 7 * 7 }}"
    name = str(plain_line(script))  # as comparisons have the names of settings and strategies
    comparison = made_comparison(strategies=((name, "lora"), ('"><svg onload=window.hacked=3>', "full")))
    (ranking,) = comparison.rankings
    assert ranking.setting is not None
    setting = replace(ranking.setting, name=f"digits {name}")
    runs = tuple(replace(run, setting=setting, command=script, failed_gates=(script,)) for run in comparison.runs)
    comparison = replace(
        comparison, runs=runs, rankings=(replace(ranking, setting=setting),), title=script, warnings=(script,)
    )
    address = write(comparison)
    browser.open(address)
    draw_everything(browser)
    browser.script("document.querySelectorAll('details').forEach((part) => (part.open = true))")
    browser.script("pick.selectedIndex = 1; pick.dispatchEvent(new Event('change', {bubbles: true}))")
    assert browser.one("#kept-command").text.startswith("</script><script>window.hacked")
    assert browser.one("h1").text.startswith("</script><script>")
    assert "{{ 7 * 7 }}" in browser.one("h1").text
    assert browser.script("return window.hacked") is None
    assert browser.script("return document.querySelectorAll('main img').length") == 0
    assert browser.messages() == []


def test_a_box_takes_its_method_out_of_all_charts_and_puts_it_back(browser: Browser, page: str):
    browser.open(page)
    box = browser.one('label:has(use[href="#mark-1"]) input')
    for name in ("area", "frontiers", "curves"):
        chart = browser.chart(name)
        before = len(browser.pixels(chart, LORA))
        assert before > 0
        browser.script("arguments[0].click()", box)
        browser.wait(lambda chart=chart: not browser.pixels(chart, LORA))
        browser.script("arguments[0].click()", box)
        browser.wait(lambda chart=chart, before=before: len(browser.pixels(chart, LORA)) == before)


def test_hover_tells_the_run_the_step_and_the_numbers(browser: Browser, page: str):
    browser.open(page)
    chart = browser.chart("frontiers")
    assert browser.wait(lambda: hovered(browser, chart, "step"))
    told = browser.one("#tip").text
    assert re.search(r"run .*/lora/seed-\d", told)
    assert re.search(r"step [\d,]+", told)
    assert re.search(r"clean \d+\.\d ?%", told)
    assert re.search(r"robust \d+\.\d ?%", told)


def test_a_click_keeps_the_run_and_shows_its_command_and_the_address_brings_it_back(browser: Browser, page: str):
    browser.open(page)
    chart = browser.chart("frontiers")
    browser.wait(lambda: hovered(browser, chart, "step"))
    run = re.findall(r"run (\S+)", browser.one("#tip").text)[0]
    browser.actions().click().perform()
    browser.wait(lambda: browser.one("#kept").is_displayed())
    method, seed = run.split("/")[-2:]
    command = f"python -m robustft dataset=cifar10 method={method} seed={seed.removeprefix('seed-')}"
    assert browser.one("#kept-name").text == run
    assert browser.one("#kept-command").text == command
    browser.script("arguments[0].click()", browser.one('label:has(use[href="#mark-0"]) input'))
    address = browser.driver.current_url
    browser.open(address)
    assert browser.one("#kept-name").text == run
    assert [box.is_selected() for box in browser.every('input[name="method"]')] == [False, True]
    browser.one("#kept button[data-copy]").click()
    browser.wait(lambda: browser.one("#kept button[data-copy]").text == "Copied")
    browser.one("#release").click()
    assert not browser.one("#kept").is_displayed()
    browser.script("arguments[0].click()", browser.one('label:has(use[href="#mark-0"]) input'))
    assert browser.driver.current_url == page
    browser.script("location.hash = '#run=%E0%A4%A&hide=nobody'")  # as somebody else may have written it
    assert not browser.one("#kept").is_displayed()
    assert browser.messages() == []


def test_keys_do_what_the_mouse_does(browser: Browser, page: str):
    browser.open(page)
    browser.actions().send_keys("\ue004").perform()  # Tab
    assert browser.script("return document.activeElement.className") == "skip"
    reached = []
    for _ in range(40):
        browser.actions().send_keys("\ue004").perform()
        reached.append(browser.script("return document.activeElement.name || document.activeElement.className"))
        if "chart" in reached[-1]:
            break
    assert reached.count("method") == 2
    assert "chart" in reached[-1]
    browser.actions().send_keys("\ue015").perform()  # down: the next run
    first = browser.one("#kept-name").text
    browser.actions().send_keys("\ue015").perform()
    assert browser.one("#kept-name").text != first
    browser.actions().send_keys("\ue013").perform()  # up
    assert browser.one("#kept-name").text == first
    browser.actions().send_keys("\ue014").send_keys("\ue014").perform()  # right: the second state
    assert browser.one("#kept-here").text.startswith("step 50: clean ")
    browser.actions().send_keys("\ue00c").perform()  # Escape
    assert not browser.one("#kept").is_displayed()


@pytest.mark.parametrize("runs", SIZES)
def test_nothing_has_to_be_moved_sideways_on_a_phone(browser: Browser, write: WritePage, runs: int):
    browser.size(*PHONE)
    browser.open(write(**SIZES[runs]))
    draw_everything(browser)
    browser.script("document.querySelectorAll('details').forEach((part) => (part.open = true))")
    browser.script("pick.selectedIndex = 1; pick.dispatchEvent(new Event('change', {bubbles: true}))")
    assert browser.script("return document.documentElement.scrollWidth") == PHONE[0]
    assert browser.script(TOO_WIDE) == []
    assert (
        browser.script(
            "return [...document.querySelectorAll('.scroll')].filter((part) => part.scrollWidth > part.clientWidth + 1)"
            ".map((part) => part.innerHTML.slice(0, 200))"
        )
        == []
    )


def test_without_scripts_the_tables_stay(browser: Browser, page: str):
    browser.scripts(on=False)
    browser.open(page, scripted=False)
    assert browser.one("#table-area").is_displayed()
    assert not browser.one("#toolbar").is_displayed()
    assert [chart.is_displayed() for chart in browser.every(".chart")] == [False] * len(browser.every(".chart"))
    for summary in browser.every("figure details.numbers > summary"):
        summary.click()
    assert all(table.is_displayed() for table in browser.every("figure table"))
    assert len(browser.every("figure table")) > 5


@pytest.mark.parametrize("width", [1280, PHONE[0]])
def test_axe_finds_nothing_serious(browser: Browser, page: str, width: int):
    browser.size(width, 900)
    browser.open(page)
    draw_everything(browser)
    browser.script("document.querySelectorAll('details').forEach((part) => (part.open = true))")
    browser.script("pick.selectedIndex = 1; pick.dispatchEvent(new Event('change', {bubbles: true}))")
    axe = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
    browser.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    browser.script(axe + "; window.axe = axe;")
    browser.driver.set_script_timeout(120)
    assert browser.driver.execute_async_script(SERIOUS) == []  # type: ignore[no-untyped-call]


def test_every_chart_is_printed_however_far_down_it_is(browser: Browser, page: str, tmp_path: Path):
    browser.open(page)
    printed = browser.printed()
    assert printed.startswith(b"%PDF")
    hosts = browser.every(".chart")
    assert [len(browser.script("return arguments[0].querySelectorAll('canvas')", host)) for host in hosts] == [1] * len(
        hosts
    )
    assert 2 <= len(re.findall(rb"/Type /Page\b", printed)) <= 12


def hovered(browser: Browser, chart: object, word: str) -> bool:
    """Moves the mouse over places of the chart that have lora's colour until the tip says `word`."""
    places = browser.pixels(chart, LORA)  # type: ignore[arg-type]
    width, height = browser.script(
        "const {width, height} = arguments[0].getBoundingClientRect(); return [width, height]", chart
    )
    for x, y in places[:: max(1, len(places) // 60)]:
        browser.actions().move_to_element_with_offset(chart, round(x - width / 2), round(y - height / 2)).perform()  # type: ignore[arg-type]
        tip = browser.one("#tip")
        if tip.is_displayed() and word in tip.text:
            return True
    return False
