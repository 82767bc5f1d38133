"""All kinds together: what the E-value of two models pays for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from forebear.queries.evidence.kinds import KINDS
from forebear.queries.evidence.pair import PairEvidence, compare
from forebear.queries.statistics.pvalues import smallest_of_kinds
from forebear.queries.thresholds.significance import FEW_BLOCKS, MIDDLE_P, SIGNIFICANT_LOG10_E, TAIL_P

from ..components import Array, Model, Tensor, base, component, drifted, with_layers

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


MASK = np.tril(np.ones((16, 128), np.float32))
ANGLES = np.sin(np.arange(16)[:, None] / 10 ** (np.arange(128) / 32)).astype(np.float32)
"""A causal mask and a table of sinusoids, as code saves them in every layer: leading rows [16, 128]."""


def with_table(model: Model, table: Array) -> Model:
    layers = sorted({t.layer for t in model if t.layer >= 0})
    return (*model, *(Tensor("other", table, layer) for layer in layers))


@pytest.mark.parametrize(("layers", "table"), [(1, MASK), (2, MASK), (3, MASK), (2, ANGLES), (3, ANGLES), (6, ANGLES)])
def test_a_table_that_every_layer_repeats_makes_no_relatives_of_strangers(layers: int, table: Array) -> None:
    query, candidate = (component(with_table(base(seed, layers=layers), table), seed) for seed in (1, 2))
    assert not compare(query, candidate, MODELS).significant


@pytest.mark.parametrize("layers", [2, 3, 6])
def test_relatives_are_found_beside_such_a_table_and_match_it_where_it_is_equal(layers: int) -> None:
    parent = base(1, layers=layers)
    found = compare(
        component(with_table(drifted(parent, 0.05, 2), ANGLES)), component(with_table(parent, ANGLES), 2), MODELS
    )
    tables = found.pairing.query.with_role("other")
    assert found.significant and (found.match.kind[tables] == 0).all()


def test_unknown_matrices_that_differ_by_layer_are_evidence() -> None:
    random = np.random.default_rng(5)
    own = [Tensor("other", random.standard_normal((16, 128)).astype(np.float32), layer) for layer in range(3)]
    query, candidate = (component((*base(seed, layers=3), *own), seed) for seed in (1, 2))
    assert compare(query, candidate, MODELS).significant
