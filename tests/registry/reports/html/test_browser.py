"""The report in a real Chromium: no errors, no requests, every figure there, nothing wider than the screen."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forebear.registry import Registry
from forebear.registry.reports.html import write_report

pytestmark = pytest.mark.browser

CHROMIUM, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
SCREENSHOT = "FOREBEAR_SCREENSHOT"
"""A file for the picture of the top of the report, as the README shows it; none is written without it."""


@pytest.fixture(scope="module")
def page(zoo_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real report: a fine-tune beside two controls, one of which wears the norms of its parent."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    with Registry(zoo_registry, read_only=True) as registry:
        write_report(registry.compare("alder-docs", "alder", controls=["birch", "elm-in-alder-norms"]), path)
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium with its log and what it loads."""
    if not CHROMIUM or not DRIVER:
        pytest.fail("no chromium and chromedriver on this machine: apt-get install chromium chromium-driver")
    if importlib.util.find_spec("selenium") is None:
        pytest.fail("selenium is not installed: run `make test-browser`")
    selenium = importlib.import_module("selenium.webdriver")
    options = selenium.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = selenium.Chrome(options=options, service=selenium.ChromeService(DRIVER))
    yield driver
    driver.quit()


def opened(browser: Any, page: Path, width: int, height: int = 900) -> None:
    """The page at a width in CSS pixels, with everything folded out."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page.as_uri())


def test_it_loads_nothing_and_logs_nothing(browser: Any, page: Path) -> None:
    for log in ("browser", "performance"):
        browser.get_log(log)  # reading empties it
    opened(browser, page, 1280)
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requests = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert page.as_uri() in requests
    assert [url for url in requests if url != page.as_uri() and not url.startswith("data:")] == []
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("width", [1280, 390])
def test_every_figure_is_drawn_and_nothing_is_wider_than_the_screen(browser: Any, page: Path, width: int) -> None:
    opened(browser, page, width)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = browser.execute_script(
        "return [...document.images].map(i => [i.naturalWidth, i.clientWidth, i.clientHeight, i.complete])"
    )
    assert len(found) > 40
    assert all(natural > 100 and 0 < shown <= width and height > 50 and done for natural, shown, height, done in found)
    assert len(browser.find_elements("tag name", "figure")) == 6
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script("return document.body.scrollWidth") <= width


def test_text_has_contrast(browser: Any, page: Path) -> None:
    opened(browser, page, 1280)
    ratios = browser.execute_script(_CONTRAST)
    assert len(ratios) > 100 and min(ratios) >= 4.5


def test_the_top_of_it_is_a_picture(browser: Any, page: Path, tmp_path: Path) -> None:
    opened(browser, page, 1280, 1040)
    path = Path(os.environ.get(SCREENSHOT, tmp_path / "compare.png"))
    assert browser.save_screenshot(str(path)) and 10_000 < path.stat().st_size < 300_000


_CONTRAST = """
const rgb = text => text.match(/[0-9.]+/g).map(Number);
const light = c => c.slice(0, 3).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const ground = element => { for (let e = element; e; e = e.parentElement) {
  const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; }
  return [255, 255, 255]; };
const texts = 'p, td, th, h1, h2, h3, h4, a, summary, figcaption, figcaption b, caption, strong';
return [...document.querySelectorAll(texts)]
  .filter(e => e.textContent.trim()).map(e => {
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05); });
"""
