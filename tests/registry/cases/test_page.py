"""The page of a case: every figure of the sources, alternative texts, both languages, nothing that loads or runs."""

from __future__ import annotations

import csv
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import Markup

from forebear.queries.comparison.case.records import CaseResult
from forebear.registry.reports.cases.answer import banners
from forebear.registry.reports.cases.blocks import Drawing, Grid, Panel
from forebear.registry.reports.cases.page import case_page, case_sections, write_tables
from forebear.registry.reports.cases.prose import LANGUAGES, Words
from forebear.registry.reports.html.images import Image, style

GOLDEN = Path(__file__).parent / "golden_page.txt"
HOSTILE = '<script>alert(1)</script>" onerror="x {{ 7*7 }} \u202e=cmd()'


class Outline(HTMLParser):
    """Headings, captions, column titles, and how many images a heading has."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._inside: list[str] = []
        self.tags: list[str] = []
        self.alts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        if tag == "img":
            self.alts.append(str(given.get("alt")))
            if self.lines[-1].startswith("  image"):
                self.lines[-1] = f"  image x {int(self.lines[-1].split()[-1]) + 1}"
            else:
                self.lines.append("  image x 1")
        if tag in {"h1", "h2", "h3", "caption", "thead", "summary"}:
            self._inside.append(tag)
            self.lines.append(f"{tag}:")

    def handle_endtag(self, tag: str) -> None:
        if self._inside and tag == self._inside[-1]:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if self._inside and data.strip():
            self.lines[-1] += f" {data.strip()}"


@pytest.fixture(scope="module")
def pages(answered: CaseResult) -> dict[str, str]:
    """Language -> the page, with empty images: drawing takes seconds, and one of each kind is drawn below."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Panel, "image", property(lambda panel: Image(Markup("data:,"), panel.alt)))
        return {language: case_page(answered, language) for language in LANGUAGES}


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    return found


def test_the_structure_of_the_page_is_the_golden_one(pages: dict[str, str]) -> None:
    lines = outline(pages["en"]).lines
    if os.environ.get("FOREBEAR_WRITE_GOLDEN"):
        GOLDEN.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lines == GOLDEN.read_text(encoding="utf-8").splitlines()


def test_every_image_has_a_text_of_its_own(pages: dict[str, str]) -> None:
    for page in pages.values():
        alts = outline(page).alts
        assert len(alts) > 50 and len(set(alts)) == len(alts) and all(len(alt) > 15 for alt in alts)


def test_it_loads_and_runs_nothing(pages: dict[str, str]) -> None:
    for page in pages.values():
        assert "<script" not in page and "default-src 'none'" in page
        assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", page)
        assert len(page) < 10_000_000


def test_both_languages_have_the_same_blocks(answered: CaseResult) -> None:
    english, korean = (case_sections(answered, Words(language)) for language in ("en", "ko"))
    assert [section.name for section in english] == [section.name for section in korean]
    shapes = [
        [(type(block).__name__, len(block.rows) if isinstance(block, Grid) else 0) for block in section.blocks]
        for section in english
    ]
    assert shapes == [
        [(type(block).__name__, len(block.rows) if isinstance(block, Grid) else 0) for block in section.blocks]
        for section in korean
    ]
    for section in english:
        assert all(
            len(row) == len(block.titles) for block in section.blocks if isinstance(block, Grid) for row in block.rows
        )
        drawings = [block for block in section.blocks if isinstance(block, Drawing)]
        assert all(block.null and block.shows for block in drawings if block.images)


def test_a_figure_of_every_kind_is_drawn_the_same_twice(answered: CaseResult) -> None:
    sections = case_sections(answered, Words("en"))
    drawings = [block for section in sections for block in section.blocks if isinstance(block, Drawing)]
    with style():
        for block in drawings:
            for panel in block.images[:1]:
                image = panel.image
                assert image.uri.startswith("data:image/svg+xml" if panel.vector else "data:image/png")
                assert 2_000 < len(image.uri) < 400_000, block.title
        assert drawings[0].images[0].image == drawings[0].images[0].image


def test_controls_stand_before_the_answer(answered: CaseResult, pages: dict[str, str]) -> None:
    found = banners(answered, Words("en"))
    assert found[0].title == "The controls agree" and found[1].title == "solar-glm: unrelated"
    assert any("mean cosine 0.949" in text and "shuffled 0.947" in text for text in found[1].sentences)
    assert pages["en"].index("The controls agree") < pages["en"].index("solar-glm: unrelated")
    assert '<html lang="ko">' in pages["ko"] and "대조군이 일치함" in pages["ko"]


def test_a_control_that_looks_related_is_the_first_thing_said(answered: CaseResult) -> None:
    wrong = replace(answered.controls, trusted=False, wrong=(("solar", "phi"),))
    found = banners(replace(answered, controls=wrong), Words("en"))
    assert found[0].tone == "untrusted" and "solar-phi" in found[0].sentences[0]


def test_related_pairs_are_said_first_and_those_that_are_left_out_are_counted(answered: CaseResult) -> None:
    every = tuple(replace(pair, expected="asked") for pair in answered.pairs)
    found = banners(replace(answered, pairs=every), Words("en"))
    assert len(found) == 7 and found[1].title == "glm-intellect: derived"
    assert "intellect comes from glm, with probability 0.99" in found[1].sentences[0].replace(">0.99", "0.99")
    assert found[-1].sentences[-1].startswith("4 more pairs")


def test_small_evalues_are_shown_as_below_the_smallest_that_is_told(answered: CaseResult) -> None:
    page = case_page_text(answered)
    assert "<1e-300" in page and not re.search(r"1e-\d{4}", page)
    assert "<-300" in page


def case_page_text(answered: CaseResult) -> str:
    """Every cell and sentence of the document, without drawing anything."""
    sections = case_sections(answered, Words("en"))
    grids = [block for section in sections for block in section.blocks if isinstance(block, Grid)]
    return "\n".join(cell for grid in grids for row in grid.rows for cell in row)


def test_names_of_strangers_are_text(answered: CaseResult) -> None:
    models = tuple(replace(one, name=HOSTILE, note=HOSTILE) for one in answered.models)
    none = replace(answered.gains, matrices=(), scatters=(), rows=())
    bare = replace(answered, models=models, title=HOSTILE, gains=none, kinds=(), distributions=(), vocabulary_pairs=())
    page = case_page(bare)
    assert "<script>alert" not in page and "\u202e" not in page and "{{ 7*7 }}" in page


def table(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text(encoding="utf-8").splitlines()))


def test_tables_are_csv_that_no_spreadsheet_runs(answered: CaseResult, tmp_path: Path) -> None:
    models = tuple(replace(one, name="=cmd()") for one in answered.models)
    written = write_tables(replace(answered, models=models), tmp_path / "tables")
    assert {"claims.csv", "pairs.csv", "norm_gains_by_layer.csv", "kinds.csv", "tokenizers.csv"} <= {
        path.name for path in written
    }
    rows = table(tmp_path / "tables" / "models.csv")
    assert rows[0][:3] == ["model", "name", "role"] and {row[1] for row in rows[1:]} == {"'=cmd()"}
    gains = table(tmp_path / "tables" / "norm_gains_by_layer.csv")
    assert len(gains) == 1 + len(answered.gains.rows)
