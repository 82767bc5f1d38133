"""Models of other models' layers: stacks of two, halves, and what was cut."""

from __future__ import annotations

from dataclasses import replace

from ..components import base, with_layers, without
from .test_ranking import ranked, row_of


def test_two_models_in_one_stack_are_its_parents_and_the_stack_is_no_ancestor_of_theirs() -> None:
    """Nothing is common to all; the second holds an embedding that the stack has not: it was not cut from it."""
    first, second = without(base(1, layers=6), "embed"), base(9, layers=6)
    stack = (*first, *(replace(t, layer=t.layer + 6) for t in second if t.layer >= 0))
    rows = ranked(stack, dict(first=first, second=second))
    assert {(row.candidate.name, row.merged_with) for row in rows} == {("first", "second"), ("second", "first")}
    assert all(row.direction.kind == "ancestor" for row in rows)
    for part in (first, second):
        assert row_of(ranked(part, dict(stack=stack, other=base(5))), "stack").direction.kind == "unknown"


def test_halves_of_a_model_do_not_tell_that_it_is_their_stack() -> None:
    whole = without(base(1, layers=6), "embed")
    halves = dict(first=with_layers(whole, [0, 1, 2]), last=with_layers(whole, [3, 4, 5]))
    rows = ranked(whole, halves)
    assert len(rows) == 2 and not any(row.merged_with for row in rows)


def test_what_is_equal_is_not_said_of_a_cut_model_with_another_embedding() -> None:
    whole = base(1, layers=16)
    cut = with_layers(whole, [*range(6), *range(8, 16)])
    equal = "every value that both hold is equal bit for bit"
    (row,) = ranked(cut, dict(whole=whole))
    assert row.direction.kind == "ancestor" and equal in row.direction.by
    of_others = {t.role: t for t in base(9) if t.layer < 0}
    (row,) = ranked(tuple(of_others.get(t.role, t) if t.layer < 0 else t for t in cut), dict(whole=whole))
    assert row.direction.kind == "unknown" and equal not in row.direction.by
