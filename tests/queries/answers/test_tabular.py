"""What every answer can do in Python: a line, a table in a notebook, Arrow, pandas, Polars."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from forebear.queries.answers.tabular import LONGEST, SHOWN, Tabular, html_table, one_line
from forebear.registry import AuditOptions, Registry


@pytest.fixture(scope="module")
def results(zoo_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Tabular]]:
    path = shutil.copy(zoo_registry, tmp_path_factory.mktemp("tabular") / "registry.duckdb")
    with Registry(path) as registry:
        registry.audit(AuditOptions(queries="alder-d*", against="alder*", jobs=1))
        second = registry.audit(AuditOptions(queries="alder-d*", against="alder*", jobs=1))
        yield {
            "AncestorsReport": registry.ancestors("alder-docs", k=3),
            "PartsReport": registry.parts("alder-merge"),
            "RecipeReport": registry.recipe("alder-merge"),
            "Comparison": registry.compare("alder-docs", "birch", controls=[]),
            "AuditReport": second,
            "AuditChanges": registry.audit_changes(1, 2),
            "TreeReport": registry.tree(),
            "Models": registry.models(),
            "Outcomes": registry.ingest("no-such-folder"),
        }


KINDS = (
    *("AncestorsReport", "PartsReport", "RecipeReport", "Comparison", "AuditReport", "AuditChanges", "TreeReport"),
    *("Models", "Outcomes"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_result_is_a_line_and_the_same_table_in_every_library(results: dict[str, Tabular], kind: str) -> None:
    found = results[kind]
    assert type(found).__name__ == kind
    assert repr(found).startswith(f"{kind}(") and "\n" not in repr(found) and len(repr(found)) <= LONGEST
    rows = found.rows()
    assert bool(rows) == (kind != "AuditChanges")
    arrow, pandas, polars = found.to_arrow(), found.to_pandas(), found.to_polars()
    assert arrow.num_rows == len(pandas) == polars.height == len(rows)
    if rows:
        assert arrow.column_names == list(pandas.columns) == polars.columns == list(rows[0])
    assert found._repr_html_().startswith("<p>")


def test_records_of_an_answer_say_themselves_in_a_sentence(results: dict[str, Tabular]) -> None:
    report = results["AncestorsReport"]
    (component,) = report.components  # type: ignore[attr-defined]
    first = component.ancestors[0]
    assert first.sentence.startswith(f"{first.name}: ") and f"identity {first.identity:.3f}" in first.sentence
    assert first.evalue == 0.0 > first.log10_evalue and "E < 1e-300" in first.sentence
    assert replace(first, log10_evalue=-4.0).evalue == pytest.approx(1e-4)
    unrelated = replace(first, origin=None, log10_evalue=0.5)
    assert unrelated.sentence == f"{first.name}: unrelated, E = 3.2"
    assert repr(first).startswith("Ancestor(") and len(repr(component)) <= LONGEST
    assert report.sentence == component.sentence  # type: ignore[attr-defined]


def test_the_table_of_a_notebook_holds_names_as_text_and_is_short() -> None:
    rows = [{"name": "<script>\x1b[2J", "value": 1 / 3, "nested": [1], "none": None}] * (SHOWN + 5)
    shown = html_table("a & b", rows)
    assert "<script>" not in shown and "\x1b" not in shown and "<p>a &amp; b</p>" in shown
    assert "nested" not in shown and "<td>0.3333</td>" in shown
    assert shown.count("<tr>") == SHOWN + 1 and "and 5 more rows" in shown
    assert html_table("none", []) == "<p>none</p>"


def test_a_long_or_hostile_line_stays_a_line() -> None:
    assert one_line("Report", "a" * 1000) == f"Report({'a' * (LONGEST - 11)}...)"
    assert "\n" not in one_line("Report", "a\nb") and one_line("Report", "short") == "Report(short)"
