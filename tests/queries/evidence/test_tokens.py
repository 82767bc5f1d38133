"""Rows of tokens: the same token's row against every other's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forebear.queries.evidence.tokens import match_tokens
from forebear.queries.statistics.pvalues import LOG10

from ..components import WIDTH, Model, Tensor, base, component, drifted


def along_one_direction(seed: int) -> Model:
    """An embedding whose tokens lie along one direction of its own, as far as their frequency has it in any model."""
    random = np.random.default_rng(seed)
    often = np.random.default_rng(0).standard_normal((96, 1))
    value = 0.1 * random.standard_normal((96, WIDTH)) + often * random.standard_normal(WIDTH)
    return (Tensor("embed", value.astype(np.float32)),)


def test_a_childs_tokens_are_its_parents() -> None:
    parent = base(1, layers=1)
    (found,) = match_tokens(component(drifted(parent, 0.1, 2)), component(parent, 2))
    assert found.log_p / LOG10 < -20 and found.shared == 24
    assert found.similarity == pytest.approx(1 / np.sqrt(1.01), abs=0.003)
    assert found.difference == pytest.approx(0.01, rel=0.15), "relative and squared: the change was a tenth"


def test_strangers_tokens_are_as_likely_as_chance_has_them() -> None:
    found = [match_tokens(component(base(s, layers=0)), component(base(s + 500, layers=0), 2))[0] for s in range(40)]
    assert min(f.log_p / LOG10 for f in found) > -3
    assert max(abs(f.similarity) for f in found) < 0.1
    assert np.mean([f.difference for f in found]) == pytest.approx(2, rel=0.03)


def test_frequency_along_a_direction_is_no_likeness() -> None:
    found = [
        match_tokens(component(along_one_direction(s)), component(along_one_direction(s + 99), 2))[0] for s in range(20)
    ]
    assert min(f.log_p / LOG10 for f in found) > -3


def test_tokens_are_matched_by_their_text_and_not_by_their_number() -> None:
    parent = base(1, layers=0, tokens=32)
    later = (replace(parent[0], value=parent[0].value[8:]),)
    (found,) = match_tokens(component(later, spelled=8), component(parent, 2))
    assert found.shared == 24 and found.similarity == pytest.approx(1)
    (wrong,) = match_tokens(component(later), component(parent, 2))
    assert abs(wrong.similarity) < 0.1


@pytest.mark.parametrize(("shared", "matches"), [(7, 0), (8, 1)])
def test_fewer_than_eight_shared_tokens_are_not_compared(shared: int, matches: int) -> None:
    parent = base(1, layers=0)
    assert len(match_tokens(component(parent, spelled=24 - shared), component(parent, 2))) == matches


def test_other_widths_are_not_compared() -> None:
    assert match_tokens(component(base(1, width=WIDTH)), component(base(1, width=WIDTH + 16), 2)) == []


def test_a_head_is_compared_with_the_embedding_that_it_is_tied_to() -> None:
    (embedding,) = parent = base(1, layers=0)
    query = (embedding, replace(embedding, role="head"))
    found = match_tokens(component(query), component(parent, 2))
    assert [(f.query, f.candidate) for f in found] == [(0, 0), (1, 0)]
    assert len(match_tokens(component(parent), component(query, 2))) == 1
