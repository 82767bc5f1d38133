"""What an audit finds does not depend on the order in which models were ingested."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forebear.registry import AuditReport, Registry

KIN = ("alder", "alder-docs", "alder-docs-tests", "alder-tests", "alder-merge", "alder-4bit", "alder-twin")
OTHERS = ("birch", "re-upload", "mirror")
DATED = {"alder": 1, "alder-docs": 2, "birch": 3, "re-upload": 4}
"""Days of release; the others have none."""
LICENCES = {"alder": "llama3", "alder-docs": "mit", "alder-tests": "mit", "birch": "llama3", "re-upload": "mit"}


@pytest.fixture(scope="module")
def folders(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Some models of the zoo, and two copies of one of them."""
    place = tmp_path_factory.mktemp("order")
    for copy in ("re-upload", "mirror"):
        shutil.copytree(zoo / "birch", place / copy)
    return {name: place / name if name in {"re-upload", "mirror"} else zoo / name for name in (*KIN, *OTHERS)}


def findings(report: AuditReport) -> set[tuple[object, ...]]:
    names = ("kind", "status", "query", "component", "relative", "relative_component", "direction", "direction_by")
    more = ("direction_probability", "rank", "origin", "reason", "query_license", "relative_license", "family")
    return {tuple(row[name] for name in (*names, *more)) for row in report.table.to_pylist()}


def audited(folders: dict[str, Path], order: list[str], place: Path, *, rooted: bool) -> AuditReport:
    place.unlink(missing_ok=True)
    with Registry(place) as registry:
        registry.ingest(*(folders[name] for name in order))
        for name, day in DATED.items():
            moment = datetime(2025, 1, day)
            registry.connection.execute("UPDATE model SET released_at = ? WHERE name = ?", [moment, name])
        for name, licence in LICENCES.items():
            registry.connection.execute("UPDATE model SET license = ? WHERE name = ?", [licence, name])
        if rooted:
            registry.mark_root("alder", source="its makers")
        return registry.audit()


@pytest.fixture(scope="module", params=[False, True], ids=["without a root", "with a root"])
def expected(
    request: pytest.FixtureRequest, folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[bool, AuditReport]:
    """Whether a root is claimed, and the report of models that were ingested in the order of their names."""
    rooted: bool = request.param
    place = tmp_path_factory.mktemp("expected") / "registry.duckdb"
    return rooted, audited(folders, sorted(folders), place, rooted=rooted)


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(order=st.permutations([*KIN, *OTHERS]))
def test_findings_are_the_same_whatever_the_order_of_ingestion(
    folders: dict[str, Path], expected: tuple[bool, AuditReport], tmp_path: Path, order: list[str]
) -> None:
    rooted, report = expected
    assert findings(audited(folders, order, tmp_path / "shuffled.duckdb", rooted=rooted)) == findings(report)


def test_the_shuffled_registry_has_findings_of_every_kind_that_an_order_could_change(
    expected: tuple[bool, AuditReport],
) -> None:
    rooted, report = expected
    found = {(row["kind"], row["status"]) for row in report.table.to_pylist()}
    kinds = {("ancestor", "confirmed"), ("duplicate", "undeclared"), ("relative", "related"), ("licence", "conflict")}
    assert kinds <= found
    assert (("ancestor", "undeclared") if rooted else ("ancestor", "direction_unknown")) in found


def test_of_copies_the_one_released_first_is_the_original_and_without_dates_no_licence_is_in_conflict(
    expected: tuple[bool, AuditReport],
) -> None:
    _, report = expected
    rows = report.table.to_pylist()
    copies = {row["query"]: row for row in rows if row["kind"] == "duplicate" and row["relative"] == "birch"}
    assert set(copies) == {"re-upload", "mirror"}
    assert copies["re-upload"]["reason"] == "equal content, identical"
    assert copies["mirror"]["reason"] == "equal content, identical; which came first is not known"
    licences = {(row["query"], row["relative"]): row["status"] for row in rows if row["kind"] == "licence"}
    assert licences["re-upload", "birch"] == "conflict"
    assert ("mirror", "birch") not in licences
