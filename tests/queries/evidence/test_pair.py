"""All kinds together: what the E-value of two models pays for."""

from __future__ import annotations

import math

import pytest

from forebear.queries.evidence.kinds import KINDS
from forebear.queries.evidence.pair import PairEvidence, compare
from forebear.queries.statistics.pvalues import smallest_of_kinds
from forebear.queries.thresholds.significance import FEW_BLOCKS, MIDDLE_P, SIGNIFICANT_LOG10_E, TAIL_P

from ..components import base, component, drifted, with_layers

MODELS = 7


def strangers(first: int, second: int, layers: int) -> PairEvidence:
    query, candidate = (base(seed, layers=max(FEW_BLOCKS, layers)) for seed in (first, second))
    return compare(component(with_layers(query, range(layers))), component(candidate, 2), MODELS)


@pytest.mark.parametrize("seeds", [(1, 2), (3, 4), (5, 6)])
def test_unrelated_models_are_told_by_what_chance_was_seen_to_do(seeds: tuple[int, int]) -> None:
    found = strangers(*seeds, layers=FEW_BLOCKS)
    smallest = min(found.log10_p.values())
    assert smallest > math.log10(MIDDLE_P)
    assert found.log10_evalue == smallest_of_kinds(smallest, len(KINDS), len(found.log10_p)) + math.log10(MODELS)
    assert found.log10_evalue < min(0.0, smallest + math.log10(len(KINDS))) + math.log10(MODELS)


@pytest.mark.parametrize("seeds", [(1, 2), (3, 4), (5, 6)])
def test_models_too_shallow_for_a_null_of_their_own_pay_for_every_kind(seeds: tuple[int, int]) -> None:
    found = strangers(*seeds, layers=FEW_BLOCKS - 1)
    bound = min(0.0, min(found.log10_p.values()) + math.log10(len(KINDS)))
    assert found.log10_evalue == bound + math.log10(MODELS)


def test_a_relative_pays_for_every_kind() -> None:
    parent = base(1)
    found = compare(component(drifted(parent, 0.05, 2)), component(parent, 2), MODELS)
    smallest = min(found.log10_p.values())
    assert smallest < math.log10(TAIL_P) and found.log10_evalue < SIGNIFICANT_LOG10_E
    assert found.log10_evalue == smallest + math.log10(len(KINDS)) + math.log10(MODELS)
