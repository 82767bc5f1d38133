"""HuRef: terms of a transformer that permutations and rotations of its inside leave alone.

Zeng et al. 2023, arXiv 2312.04828: with the embeddings X of some tokens, X Wq' Wk X', X Wv' Wo' X' and X W1' W2' X'
of the last two layers; the score is the mean cosine of the six terms. The paper takes rare tokens; here they are
chosen by a hash of their text, so that models with different vocabularies share some.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..weights import Matrix, Weights
from . import ATTENTION, Method

TOKENS, LAYERS = 128, 2


@dataclass(frozen=True)
class Terms:
    """Terms [tokens, tokens] by (layer from the top, kind), and the tokens they are about."""

    tokens: list[str]
    terms: dict[tuple[int, str], NDArray[np.float32]]


def terms(weights: Weights) -> Terms:
    """The invariant terms of one model."""
    chosen = sorted(weights.spelled, key=lambda token: (zlib.crc32(token.encode()), token))[:TOKENS]
    if weights.embedding is None:
        return Terms([], {})
    rows = weights.embedding[[weights.spelled[token] for token in chosen]]
    stacks = {role: weights.stack(role) for role in ("q", "k", "v", "o", "up", "down")}
    found: dict[tuple[int, str], NDArray[np.float32]] = {}
    for depth in range(min(LAYERS, weights.layers)):
        q, k, v, o, up, down = (stack[-1 - depth] for stack in stacks.values())
        if q is not None and k is not None and v is not None and o is not None:
            found[depth, "qk"] = (rows @ q.T) @ (rows @ widened(k, weights).T).T
            found[depth, "vo"] = (rows @ widened(v, weights).T) @ (rows @ o).T
        if up is not None and down is not None:
            found[depth, "ffn"] = (rows @ up.T) @ (rows @ down).T
    return Terms(chosen, found)


def widened(matrix: Matrix, weights: Weights) -> Matrix:
    """K or v [kv_heads x size, in] with every head repeated for the query heads that share it."""
    heads = matrix.reshape(weights.kv_heads, -1, matrix.shape[1])
    return heads.repeat(weights.heads // weights.kv_heads, axis=0).reshape(-1, matrix.shape[1])


def similarity(first: Terms, second: Terms) -> float:
    """Mean cosine of equal terms over shared tokens; nan with fewer than two tokens or no term."""
    places = {token: i for i, token in enumerate(second.tokens)}
    shared = [(i, places[token]) for i, token in enumerate(first.tokens) if token in places]
    if len(shared) < 2:
        return math.nan
    mine, theirs = (np.array(side) for side in zip(*shared, strict=True))
    values = []
    for key, term in first.terms.items():
        if key in second.terms:
            one, other = term[np.ix_(mine, mine)], second.terms[key][np.ix_(theirs, theirs)]
            values.append(float(np.vdot(one, other) / (np.linalg.norm(one) * np.linalg.norm(other))))
    return sum(values) / len(values) if values else math.nan


METHOD = Method(
    "HuRef", "arXiv 2312.04828", ATTENTION | {"up", "down", "embed"}, terms, similarity, layers=LAYERS, tokens=TOKENS
)
