"""The order of an answer, as behaviour: copies first, nobody later as an ancestor, ties where nothing tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.queries.evidence.pair import compare
from forebear.queries.lineage.claims import Claims
from forebear.queries.lineage.direction import Direction
from forebear.queries.lineage.geometry import Distances
from forebear.queries.lineage.judgement import fits_better
from forebear.queries.lineage.ranking import UNPLACED, Candidate, Ranked, _by_claims, _ties, in_place, rank
from forebear.queries.relation.adapters import relation_of

from ..components import (
    WIDTH,
    Model,
    Tensor,
    base,
    changed,
    component,
    drifted,
    quantised,
    rounded,
    with_columns,
)

ROOT = base(1)


DAY = datetime(2026, 1, 1)


def ranked(
    query: Model,
    others: dict[str, Model],
    *,
    later: str = "",
    root: str = "",
    coded: str = "",
    newest: bool = False,
    dated: bool = False,
    declared: str = "",
) -> list[Ranked]:
    """The ranked answer for a query. `later` names one released after it, `root` one that is claimed a root.

    `declared` names its base by its card.

    `coded` names one that is stored as codes of four bits.

    Where they are `dated`, the others were released one a year, in their order, and the query after them.
    """
    mine = component(query)
    candidates, numbers = [], {name: number for number, name in enumerate(others, 2)}
    for name, model in others.items():
        other = component(model, numbers[name], dtype="Q4_0" if name == coded else "F32")
        evidence = compare(mine, other, len(others))
        relation = relation_of(evidence) if evidence.significant else None
        candidates.append(Candidate(name, f"file:///{name}", evidence, relation, name == declared, False))
    claims = Claims(
        released={number: datetime(2000 + number, 1, 1) for number in numbers.values()}
        if dated
        else {numbers[later]: datetime(2026, 1, 2)}
        if later
        else {},
        query_released=DAY if later or dated else None,
        roots={numbers[root]: "https://example.org"} if root else {},
        newest=newest,
    )
    return rank(candidates, claims)


def order(rows: list[Ranked]) -> list[str]:
    return [row.candidate.name for row in rows]


def row_of(rows: list[Ranked], name: str) -> Ranked:
    return next(row for row in rows if row.candidate.name == name)


def test_a_copy_ranks_before_what_drifted_and_strangers_come_last() -> None:
    query = drifted(ROOT, 0.1, 2)
    rows = ranked(query, dict(stranger=base(9), far=drifted(query, 0.9, 3), copy=query, near=drifted(query, 0.1, 4)))
    assert order(rows)[0] == "copy" and rows[0].rank == 1
    assert order(rows)[-1] == "stranger" and rows[-1].rank == 4
    assert row_of(rows, "near").rank < row_of(rows, "far").rank


def test_a_stranger_between_relatives_is_no_relative_and_has_a_rank_of_its_own() -> None:
    rows = ranked(drifted(ROOT, 0.1, 2), dict(other=base(8), root=ROOT, another=base(9)))
    assert [row.rank for row in rows] == [1, 2, 3] and order(rows)[0] == "root"
    assert [row.candidate.relation is None for row in rows] == [False, True, True]


def test_two_relatives_alone_tell_no_direction() -> None:
    (row,) = ranked(drifted(ROOT, 0.1, 2), {"root": ROOT})
    assert row.direction.kind == "unknown" and 0.05 < row.direction.probability < 0.95


@pytest.mark.parametrize("later", ["", "again"])
def test_what_holds_the_weights_of_a_claimed_root_is_an_ancestor_by_that_claim(later: str) -> None:
    root = rounded(ROOT)
    query, cousin = (rounded(drifted(ROOT, 0.003, seed)) for seed in (2, 4))
    rows = ranked(query, dict(root=root, again=root, cousin=cousin), root="root", later=later)
    again, other = row_of(rows, "again").direction, row_of(rows, "cousin").direction
    assert other.kind == "unknown"
    if later:
        assert again.kind != "ancestor" and again.probability == 0
    else:
        assert again.kind == "ancestor"
        assert again.by[:2] == (
            "it holds the weights of root", "the claim that root was trained from scratch (https://example.org)"
        )  # fmt: skip


@pytest.mark.parametrize("bfloat16", [False, True])
def test_a_rounding_of_a_claimed_root_is_no_ancestor_by_the_claim(bfloat16: bool) -> None:
    query, cousin = (drifted(ROOT, 0.003, seed) for seed in (2, 4))
    others = dict(root=ROOT, rounding=rounded(ROOT), cousin=cousin)
    rows = ranked(rounded(query) if bfloat16 else query, others, root="root")
    assert row_of(rows, "root").direction.kind == "ancestor"
    assert row_of(rows, "rounding").direction.kind != "ancestor"


def test_a_root_and_its_rounding_share_a_rank_for_a_query_that_is_no_finer() -> None:
    parent = rounded(ROOT)
    query = rounded(drifted(parent, 0.003, 2))
    sibling = rounded(drifted(ROOT, 0.003, 4))
    rows = ranked(query, dict(root=ROOT, rounding=parent, sibling=sibling), root="root")
    assert {row.candidate.name for row in rows if row.rank == 1} == {"root", "rounding"}


@pytest.mark.parametrize("known", [dict(declared="original"), dict(root="original")])
def test_of_equal_parents_of_a_merge_the_one_that_is_known_is_named(known: dict[str, Any]) -> None:
    """An upload of the same values under another name is no ground to contradict a card."""
    tuned = drifted(ROOT, 0.1, 2)
    merge = tuple(replace(t, value=np.float32(0.5) * (t.value + u.value)) for t, u in zip(ROOT, tuned, strict=True))
    rows = ranked(merge, dict(again=ROOT, original=ROOT, tuned=tuned, sibling=drifted(ROOT, 0.1, 4)), **known)
    assert {row.candidate.name for row in rows if row.merged_with} == {"original", "tuned"}


def test_for_a_finer_query_a_root_and_its_rounding_are_two() -> None:
    sibling = drifted(ROOT, 0.003, 4)
    query = drifted(ROOT, 0.003, 2)
    rows = ranked(query, dict(root=ROOT, rounding=rounded(ROOT), sibling=sibling), root="root")
    assert row_of(rows, "root").rank == 1 < row_of(rows, "rounding").rank


def test_two_that_hold_the_same_values_share_a_rank_behind_the_first_too() -> None:
    sibling = rounded(drifted(ROOT, 0.003, 4))
    query = rounded(drifted(ROOT, 0.003, 2))
    rows = ranked(query, dict(root=rounded(ROOT), sibling=sibling, twin=sibling), root="root")
    assert row_of(rows, "root").rank == 1
    assert row_of(rows, "sibling").rank == row_of(rows, "twin").rank


def test_behind_the_first_rank_relatives_stand_by_distance() -> None:
    """Which of those that hardly can be the nearest ancestor is likelier to be, is no order that anybody looks for."""
    query, middle = drifted(ROOT, 0.05, 102), drifted(ROOT, 0.05, 30)
    onward, child = drifted(middle, 0.04, 31), drifted(query, 0.03, 40)
    rest = dict(middle=middle, onward=onward, far=drifted(onward, 0.04, 50), child=child, next=drifted(child, 0.03, 41))
    siblings = {f"sibling{n}": drifted(ROOT, drift, 10 + n) for n, drift in enumerate((0.09, 0.03, 0.06, 0.04))}
    rows = ranked(query, dict(root=ROOT) | siblings | rest, root="root")
    assert row_of(rows, "root").rank == 1
    distances = [row.candidate.distance for row in rows if row.rank > 1]
    assert len(distances) == 8 and distances == sorted(distances)


def test_what_needs_a_change_of_basis_rests_on_dates_and_claims_of_the_query_too() -> None:
    turned = SimpleNamespace(key=7, name="turned", relation=SimpleNamespace(origin="derivation"))

    def by(**claims: Any) -> Direction:
        return _by_claims(cast("Candidate", turned), Claims(**claims))

    day = datetime(2025, 1, 1)
    assert by(released={7: day}, query_released=DAY).by == ("claimed release dates",)
    assert by(newest=True).by == ("the assumption that the query is the newest",)
    below = by(query_root="https://example.org")
    assert below.kind == "descendant" and "the query was trained from scratch" in below.by[0]
    earlier = by(query_root="https://example.org", released={7: day}, query_released=DAY)
    assert earlier.kind == "unknown" and earlier.descendant == 0
    assert by().by == ()


def test_a_date_after_the_query_that_is_assumed_to_be_the_newest_is_no_sibling() -> None:
    rows = ranked(drifted(ROOT, 0.1, 2), {"later": ROOT, "other": drifted(ROOT, 0.1, 3)}, later="later", newest=True)
    said = row_of(rows, "later").direction
    assert said.probability == 0 and said.kind != "sibling"


def test_of_two_that_hold_the_same_values_one_that_came_later_is_no_candidate() -> None:
    parent = rounded(ROOT)
    query = rounded(drifted(parent, 0.003, 2))
    others = dict(root=ROOT, rounding=parent, other=rounded(drifted(ROOT, 0.003, 4)))
    rows = ranked(query, others, later="rounding")
    assert row_of(rows, "root").rank == 1 < row_of(rows, "rounding").rank


def test_what_a_root_of_codes_was_unpacked_to_is_an_ancestor_where_it_is_as_fine_as_the_query() -> None:
    codes = quantised(ROOT, 4)
    unpacked = rounded(codes)
    for query, kind in ((rounded(drifted(unpacked, 0.003, 2)), "ancestor"), (drifted(codes, 0.003, 2), "unknown")):
        others = dict(root=codes, unpacked=unpacked, other=drifted(unpacked, 0.003, 4))
        rows = ranked(query, others, root="root", coded="root")
        assert row_of(rows, "root").direction.kind == "ancestor"
        assert row_of(rows, "unpacked").direction.kind == kind


def test_of_a_chain_whose_end_is_the_newest_the_parent_stands_first() -> None:
    parent = drifted(ROOT, 0.003, 2)
    query = drifted(parent, 0.003, 3)
    others = dict(grandparent=ROOT, parent=parent, cousin=drifted(ROOT, 0.003, 4), other=drifted(ROOT, 0.003, 5))
    rows = ranked(query, others, newest=True)
    assert order(rows)[0] == "parent"
    assert row_of(rows, "parent").direction.probability > row_of(rows, "cousin").direction.probability
    assert "the assumption that the query is the newest" in row_of(rows, "parent").direction.by


def test_dates_and_a_root_make_the_parent_likelier_and_do_not_tell_it() -> None:
    parent = rounded(drifted(ROOT, 0.003, 2))
    query = rounded(drifted(parent, 0.001, 3))
    others = dict(root=rounded(ROOT), cousin=rounded(drifted(ROOT, 0.003, 4)), parent=parent)
    found = {
        (dated, root): row_of(ranked(query, others, dated=dated, root=root), "parent").direction
        for dated in (True, False)
        for root in ("root", "")
    }
    assert {direction.kind for direction in found.values()} == {"unknown"}
    likely = {known: direction.probability for known, direction in found.items()}
    assert likely[True, "root"] > likely[False, ""]
    assert likely[True, "root"] == max(likely.values())


def test_a_claimed_root_is_an_ancestor_by_that_claim_alone() -> None:
    rows = ranked(drifted(ROOT, 0.1, 2), {"root": ROOT, "other": drifted(ROOT, 0.1, 3)}, root="root")
    root = row_of(rows, "root").direction
    assert root.kind == "ancestor" and root.by[0].startswith("the claim that root was trained from scratch")
    assert row_of(rows, "other").direction.kind != "ancestor"


@pytest.mark.parametrize("known", [{}, {"root": "lender"}, {"dated": True}, {"newest": True}, {"later": "lender"}])
def test_embeddings_alone_give_no_direction_whatever_is_claimed(known: dict[str, Any]) -> None:
    rest = base(77)
    query = tuple(a if a.role == "embed" else b for a, b in zip(ROOT, rest, strict=True))
    rows = ranked(query, {"lender": ROOT, "other": base(78)}, **known)
    lender = row_of(rows, "lender")
    assert lender.candidate.relation is not None and lender.candidate.relation.origin == "shared_embeddings"
    assert lender.direction == UNPLACED and lender.flags == ("shared_embeddings",)


def test_what_shares_embeddings_alone_takes_no_part_in_the_family() -> None:
    near = {"parent": ROOT, "sibling": drifted(ROOT, 0.1, 3)}
    rest = base(77)
    lender = tuple(a if a.role == "embed" else b for a, b in zip(ROOT, rest, strict=True))
    query = drifted(ROOT, 0.1, 2)
    alone, beside = ranked(query, near), ranked(query, near | {"borrower": lender})
    assert [(r.candidate.name, r.rank, r.direction) for r in beside[:2]] == [
        (r.candidate.name, r.rank, r.direction) for r in alone
    ]
    assert row_of(beside, "borrower").flags == ("shared_embeddings",)


def test_what_was_released_later_is_never_an_ancestor() -> None:
    query = drifted(ROOT, 0.1, 2)
    rows = ranked(query, {"near": drifted(query, 0.02, 3), "root": ROOT}, later="near")
    near = row_of(rows, "near").direction
    assert near.probability == 0 and "claimed release dates" in near.by
    assert order(rows)[0] == "root"


def test_an_equal_copy_is_a_copy_and_says_nothing_of_the_order() -> None:
    (row,) = ranked(ROOT, {"copy": ROOT})
    assert row.direction.kind == "copy" and row.direction.probability == 0.5 and row.flags == ("identical",)


def test_a_rounded_query_comes_from_what_it_was_rounded_from_and_not_the_reverse() -> None:
    (row,) = ranked(rounded(ROOT), {"root": ROOT})
    assert row.direction.kind == "copy" and row.direction.probability > 0.95
    (row,) = ranked(ROOT, {"rounded": rounded(ROOT)})
    assert row.direction.kind == "copy" and row.direction.probability < 0.05


def test_a_light_fine_tune_of_the_same_type_is_no_copy() -> None:
    (row,) = ranked(rounded(drifted(ROOT, 0.001, 2)), {"root": rounded(ROOT)})
    assert row.flags == ("finetuned",) and row.direction.kind != "copy"


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


@pytest.mark.parametrize(
    ("shares", "taken"),
    [
        ([0.52, 0.45, 0.40, 0.0], [0.52, 0.45]),  # the original lies below half, its descendant above
        ([0.9, 0.6, 0.49], [0.9, 0.6]),
        ([0.49, 0.45], []),
        ([], []),
    ],
)
def test_those_that_match_nearly_as_much_at_equal_places_as_the_best_are_placed_with_it(
    shares: list[float], taken: list[float]
) -> None:
    def candidate(share: float) -> Candidate:
        match = SimpleNamespace(share=lambda _: share)
        return Candidate("", "", SimpleNamespace(match=match), None, declared=False, declared_child=False)  # type: ignore[arg-type]

    found = in_place([candidate(share) for share in shares])
    assert [c.evidence.match.share("positions") for c in found] == taken


@pytest.mark.parametrize(("others", "ranks"), [(1, 2), (11, 1)])
def test_the_first_of_many_in_another_basis_is_partly_so_by_luck(others: int, ranks: int) -> None:
    """Two standard errors tell one from one other at 5 %, and not the nearest of twelve."""
    tensors = 100
    noise = np.tile([1.0, -1.0], tensors // 2)

    def candidate(away: float) -> Candidate:
        match = SimpleNamespace(
            kind=np.ones(tensors, np.int64),
            weight=np.ones(tensors),
            difference=away * (0.2 + noise),
            share=lambda _: 0.0,
        )
        relation = SimpleNamespace(flags=())
        return Candidate("", "", SimpleNamespace(match=match), relation, declared=False, declared_child=False)  # type: ignore[arg-type]

    assert len(_ties([candidate(0.0), *(candidate(1.0) for _ in range(others))])) == ranks


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
    assert rank([], Claims()) == []


@pytest.mark.parametrize(
    ("size", "instead", "told"),
    [
        pytest.param(0.2, False, True, id="heavy drift"),
        pytest.param(0.0008, False, True, id="light drift: merging them gives the values"),
        pytest.param(0.0008, True, False, id="light drift: a near relative of a parent explains nearly as much"),
    ],
)
def test_parents_of_a_merge_are_named_and_told_where_nothing_else_may_explain_it(
    size: float, instead: bool, told: bool
) -> None:
    first, second, third = (rounded(drifted(rounded(ROOT), size, seed)) for seed in (2, 3, 4))
    halves = zip(first, second, strict=True)
    merge = tuple(replace(a, value=np.asarray((a.value + b.value) / 2, np.float32)) for a, b in halves)
    there = rounded(drifted(first, size / 8, 9)) if instead else first
    rows = ranked(rounded(merge), dict(first=there, second=second, third=third, root=rounded(ROOT)))
    parents = [row for row in rows if row.merged_with]
    assert {row.candidate.name for row in parents} == {"first", "second"}
    assert {row.direction.kind == "ancestor" for row in parents} == {told}


def with_half_scales(model: Model) -> Model:
    """The same levels, times scales that float16 keeps otherwise, as Q8_0 differs from other files of 8 bits."""
    random = np.random.default_rng(1)

    def change(t: Tensor) -> NDArray[np.floating]:
        if t.value.ndim < 2 or t.role == "embed":
            return t.value
        groups = t.value.reshape(-1, 32)
        return (groups * (1 + random.uniform(-(2.0**-11), 2.0**-11, (len(groups), 1)))).reshape(t.value.shape)

    return changed(model, change)


def test_two_roundings_of_one_model_both_come_from_it_and_not_from_each_other() -> None:
    eight = quantised(ROOT, 8)
    roundings = {"eight": eight, "other eight": with_half_scales(eight), "three": quantised(ROOT, 3)}
    for name, query in roundings.items():
        rows = ranked(query, {n: m for n, m in roundings.items() if n != name} | {"root": ROOT})
        assert order(rows)[0] == "root" and rows[0].rank == 1
        assert row_of(rows, "root").flags == ("numeric_copy",) and row_of(rows, "root").direction.probability > 0.5


def test_relatives_in_other_columns_share_a_rank_where_their_distances_are_not_told_apart() -> None:
    query = with_columns(drifted(ROOT, 0.5, 2), np.random.default_rng(1).permutation(WIDTH))
    rows = ranked(query, dict(root=ROOT, near=drifted(ROOT, 0.002, 3), far=drifted(ROOT, 0.8, 4)))
    assert {row.candidate.name: row.rank for row in rows} == {"root": 1, "near": 1, "far": 3}


def test_what_was_trained_is_no_source_of_a_rounding_of_its_parent() -> None:
    moved = drifted(ROOT, 0.02, 2)
    steps = {id(t): step for t, step in zip(ROOT, moved, strict=True) if t.value.ndim == 2 and t.role != "embed"}
    query = changed(ROOT, lambda t: steps.get(id(t), t).value)
    alone = ranked(query, dict(coarse=quantised(ROOT, 4)))
    assert alone[0].flags == ("numeric_copy",)  # the rounding hides the training
    rows = ranked(query, dict(coarse=quantised(ROOT, 4), root=ROOT))
    assert order(rows)[0] == "root" and row_of(rows, "coarse").flags != ("numeric_copy",)


def test_a_base_that_was_dequantised_is_no_rounding_of_what_was_trained_on_it() -> None:
    base_ = quantised(ROOT, 8)
    merge = drifted(base_, 0.003, 2)
    query = drifted(base_, 0.0005, 3)
    rows = ranked(query, dict(base=base_, far=merge, other=drifted(base_, 0.0007, 4)))
    assert order(rows)[0] == "base" and row_of(rows, "base").rank == 1


def test_a_merge_of_the_query_is_hardly_its_nearest_ancestor() -> None:
    query, other = drifted(ROOT, 0.1, 2), drifted(ROOT, 0.1, 3)
    halves = iter(other)
    merge = changed(query, lambda t: (t.value + next(halves).value) / 2)
    rows = ranked(query, dict(root=ROOT, other=other, merge=merge, third=drifted(ROOT, 0.1, 4)))
    assert row_of(rows, "merge").direction.by[0] == "a merge of the query"
    assert order(rows)[0] == "root"


def test_a_rounding_of_a_rounding_is_one_of_the_original_too() -> None:
    eight = quantised(ROOT, 8)
    rows = ranked(rounded(eight), dict(eight=eight, root=ROOT))
    assert {row.candidate.name: (row.rank, row.flags) for row in rows} == {
        "root": (1, ("numeric_copy",)),
        "eight": (1, ("numeric_copy",)),
    }


@pytest.mark.parametrize(("count", "told"), [(100.0, False), (100_000.0, True)])
def test_one_of_two_sources_is_taken_away_only_where_enough_values_tell(count: float, told: bool) -> None:
    squared = np.array([[0.0, 0.01, 0.09], [0.01, 0.0, 0.10], [0.09, 0.10, 0.0]])  # rival, source, copy
    distances = Distances(squared, np.ones((3, 3)), np.zeros((3, 1), np.float32), count)
    assert fits_better(distances, 0, 1, 2) is told
    assert not fits_better(distances, 1, 0, 2)


def test_differences_of_two_kinds_of_evidence_part_no_relatives() -> None:
    query = with_columns(drifted(ROOT, 0.5, 2), np.random.default_rng(1).permutation(WIDTH))
    mine, ranks = component(query), []
    for same in (True, False):
        candidates = []
        for number, (name, model) in enumerate({"root": ROOT, "far": drifted(ROOT, 0.8, 4)}.items(), 2):
            evidence = compare(mine, component(model, number), 2)
            if name == "far" and not same:
                kind = np.where(evidence.match.kind >= 0, evidence.match.kind + 1, -1)
                evidence = replace(evidence, match=replace(evidence.match, kind=kind))
            relation = relation_of(evidence)
            candidates.append(Candidate(name, f"file:///{name}", evidence, relation, False, False))
        ranks.append({row.candidate.name: row.rank for row in rank(candidates, Claims())})
    assert ranks == [{"root": 1, "far": 2}, {"root": 1, "far": 1}]
