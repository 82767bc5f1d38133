"""Pages in files follow the reader's light or dark screen: every colour has both, and texts stand out in both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3] / "registry"
REPORT = ROOT / "reports" / "html" / "report.css"
TREE = ROOT / "reports" / "drawings" / "tree.html"
TABLES = ROOT / "cli" / "outputs" / "html_page.py"
COLOUR = r"#[0-9a-f]{3}(?:[0-9a-f]{3})?\b"
TEXTS = [
    *((ink, ground) for ink in ("ink", "soft", "link") for ground in ("ground", "shade")),
    ("ink", "main-ground"),
    ("ink", "doubt-ground"),
    ("ink", "bad-ground"),
    ("bad-ink", "bad-ground"),
    ("bad", "ground"),
]
"""Which colours of the report are text on which grounds."""


def schemes(path: Path) -> dict[str, dict[str, str]]:
    """Light and dark: name of a colour -> its value."""
    found = re.findall(r":root \{([^}]*)\}", path.read_text(encoding="utf-8"))
    light, dark = (dict(re.findall(rf"--([\w-]+): ({COLOUR})", block)) for block in found)
    return {"light": light, "dark": dark}


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of `#rgb` or `#rrggbb`."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("path", [REPORT, TABLES], ids=lambda path: path.name)
def test_every_colour_has_a_light_and_a_dark_value(path: Path) -> None:
    found = schemes(path)
    assert found["light"].keys() == found["dark"].keys() and {"ink", "ground", "line"} <= found["light"].keys()
    assert "@media screen and (prefers-color-scheme: dark)" in path.read_text(encoding="utf-8")  # paper stays light


@pytest.mark.parametrize("path", [REPORT, TREE, TABLES], ids=lambda path: path.name)
def test_no_colour_stands_outside_of_the_two_schemes(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    outside = re.sub(r":root \{[^}]*\}|\.panels img \{ background: #fff;", "", text)
    style = outside[outside.index("<style>") :] if "<style>" in outside else outside
    assert re.findall(rf"(?:color|background|fill|stroke|solid)[^;{{}}]*({COLOUR})", style) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_their_grounds(scheme: str) -> None:
    colours = schemes(REPORT)[scheme]
    weak = {(ink, ground): contrast(colours[ink], colours[ground]) for ink, ground in TEXTS}
    assert {pair: value for pair, value in weak.items() if value < 4.5} == {}


def test_the_measure_of_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21) and contrast("#777777", "#fff") == pytest.approx(4.48, 0.01)
