"""Merges made in known ways, beside models that were trained and only look alike."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.queries.lineage.merges.recognised import Samples, of_changes, of_tensors, on_lines

WIDTH = 8_000
ROOT, FIRST, SECOND, OTHER = range(4)


def models(seed: int) -> NDArray[np.float64]:
    """A root of length 1, two fine-tunes of it whose changes are alike in part, and a third."""
    random = np.random.default_rng(seed)
    root, alike, *own = random.standard_normal((5, WIDTH)) / np.sqrt(WIDTH)
    return np.stack([root, *(root + 0.03 * alike + 0.07 * change for change in own)])


def ties(vectors: NDArray[np.float64], density: float, scale: float) -> NDArray[np.float64]:
    """TIES: the largest changes of each parent, those of the minority sign left out, averaged where both remain."""
    changes = vectors[[FIRST, SECOND]] - vectors[ROOT]
    least = np.quantile(np.abs(changes), 1 - density, axis=1, keepdims=True)
    kept = np.where(np.abs(changes) >= least, changes, 0)
    sign = np.sign(kept.sum(axis=0))
    kept = np.where(np.sign(kept) == sign, kept, 0)
    return vectors[ROOT] + scale * kept.sum(axis=0) / np.maximum((kept != 0).sum(axis=0), 1)


def dare(vectors: NDArray[np.float64], kept: float, weights: tuple[float, float], seed: int) -> NDArray[np.float64]:
    """DARE: random changes of each parent, rescaled and summed with weights."""
    changes = vectors[[FIRST, SECOND]] - vectors[ROOT]
    mask = np.random.default_rng(seed).random(changes.shape) < kept
    return vectors[ROOT] + np.array(weights) @ (changes * mask / kept)


def samples(vectors: NDArray[np.float64], bits: int = 23) -> Samples:
    """Vectors [n, values] as those of models that are compared whole."""
    count = len(vectors)
    return Samples(vectors, np.ones(vectors.shape[1]), np.full(count, bits), np.ones(count))


def parents_of(vectors: NDArray[np.float64], merge: NDArray[np.float64], bits: int = 23) -> set[int]:
    found = of_changes(samples(np.vstack([vectors, merge]), bits), len(vectors), [ROOT], range(len(vectors)))
    return set(found or ())


def bfloat16(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors.astype(ml_dtypes.bfloat16).astype(np.float64)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("density", "scale"), [(0.5, 1.0), (0.2, 1.0), (0.8, 0.7)])
def test_a_ties_merge_names_its_parents(seed: int, density: float, scale: float) -> None:
    vectors = models(seed)
    assert parents_of(vectors, ties(vectors, density, scale)) == {FIRST, SECOND}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("kept", "weights"), [(0.5, (0.5, 0.5)), (0.3, (0.6, 0.4)), (0.7, (1.0, 1.0))])
def test_a_dare_merge_names_its_parents(seed: int, kept: float, weights: tuple[float, float]) -> None:
    vectors = models(seed)
    assert parents_of(vectors, dare(vectors, kept, weights, seed)) == {FIRST, SECOND}


def test_a_merge_stored_in_bfloat16_is_still_one() -> None:
    vectors = models(4)
    stored = np.vstack([vectors, dare(vectors, 0.5, (0.5, 0.5), 4)])
    rounded = bfloat16(stored)
    assert parents_of(rounded[:-1], rounded[-1], 7) == {FIRST, SECOND}


@pytest.mark.parametrize("seed", range(10))
def test_what_was_trained_is_no_merge(seed: int) -> None:
    vectors = models(seed)
    random = np.random.default_rng(100 + seed)
    own = random.standard_normal(WIDTH) / np.sqrt(WIDTH)
    between = (vectors[FIRST] + vectors[SECOND]) / 2
    sparse = np.where(random.random(WIDTH) < 0.3, own, 0)
    for trained in (
        vectors[FIRST] + 0.05 * own,
        vectors[FIRST] + 0.002 * own,
        vectors[FIRST] + 0.1 * sparse,
        vectors[ROOT] + (vectors[FIRST] - vectors[ROOT]) + (vectors[SECOND] - vectors[ROOT]) + 0.03 * own,
        between + 0.03 * own,
        vectors[ROOT] + 0.1 * own,
    ):
        assert parents_of(vectors, trained) == set()


def test_a_mixture_lies_on_the_line_between_its_parents() -> None:
    vectors = np.vstack([models(1), np.zeros(WIDTH)])
    vectors[-1] = 0.6 * vectors[FIRST] + 0.4 * vectors[SECOND]
    squared = np.square(vectors[:, None] - vectors[None]).sum(axis=2)
    assert on_lines(squared, samples(vectors)) == {4: (FIRST, SECOND)}


@pytest.mark.parametrize("in_bfloat16", [False, True])
def test_a_checkpoint_of_a_smooth_run_is_no_mixture_of_those_before_and_after(in_bfloat16: bool) -> None:
    """Steps of one direction, each with a tenth of its own: the one in the middle lies next to the line."""
    root, along, *own = np.random.default_rng(3).standard_normal((5, 8 * WIDTH)) / np.sqrt(8 * WIDTH)
    steps = [root, *(root + np.cumsum([0.05 * (along + 0.1 * change) for change in own], axis=0))]
    vectors = np.stack([bfloat16(step) if in_bfloat16 else step for step in steps])
    squared = np.square(vectors[:, None] - vectors[None]).sum(axis=2)
    bits = 7 if in_bfloat16 else 23
    assert on_lines(squared, samples(vectors, bits)) == {}
    vectors[2] = (vectors[1] + vectors[3]) / 2
    vectors[2] = bfloat16(vectors[2]) if in_bfloat16 else vectors[2]
    squared = np.square(vectors[:, None] - vectors[None]).sum(axis=2)
    assert on_lines(squared, samples(vectors, bits)) == {2: (1, 3)}


def light(seed: int, drift: float) -> NDArray[np.float64]:
    """As `models`, trained lightly and stored as bfloat16: the changes are smaller than the steps of most values."""
    root, alike, *own = np.random.default_rng(seed).standard_normal((5, WIDTH)) / np.sqrt(WIDTH)
    return bfloat16(np.stack([root, *(root + drift * (0.4 * alike + change) for change in own)]))


def lines(vectors: NDArray[np.float64], model: NDArray[np.float64], bits: int = 7) -> tuple[int, ...]:
    """What the last of some models lies between."""
    every = np.vstack([vectors, model])
    squared = np.square(every[:, None] - every[None]).sum(axis=2)
    return on_lines(squared, samples(every, bits)).get(len(vectors), ())


@pytest.mark.parametrize("drift", [0.001, 0.003, 0.01])
@pytest.mark.parametrize("weights", [(0.5, 0.5), (0.6, 0.4), (0.3, 0.7)])
def test_a_light_mixture_made_in_bfloat16_names_its_parents(drift: float, weights: tuple[float, float]) -> None:
    """Weights, products and their sum are rounded, as merging tools do: 0.6 and 0.4 become 0.6016 and 0.4004."""
    vectors = light(2, drift)
    first, second = (bfloat16(np.array([w])) * vectors[i] for w, i in zip(weights, (FIRST, SECOND), strict=True))
    assert lines(vectors, bfloat16(bfloat16(first) + bfloat16(second))) == (FIRST, SECOND)


@pytest.mark.parametrize("drift", [0.0002, 0.001])
def test_a_mixture_that_was_rounded_once_names_parents_that_were_not_rounded(drift: float) -> None:
    """Half a step is all that the last rounding moves: with more, the parents hardly differ from the mixture."""
    root, *own = np.random.default_rng(1).standard_normal((4, WIDTH)) / np.sqrt(WIDTH)
    vectors = np.stack([root, *(root + drift * change for change in own)])
    every = np.vstack([vectors, bfloat16(0.7 * vectors[FIRST] + 0.3 * vectors[SECOND])])
    squared = np.square(every[:, None] - every[None]).sum(axis=2)
    count = len(every)
    bits = np.array([23] * (count - 1) + [7])
    found = on_lines(squared, Samples(every, np.ones(WIDTH), bits, np.ones(count)))
    assert found.get(count - 1) == (FIRST, SECOND)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("drift", [0.001, 0.003, 0.01])
def test_what_was_trained_lightly_is_no_mixture(seed: int, drift: float) -> None:
    vectors = light(seed, drift)
    own = np.random.default_rng(50 + seed).standard_normal(WIDTH) / np.sqrt(WIDTH)
    between = (vectors[FIRST] + vectors[SECOND]) / 2
    for trained in (between + 0.5 * drift * own, vectors[FIRST] + drift * own, vectors[ROOT] + drift * own):
        assert lines(vectors, bfloat16(trained)) == ()
    assert lines(vectors, vectors[FIRST]) == ()


@pytest.mark.parametrize("drift", [0.003, 0.01])
@pytest.mark.parametrize("method", ["ties", "dare", "task"])
def test_light_changes_taken_over_name_their_parents(drift: float, method: str) -> None:
    vectors = light(3, drift)
    changes = vectors[[FIRST, SECOND]] - vectors[ROOT]
    merge = {
        "ties": ties(vectors, 0.5, 1.0),
        "dare": dare(vectors, 0.5, (0.6, 0.5), 3),
        "task": vectors[ROOT] + np.array([0.6, 0.7]) @ changes,
    }[method]
    assert parents_of(vectors, bfloat16(merge), 7) == {FIRST, SECOND}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("drift", [0.003, 0.01])
def test_light_training_takes_over_no_changes(seed: int, drift: float) -> None:
    vectors = light(seed, drift)
    own = np.random.default_rng(70 + seed).standard_normal(WIDTH) / np.sqrt(WIDTH)
    for trained in (
        vectors[FIRST] + drift * own,
        vectors[ROOT] + 0.5 * drift * own,
        vectors[FIRST] + vectors[SECOND] - vectors[ROOT] + 0.5 * drift * own,
        vectors[FIRST],
    ):
        assert parents_of(vectors, bfloat16(trained), 7) == set()


def test_layers_of_several_models_name_those_models_and_the_largest_part_first() -> None:
    weight = np.full(10, 0.1)
    held = np.zeros((5, 10), np.bool_)
    held[1, :4], held[3, 4:] = True, True
    held[4, :2] = True
    assert of_tensors(weight, held) == (3, 1)
    held[3, 4:6] = False
    held[0, 4:6] = True
    assert of_tensors(weight, held) is not None and set(of_tensors(weight, held) or ()) == {0, 1, 3}


def test_what_one_model_holds_alone_and_what_nobody_holds_is_no_merge() -> None:
    weight = np.full(10, 0.1)
    held = np.zeros((3, 10), np.bool_)
    held[1] = True
    held[2, :5] = True
    assert of_tensors(weight, held) is None
    held[1, 5:] = False
    assert of_tensors(weight, held) is None


def test_a_near_relative_of_a_parent_is_no_parent_of_a_mixture() -> None:
    """It lies next to the line: the squares that it misses are few, and the values are nearly all."""
    vectors = light(4, 0.01)
    own = np.random.default_rng(9).standard_normal(WIDTH) / np.sqrt(WIDTH)
    mixture = 0.5 * vectors[FIRST] + 0.5 * vectors[SECOND]
    near = vectors[FIRST] + 0.0008 * own
    assert lines(np.stack([vectors[ROOT], near, vectors[SECOND]]), mixture, 23) == ()
    assert lines(vectors[[ROOT, FIRST, SECOND]], mixture, 23) == (1, 2)


@pytest.mark.parametrize("seed", range(4))
def test_a_light_mixture_that_was_computed_in_bfloat16_from_finer_parents_names_both(seed: int) -> None:
    random = np.random.default_rng(seed)
    root = bfloat16(random.standard_normal(WIDTH) / np.sqrt(WIDTH))
    near, far = (
        (root + size * random.standard_normal(WIDTH) / np.sqrt(WIDTH)).astype(np.float32) for size in (2e-3, 1e-3)
    )
    cast = [parent.astype(ml_dtypes.bfloat16) for parent in (near, far)]
    merge = cast[0] * ml_dtypes.bfloat16(0.7) + cast[1] * ml_dtypes.bfloat16(0.3)
    slight = bfloat16(root + 3e-4 * random.standard_normal(WIDTH) / np.sqrt(WIDTH))
    vectors = np.stack([root, slight, near.astype(float), far.astype(float), merge.astype(float)])
    held = Samples(vectors, np.ones(WIDTH), np.array([7, 7, 23, 23, 7]), np.ones(len(vectors)))
    found = on_lines(np.square(vectors[:, None] - vectors).sum(axis=2), held)
    assert found == {4: (2, 3)}
