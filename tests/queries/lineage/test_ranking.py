"""The order of an answer, as behaviour: copies first, nobody later as an ancestor, ties where nothing tells."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from forebear.queries.evidence.pair import compare
from forebear.queries.lineage.ranking import Candidate, Ranked, rank
from forebear.queries.relation.adapters import relation_of

from ..components import WIDTH, Model, base, changed, component, drifted, quantised, rounded, with_columns

ROOT = base(1)


def ranked(query: Model, others: dict[str, Model], *, later: str = "", child: str = "") -> list[Ranked]:
    """The ranked answer for a query. `later` names one that was released after it, `child` one that declares it."""
    mine = component(query)
    candidates = []
    for number, (name, model) in enumerate(others.items(), 2):
        evidence = compare(mine, component(model, number), len(others))
        relation = relation_of(evidence) if evidence.significant else None
        released = datetime(2026, 1, 2) if name == later else None
        candidates.append(
            Candidate(name, f"file:///{name}", evidence, relation, False, name == child, released, name == later)
        )
    return rank(candidates)


def order(rows: list[Ranked]) -> list[str]:
    return [row.candidate.name for row in rows]


def row_of(rows: list[Ranked], name: str) -> Ranked:
    return next(row for row in rows if row.candidate.name == name)


def cannot_be_ancestors(rows: list[Ranked]) -> set[str]:
    return {row.candidate.name for row in rows if row.sibling_or_descendant}


def test_a_copy_ranks_before_what_drifted_and_strangers_come_last() -> None:
    query = drifted(ROOT, 0.1, 2)
    rows = ranked(query, dict(stranger=base(9), far=drifted(query, 0.3, 3), copy=query, near=drifted(query, 0.1, 4)))
    assert order(rows)[0] == "copy" and rows[0].rank == 1
    assert order(rows)[-1] == "stranger" and rows[-1].rank == 4
    assert row_of(rows, "near").rank < row_of(rows, "far").rank


def test_a_stranger_between_relatives_is_no_relative_and_has_a_rank_of_its_own() -> None:
    rows = ranked(drifted(ROOT, 0.1, 2), dict(other=base(8), root=ROOT, another=base(9)))
    assert [row.rank for row in rows] == [1, 2, 3] and order(rows)[0] == "root"
    assert [row.candidate.relation is None for row in rows] == [False, True, True]


def test_the_parent_ranks_before_the_grandparent() -> None:
    parent = drifted(ROOT, 0.1, 2)
    query = drifted(parent, 0.1, 3)
    rows = ranked(
        query, dict(grandparent=ROOT, parent=parent, cousin=drifted(ROOT, 0.1, 4), other=drifted(ROOT, 0.1, 5))
    )
    assert order(rows)[:2] == ["parent", "grandparent"]
    assert cannot_be_ancestors(rows) == {"cousin", "other"}


def test_siblings_that_drifted_alike_are_nearer_and_no_ancestors() -> None:
    alike = drifted(ROOT, 0.08, 2)
    siblings = {f"sibling{i}": drifted(alike, 0.05, 10 + i) for i in range(2)}
    others = {f"other{i}": drifted(ROOT, 0.07, 20 + i) for i in range(4)}
    rows = ranked(drifted(alike, 0.05, 3), {"root": ROOT, **siblings, **others})
    assert row_of(rows, "sibling0").candidate.distance < row_of(rows, "root").candidate.distance
    assert order(rows)[0] == "root" and siblings.keys() <= cannot_be_ancestors(rows)


@pytest.mark.parametrize("how", ["later", "child"])
def test_what_was_released_later_or_names_the_query_is_never_an_ancestor(how: str) -> None:
    query = drifted(ROOT, 0.1, 2)
    options = {how: "near"}
    rows = ranked(query, {"near": drifted(query, 0.02, 3), "root": ROOT}, **options)
    assert "near" in cannot_be_ancestors(rows) and order(rows)[0] == "root"
    alone = ranked(query, {"near": query}, **options)
    assert cannot_be_ancestors(alone) == {"near"}


def test_equal_distances_are_a_tie() -> None:
    query = drifted(ROOT, 0.1, 2)
    rows = ranked(query, dict(left=drifted(query, 0.1, 3), right=drifted(query, 0.1, 4), far=drifted(query, 0.4, 5)))
    assert row_of(rows, "left").rank == row_of(rows, "right").rank
    assert row_of(rows, "far").rank == max(row.rank for row in rows) > row_of(rows, "left").rank


def test_a_copy_of_the_parent_is_tied_with_it() -> None:
    query = drifted(ROOT, 0.1, 2)
    rows = ranked(query, dict(parent=ROOT, copy=rounded(ROOT), other=drifted(ROOT, 0.1, 3), more=drifted(ROOT, 0.1, 4)))
    assert {row.candidate.name for row in rows if row.rank == 1} == {"parent", "copy"}


def test_a_rounded_copy_does_not_stand_before_what_it_is_a_copy_of() -> None:
    query = drifted(ROOT, 0.3, 2)
    rows = ranked(query, dict(coarse=quantised(ROOT, 4), root=ROOT))
    assert order(rows) == ["root", "coarse"]


def test_what_needs_another_basis_comes_after_what_matches_directly_although_it_is_nearer() -> None:
    query = drifted(ROOT, 1.9, 2)
    shuffled = with_columns(query, np.random.default_rng(1).permutation(WIDTH))
    rows = ranked(query, {"shuffled": shuffled, "root": ROOT})
    assert row_of(rows, "shuffled").candidate.distance < row_of(rows, "root").candidate.distance
    assert order(rows) == ["root", "shuffled"]


def test_a_merge_has_both_parents_in_the_first_rank() -> None:
    left, right = drifted(ROOT, 0.1, 2), drifted(ROOT, 0.1, 3)
    halves = iter(right)
    merge = changed(left, lambda t: (t.value + next(halves).value) / 2)
    rows = ranked(merge, dict(root=ROOT, left=left, right=right, other=drifted(ROOT, 0.1, 4)))
    assert {row.candidate.name: row.merged_with for row in rows if row.rank == 1} == {"left": "right", "right": "left"}
    assert all(row.merged_with is None for row in rows if row.rank > 1)


def test_the_answer_does_not_depend_on_the_order_of_the_candidates() -> None:
    query = drifted(ROOT, 0.1, 2)
    others = {"root": ROOT, "sibling": drifted(ROOT, 0.1, 3), "child": drifted(query, 0.1, 4), "stranger": base(7)}
    there, back = ranked(query, others), ranked(query, dict(reversed(others.items())))
    assert [(r.rank, r.candidate.name) for r in there] == [(r.rank, r.candidate.name) for r in back]


def test_nobody_to_rank_is_an_empty_answer() -> None:
    assert rank([]) == []
