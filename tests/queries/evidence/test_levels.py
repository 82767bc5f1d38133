"""What each kind of evidence pays: a share of the error, of those kinds that two models can be compared by."""

from __future__ import annotations

import math
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from forebear.queries.data.component import Component
from forebear.queries.data.query import load_models
from forebear.queries.evidence.alignment import pair
from forebear.queries.evidence.kinds import KINDS
from forebear.queries.evidence.pair import compare
from forebear.registry import Registry

MODELS = 7
KIND = {kind.name: kind for kind in KINDS}


@pytest.fixture(scope="module")
def components(zoo_registry: Path) -> dict[str, Component]:
    with Registry(zoo_registry, read_only=True) as registry:
        names = {model.model_id: model.name for model in registry.models()}
        loaded = load_models(registry.connection, list(names))
    return {names[number]: max(found, key=lambda c: len(c.positions.tensor)) for number, found in loaded.items()}


def test_the_shares_of_all_kinds_are_one() -> None:
    assert math.fsum(kind.level for kind in KINDS) == pytest.approx(1.0)


def test_a_kind_that_finds_something_to_compare_is_paid_for_and_another_one_is_not(
    components: dict[str, Component],
) -> None:
    for query, candidate in permutations(("alder", "cedar", "alder-long"), 2):
        evidence = compare(components[query], components[candidate], MODELS)
        asked = {kind.name for kind in KINDS if kind.same_basis and kind.name in evidence.log10_p}
        asked |= {kind.name for kind in KINDS if not kind.same_basis and kind.comparable(evidence.pairing)}
        assert set(evidence.log10_p) <= set(evidence.levels) == asked
        assert math.fsum(10**level for level in evidence.levels.values()) == pytest.approx(1.0)
        best = min(p - evidence.levels[kind] for kind, p in evidence.log10_p.items()) + math.log10(MODELS)
        assert evidence.log10_evalue == pytest.approx(min(best, math.log10(MODELS)), rel=1e-12)


def test_what_is_paid_does_not_depend_on_what_was_asked(components: dict[str, Component]) -> None:
    """A copy needs positions alone; the other kinds count all the same, or the E-value would depend on the answer."""
    query, candidate = components["alder-docs"], components["alder"]
    short, whole = (compare(query, candidate, MODELS, thorough=thorough) for thorough in (False, True))
    assert set(short.log10_p) < set(whole.log10_p)
    assert short.levels == whole.levels and short.log10_evalue == whole.log10_evalue


@pytest.mark.parametrize("name", ["gram", "minhash", "activations"])
def test_a_kind_tells_without_its_values_whether_it_compares(components: dict[str, Component], name: str) -> None:
    kind = KIND[name]
    for first, second in permutations(sorted(components)[:6], 2):
        pairing = pair(components[first], components[second])
        assert kind.comparable(pairing) or kind.align(pairing) is None
    assert kind.comparable(pair(components["alder"], components["birch"]))


def test_models_without_anything_at_equal_places_do_not_pay_for_it(components: dict[str, Component]) -> None:
    evidence = compare(components["alder"], components["cedar"], MODELS)
    same = compare(components["alder"], components["birch"], MODELS)
    assert evidence.alignment("positions") is None and not evidence.tokens
    assert "positions" not in evidence.levels and "positions" in same.levels
    assert np.isclose(10 ** same.levels["gram"], 0.45) == (len(same.levels) == len(KINDS))
