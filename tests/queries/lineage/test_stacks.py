"""Models of other models' layers: stacks of two, halves, and what was cut."""

from __future__ import annotations

from dataclasses import replace

from ..components import Model, base, trained, with_layers, without
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


def layers_of(first: Model, second: Model, cut: int) -> Model:
    """The first model up to a layer, the second from there on, each in its own places."""
    return (*(t for t in first if t.layer < cut), *(t for t in second if t.layer >= cut))


def test_layers_of_two_strangers_in_their_own_places_name_both() -> None:
    """Positions match too little of the second model for a place in the family: its layers tell it all the same."""
    first, second = base(1), base(9)
    made = layers_of(first, second, 4)
    rows = ranked(made, dict(first=first, second=second, other=base(5), further=trained(first, 0.05, 2)))
    named = {row.candidate.name: row.merged_with for row in rows if row.direction.kind == "ancestor"}
    assert named == {"first": "second", "second": "first"}
    assert not any("basis_changed" in row.flags for row in rows)


def test_layers_of_two_children_in_their_own_places_may_be_what_both_come_from() -> None:
    """A model whose children each trained other layers is put together of what they left alone."""
    root = base(1)
    lower = layers_of(trained(root, 0.05, 2), root, 3)
    upper = layers_of(root, trained(root, 0.05, 3), 3)
    assert not any(row.merged_with for row in ranked(root, dict(lower=lower, upper=upper)))


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
