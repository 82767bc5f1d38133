"""The report in a real Chromium: no errors, no requests, every figure there, nothing wider than the screen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forebear.registry import Registry
from forebear.registry.reports.html import write_report

from ..chromium import CONTRAST, chromium, opened, requests_of

pytestmark = pytest.mark.browser

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
    yield from chromium(tmp_path_factory.mktemp("chromium"))


def test_it_loads_nothing_and_logs_nothing(browser: Any, page: Path) -> None:
    for log in ("browser", "performance"):
        browser.get_log(log)  # reading empties it
    opened(browser, page, 1280)
    requests = requests_of(browser)
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
    assert len(browser.find_elements("tag name", "figure")) == 7
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script("return document.body.scrollWidth") <= width


def test_text_has_contrast(browser: Any, page: Path) -> None:
    opened(browser, page, 1280)
    ratios = browser.execute_script(CONTRAST)
    assert len(ratios) > 100 and min(ratios) >= 4.5


def test_the_top_of_it_is_a_picture(browser: Any, page: Path, tmp_path: Path) -> None:
    opened(browser, page, 1280, 1040)
    path = Path(os.environ.get(SCREENSHOT, tmp_path / "compare.png"))
    assert browser.save_screenshot(str(path)) and 10_000 < path.stat().st_size < 300_000
