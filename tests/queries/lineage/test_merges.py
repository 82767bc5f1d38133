"""Merges made in known ways, beside models that were trained and only look alike."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.queries.lineage.merges import of_changes, of_tensors, on_lines

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


def parents_of(vectors: NDArray[np.float64], merge: NDArray[np.float64]) -> set[int]:
    found = of_changes(np.vstack([vectors, merge]), len(vectors), [ROOT], range(len(vectors)))
    return set(found or ())


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
    stored = np.vstack([vectors, dare(vectors, 0.5, (0.5, 0.5), 4)]).astype(np.float32)
    rounded = ((stored.view(np.uint32) + 0x8000) & 0xFFFF0000).view(np.float32).astype(np.float64)
    assert parents_of(rounded[:-1], rounded[-1]) == {FIRST, SECOND}


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
    assert on_lines(squared) == {4: (FIRST, SECOND)}


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
