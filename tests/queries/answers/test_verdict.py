"""The verdict on one component, and the sentence that says it."""

from __future__ import annotations

from datetime import datetime

import pytest

from forebear.queries.answers.question import Question
from forebear.queries.answers.records import ComponentAnswer, Verdict, overall
from forebear.queries.answers.verdict import judged, would_tell
from forebear.queries.data.component import Component
from forebear.queries.lineage.claims import Claims
from forebear.queries.lineage.direction import Direction

from ..components import LAYERS, Model, adapter, base, component, drifted, rounded, with_layers

ROOT = base(1)
QUERY = drifted(ROOT, 0.1, 2)
RELEASED = datetime(2026, 1, 1)
NAMES = {2: "first", 3: "second", 4: "third", 5: "fourth"}


def answer(
    *others: Component,
    query: Model = QUERY,
    k: int = 10,
    models: int = 5,
    later: int = 0,
    earlier: int = 0,
    root: int = 0,
    other_root: int = 0,
    declared: dict[int, tuple[bool, bool]] | None = None,
    blocks: bool = True,
    query_root: str | None = None,
) -> ComponentAnswer:
    days = {later: datetime(2026, 1, 2), earlier: datetime(2025, 1, 2)}
    facts = {number: (name, f"file:///{name}", days.get(number)) for number, name in NAMES.items()}
    question = Question(
        component(query),
        others,
        facts,
        declared=declared or {},
        claims=Claims(
            released={number: date for number, (_, _, date) in facts.items() if date},
            query_released=RELEASED,
            roots={one: "https://example.org" for one in (root, other_root) if one},
            query_root=query_root,
        ),
        models=models,
    )
    return judged(question, k, blocks=blocks)


def test_a_claimed_root_is_named_as_the_ancestor_with_the_claim() -> None:
    found = answer(component(ROOT, 2), component(drifted(ROOT, 0.1, 3), 3), component(drifted(ROOT, 0.1, 4), 4), root=2)
    assert found.verdict == "derived" and found.sentence.startswith("language: derived from first: weights correlate")
    assert "by the claim that first was trained from scratch (https://example.org)" in found.sentence


def test_of_a_claimed_root_no_ancestor_is_missing() -> None:
    others = component(drifted(ROOT, 0.1, 3), 2), component(drifted(ROOT, 0.1, 4), 3)
    found = answer(*others, query=ROOT, query_root="https://example.org")
    claim = "by the claim that it was trained from scratch (https://example.org) it has no ancestor"
    assert found.verdict == "related" and found.sentence.endswith(f"what is registered is descendant, {claim}")


def test_a_claimed_root_does_not_stand_between_a_model_and_another_root() -> None:
    first, second = component(ROOT, 2), component(drifted(ROOT, 0.1, 3), 3)
    found = answer(first, second, query=drifted(ROOT, 0.1, 4), root=2, other_root=3)
    assert [(row.rank, row.direction) for row in found.ancestors] == [(1, "ancestor"), (1, "ancestor")]
    assert found.verdict == "derived" and "may stand between them" not in found.sentence


def test_two_relatives_alone_are_of_one_lineage_and_the_sentence_says_what_would_tell_more() -> None:
    found = answer(component(ROOT, 2))
    assert found.verdict == "related" and "which came first cannot be told" in found.sentence
    assert found.sentence.endswith(
        "; release dates of both would rule out one order; the family's root, registered and marked as one, would tell"
    )


def test_what_is_known_already_is_not_said_to_tell_more() -> None:
    found = answer(component(ROOT, 2), later=2)
    assert found.verdict == "related"
    assert found.sentence.endswith(
        "; it does not descend from first, by claimed release dates;"
        " the family's root, registered and marked as one, would tell"
    )


def test_what_excludes_an_ancestor_is_not_the_claim_that_it_is_one() -> None:
    found = answer(component(ROOT, 2), later=2, root=2)
    assert found.verdict == "related" and found.sentence.endswith(
        "; it does not descend from first, by claimed release dates,"
        " against the claim that first was trained from scratch (https://example.org)"
    )


def test_dates_that_contradict_the_direction_of_a_rounding_are_said_to() -> None:
    copy, said = rounded(ROOT), "of the two, which contradicts that"
    found = answer(component(ROOT, 2), query=copy, later=2)
    assert found.verdict == "derived" and "; the query is a rounding of it, which loses values" in found.sentence
    assert found.sentence.endswith(f"; by claimed release dates first is the later {said}")
    assert said not in answer(component(ROOT, 2), query=copy).sentence
    assert said not in answer(component(copy, 2), query=ROOT, later=2).sentence
    found = answer(component(copy, 2), query=ROOT, earlier=2)
    assert found.verdict == "related"
    assert found.sentence.endswith(f"; by claimed release dates first is the earlier {said}")


def test_a_model_that_was_released_later_is_of_one_lineage_and_no_ancestor() -> None:
    found = answer(component(ROOT, 2), later=2)
    assert found.verdict == "related" and found.ancestors[0].direction_probability == 0


def test_a_date_that_is_equal_and_a_query_that_is_the_newest_count_as_known() -> None:
    day = datetime(2026, 1, 1)
    assert Claims(released={2: day}, query_released=day).dated(2) and Claims(newest=True).dated(2)
    assert not Claims(released={2: day}).dated(2) and not Claims(query_released=day).dated(2)


def test_strangers_are_no_ancestors() -> None:
    found = answer(component(base(8), 2), component(base(9), 3))
    assert (found.verdict, found.sentence) == ("unrelated", "language: no ancestor among 5 models")
    assert all(row.coverage == 0 and not row.relation and not row.blocks for row in found.ancestors)
    assert {row.origin for row in found.ancestors} == {None}


def test_an_empty_registry_and_too_few_matrices_are_inconclusive() -> None:
    assert answer(models=0).sentence == "language: the registry holds no other model to compare with"
    few = tuple(t for t in base(7, layers=1, tokens=0) if t.role in {"q", "k", "v", "norm"})
    found = answer(component(base(8), 2), query=few)
    assert (found.verdict, found.sentence) == ("inconclusive", "language: too few matrices to tell anything")


def test_rows_are_as_many_as_were_asked_for_and_the_verdict_does_not_depend_on_it() -> None:
    others = [component(ROOT, 2), component(base(8), 3), component(base(9), 4)]
    few, many = answer(*others, k=1), answer(*others, k=9)
    assert (len(few.ancestors), len(many.ancestors)) == (1, 3)
    assert (few.verdict, few.sentence, few.ancestors[0]) == (many.verdict, many.sentence, many.ancestors[0])


def test_of_two_components_of_one_model_the_nearer_one_is_the_row() -> None:
    encoder, decoder = component(base(8), 2, name="encoder"), component(ROOT, 2, name="decoder")
    found = answer(encoder, decoder)
    assert [(row.name, row.component) for row in found.ancestors] == [("first", "decoder")]


def test_the_block_map_names_blocks_and_is_left_out_when_nobody_asks() -> None:
    cut = with_layers(QUERY, [0, 3])
    blocks = answer(component(ROOT, 2), query=cut).ancestors[0].blocks
    assert [(b.query, b.ancestor) for b in blocks] == [("language.0", "language.0"), ("language.1", "language.3")]
    assert all(b.identity > 0.9 and b.log10_p < -10 for b in blocks)
    assert answer(component(ROOT, 2), query=cut, blocks=False).ancestors[0].blocks == ()
    assert len(answer(component(ROOT, 2)).ancestors[0].blocks) == LAYERS


def test_declarations_stand_beside_the_verdict_and_decide_nothing() -> None:
    others = [component(ROOT, 2), component(base(8), 3)]
    plain, told = answer(*others), answer(*others, declared={2: (True, False), 3: (True, False)})
    assert [row.declared for row in told.ancestors] == [True, True]
    assert (plain.verdict, plain.sentence) == (told.verdict, told.sentence)
    child = answer(*others, declared={2: (False, True)})
    assert child.ancestors[0].declared_child and (child.verdict, child.sentence) == (plain.verdict, plain.sentence)


def test_a_larger_registry_makes_the_same_evidence_say_less() -> None:
    small, large = (answer(component(ROOT, 2), models=n).ancestors[0].log10_evalue for n in (5, 5000))
    assert large - small == pytest.approx(3)


def test_adapters_of_one_initialisation_are_said_to_be_that() -> None:
    first, second = adapter(1), adapter(2)
    apart = tuple(a if a.slot == "A" else b for a, b in zip(first, second, strict=True))
    facts = {2: ("first", "file:///first", None)}
    mine, other = component(apart, name="adapter"), component(first, 2, name="adapter")
    found = judged(Question(mine, [other], facts, Claims(), models=1), k=3)
    assert found.verdict == "shared_initialisation"
    assert found.sentence.startswith("adapter: same random initialisation as first, trained apart")


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ({"language": "unrelated", "vision": "derived"}, "unrelated"),
        ({"vision": "unrelated", "audio": "shared_initialisation"}, "shared_initialisation"),
        ({"vision": "inconclusive", "audio": "unrelated"}, "inconclusive"),
        ({}, "inconclusive"),
    ],
)
def test_the_language_component_speaks_for_the_model(verdicts: dict[str, Verdict], expected: str) -> None:
    assert overall(verdicts) == expected


BY_DATES = "; release dates of both would rule out one order"
BY_ROOT = "; the root would tell"


@pytest.mark.parametrize(
    ("ancestor", "descendant", "dated", "said"),
    [
        (0.3, 0.3, False, BY_DATES + BY_ROOT),
        (0.3, 0.3, True, BY_ROOT),
        (0.3, 0.0, False, BY_ROOT),
        (0.0, 0.3, False, BY_ROOT),
    ],
)
def test_dates_are_asked_for_where_they_are_not_known_and_both_orders_are_open(
    ancestor: float, descendant: float, dated: bool, said: str
) -> None:
    assert would_tell(Direction("unknown", ancestor, (), descendant), dated=dated, root="the root") == said


def test_a_root_is_not_asked_for_where_one_is_claimed() -> None:
    by = ("the claim that first was trained from scratch",)
    assert would_tell(Direction("unknown", 0.3, by, 0.3), dated=True, root="the root") == ""


def test_a_sentence_of_copies_counts_those_alone_of_which_it_is_true() -> None:
    drift = component(drifted(ROOT, 0.1, 4), 4), component(drifted(ROOT, 0.1, 5), 5)
    told = "in every value that was read; which came first weights cannot tell; of one lineage with 2 more"
    assert answer(component(ROOT, 2), *drift, query=ROOT).sentence == f"language: equal to first {told}"
    two = answer(component(ROOT, 2), component(ROOT, 3), *drift, query=ROOT)
    assert two.sentence == f"language: equal to first (and 1 more) {told}"
    alone = answer(component(ROOT, 2), component(ROOT, 3), query=ROOT)
    assert alone.sentence.endswith("(and 1 more) in every value that was read; which came first weights cannot tell")


def test_of_a_model_with_one_rounding_among_fine_tunes_one_is_called_its_rounding() -> None:
    drift = component(drifted(ROOT, 0.1, 4), 4), component(drifted(ROOT, 0.1, 5), 5)
    said = answer(component(rounded(ROOT), 2), *drift, query=ROOT).sentence
    assert said.startswith("language: first is a rounded copy of it: ")
    assert said.endswith("; of one lineage with 2 more")
    said = answer(component(rounded(ROOT), 2), component(rounded(ROOT), 3), *drift, query=ROOT).sentence
    assert said.startswith("language: first (and 1 more) is a rounded copy of it: ")
