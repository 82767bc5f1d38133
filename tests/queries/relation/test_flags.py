"""Flags of a relation, each on the change that it is named after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.queries.data.component import Component
from forebear.queries.evidence.pair import PairEvidence, compare
from forebear.queries.relation.flags import Relation, beyond_chance, equal_values, relate
from forebear.queries.relation.rounding import values_of

from ..components import (
    LAYERS,
    WIDTH,
    Model,
    Tensor,
    base,
    changed,
    component,
    drifted,
    quantised,
    rotated,
    rounded,
    trained,
    upcycled,
    with_columns,
    with_layers,
    without,
)

PARENT = base(1)
MADE = {
    "identical": PARENT,
    "finetuned": trained(PARENT, 0.05, 2),
    "layers_removed": with_layers(PARENT, [0, 1, 4, 5]),
    "layers_added": with_layers(PARENT, [0, 1, 2, 3, 2, 3, 4, 5]),
    "layers_reordered": with_layers(PARENT, [0, 2, 1, 3, 4, 5]),
    "experts_upcycled": upcycled(PARENT, 2, 0.2, 5),
    "basis_changed": rotated(PARENT, 3),
    "width_pruned": with_columns(PARENT, np.arange(64)),
    "vocabulary_changed": (replace(PARENT[0], rows=600), *PARENT[1:]),
}


def evidence(query: Model, candidate: Model = PARENT, dtype: str = "F32") -> PairEvidence:
    found = compare(component(query, dtype=dtype), component(candidate, 2), 10)
    assert found.significant
    return found


def relation(query: Model, candidate: Model = PARENT, dtype: str = "F32") -> Relation:
    return relate(evidence(query, candidate, dtype))


def staged(seed: int, widths: Sequence[int] = (48, 64, 96)) -> Model:
    """Stages of two layers, each of a width of its own, as those of Swin are."""
    stages = [base(seed + number, layers=2, width=width) for number, width in enumerate(widths)]
    return tuple(replace(t, layer=t.layer + 2 * n) for n, stage in enumerate(stages) for t in stage if t.layer >= 0)


def repeated(model: Model, seed: int) -> Model:
    """With one matrix that every layer holds, as the DiT of Facebook holds the embedder of its steps in diffusers."""
    value = np.random.default_rng(seed).standard_normal((32, 64)).astype(np.float32)
    return (*model, *(Tensor("other", value, layer, slot="condition") for layer in range(LAYERS)))


def test_a_copy_of_a_model_that_repeats_a_matrix_in_every_layer_is_one() -> None:
    """No pair of them stands out, as all are alike: a copy was a fine-tune that did not cover them."""
    found = evidence(repeated(PARENT, 7), repeated(PARENT, 7))
    assert "identical" in relate(found).flags and found.match.matched == pytest.approx(1)
    assert found.match.identity == pytest.approx(1) and found.match.distance == pytest.approx(0, abs=1e-6)


def test_another_matrix_in_every_layer_has_no_match() -> None:
    found = evidence(repeated(PARENT, 7), repeated(PARENT, 8))
    held = np.array([role == "other" for role in found.pairing.query.roles])
    assert "identical" not in relate(found).flags
    assert (found.match.kind[held] == -1).all() and (found.match.kind[~held & found.pairing.query.scorable] == 0).all()


def test_a_copy_whose_blocks_have_several_widths_is_one_and_a_stranger_is_none() -> None:
    """Of two that are comparable with two alone, half of the scores belong together."""
    assert relation(staged(1), staged(1)).flags == ("identical",)
    assert not compare(component(staged(1)), component(staged(11), 2), 10).significant
    many = without(staged(21, (32, 40, 48, 56, 64, 72, 80, 96, 104, 112)), "down")  # which all have one width
    found = compare(component(many), component(many, 2), 10).alignment("positions")
    assert found is not None and found.unit_log_p.max() < -100, "half of all pairs belong together: no null"


def test_two_vectors_of_one_layer_that_share_a_name_are_compared_in_their_order() -> None:
    model = tuple(replace(t, slot="") if t.role == "norm" else t for t in PARENT)
    layers = [t.layer for t in model if t.role == "norm"]
    assert len(layers) > len(set(layers))
    assert relation(model, model).flags == ("identical",)


@pytest.mark.parametrize("flag", MADE)
def test_what_was_done_is_named_and_nothing_else(flag: str) -> None:
    flags = set(relation(MADE[flag]).flags)
    assert flags == ({flag, "identical"} if flag == "vocabulary_changed" else {flag})


def test_shuffled_units_are_a_change_of_basis() -> None:
    shuffled = with_columns(PARENT, np.random.default_rng(1).permutation(WIDTH))
    assert relation(shuffled).flags == ("basis_changed",)


@pytest.mark.parametrize(
    "copy", [rounded(PARENT), quantised(PARENT, 4), quantised(PARENT, 8)], ids=["bfloat16", "4 bits", "8 bits"]
)
def test_a_rounded_copy_is_a_numeric_copy_either_way(copy: Model) -> None:
    assert relation(copy).flags == ("numeric_copy",)
    assert relation(PARENT, copy).flags == ("numeric_copy",)


def test_a_light_fine_tune_is_no_copy() -> None:
    assert relation(trained(PARENT, 0.01, 2)).flags == ("finetuned",)


def test_one_noise_of_equal_size_everywhere_is_named_and_a_training_is_not() -> None:
    assert relation(drifted(PARENT, 0.01, 2)).flags == ("finetuned", "noise_added")
    assert "noise_added" not in relation(trained(PARENT, 0.1, 3)).flags
    assert relation(quantised(PARENT, 8), PARENT).flags == ("numeric_copy",), "rounding has one size everywhere too"


def test_gaussian_changes_that_are_larger_for_larger_weights_are_no_noise() -> None:
    random = np.random.default_rng(4)

    def grown(t: Tensor) -> NDArray[np.floating]:
        noise = random.standard_normal(t.value.shape) * 0.01 * t.value.std()
        if t.value.ndim < 2:
            return t.value + noise
        sizes = np.sort(np.abs(noise), axis=None)
        order = np.abs(t.value).argsort(axis=None).argsort()
        return t.value + np.sign(noise) * sizes[order].reshape(t.value.shape)

    assert relation(changed(PARENT, grown)).flags == ("finetuned",)


def test_a_fine_tune_of_the_parents_type_is_no_copy_however_light() -> None:
    child = rounded(trained(PARENT, 0.0005, 2))
    found = evidence(child, rounded(PARENT), "BF16")
    assert relate(found).flags == ("finetuned",) and 0.5 < equal_values(found) < 1


def test_values_on_the_lattice_of_one_scale_are_a_copy_within_half_a_step() -> None:
    def per_tensor(t: Tensor) -> NDArray[np.floating]:
        if t.role in {"norm", "bias", "embed", "head"}:
            return t.value
        step = np.abs(t.value).max() / 127
        return np.rint(t.value / step) * step

    coarse = changed(PARENT, per_tensor)
    assert relation(coarse).flags == ("numeric_copy",)
    assert relation(coarse, trained(PARENT, 0.02, 3)).flags != ("numeric_copy",)


def test_only_the_embeddings_taken_over_is_said_so() -> None:
    other = base(77)
    query = tuple(a if a.role in {"embed", "head"} else b for a, b in zip(PARENT, other, strict=True))
    for found in (relation(query), relation(PARENT, query)):
        assert (found.origin, found.flags) == ("shared_embeddings", ("shared_embeddings",))


def test_embeddings_taken_over_are_no_derivation_where_few_other_matrices_are_alike_by_chance() -> None:
    other = base(77)
    query = tuple(a if a.role in {"embed", "head"} else b for a, b in zip(PARENT, other, strict=True))
    found = evidence(query)
    by_chance = found.match.kind.copy()
    by_chance[np.flatnonzero(found.pairing.query.layer >= 0)[:2]] = 0
    assert relate(replace(found, match=replace(found.match, kind=by_chance))).origin == "shared_embeddings"


def test_a_model_whose_layers_are_a_fine_tune_is_one_beside_equal_embeddings() -> None:
    tuned = tuple(
        a if a.role in {"embed", "head"} else b for a, b in zip(PARENT, trained(PARENT, 0.05, 3), strict=True)
    )
    assert relation(tuned).flags == ("finetuned",) and relation(tuned).origin == "derivation"


def test_embeddings_that_changed_alone_are_told_from_embeddings_that_were_taken_over() -> None:
    tuned = tuple(
        b if a.role in {"embed", "head"} else a for a, b in zip(PARENT, trained(PARENT, 0.05, 3), strict=True)
    )
    found = relation(tuned)
    assert found.flags == ("embeddings_only",) and found.origin == "derivation"


def test_a_change_as_small_as_8_bits_round_is_a_fine_tune_where_its_errors_are_not_bounded() -> None:
    coarse = quantised(PARENT, 8)
    tuned = tuple(
        t if t.value.ndim == 1 or t.role == "embed" else u
        for t, u in zip(coarse, drifted(coarse, 0.005, 2), strict=True)
    )
    assert relation(tuned, coarse).flags == ("finetuned",)


def test_one_matrix_that_happens_to_hold_more_levels_leaves_an_8_bit_file_a_copy() -> None:
    at = [t.role for t in PARENT].index("gate")

    def with_levels(model: Model, number: int, held: float) -> Component:
        found = component(model, number)
        return replace(found, levels=np.where(np.arange(len(found.levels)) == at, held, found.levels))

    fine = with_levels(PARENT, 1, 31.4)  # means over few runs of neighbours, as bfloat16 files have them
    assert relate(compare(fine, with_levels(quantised(PARENT, 8), 2, 30.6), 10)).flags == ("numeric_copy",)
    assert relate(compare(fine, with_levels(quantised(PARENT, 8), 2, 31.2), 10)).flags == ("finetuned",), "not rounded"


def test_a_light_change_of_some_matrices_of_a_4_bit_file_is_a_fine_tune() -> None:
    coarse = quantised(PARENT, 4)
    tuned = tuple(u if t.role in {"q", "v"} else t for t, u in zip(coarse, drifted(coarse, 0.003, 2), strict=True))
    file = component(coarse, 2, dtype="Q4_1")
    assert relate(compare(component(coarse), file, 10)).flags == ("identical",)
    assert relate(compare(component(quantised(PARENT, 4)), component(PARENT, 2), 10)).flags == ("numeric_copy",)
    assert relate(compare(component(tuned), file, 10)).flags == ("finetuned",)


def test_trained_gains_are_no_copy_although_every_matrix_is() -> None:
    tuned = drifted(PARENT, 0.1, 2)
    mixed = tuple(u if t.role == "norm" else t for t, u in zip(PARENT, tuned, strict=True))
    assert "identical" not in relation(mixed).flags and "numeric_copy" not in relation(mixed).flags


def test_gains_trained_apart_are_a_shared_initialisation() -> None:
    random = np.random.default_rng(4)
    apart = tuple(
        replace(t, value=(1 + 0.2 * random.standard_normal(t.value.shape)).astype(np.float32))
        if t.role == "norm"
        else t
        for t in drifted(PARENT, 1.0, 2)
    )
    found = relation(apart)
    assert (found.origin, found.flags) == ("shared_initialisation", ("shared_initialisation",))


def test_rows_of_tokens_are_compared_by_token_where_one_file_lacks_some() -> None:
    query, candidate = component(PARENT), component(PARENT, 2)
    (role,) = (r for r in candidate.tokens if r == "embed")
    rows = candidate.tokens[role]
    fewer = replace(rows, keys=rows.keys[1:], values=rows.values[1:])
    other = replace(candidate, tokens=candidate.tokens | {role: fewer})
    first, second = values_of(query, query.tokens[role].tensor, other, rows.tensor)
    assert first is not None and second is not None and np.array_equal(first, second)
    assert len(first) == fewer.values.size


def with_score(seed: int, model_id: int) -> Component:
    """`base(1)` with a head of two rows, of which no places are kept."""
    value = np.random.default_rng(seed).standard_normal((2, WIDTH)).astype(np.float32)
    made = component((*base(1), Tensor("other", value, slot="score")), model_id)
    kept = made.kinds["positions"]
    return replace(
        made, kinds=made.kinds | {"positions": replace(kept, tensor=kept.tensor[:-1], value=kept.value[:-1])}
    )


def test_a_model_with_another_small_head_is_not_identical() -> None:
    assert relate(compare(with_score(1, 1), with_score(1, 2), 10)).flags == ("identical",)
    assert "identical" not in relate(compare(with_score(1, 1), with_score(2, 2), 10)).flags


def test_another_basis_needs_more_matrices_than_luck_finds() -> None:
    """Of 28 that positions do not match one or two are found elsewhere at a p of 0.01 a kind."""
    assert not beyond_chance(0, 28) and not beyond_chance(1, 28) and not beyond_chance(2, 28)
    assert beyond_chance(28, 28) and beyond_chance(7, 42)
