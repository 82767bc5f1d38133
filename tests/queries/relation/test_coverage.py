"""Coverage counts every parameter of the query, and its parts say why something is not covered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, replace

import numpy as np
import pytest

from forebear.queries.answers.question import Question
from forebear.queries.answers.unrelated import without_relatives
from forebear.queries.data.component import Component
from forebear.queries.evidence.pair import compare
from forebear.queries.lineage.claims import Claims
from forebear.queries.lineage.ranking import Candidate, Ranked
from forebear.queries.relation.coverage import Coverage, coverage_of
from forebear.queries.thresholds.significance import LEAST_COMPARED

from ..components import Tensor, base, component, drifted

MODEL = base(1)
PARAMETERS = float(component(MODEL).represents.sum())


def of(query: Component, candidate: Component) -> Coverage:
    found = coverage_of(compare(query, candidate, 1))
    assert sum(astuple(found)) == pytest.approx(1.0) and min(astuple(found)) >= 0
    return found


def gains(one: Component) -> float:
    vectors = [i for i, shape in enumerate(one.shapes) if len(shape) == 1]
    return float(one.represents[vectors].sum()) / PARAMETERS


def test_a_copy_is_covered_whole_and_a_fine_tune_but_for_its_gains() -> None:
    assert astuple(of(component(MODEL), component(MODEL))) == (1.0, 0.0, 0.0, 0.0)
    found = of(component(drifted(MODEL, 0.1, 2)), component(MODEL))
    assert found.not_comparable == pytest.approx(gains(component(MODEL))) and found.not_read == 0
    assert found.matched == pytest.approx(1 - found.not_comparable)


def test_gains_that_are_one_constant_are_no_match() -> None:
    def flat(model: tuple[Tensor, ...]) -> Component:
        made = component(tuple(replace(t, value=np.ones_like(t.value)) if t.role == "norm" else t for t in model))
        return replace(made, deviation=np.array([float(r != "norm") for r in made.roles]))

    found = of(flat(MODEL), flat(MODEL))
    assert found.not_comparable == pytest.approx(gains(component(MODEL)))


def test_what_was_skipped_is_not_covered() -> None:
    found = of(replace(component(MODEL), skipped=3 * PARAMETERS), component(MODEL))
    assert found.matched == pytest.approx(0.25) and found.not_read == pytest.approx(0.75)


def test_what_is_kept_by_name_alone_is_not_read() -> None:
    made = component(MODEL)
    buffer = made.roles.index("embed")
    query = replace(made, read=np.arange(len(made.names)) != buffer, tokens={})
    assert of(query, made).not_read == pytest.approx(made.represents[buffer] / PARAMETERS)


def test_a_tied_head_that_is_stored_too_counts_once() -> None:
    embed = next(t for t in MODEL if t.role == "embed")
    made = component((*MODEL, replace(embed, role="head")))
    tokens = {role: rows for role, rows in made.tokens.items() if role == "embed"}
    query = replace(made, read=np.array([r != "head" for r in made.roles]), tokens=tokens)
    assert of(query, component(MODEL)).matched == 1.0


def test_unrelated_models_are_compared_without_a_match() -> None:
    found = of(component(MODEL), component(base(2)))
    assert found.matched == 0 and found.without_match == pytest.approx(1 - gains(component(MODEL)))


def test_widths_that_differ_leave_only_what_holds_at_any_width() -> None:
    found = of(component(MODEL), component(base(2, width=128)))
    embed = component(MODEL).represents[0] / PARAMETERS
    assert found.not_comparable >= embed and 0 < found.without_match < 1 - embed


def ranked(query: Component, *others: Component) -> list[Ranked]:
    return [
        Ranked(i + 1, Candidate("other", "file:///other", compare(query, other, 1), None, False, False))
        for i, other in enumerate(others)
    ]


def among_five(query: Component, comparable: Callable[[], int] | None) -> Question:
    return Question(query, (), {}, Claims(), models=5, comparable=comparable)


def test_unrelated_is_said_only_where_enough_was_compared() -> None:
    whole = component(MODEL)
    assert without_relatives(among_five(whole, lambda: 5), ranked(whole, component(base(2)))) == (
        "unrelated",
        "no ancestor among 5 models",
    )
    assert without_relatives(among_five(whole, lambda: 2), ranked(whole, component(base(2))))[1] == (
        "no ancestor among 2 comparable of 5 models"
    )
    cut = replace(whole, skipped=PARAMETERS / LEAST_COMPARED)
    verdict, text = without_relatives(among_five(cut, lambda: 5), ranked(cut, component(base(2))))
    assert verdict == "inconclusive" and text.startswith("80% of its parameters were compared with none of 5 models")
    verdict, text = without_relatives(among_five(whole, lambda: 0), [])
    assert (verdict, text) == ("inconclusive", "none of 5 models has anything to compare it with")


def test_an_audit_that_found_nothing_near_by_sketch_has_compared_by_sketch() -> None:
    assert without_relatives(among_five(component(MODEL), None), []) == ("unrelated", "no ancestor among 5 models")
