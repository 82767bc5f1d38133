"""Audits hold declared recipes against what replay gives, and keep what they found for SQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from forebear.registry import AuditOptions, AuditReport, Registry

from .conftest import found

RIGHT = """merge_method: linear
models:
- {model: alder-docs, parameters: {weight: 1}}
- {model: alder-tests, parameters: {weight: 1}}
"""
Audited = Callable[[str], AuditReport]


@pytest.fixture
def audited(registry: Registry, zoo: Path, tmp_path: Path) -> Audited:
    """The report of an audit of alder-merge alone, when its file says so."""

    def audit(config: str) -> AuditReport:
        folder = Path(shutil.copytree(zoo / "alder-merge", tmp_path / "declared" / "alder-merge"))
        (folder / "mergekit_config.yml").write_text(config)
        registry.remove("alder-merge")
        registry.ingest(folder)
        return registry.audit(AuditOptions("alder-merge"))

    return audit


def test_a_true_recipe_is_confirmed_and_kept(audited: Audited, registry: Registry) -> None:
    report = audited(RIGHT)
    (row,) = found(report, kind="recipe")
    assert (row["status"], row["query"], row["declared"]) == ("recipe_confirmed", "alder-merge", "mergekit_config.yml")
    assert "linear of 0.5 alder-tests, 0.5 alder-docs" in row["reason"]
    assert not report.fails(["recipe_contradicted"])
    kept = registry.connection.execute("SELECT model, method, parent, weight FROM recipes ORDER BY parent").fetchall()
    assert kept == [("alder-merge", "linear", "alder-docs", 0.5), ("alder-merge", "linear", "alder-tests", 0.5)]
    asked = registry.connection.execute("SELECT max(asked_at) FROM recipe").fetchall()
    registry.audit(AuditOptions("alder-merge"))
    assert registry.connection.execute("SELECT max(asked_at) FROM recipe").fetchall() == asked  # nothing is new
    registry.remove("alder-merge")
    assert registry.connection.execute("FROM recipes").fetchall() == []
    assert registry.connection.execute("FROM recipe_check").fetchall() == []


def test_a_false_recipe_is_contradicted_and_says_what_is_wrong(audited: Audited) -> None:
    report = audited(RIGHT.replace("weight: 1", "weight: 3", 1))
    rows = found(report, kind="recipe", status="recipe_contradicted")
    assert {row["declared"] for row in rows} == {"alder-docs", "alder-tests"}
    assert any("declared with weight 0.75, and 0.5 reproduces it" in row["reason"] for row in rows)
    assert report.fails(["recipe_contradicted"]) and not report.fails(["contradicted"])


def test_a_recipe_of_a_model_that_is_no_merge_cannot_be_checked(registry: Registry, zoo: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(zoo / "alder-long", tmp_path / "alder-claims"))
    (folder / "mergekit_config.yml").write_text(RIGHT)
    registry.remove("alder-long")
    registry.ingest(folder)
    (row,) = found(registry.audit(AuditOptions("alder-claims")), kind="recipe")
    assert row["status"] == "recipe_not_checkable" and "no method that is known here" in row["reason"]
    report = registry.recipe("alder-claims")
    assert [check.status for check in report.checks] == ["recipe_not_checkable"] and not report.recipes


def test_answers_are_kept_when_asked_to_and_only_of_registered_models(registry: Registry) -> None:
    registry.parts("alder-merge", keep=True)
    registry.recipe("alder-merge", keep=True)
    blocks = registry.connection.execute("SELECT count(*), count(model) FROM parts").fetchall()
    assert blocks[0][0] > 6 and blocks[0][1] > 6
    assert registry.connection.execute("SELECT count(*) FROM recipes").fetchall() == [(2,)]
