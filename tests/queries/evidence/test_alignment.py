"""Blocks against blocks: which layer came from which, by each kind of evidence, and that strangers show nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from forebear.ingest.fingerprint.minhash import column_codes, minhash
from forebear.queries.evidence.alignment import Alignment, Pairing, pair
from forebear.queries.evidence.kinds import KINDS, kind_number
from forebear.queries.statistics.pvalues import LOG10, clustered_tail

from ..components import (
    LAYERS,
    WIDTH,
    Model,
    base,
    changed,
    component,
    drifted,
    rotated,
    upcycled,
    with_columns,
    with_layers,
    without,
)

SHUFFLED = np.random.default_rng(1).permutation(WIDTH)


def align(pairing: Pairing, kind: str) -> Alignment | None:
    return KINDS[kind_number(kind)].align(pairing)


def aligned(query: Model, candidate: Model, kind: str) -> Alignment | None:
    return align(pair(component(query), component(candidate, 2)), kind)


def sources(found: Alignment | None) -> list[int]:
    """The candidate's layer of every layer of the query; unit 0 is what stands outside the layers."""
    assert found is not None
    return [int(unit) - 1 for unit in found.best[1:]]


@pytest.mark.parametrize("kind", ["positions", "gram", "minhash"])
def test_every_layer_of_a_child_finds_the_layer_it_came_from(kind: str) -> None:
    parent = base(1)
    found = aligned(drifted(parent, 0.05, 2), parent, kind)
    assert found is not None and sources(found) == list(range(LAYERS))
    assert found.log_p / LOG10 < -20 and (found.unit_log_p[1:] / LOG10 < -10).all()
    assert found.tried.tolist() == [0, *[LAYERS] * LAYERS] and found.best[0] == -1


@pytest.mark.parametrize("kind", ["positions", "gram", "minhash"])
def test_layers_are_found_where_they_went(kind: str) -> None:
    parent = base(1)
    order = [0, 3, 1, 2, 3, 5, 4]
    assert sources(aligned(with_layers(drifted(parent, 0.05, 2), order), parent, kind)) == order


@pytest.mark.parametrize("kind", ["positions", "gram", "minhash"])
def test_strangers_are_as_likely_as_chance_has_them(kind: str) -> None:
    found = [aligned(base(2 * seed + 100), base(2 * seed + 101), kind) for seed in range(40)]
    values = np.array([a.log_p / LOG10 for a in found if a])
    assert len(values) == 40 and values.min() > -3
    assert np.mean(values < -1) <= 0.2, "of 40 p-values 4 are below 0.1, and 8 with bad luck"


def rotary(seed: int, layers: int) -> Model:
    """A model whose heads have 16 rows: the two of every rotary pair are alike or opposite, as training makes them."""
    random = np.random.default_rng(seed)

    def paired(value: NDArray[np.floating]) -> NDArray[np.floating]:
        half = value[:8]
        signs = random.choice([-1.0, 1.0], (8, 1))
        return np.concatenate([half, 0.3 * signs * half + 0.95 * value[8:]])

    kept = base(seed, layers=layers)
    return tuple(replace(t, value=np.asarray(paired(t.value), np.float32)) if t.role in "qk" else t for t in kept)


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_rotary_pairs_that_all_models_have_do_not_make_shallow_strangers_relatives(layers: int) -> None:
    found = [aligned(rotary(2 * seed, layers), rotary(2 * seed + 1, layers), "gram") for seed in range(30)]
    values = np.array([a.log_p / LOG10 for a in found if a])
    assert len(values) == 30 and values.min() > -3
    assert np.mean(values < -1) <= 0.2


def test_one_code_that_narrow_strangers_share_is_several_matches_and_one_draw_of_luck() -> None:
    random = np.random.default_rng(6)
    counts, rates = [], []
    for _ in range(400):
        first, second = (column_codes(random.standard_normal((16, 64)).astype(np.float32)) for _ in range(2))
        second[0] = first[0] if random.random() < 0.1 else second[0]
        counts.append(int((minhash(first) == minhash(second)).sum()))
        rates.append(0.1 * 64 / 127)
    tails = clustered_tail(np.array(counts), np.array(rates), np.full(400, 64 / 127))
    assert np.mean(tails <= np.log(0.02)) <= 0.03
    alone = stats.binom.sf(np.array(counts) - 1, 64, np.array(rates) / 64)
    assert np.mean(alone <= 0.002) >= 0.005, "as independent matches these would be as rare as one in five hundred"


def test_flipped_signs_are_still_seen_through_where_four_layers_show_what_strangers_share() -> None:
    parent = base(1, layers=4)
    signs = np.random.default_rng(2).choice([-1.0, 1.0], (16, 1))
    flipped = changed(parent, lambda t: t.value * signs if t.value.ndim == 2 and len(t.value) == 16 else t.value)
    found = aligned(flipped, parent, "gram")
    assert found is not None and found.log_p / LOG10 < -20 and sources(found) == list(range(4))


def test_shuffled_units_leave_cosines_and_column_sets_and_nothing_at_positions() -> None:
    parent = base(1)
    shuffled = with_columns(parent, SHUFFLED)
    positions = aligned(shuffled, parent, "positions")
    assert positions is not None and positions.log_p / LOG10 > -3
    for kind in ("gram", "minhash"):
        assert sources(aligned(shuffled, parent, kind)) == list(range(LAYERS))


def test_a_rotation_leaves_cosines_alone() -> None:
    parent = base(1)
    turned = rotated(parent, 3)
    assert sources(aligned(turned, parent, "gram")) == list(range(LAYERS))
    for kind in ("positions", "minhash"):
        found = aligned(turned, parent, kind)
        assert found is not None and found.log_p / LOG10 > -3


def test_signs_of_rows_may_flip() -> None:
    parent = base(1)
    random = np.random.default_rng(5)
    flipped = changed(
        parent,
        lambda t: (
            t.value * random.choice([-1.0, 1.0], (len(t.value), 1)) if t.layer >= 0 and t.value.ndim == 2 else t.value
        ),
    )
    found = aligned(flipped, parent, "gram")
    assert found is not None and found.kind == "gram" and sources(found) == list(range(LAYERS))
    assert found.log_p / LOG10 < -20


def test_other_widths_have_no_positions_in_common_but_cosines() -> None:
    parent = base(1)
    narrow = without(with_columns(parent, np.arange(80)), "o", "down")
    assert aligned(narrow, parent, "positions") is None
    assert sources(aligned(narrow, parent, "gram")) == list(range(LAYERS))


def test_two_layers_are_enough_for_a_child_and_not_for_a_stranger() -> None:
    parent = base(1, layers=2)
    child, stranger = (
        aligned(drifted(parent, 0.1, 2), parent, "positions"),
        aligned(base(9, layers=2), parent, "positions"),
    )
    assert child is not None and child.log_p / LOG10 < -100
    assert stranger is not None and stranger.log_p / LOG10 > -2


def test_experts_are_found_in_the_dense_ffn_they_were_made_of() -> None:
    parent = base(1)
    pairing = pair(component(upcycled(parent, 2, 0.2, 7)), component(parent, 2))
    found = align(pairing, "positions")
    assert found is not None
    ffn = [(q, pairing.candidate_units[c]) for q, c in zip(pairing.query_units, found.best, strict=True) if q[1] >= 0]
    assert len(ffn) == 2 * LAYERS
    assert all(theirs == (mine[0], -1, "ffn") for mine, theirs in ffn)


def test_the_p_value_of_a_block_counts_the_blocks_that_were_tried() -> None:
    parent, child = base(1), drifted(base(1), 3.0, 2)
    few, many = (
        aligned(with_layers(child, [0]), parent, "minhash"),
        aligned(with_layers(child, [0]), with_layers(parent, [0, *range(6)] * 2), "minhash"),
    )
    assert few is not None and many is not None
    assert few.tried[1] == LAYERS and many.tried[1] == 2 * LAYERS + 2
