"""Embedding rows of shared tokens: a token's row with the same token's, beside that with another token's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...thresholds.comparison import FEW_TOKEN_ROWS
from .records import ClassCosine, EmbeddingFigure

Rows = NDArray[np.float64]
HIGH_COSINE = 0.9
"""The published figure counts tokens above it."""
_EDGES = tuple(np.linspace(-1.0, 1.0, 41).tolist())


def without_embedding(first: str, second: str, tokens: int, reason: str) -> EmbeddingFigure:
    """The record of two models whose rows cannot be compared."""
    return EmbeddingFigure(first, second, tokens, (), (), (), math.nan, math.nan, (), reason)


def embedding_figure(
    first: str, second: str, x: NDArray[np.float32], y: NDArray[np.float32], classes: Mapping[str, Sequence[int]]
) -> EmbeddingFigure:
    """Rows `x` and `y` [tokens, width] of the same tokens; `classes` has the places of every class among them."""
    if len(x) < FEW_TOKEN_ROWS:
        return without_embedding(first, second, len(x), f"{len(x)} tokens are in both vocabularies")
    a, b = x.astype(np.float64), y.astype(np.float64)
    other = np.roll(b, 1, axis=0)
    centred = cosines(a - a.mean(axis=0), b - b.mean(axis=0))
    centred_other = cosines(a - a.mean(axis=0), other - b.mean(axis=0))
    same, mismatched = cosines(a, b), cosines(a, other)
    every = {"all": range(len(x)), **classes}
    return EmbeddingFigure(
        first,
        second,
        len(x),
        _EDGES,
        _shares(same),
        _shares(mismatched),
        float(np.nanstd(mismatched)),
        float(np.nanstd(centred_other)),
        tuple(_class(name, np.array(places, np.int64), same, centred, mismatched) for name, places in every.items()),
        None,
    )


def cosines(x: Rows, y: Rows) -> NDArray[np.float64]:
    """The cosine [n] of every row with its counterpart; NaN for a row of zeros."""
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((x * y).sum(axis=1) / np.where(lengths > 0, lengths, np.nan))


def _shares(values: NDArray[np.float64]) -> tuple[float, ...]:
    found = values[np.isfinite(values)].clip(-1, 1)
    counts, _ = np.histogram(found, _EDGES)
    return tuple((counts / max(1, len(found))).tolist())


def _class(
    name: str,
    places: NDArray[np.int64],
    same: NDArray[np.float64],
    centred: NDArray[np.float64],
    mismatched: NDArray[np.float64],
) -> ClassCosine:
    there = places[np.isfinite(same[places])]
    return ClassCosine(
        name, len(there), _mean(same[there]), _mean(centred[there]), _mean(mismatched[there]),
        float((same[there] > HIGH_COSINE).mean()) if len(there) else math.nan,
    )  # fmt: skip


def _mean(values: NDArray[np.float64]) -> float:
    found = values[np.isfinite(values)]
    return float(found.mean()) if len(found) else math.nan
