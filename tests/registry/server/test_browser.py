"""A newcomer's path in a real Chromium: two commands, `forebear serve`, then the pages, by links and forms alone.

Each page is read by axe-core, at 1,280 and 360 pixels, light and dark; nothing may be logged, nothing be asked of
another host, and nothing be wider than the screen.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from ..conftest import COMMAND

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[3]
AXE = ROOT / ".bench" / "axe" / "package" / "axe.min.js"
CHROMIUM, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
SCREENSHOTS = "FOREBEAR_SCREENSHOTS"
"""A folder for pictures of every page; none are written without it."""
PAGES = (
    *("/", "/?q=alder", "/model?name=alder-docs", "/ancestors?name=alder-docs", "/descendants?name=alder"),
    *(
        "/parts?name=alder-merge",
        "/recipe?name=alder-merge",
        "/tree",
        "/audit",
        "/audit?kind=relative",
        "/sql?q=FROM+model",
    ),
    *("/compare?a=alder&b=alder-docs", "/api", "/model?name=nobody"),
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server, after the two commands that a newcomer runs before."""
    place = tmp_path_factory.mktemp("newcomer") / "zoo.duckdb"
    for command in (("demo", "--quiet"), ("audit", "--quiet")):
        subprocess.run([*COMMAND, "--registry", str(place), *command], check=True, stdout=subprocess.DEVNULL)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen([*COMMAND, "--registry", str(place), "serve", "--port", str(port), "--quiet"]) as server:
        try:
            assert _answers(f"{address}/healthz")
            yield address
        finally:
            server.terminate()
    assert server.returncode == 0


def _answers(address: str) -> bool:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with urlopen(address, timeout=5) as found:
                return bool(found.status == 200)
        except OSError:
            time.sleep(0.1)
    return False


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium with its log and what it loads."""
    if not CHROMIUM or not DRIVER:
        pytest.fail("no chromium and chromedriver on this machine: apt-get install chromium chromium-driver")
    if importlib.util.find_spec("selenium") is None or not AXE.exists():
        pytest.fail("selenium or axe-core is not there: run `make test-browser`")
    selenium = importlib.import_module("selenium.webdriver")
    options = selenium.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = selenium.Chrome(options=options, service=selenium.ChromeService(DRIVER))
    driver.set_page_load_timeout(120)
    yield driver
    driver.quit()


def shown(browser: Any, width: int, scheme: str) -> None:
    """The browser as wide as that, in a colour scheme."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def unquiet(browser: Any, site: str, allowed: tuple[int, ...] = ()) -> list[str]:
    """What was logged, and what was asked of others, since the last time; `allowed` statuses are no fault."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requests = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    elsewhere = [url for url in requests if not url.startswith((f"{site}/", "data:"))]
    logged = [entry["message"] for entry in browser.get_log("browser")]
    return elsewhere + [said for said in logged if not any(f"status of {code}" in said for code in allowed)]


def click(browser: Any, text: str, within: str = "main") -> None:
    """Follow the first link of that text, as a person with a keyboard does."""
    links = browser.find_elements("css selector", f"{within} a")
    found = next(link for link in links if link.text == text)
    entered(browser, found)


def entered(browser: Any, element: Any, text: str = "") -> None:
    """Type a text and ENTER, and wait until the page is another one."""
    support = "selenium.webdriver.support"
    element.send_keys(text, importlib.import_module("selenium.webdriver.common.keys").Keys.ENTER)
    gone = importlib.import_module(f"{support}.expected_conditions").staleness_of(element)
    importlib.import_module(f"{support}.wait").WebDriverWait(browser, 30).until(gone)


def test_a_newcomer_finds_a_model_its_ancestor_the_tree_a_comparison_and_a_finding(browser: Any, site: str) -> None:
    shown(browser, 1280, "light")
    browser.get("about:blank")
    for log in ("browser", "performance"):
        browser.get_log(log)  # reading empties it
    browser.get(site)
    browser.find_element("tag name", "body").send_keys("/")
    search = browser.switch_to.active_element
    assert search.get_attribute("id") == "search"
    entered(browser, search, "docs")
    click(browser, "alder-docs")
    assert browser.find_element("tag name", "h1").text == "alder-docs"
    click(browser, "Ancestors")
    assert "finetuned" in browser.find_element("css selector", "main table").text
    browser.find_element("css selector", "main summary").click()
    assert "it rests on" in browser.find_element("css selector", "main details").text
    click(browser, "alder")
    assert browser.find_element("tag name", "h1").text == "alder"
    click(browser, "Tree", "header")
    assert len(browser.find_elements("css selector", "svg a")) > 5
    click(browser, "Audit", "header")
    assert "nearest ancestors" in browser.find_element("tag name", "main").text
    browser.get(f"{site}/compare")
    for name, value in (("a", "alder"), ("b", "alder-docs")):
        browser.find_element("name", name).send_keys(value)
    entered(browser, browser.find_element("name", "b"))
    assert browser.find_element("id", "verdict").text and len(browser.find_elements("tag name", "figure")) == 7
    assert unquiet(browser, site) == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_serious_finding_of_axe_and_fits_every_screen(browser: Any, site: str, path: str) -> None:
    faults: list[str] = []
    for width, scheme in ((1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")):
        shown(browser, width, scheme)
        browser.get(site + path)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        browser.execute_script(AXE.read_text(encoding="utf-8"))
        found = browser.execute_async_script("axe.run().then(arguments[0])")
        faults += [
            f"{width} {scheme} {one['id']}: {one['nodes'][0]['html'][:200]}"
            for one in found["violations"]
            if one["impact"] in {"serious", "critical"}
        ]
        if folder := os.environ.get(SCREENSHOTS):
            name = "".join(c if c.isalnum() else "-" for c in path).strip("-") or "first"
            Path(folder).mkdir(parents=True, exist_ok=True)
            browser.save_screenshot(str(Path(folder) / f"{name}-{width}-{scheme}.png"))
    assert faults == []
    assert unquiet(browser, site, allowed=(404,) if "nobody" in path else ()) == []


def test_pages_are_read_without_script(browser: Any, site: str) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(f"{site}/ancestors?name=alder-docs")
        assert "it rests on" in browser.page_source and browser.find_element("tag name", "h1").text == "alder-docs"
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
