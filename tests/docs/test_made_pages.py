"""Pages that are made from code say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import make_folders, make_thresholds
from forebear.queries.thresholds import THRESHOLDS

from .blocks import ROOT

pytestmark = pytest.mark.skipif(not (ROOT / "docs").exists(), reason="the wheel has no docs")
ARCHITECTURE = ROOT / "docs" / "architecture.md"
PATH = re.compile(r"`((?:ingest|queries|registry|schema|tests|benchmarks|docs)/[\w/.-]*)`")
TABLE = re.compile(r"`([A-Z]{3,})` in `([\w/.]+\.py)`")


def test_every_folder_has_its_line_in_the_architecture() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    assert make_folders.with_table(text) == text, "make docs writes it anew"
    assert all(said for said in make_folders.folders().values())


def test_a_folder_that_is_new_changes_the_page() -> None:
    begin, end = make_folders.BEGIN, make_folders.END
    made = make_folders.with_table(f"before\n{begin}\n| `gone` |\n{end}\nafter\n")
    assert made.startswith(f"before\n{begin}\n| folder |") and made.endswith(f"{end}\nafter\n") and "`gone`" not in made
    assert "| `queries/evidence` |" in made
    with pytest.raises(ValueError, match="substring not found"):
        make_folders.with_table("no markers")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/method.md"])
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    named = PATH.findall((ROOT / page).read_text(encoding="utf-8"))
    missing = [path for path in named if not re.search(r"NAME|ROOM|NNNN", path) and not (ROOT / path).exists()]
    assert not missing


def test_every_table_that_a_new_thing_gets_a_line_in_is_where_the_architecture_says() -> None:
    found = TABLE.findall(ARCHITECTURE.read_text(encoding="utf-8"))
    assert {"FORMATS", "SCHEMES", "SOURCES", "KINDS", "COMMANDS", "OUTPUTS", "THRESHOLDS"} <= {
        name for name, _ in found
    }
    for name, path in found:
        assert re.search(rf"^{name}\b.*=", Path(ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), (name, path)


def test_every_threshold_has_its_section_as_the_module_says_it() -> None:
    text = make_thresholds.PAGE.read_text(encoding="utf-8")
    assert make_thresholds.page() == text, "make docs writes it anew"
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == list(THRESHOLDS)
    assert all(one.meaning and one.data and one.command for one in THRESHOLDS.values())
