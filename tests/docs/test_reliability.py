"""docs/reliability.md names tests and targets that exist."""

from __future__ import annotations

import re

import pytest

from .blocks import ROOT

pytestmark = pytest.mark.skipif(not (ROOT / "docs").exists(), reason="the wheel has no docs")


def test_every_test_that_the_page_names_is_there() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    names = re.findall(r"`((?:tests/[\w/]+/)?test_\w+\.py)`", text)
    assert len(names) >= 8
    there = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    for name in names:
        assert (ROOT / name).exists() if "/" in name else name in there, name
