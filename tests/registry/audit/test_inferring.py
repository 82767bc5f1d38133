"""A missing ancestor from the audit that infers it to the ingest that finds it, and all places that show it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from forebear.registry import AuditOptions, Registry
from forebear.registry.jobs.outcome import Ingested
from forebear.registry.store.inferred import inferred_ancestor, inferred_ancestors

from ..conftest import Run
from ..siblings import CHILDREN, write
from .conftest import found


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Children of one root, and the root."""
    made = {name: write(tmp_path, name, seed=n, size=0.07 + 0.005 * n) for n, name in enumerate(CHILDREN, 1)}
    return made | {"root": write(tmp_path, "root")}


@pytest.fixture
def siblings(folders: dict[str, Path], registry_path: Path) -> Registry:
    """A registry of the children alone, audited."""
    with Registry(registry_path) as registry:
        registry.ingest(*(folders[name] for name in CHILDREN))
        registry.audit()
    return Registry(registry_path)


def test_siblings_without_their_parent_get_a_node_that_is_no_model(siblings: Registry) -> None:
    (one,) = inferred_ancestors(siblings.connection)
    assert (one.name, one.models, one.found) == ("inferred-1", CHILDREN, ())
    assert 0.99 < one.least_identity <= one.most_identity < 1
    assert [model.name for model in siblings.models()] == list(CHILDREN)
    assert siblings.find("inferred-1") is None
    (row,) = found(siblings.audit(), kind="inferred")
    assert (row["status"], row["query"], row["relative"]) == ("missing", "ash", "inferred-1")
    assert "ash, beech, elm and 2 more come from a model that is not registered" in row["reason"]
    siblings.close()


def test_a_family_with_its_parent_gets_none(folders: dict[str, Path], registry_path: Path) -> None:
    with Registry(registry_path) as registry:
        registry.ingest(*folders.values())
        assert found(registry.audit(), kind="inferred") == []
        assert inferred_ancestors(registry.connection) == []


def test_the_ancestor_is_found_when_it_is_ingested_and_stays_found(
    siblings: Registry, folders: dict[str, Path]
) -> None:
    (outcome,) = siblings.ingest(folders["root"])
    assert isinstance(outcome, Ingested)
    (note,) = [text for text in outcome.notes if "inferred-1" in text]
    assert note.startswith("this stands where ash, beech, elm and 2 more meet (inferred-1)") and "identity 1 - " in note
    one = inferred_ancestor(siblings.connection, "inferred-1")
    assert one and one.found == ("root",) and one.found_identities[0] > one.most_identity
    (row,) = found(siblings.audit(AuditOptions(whole=True)), kind="inferred")
    assert (row["status"], row["query"], row["relative"]) == ("found", "root", "inferred-1")
    assert not any(node.inferred for node in siblings.tree().trees.nodes)
    siblings.remove("root")
    one = inferred_ancestor(siblings.connection, "inferred-1")
    assert one and one.found == ()
    siblings.close()


def test_a_release_date_says_whether_it_is_the_ancestor_or_cannot_be(
    siblings: Registry, folders: dict[str, Path]
) -> None:
    dates = "UPDATE model SET released_at = ?"
    siblings.connection.execute(dates, [datetime(2026, 5, 1)])
    siblings.ingest(folders["root"])
    siblings.connection.execute(f"{dates} WHERE name = 'root'", [datetime(2026, 4, 1)])
    (match,) = siblings.ancestors("root").inferred
    assert match.earlier and match.sentence.startswith("this is what ash, beech, elm and 2 more come from (inferred-1)")
    siblings.connection.execute(f"{dates} WHERE name = 'root'", [datetime(2026, 6, 1)])
    assert siblings.ancestors("root").inferred == ()
    siblings.close()


def test_a_sibling_is_not_taken_for_the_ancestor(siblings: Registry, tmp_path: Path) -> None:
    (outcome,) = siblings.ingest(write(tmp_path, "yew", seed=9, size=0.07))
    assert isinstance(outcome, Ingested) and not any("inferred" in text for text in outcome.notes)
    siblings.close()


def test_a_member_that_goes_takes_the_node_with_it(siblings: Registry) -> None:
    siblings.remove("elm")
    for table in ("inferred", "inferred_member", "inferred_tensor", "inferred_match"):
        assert siblings.connection.execute(f"FROM {table}").fetchall() == []
    siblings.close()


def test_list_show_tree_and_ancestors_say_what_it_is_inferred_from(siblings: Registry, run: Run) -> None:
    siblings.close()
    listed = json.loads(run("list", "--format", "json").out)
    assert len(listed["models"]) == 5 and listed["inferred"][0]["models"] == list(CHILDREN)
    assert "inferred-1, which is not registered: what ash, beech, elm and 2 more come from" in run("list").out
    assert "5 models" in run("list").err
    shown = run("show", "inferred-1")
    assert shown.code == 0 and "no model that anybody published" in shown.out and "fir" in shown.out
    drawn = run("tree")
    assert "inferred-1 (not registered)" in drawn.out and "├─> ash" in drawn.out
    assert "5 models and 1 missing ancestor" in drawn.err
    nodes = json.loads(run("tree", "--format", "json").out)["nodes"]
    assert [node["name"] for node in nodes if node["inferred"]] == ["inferred-1"]
    assert '"inferred-1 (not registered)"' in run("tree", "--format", "dot").out
    asked = run("ancestors", "ash")
    assert "one of 5 models that come from inferred-1, which is not registered" in asked.out
    assert json.loads(run("ancestors", "ash", "--format", "json").out)["inferred"][0]["member"] is True
    rows = run("sql", "--format", "json", "FROM inferred_ancestors SELECT name, models, found").out
    assert json.loads(rows)["rows"] == [{"name": "inferred-1", "models": list(CHILDREN), "found": []}]
