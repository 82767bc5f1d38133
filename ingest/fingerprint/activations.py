"""What neurons do on tokens: vectors that no function-preserving rewrite of a model changes.

The embedding rows X of fixed tokens go through the norm in front of a feed-forward layer and through its first matrix:
T = X g W'. Rotating or permuting the residual stream cancels in that product, a gain and its inverse in W too, and
whatever is done to heads, values, `up` or `down` is not read. Shuffled neurons are the same vectors in another order.

Vectors of unrelated models share what tokens share (digits are alike in every model). So T is whitened over tokens: the
Gram matrix K of X, which no rewrite changes either, is inverted out of it symmetrically, which leaves every value with
its token. Measured: the mean best cosine of unrelated neurons is then 0.386 +- 0.002 in all 180 pairs of layers of
SmolLM2 and MiniLM; a continued pretraining stands 44 spreads above its mismatched layers instead of 13.

*Limitations.* Nothing can be said where the embedding was replaced or has no tokens for single characters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..hashing import hash_bytes

CHARACTERS = "!\"#$%&'()*+,-./0123456789:;<=>?@[\\]_abcdefghijklmnopqrstuvwxyz{}"
"""The tokens, a character each: printable ASCII without capitals (uncased vocabularies have none) and without ^ ` | ~.

Of tokens chosen by hash, SmolLM2 and MiniLM share 3 of 64; of these all 64. They stand together in most vocabularies,
so that one to five reads fetch them.
"""
TOKENS = len(CHARACTERS)
FEW_TOKENS = 40
"""With fewer shared characters than this activations are not compared: the null was measured on 64, and nothing is
lost at 48.

Set on: SmolLM2-135M and all-MiniLM-L6-v2.
Measured again by: pytest tests/queries/evidence/test_activations.py
"""
RIDGE = 0.1
"""Added to the eigenvalues of the tokens' Gram matrix before they are inverted, as a share of their mean.
Directions weaker than that are noise in a quantised embedding. 0 and 0.02 to 1 were tried.

Set on: SmolLM2-135M and all-MiniLM-L6-v2, their rewritten and quantised copies.
Measured again by: make bench-activations
"""
LEVELS, CLIP = 3, 2.0
"""A value is an integer from -LEVELS to LEVELS, 3 bits; CLIP standard deviations and more are the last level.

With 4 bits (2 bits) a shuffled, ternary SmolLM2 is found at p = 1e-222 (1e-169), with 3 at 1e-285: no difference, but
a third less (a third more) to keep."""
BITS = 3
VECTOR_BYTES = TOKENS * BITS // 8

Levels = NDArray[np.int8]
"""Vectors of neurons, [neurons, TOKENS]: 0 for a token that is not there."""


@dataclass(frozen=True, slots=True)
class TokenInputs:
    """Rows of an embedding made ready: `inputs` float64 [n, d], `whitening` [n, n], of the tokens `present` int64 [n].

    `present` are places in CHARACTERS, ascending.
    """

    present: NDArray[np.int64]
    inputs: NDArray[np.float64]
    whitening: NDArray[np.float64]

    @property
    def mask(self) -> int:
        """Bit i says that CHARACTERS[i] is there."""
        return sum(1 << int(place) for place in self.present)


def character_keys() -> NDArray[np.uint64]:
    """The hashes uint64 [TOKENS] of the characters' texts, in their order."""
    return hash_bytes(c.encode() for c in CHARACTERS)


def token_inputs(present: NDArray[np.int64], rows: NDArray[np.float32], *, layer_norm: bool) -> TokenInputs | None:
    """Embedding rows float32 [n, d] of the characters `present` [n], normalised and with their whitening.

    Every row is scaled to unit RMS, minus its own mean where the model's norms are LayerNorms; then the mean of all
    rows is taken out. None where fewer than FEW_TOKENS rows are left that are not zero.
    """
    wide = np.where(np.isfinite(rows), rows, 0).astype(np.float64)
    if layer_norm:
        wide = wide - wide.mean(axis=1, keepdims=True)
    largest = np.abs(wide).max(axis=1, initial=0)
    some = largest > 0
    if np.count_nonzero(some) < FEW_TOKENS:
        return None
    wide = wide[some] / largest[some, None]  # squares of float32 values may be too small for any float
    wide = wide / np.sqrt(np.square(wide).mean(axis=1, keepdims=True))
    wide = wide - wide.mean(axis=0)
    return TokenInputs(present[some], wide, _whitening(wide))


def _whitening(inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The symmetric inverse root of the Gram matrix of `inputs` [n, d], with a ridge: ZCA, [n, n]."""
    values, vectors = np.linalg.eigh(inputs @ inputs.T / inputs.shape[1])
    values = np.maximum(values, 0)
    kept = values > 1e-6 * values.max()
    mean = values[kept].mean() if kept.any() else 1.0
    roots = np.where(kept, 1 / np.sqrt(values + RIDGE * mean), 0)
    return np.asarray((vectors * roots) @ vectors.T)


def neuron_vectors(tokens: TokenInputs, weights: NDArray[np.float32], gain: NDArray[np.float32] | None) -> Levels:
    """The vectors int8 [neurons, TOKENS] of the neurons whose weights are the rows `weights` float32 [neurons, d].

    `gain` [d] is that of the norm before them. A neuron that is the same on every token is 0 throughout.
    """
    clean = np.where(np.isfinite(weights), weights, 0).astype(np.float64)
    gains = 1.0 if gain is None else np.where(np.isfinite(gain), gain, 0).astype(np.float64)
    values = (tokens.whitening @ (tokens.inputs * gains @ clean.T)).T
    values = values - values.mean(axis=1, keepdims=True)
    deviation = values.std(axis=1, keepdims=True)
    scaled = values / np.where(deviation > 0, deviation, 1)
    levels = np.zeros((len(values), TOKENS), np.int8)
    levels[:, tokens.present] = np.rint(np.clip(scaled / CLIP, -1, 1) * LEVELS)
    return levels


def pack(levels: Levels) -> bytes:
    """Vectors [neurons, TOKENS] as 24 bytes each; `unpack(pack(levels), len(levels))` is `levels`."""
    raised = (levels.reshape(-1, 1) + np.int8(LEVELS)).astype(np.uint8)
    return np.packbits(np.unpackbits(raised, axis=1)[:, -BITS:]).tobytes()


def unpack(data: bytes) -> Levels:
    """Vectors int8 [neurons, TOKENS] from what `pack` made; an incomplete vector at the end is left out."""
    neurons = len(data) // VECTOR_BYTES
    bits = np.unpackbits(np.frombuffer(data, np.uint8, neurons * VECTOR_BYTES)).reshape(-1, BITS)
    raised = bits @ np.array([4, 2, 1], np.uint8)
    return (raised.astype(np.int8) - np.int8(LEVELS)).reshape(neurons, TOKENS).clip(-LEVELS, LEVELS)
