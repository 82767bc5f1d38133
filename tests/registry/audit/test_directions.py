"""What an audit says of who came first, and of declared parents however they are spelled."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from forebear.queries.sql import statement
from forebear.queries.thresholds.lineage import DIRECTION_TOLD
from forebear.registry import Registry

from .conftest import declare, found, license_as, names


@pytest.mark.parametrize(
    "spelled",
    [
        "org/Alder",
        "org/alder@main",
        "https://huggingface.co/ORG/alder/",
        "https://huggingface.co/org/alder/tree/main",
        "hf://org/alder",
        "/data/hub/models--org--alder/snapshots/0123abc/",
        "ALDER",
    ],
)
def test_a_declared_parent_is_found_in_any_spelling(tmp_path: Path, zoo: Path, spelled: str) -> None:
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(zoo / "alder", zoo / "alder-tests")
        registry.connection.execute("UPDATE model SET name = 'org/alder', uri = 'hf://org/alder' WHERE name = 'alder'")
        declare(registry, "alder-tests", spelled)
        report = registry.audit()
        assert names(found(report, kind="ancestor", status="confirmed")) == {("alder-tests", "org/alder")}
        assert not found(report, status="direction_unknown") and not found(report, status="not_comparable")
        rows = {row.name: row for row in registry.ancestors("alder-tests").components[0].ancestors}
        children = {row.name: row for row in registry.ancestors("org/alder").components[0].ancestors}
        assert rows["org/alder"].declared and children["alder-tests"].declared_child


def test_two_models_of_unknown_order_are_one_finding_and_no_licence_conflict(tmp_path: Path, zoo: Path) -> None:
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(zoo / "alder-tests", zoo / "alder")
        license_as(registry, "alder", "llama3")
        license_as(registry, "alder-tests", "mit")
        report = registry.audit()
        (row,) = found(report, kind="ancestor")
        assert (row["status"], row["query"], row["relative"]) == ("direction_unknown", "alder-tests", "alder")
        assert row["direction"] == "unknown" and 0 < row["direction_probability"] < 0.95
        assert row["reason"].endswith("which came first cannot be told")
        assert not found(report, kind="licence") and not report.fails(["undeclared", "contradicted", "licence"])
        assert report.fails(["direction_unknown"])


def test_of_a_pair_of_unknown_order_the_model_that_was_released_later_stands_first(tmp_path: Path, zoo: Path) -> None:
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(zoo / "alder-tests", zoo / "alder")
        registry.audit()
        for day, model in enumerate(("alder-tests", "alder"), 1):
            moment = datetime(2025, 1, day)
            registry.connection.execute("UPDATE model SET released_at = ? WHERE name = ?", [moment, model])
        registry.connection.execute("DELETE FROM audit_finding")
        registry.connection.execute(statement("audit/find_unknown"), {"run_id": 1, "told": DIRECTION_TOLD})
        rows = found(registry.audit_report(1), status="direction_unknown")
        assert names(rows) == {("alder", "alder-tests")}


def test_models_that_declare_one_parent_are_declared_relatives_also_where_it_is_not_registered(
    tmp_path: Path, zoo: Path
) -> None:
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(zoo / "alder-tests", zoo / "alder-moe")
        declare(registry, "alder-tests", "org/Alder")
        assert len(found(registry.audit(), status="direction_unknown")) == 1
        declare(registry, "alder-moe", "hf://org/alder")
        assert not found(registry.audit(), kind="ancestor")


def test_what_declarations_lead_to_is_no_undeclared_ancestor(registry: Registry) -> None:
    registry.mark_root("alder", source="its makers")
    report = registry.audit()
    undeclared = names(found(report, kind="ancestor", status="undeclared"))
    assert ("alder-tests", "alder") in undeclared
    assert ("alder-docs-tests", "alder") not in undeclared, "its declared parent declares it"


def test_a_model_that_names_itself_is_said_to(registry: Registry) -> None:
    declare(registry, "birch", "birch")
    rows = found(registry.audit(), kind="declaration", query="birch")
    assert [(row["status"], row["reason"]) for row in rows] == [
        ("not_comparable", "the model names itself as its parent")
    ]


def test_claims_that_run_in_a_circle_are_confirmed_by_what_weights_tell_alone(registry: Registry) -> None:
    """Two siblings that each name the other, and three models in a row whose first names the last."""
    registry.connection.execute("DELETE FROM declared_parent")
    pairs = {("alder-tests", "alder-docs"), ("alder-docs", "alder-tests")}
    circle = {("alder", "alder-moe"), ("alder-moe", "alder-long"), ("alder-long", "alder")}
    for model, parent in pairs | circle:
        declare(registry, model, parent)
        license_as(registry, model, "mit")
    license_as(registry, "alder-moe", "cc-by-nc-4.0")
    report = registry.audit()
    rows = found(report, kind="declaration", status="contradicted")
    assert names(rows) == pairs | circle
    assert all(row["reason"].startswith("the claims run in a circle: ") for row in rows)
    assert not found(report, kind="ancestor", status="confirmed") and not found(report, kind="licence")
    unknown = names(found(report, status="direction_unknown"))
    assert pairs & unknown or circle & unknown
    registry.mark_root("alder", source="its makers")
    report = registry.audit()
    assert names(found(report, kind="ancestor", status="confirmed")) == {("alder-long", "alder")}
    assert names(found(report, kind="declaration", status="contradicted")) == (pairs | circle) - {
        ("alder-long", "alder")
    }
