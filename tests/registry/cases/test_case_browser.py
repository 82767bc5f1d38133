"""The page of a case in a real Chromium: no errors, no requests, nothing too wide, no fault of accessibility."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forebear.queries.comparison.case.records import CaseResult
from forebear.registry.reports.cases.page import write_page

from ..reports.chromium import CONTRAST, chromium, opened, requests_of

pytestmark = pytest.mark.browser
AXE = Path(os.environ.get("FOREBEAR_AXE", Path(__file__).parents[3] / ".bench" / "axe" / "package" / "axe.min.js"))
"""axe-core, which `make test-browser` takes from npm."""
SHOTS = "FOREBEAR_SHOTS"
"""A folder for pictures of the page; none are kept without it."""


@pytest.fixture(scope="module", params=["en", "ko"])
def page(request: pytest.FixtureRequest, answered: CaseResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("case") / f"case-{request.param}.html"
    write_page(answered, path, request.param)
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from chromium(tmp_path_factory.mktemp("chromium"))


def test_it_loads_nothing_and_logs_nothing(browser: Any, page: Path) -> None:
    for log in ("browser", "performance"):
        browser.get_log(log)  # reading empties it
    opened(browser, page, 1280)
    requests = requests_of(browser)
    assert page.as_uri() in requests
    assert [url for url in requests if url != page.as_uri() and not url.startswith("data:")] == []
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("width", [1280, 360])
def test_every_figure_is_drawn_and_nothing_is_wider_than_the_screen(
    browser: Any, page: Path, width: int, tmp_path: Path
) -> None:
    opened(browser, page, width)
    shots = Path(os.environ.get(SHOTS, tmp_path))
    shots.mkdir(exist_ok=True)
    browser.save_screenshot(str(shots / f"{page.stem}-{width}.png"))
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = browser.execute_script(
        "return [...document.images].map(i => [i.naturalWidth, i.clientWidth, i.clientHeight, i.complete, i.alt])"
    )
    assert len(found) > 60
    assert all(natural > 100 and 0 < shown <= width and height > 40 for natural, shown, height, *_ in found)
    assert all(done and len(alt) > 15 for *_, done, alt in found)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script("return document.body.scrollWidth") <= width


def test_text_has_contrast(browser: Any, page: Path) -> None:
    opened(browser, page, 1280)
    ratios = browser.execute_script(CONTRAST)
    assert len(ratios) > 100 and min(ratios) >= 4.5


def test_axe_finds_nothing_serious(browser: Any, page: Path) -> None:
    if not AXE.exists():
        pytest.fail("axe-core is not there: run `make test-browser`")
    opened(browser, page, 1280)
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    found = browser.execute_async_script(
        "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(r => done(JSON.stringify("
        "r.violations.map(v => [v.impact, v.id, v.nodes.length, v.nodes[0].html.slice(0, 200)]))))"
    )
    violations = json.loads(found)
    assert [one for one in violations if one[0] in {"serious", "critical"}] == []
