"""The bars of the bundled zoo: who is whose ancestor, and who is nobody's."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forebear.queries.answers.ancestors import ancestors
from forebear.queries.answers.question import Question
from forebear.queries.answers.records import Ancestor, ComponentAnswer
from forebear.queries.answers.verdict import judged
from forebear.queries.data.query import load_models, registered_query
from forebear.queries.evidence.pair import compare
from forebear.queries.lineage.claims import Claims
from forebear.queries.thresholds.lineage import DIRECTION_TOLD
from forebear.queries.thresholds.significance import SIGNIFICANT_LOG10_E
from forebear.registry import Registry

EVERYONE = 100
NORM_WEARER = "elm-in-alder-norms"


@pytest.fixture(scope="module")
def answers(zoo_registry: Path) -> Iterator[dict[str, ComponentAnswer]]:
    with Registry(zoo_registry, read_only=True) as registry:
        yield {
            m.name: ancestors(registry.connection, registered_query(registry.connection, m.model_id), EVERYONE)[0]
            for m in registry.models()
        }


def first_rank(answer: ComponentAnswer) -> list[Ancestor]:
    return [row for row in answer.ancestors if row.rank == 1]


def derived(truth: dict[str, Any]) -> list[str]:
    return [name for name, facts in truth["models"].items() if facts["parents"]]


def family(truth: dict[str, Any], name: str) -> str:
    return str(truth["models"][name]["root"])


def test_every_derived_model_ranks_its_own_family_first(
    answers: dict[str, ComponentAnswer], truth: dict[str, Any]
) -> None:
    for name in derived(truth):
        first = answers[name].ancestors[0]
        assert family(truth, first.name) == family(truth, name)
        assert first.log10_evalue <= SIGNIFICANT_LOG10_E
        assert answers[name].verdict in {"derived", "related"}


def test_nothing_is_derived_from_what_is_no_ancestor_of_it(
    answers: dict[str, ComponentAnswer], truth: dict[str, Any]
) -> None:
    """Without dates hardly any direction is told; what is told is so."""
    for name, answer in answers.items():
        told = [row.name for row in answer.ancestors if row.direction_probability >= DIRECTION_TOLD]
        assert set(told) <= above(truth, name), name
        denied = [row.name for row in answer.ancestors if row.direction in {"sibling", "descendant"}]
        assert not set(denied) & above(truth, name), name


def above(truth: dict[str, Any], name: str) -> set[str]:
    parents = truth["models"][name]["parents"]
    return set(parents).union(*(above(truth, parent) for parent in parents))


def test_asked_as_it_appeared_each_model_has_its_parent_in_the_first_rank(
    zoo_registry: Path, truth: dict[str, Any]
) -> None:
    """Each model is the newest of those that were made before it. No weight was fitted on this zoo."""
    order = list(truth["models"])
    asked = [name for name in derived(truth) if not truth["models"][name]["rewritten"]]
    in_first, on_top, ties = [], [], []
    with Registry(zoo_registry, read_only=True) as registry:
        ids = {m.name: m.model_id for m in registry.models()}
        loaded = load_models(registry.connection, list(ids.values()))
    for name in asked:
        others = [loaded[ids[other]][0] for other in order[: order.index(name)]]
        facts = {ids[other]: (other, other, None) for other in order}
        question = Question(loaded[ids[name]][0], others, facts, Claims(newest=True), models=len(others))
        found = judged(question, EVERYONE)
        first = first_rank(found)
        parents = truth["models"][name]["parents"]
        in_first.append(any(row.name in parents for row in first))
        on_top.append(found.ancestors[0].name in parents)
        ties.append(len(first))
    assert statistics.mean(in_first) >= 0.92
    assert statistics.mean(on_top) >= 0.6  # 10 of 10 by the rules of 0.1.0, which were made on this very zoo
    assert statistics.median(ties) <= 3


def test_a_merge_ranks_both_parents_first(answers: dict[str, ComponentAnswer]) -> None:
    first = first_rank(answers["alder-merge"])
    assert {row.name for row in first} == {"alder-docs", "alder-tests"}
    assert all("merged" in row.relation for row in first)


def test_unrelated_pairs_are_never_significant(zoo_registry: Path, truth: dict[str, Any]) -> None:
    with Registry(zoo_registry, read_only=True) as registry:
        models = registry.models()
        loaded = load_models(registry.connection, [m.model_id for m in models])
    names = {m.model_id: m.name for m in models}
    pairs = [(a, b) for a in names for b in names if family(truth, names[a]) != family(truth, names[b])]
    assert len(pairs) > 80
    for a, b in pairs:
        found = compare(loaded[a][0], loaded[b][0], models=len(models) - 1)
        assert found.log10_evalue > SIGNIFICANT_LOG10_E, (names[a], names[b], found.log10_p)


def test_foreign_norms_are_no_relation(answers: dict[str, ComponentAnswer]) -> None:
    assert answers[NORM_WEARER].verdict == "unrelated"
    row = next(row for row in answers["alder"].ancestors if row.name == NORM_WEARER)
    assert row.log10_evalue > SIGNIFICANT_LOG10_E and row.coverage == 0 and not row.relation


def test_a_shared_initialisation_is_told_from_derivation(
    answers: dict[str, ComponentAnswer], truth: dict[str, Any]
) -> None:
    twin = answers["alder-twin"]
    assert twin.verdict == "shared_initialisation"
    related = [row for row in twin.ancestors if row.log10_evalue <= SIGNIFICANT_LOG10_E]
    assert {"alder", "alder-docs", "alder-long"} <= {row.name for row in related}
    assert all(row.relation == ("shared_initialisation",) for row in related)
    for name, answer in answers.items():
        row = next((row for row in answer.ancestors if row.name == "alder-twin"), None)
        if row and row.log10_evalue <= SIGNIFICANT_LOG10_E and name != "alder-rotated":
            assert row.relation == ("shared_initialisation",), name


def test_a_continued_pretraining_stays_derived(answers: dict[str, ComponentAnswer]) -> None:
    assert answers["alder-long"].verdict in {"derived", "related"}
    row = next(row for row in answers["alder-long"].ancestors if row.name == "alder")
    assert 0.6 < row.identity < 0.95 and "finetuned" in row.relation


@pytest.mark.parametrize(
    ("query", "parent", "flag"),
    [
        ("alder-docs", "alder", "finetuned"),
        ("alder-docs-tests", "alder-docs", "finetuned"),
        ("alder-4bit", "alder", "numeric_copy"),
        ("alder-pruned", "alder", "layers_removed"),
        ("alder-upscaled", "alder", "layers_added"),
        ("alder-vocabulary", "alder", "vocabulary_changed"),
        ("alder-moe", "alder", "experts_upcycled"),
        ("alder-rotated", "alder", "basis_changed"),
        ("alder-permuted", "alder", "basis_changed"),
    ],
)
def test_the_relation_is_named(answers: dict[str, ComponentAnswer], query: str, parent: str, flag: str) -> None:
    row = next(row for row in answers[query].ancestors if row.name == parent)
    assert flag in row.relation


def test_the_block_map_shows_where_layers_came_from(answers: dict[str, ComponentAnswer], truth: dict[str, Any]) -> None:
    for name in ("alder-pruned", "alder-upscaled"):
        row = next(row for row in answers[name].ancestors if row.name == "alder")
        found = {b.query: b.ancestor for b in row.blocks if b.query != "language"}
        layers = truth["models"][name]["layers"]
        assert found == {f"language.{i}": f"language.{origin}" for i, origin in enumerate(layers)}


def test_a_root_does_not_descend_from_its_children(answers: dict[str, ComponentAnswer]) -> None:
    assert answers["alder"].verdict == "related"
    related = [row for row in answers["alder"].ancestors if row.coverage > 0.9]
    assert related and all(row.direction_probability < DIRECTION_TOLD for row in related)


def test_a_function_preserving_rewrite_is_found_by_what_it_leaves(answers: dict[str, ComponentAnswer]) -> None:
    rotated = next(row for row in answers["alder-rotated"].ancestors if row.name == "alder")
    assert rotated.evidence == "gram" and rotated.rank == 1
    permuted = next(row for row in answers["alder-permuted"].ancestors if row.name == "alder")
    assert permuted.rank == 1 and permuted.coverage > 0.5


@pytest.mark.parametrize("name", ["alder-twin", "alder-long", "alder-rotated", "birch"])
def test_the_answer_does_not_depend_on_how_many_rows_are_asked_for(
    zoo_registry: Path, answers: dict[str, ComponentAnswer], name: str
) -> None:
    with Registry(zoo_registry, read_only=True) as registry:
        query = registered_query(registry.connection, registry.model(name).model_id)
        few = ancestors(registry.connection, query, 2)[0]
    assert (few.verdict, few.sentence) == (answers[name].verdict, answers[name].sentence)
    assert few.ancestors == answers[name].ancestors[:2]


def test_two_relatives_alone_do_not_tell_who_came_first(zoo: Path, tmp_path: Path) -> None:
    with Registry(tmp_path / "two.duckdb") as registry:
        registry.ingest(zoo / "alder", zoo / "alder-tests")
        answer = ancestors(registry.connection, registered_query(registry.connection, 1), 5)[0]
    assert answer.verdict == "related" and "which came first cannot be told" in answer.sentence
