"""Significance of kinds of matrices: measured on layers of the pair that do not belong together, or not told at all."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from forebear.queries.comparison.case.kinds import evidence_matrices, kind_cell
from forebear.queries.comparison.case.token_classes import CLASSES, class_counts, token_class

Layers = dict[int, NDArray[np.float32]]


def layers(seed: int, count: int = 6, width: int = 64, common: float = 0.0) -> Layers:
    """Random layers [4, width] of length 1; with `common`, all share a direction, as trained ones may."""
    random = np.random.default_rng(seed)
    shared = random.normal(size=(4, width)) if common else 0.0
    found = {}
    for layer in range(count):
        values = random.normal(size=(4, width)) + common * shared
        values -= values.mean()
        found[layer] = (values / np.linalg.norm(values)).astype(np.float32)
    return found


def test_unrelated_layers_are_within_their_null() -> None:
    scores = []
    for seed in range(40):
        cell = kind_cell(layers(seed), layers(1000 + seed), None)
        assert cell is not None
        scores.append(cell.z)
    assert abs(float(np.mean(scores))) < 0.6 and 0.6 < float(np.std(scores)) < 1.6


def test_related_layers_stand_out_even_where_all_layers_are_alike() -> None:
    first = layers(1, common=0.5)
    cell = kind_cell(first, first, None)
    assert cell is not None and cell.z > 10 and len(cell.matched) == 6 and len(cell.apart) == 30
    assert float(cell.apart.mean()) > 0.1  # what all layers share is in the null, not in the figure


def test_layers_are_put_side_by_side_as_the_block_map_says() -> None:
    first = layers(1)
    moved = {layer + 1: values for layer, values in first.items()}
    by_number, by_map = kind_cell(first, moved, None), kind_cell(first, moved, {i: i + 1 for i in range(6)})
    assert by_number is not None and by_map is not None
    assert abs(by_number.matched.mean()) < 0.2 and by_map.matched.mean() > 0.99


def test_of_few_layers_or_other_widths_nothing_is_told() -> None:
    short = kind_cell(layers(1, count=2), layers(2, count=2), None)
    assert short is not None and math.isnan(short.z)
    assert kind_cell(layers(1), layers(2, width=32), None) is None


def test_the_width_of_most_layers_counts() -> None:
    mixed = layers(1) | {6: layers(3, count=1, width=32)[0]}
    cell = kind_cell(mixed, layers(2, count=7), None)
    assert cell is not None and len(cell.matched) == 6


def test_evidence_is_a_matrix_a_kind() -> None:
    (one,) = evidence_matrices(["a", "b"], {("a", "b"): {"gram": -5.0}})
    assert one.kind == "gram" and one.log10_p[0, 1] == -5 and math.isnan(one.log10_p[1, 0])


def test_every_token_has_one_class() -> None:
    tokens = [b" the", b"THE", b"a1", b"", b" ", "가".encode(), " 中".encode(), "かな".encode(), "é".encode(), b"\xff"]
    assert [token_class(token) for token in tokens] == [
        *("ASCII letters", "ASCII letters", "other ASCII", "other ASCII", "other ASCII"),
        *("Korean", "CJK", "CJK", "other scripts", "bytes"),
    ]
    assert set(class_counts(tokens)) <= set(CLASSES)
