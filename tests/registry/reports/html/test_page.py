"""The HTML report: what is in it, what never is, and how large it gets."""

from __future__ import annotations

import itertools
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from forebear.ingest.errors import RegistryError
from forebear.queries.comparison.records.comparison import Comparison
from forebear.registry import Registry
from forebear.registry.reports.html import write_report
from forebear.registry.reports.html.page import fixed, number, report_page

from .documents import ALL_ROLES, HOSTILE, ROLES, document, tokenizers, whole_weights

LARGEST = 5_000_000
GROUPS = ("Block map", "Matched-layer profile", "Every layer against every layer", "Distributions",
          "Distribution of the change", "Map of the models")  # fmt: skip


class Page(HTMLParser):
    """What a browser would see of a page: elements with their attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def plain() -> str:
    return report_page(document())


@pytest.fixture(scope="module")
def hostile() -> str:
    found = document(layers=2, name=HOSTILE)
    return report_page(replace(found, tokenizer=tokenizers(HOSTILE), full=whole_weights(HOSTILE)))


def test_every_figure_is_there_with_what_it_shows_and_its_null(plain: str) -> None:
    page = Page(plain)
    assert all(title in page.text for title in GROUPS)
    assert len(page.all("figure")) == len(page.all("figcaption")) == len(GROUPS)
    assert page.text.count("Null: ") >= len(GROUPS)
    images = page.all("img")
    assert len(images) == 2 + len(ROLES) + 5 * (len(ROLES) - 1) + 2 * len(ROLES) + 1
    assert all(image["alt"] and (image["src"] or "").startswith("data:image/") for image in images)


def test_the_verdict_stands_first_unless_it_is_not_to_be_trusted(plain: str) -> None:
    assert plain.index("Derived: of one lineage</strong>") < plain.index("The controls agree</strong>")
    wrong = report_page(replace(document(layers=1), trusted=False))
    assert wrong.index("Not to be trusted</strong>") < wrong.index("Derived: of one lineage</strong>")


@pytest.mark.parametrize("name", ["plain", "hostile"])
def test_nothing_is_loaded_from_anywhere(name: str, request: pytest.FixtureRequest) -> None:
    page = Page(text := request.getfixturevalue(name))
    assert not {tag for tag, _ in page.elements} & {"script", "iframe", "object", "embed", "form", "base", "svg"}
    for _, attributes in page.elements:
        assert not [key for key in attributes if key.startswith("on") or key == "style"]
        for key in ("src", "href", "srcset", "action", "data", "poster"):
            if key in attributes:
                assert (attributes[key] or "").startswith(("data:", "#"))
    style = text[text.index("<style>") : text.index("</style>")]
    assert "@import" not in style and "url(" not in style
    policy = page.all("meta")[1]
    assert (policy["content"] or "").startswith("default-src 'none'")


def test_names_are_text_and_nothing_else(hostile: str) -> None:
    page = Page(hostile)
    assert page.text.count('<script src="https://evil.example/x.js">') > 20
    assert "{{ 7*7 }}" in page.text and "\\u202e" in page.text and "\\ud800" in page.text
    assert not [c for c in hostile if c in "\u202e\ud800"] and hostile.encode()


def test_equal_documents_give_equal_pages(plain: str) -> None:
    assert report_page(document()) == plain


def test_headings_and_tables_can_be_read_aloud(plain: str) -> None:
    page = Page(plain)
    levels = [int(tag[1]) for tag, _ in page.elements if tag in {"h1", "h2", "h3", "h4"}]
    assert levels.count(1) == 1 and all(b - a <= 1 for a, b in itertools.pairwise(levels))
    assert len(page.all("table")) == len(page.all("caption"))
    boxes = [box for box in page.all("div") if box.get("class") == "box"]
    assert len(boxes) == len(page.all("table")) and all(box["aria-label"] for box in boxes)
    assert page.all("html")[0]["lang"] == "en"
    targets = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    assert all((link["href"] or "")[1:] in targets for link in page.all("a"))


def test_norms_are_marked_as_context(plain: str) -> None:
    assert "norm  (context)" in plain and "Norm gains are context" in plain and "0.9:" not in plain


def test_what_is_missing_is_said(plain: str) -> None:
    assert "no tokenizer of A and B was read" in plain and "reads every weight of A and B" in plain


def test_tokenizers_and_whole_weights_have_their_sections(hostile: str) -> None:
    page = Page(hostile)
    for text in ("merges before the first that differs", "arXiv 2502.12292", "nothing to test", "0 and 0.3"):
        assert text in page.text


def test_no_control_and_nothing_to_draw_leave_a_report() -> None:
    found = document(layers=1, controls=0)
    bare = replace(found.components[0], heatmaps=(), profiles=(), distributions=(), evidence=(), summary=(), changes=())
    page = Page(report_page(replace(found, components=(bare,))))
    assert "Not checked by a control" in page.text and "No block of A has a significant match" in page.text
    assert len(page.all("figure")) == 1
    assert "Map of the models" in Page(report_page(replace(found, components=()))).text


def test_a_model_of_48_layers_with_three_controls_stays_small(tmp_path: Path) -> None:
    write_report(document(layers=48, controls=3, roles=ALL_ROLES), tmp_path / "large.html")
    assert 100_000 < (tmp_path / "large.html").stat().st_size < LARGEST


def test_the_settings_of_the_user_are_left_alone() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    report_page(document(layers=1, controls=0))
    assert dict(matplotlib.rcParams) == before


def test_a_path_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="cannot be written"):
        write_report(document(layers=1, controls=0), tmp_path / "no" / "report.html")


def test_a_foreign_norm_wearer_is_reported_as_that(zoo_registry: Path, tmp_path: Path) -> None:
    with Registry(zoo_registry, read_only=True) as registry:
        found: Comparison = registry.compare("elm-in-alder-norms", "alder", controls=["birch"])
    write_report(found, tmp_path / "report.html")
    text = Page((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert "their norm gains are equal, and everything else is that of unrelated models" in text
    assert "forebear compare " in text and "corrected for 16 models" in text


@pytest.mark.parametrize(
    ("value", "shown"), [(0.12345, "0.123"), (0.0, "0.000"), (1e-5, "1.0e-05"), (float("nan"), "–"), (None, "–")]
)
def test_figures_are_short(value: float | None, shown: str) -> None:
    assert number(value) == shown


def test_no_zero_is_negative() -> None:
    assert [fixed(v) for v in (-0.0001, -0.001, 0.99951, float("inf"))] == ["0.000", "-0.001", "1.000", "–"]
