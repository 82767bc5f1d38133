"""Norm gains and biases: paired by the block map, centred, and no evidence of anything where they do not vary."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.queries.evidence.alignment import pair
from forebear.queries.evidence.gains import Gains, compare_gains, matched_vectors

from ..components import LAYERS, WIDTH, Model, base, changed, component, drifted, with_layers

STRAIGHT = np.arange(-1, LAYERS)
"""The block map of an unchanged stack: units are what stands outside the layers, then the layers."""
STRAIGHT = np.where(STRAIGHT < 0, -1, STRAIGHT + 1)


def gains(query: Model, candidate: Model, best: NDArray[np.int64] = STRAIGHT) -> Gains:
    return compare_gains(pair(component(query), component(candidate, 2)), best)


def with_gains(model: Model, spread: float, seed: int) -> Model:
    random = np.random.default_rng(seed)
    return changed(model, lambda t: 1 + spread * random.standard_normal(t.value.shape) if t.role == "norm" else t.value)


def test_gains_that_were_taken_over_are_equal() -> None:
    found = gains(base(1), base(1))
    assert found.correlation == pytest.approx(1) and found.equal and found.values == 2 * LAYERS * 64


def test_gains_that_drifted_correlate_and_are_not_equal() -> None:
    found = gains(drifted(base(1), 0.5, 2), base(1))
    assert found.correlation == pytest.approx(1 / np.sqrt(1.25), abs=0.03) and not found.equal


def test_gains_around_one_have_nothing_in_common_once_centred() -> None:
    found = gains(with_gains(base(1), 0.1, 2), with_gains(base(1), 0.1, 3))
    assert abs(found.correlation) < 0.12, "their cosine is 0.99"


@pytest.mark.parametrize("spread", [0.0, 0.002])
def test_gains_that_hardly_vary_tell_nothing(spread: float) -> None:
    found = gains(with_gains(base(1), spread, 2), with_gains(base(1), spread, 2))
    assert np.isnan(found.correlation) and found.values == 0 and not found.equal


def test_gains_follow_the_layers_that_they_moved_with() -> None:
    order = [2, 0, 1, 3, 5, 4]
    moved = with_layers(base(1), order)
    assert gains(moved, base(1), np.array([-1, *(n + 1 for n in order)])).equal
    assert abs(gains(moved, base(1)).correlation) < 0.5


def test_padding_is_no_value_of_a_gain() -> None:
    short = tuple(replace(t, value=t.value[:40]) if t.role == "norm" else t for t in base(1))
    assert gains(short, short).values == 2 * LAYERS * 40
    assert np.isnan(gains(short[:10], short[:10], np.array([-1, -1])).correlation), "no block is matched"


def test_vectors_of_blocks_without_a_counterpart_are_left_out() -> None:
    pairing = pair(component(base(1)), component(base(1), 2))
    rows, partners = matched_vectors(pairing, np.array([-1, 1, -1, 6, -1, -1, -1]))
    layers = [pairing.query.layer[pairing.query.vector.tensor[r]] for r in rows]
    theirs = [pairing.candidate.layer[pairing.candidate.vector.tensor[p]] for p in partners]
    assert (layers, theirs) == ([0, 0, 2, 2], [0, 0, 5, 5])
    slots = [pairing.candidate.slots[pairing.candidate.vector.tensor[p]] for p in partners]
    assert slots == ["attention", "ffn"] * 2


def test_vectors_of_a_layer_without_a_match_are_not_those_outside_the_layers() -> None:
    """The first convolution of data2vec is too small for evidence: its norm was compared with that of the encoder."""
    inside = base(1)
    final = next(replace(t, layer=-1) for t in inside if t.role == "norm")
    pairing = pair(component((*inside, final)), component((*inside, final), 2))
    rows, partners = matched_vectors(pairing, np.array([-1, -1, *range(2, LAYERS + 1)]))
    layers = pairing.query.layer[pairing.query.vector.tensor]
    assert 0 not in layers[rows] and -1 in layers[rows]
    assert layers[rows].tolist() == pairing.candidate.layer[pairing.candidate.vector.tensor][partners].tolist()


def test_vectors_of_another_shape_are_left_out() -> None:
    rows, _ = matched_vectors(pair(component(base(1)), component(base(1, width=WIDTH + 8), 2)), STRAIGHT)
    assert len(rows) == 0
