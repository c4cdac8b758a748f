"""Debian's chromium through selenium, from disk: what it shows, says and asks for."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

PROGRAMS = ("chromium", "chromedriver")
PATIENCE = 60  # seconds, on a busy machine
_OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1")
_LOGS = {"browser": "ALL", "performance": "ALL"}


class Browser(AbstractContextManager["Browser"]):
    """One window without a screen."""

    def __init__(self) -> None:
        options = webdriver.ChromeOptions()
        for option in _OPTIONS:
            options.add_argument(option)
        options.binary_location = str(shutil.which(PROGRAMS[0]))
        options.set_capability("goog:loggingPrefs", _LOGS)
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which(PROGRAMS[1])))
        self.driver.set_page_load_timeout(PATIENCE)

    def __exit__(self, *reason: object) -> None:
        self.driver.quit()

    def reset(self) -> None:
        """An empty desktop; what was logged so far is gone."""
        self.driver.get("about:blank")
        self.scripts(on=True)
        self.size(1280, 900)
        self.messages()
        self.requests()

    def size(self, width: int, height: int) -> None:
        """Width and height of the page, CSS pixels."""
        shape = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)

    def scripts(self, *, on: bool) -> None:
        """Whether pages may run scripts; those of the tests run in any case."""
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not on})

    def open(self, address: str, *, scripted: bool = True) -> None:
        """A page, until its script has started."""
        self.driver.get("about:blank")  # else an address that differs in its fragment only would not be loaded again
        self.driver.get(address)
        if scripted:
            self.wait(lambda: self.script("return document.documentElement.classList.contains('scripted')"))

    def wait(self, condition: Callable[[], Any]) -> Any:
        """What `condition` gives once it is true."""
        return WebDriverWait(self.driver, PATIENCE, poll_frequency=0.05).until(lambda _: condition())

    def script(self, code: str, *arguments: Any) -> Any:
        """What JavaScript returns."""
        return self.driver.execute_script(code, *arguments)  # type: ignore[no-untyped-call]

    def one(self, selector: str) -> WebElement:
        """The first element of a CSS selector."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def every(self, selector: str) -> list[WebElement]:
        """All elements of a CSS selector."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def actions(self) -> ActionChains:
        """Mouse and keys."""
        return ActionChains(self.driver, duration=0)

    def chart(self, name: str) -> WebElement:
        """A chart, once it is drawn and in the middle of the window."""
        host = self.one(f'[data-chart="{name}"]')
        self.script("arguments[0].scrollIntoView({block: 'center'})", host)
        self.wait(lambda: self.script("return arguments[0].querySelector('canvas') !== null", host))
        self.script("arguments[0].scrollIntoView({block: 'center'})", host)  # what is above may have been drawn as well
        return host

    def pixels(self, host: WebElement, color: str) -> list[list[int]]:
        """[x, y] in a chart, of pixels of exactly this `#rrggbb`."""
        return list(self.script(_PIXELS, host, [int(color[start : start + 2], 16) for start in (1, 3, 5)]))

    def messages(self) -> list[str]:
        """What the console says since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def requests(self) -> list[str]:
        """Addresses that were asked for since the last call."""
        entries = self.driver.get_log("performance")  # type: ignore[no-untyped-call]
        events = [json.loads(entry["message"])["message"] for entry in entries]
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def printed(self) -> bytes:
        """The page as a PDF."""
        result = self.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": False, "preferCSSPageSize": True})
        return base64.b64decode(result["data"])


_PIXELS = """
const canvas = arguments[0].querySelector("canvas");
const [red, green, blue] = arguments[1];
const scale = canvas.width / canvas.clientWidth;
const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
const places = [];
for (let at = 0; at < data.length; at += 4) {
  if (data[at] === red && data[at + 1] === green && data[at + 2] === blue && data[at + 3] === 255) {
    places.push([Math.floor(((at / 4) % width) / scale), Math.floor(at / 4 / width / scale)]);
  }
}
return places;
"""
