"""Synthetic fingerprints with the statistics of real ones, at widths of real models: strangers, and families.

What trained strangers have (32 of them, `make bench-calibration`): sketches whose z has a mean of 0.0 to 0.1 and a
standard deviation of 0.97 (positions) and 1.05 (gram) over 496 pairs; column sets that share what random codes share.
So strangers here are random too, but for a small part that all have in common, which gives their sketches a z of 0.1 in
every role. Column sets are drawn from a universe of codes with fixed hashes, so that they collide as real ones do.

Sketches of activations are not so: unrelated models of one corpus and one vocabulary have a z of 3.8 +- 2.3, of two
vocabularies 0.6, and one model rewritten in every way 9 to 15 (`ingest.fingerprint.activation_sketch`). Strangers of
one of 300 vocabularies here share as much with each other, some more of it than others, and a rewritten model has 12.

A family is a root of 32 layers at hidden size 4096, and what was made of it, with the parents that must be found.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from forebear.ingest.fingerprint.minhash import CODES
from forebear.ingest.fingerprint.sketch import COLUMN_ROLES, GRAM_ROLES, POSITION_ROLES, column_bytes

Floats = NDArray[np.float32]
ROLES = POSITION_ROLES
LAYERS, HIDDEN, FFN, TOKENS = 32, 4096, 11_008, 24
WIDTHS = np.array([FFN if role == "down" else HIDDEN for role in ROLES])
FFN_ROLES = [ROLES.index(role) for role in ("gate", "up", "down")]
SURVIVORS = [ROLES.index(role) for role in COLUMN_ROLES]
DRIFTS = (0.01, 0.03, 0.1, 0.3)
COMMON = 0.02
"""What all strangers share, in standard deviations of a weight: their summed sketches then have a z of 0.1."""
VOCABULARIES = 300
SIGNS = 1024
"""Bits of the sketch of activations."""
_RANKS = 4096
_SEED = 20_260_101
_VOCABULARY = 0.432, 0.161
"""Mean and spread of what a model's moment has of its vocabulary's: products of two give pairs a z of 3.8 +- 2.3."""
_EVERYONE = 0.17
_SAMPLED_ANEW = 0.556
"""Correlation of two samples of neurons of one layer: their signs agree with a z of 12 +- 1."""


@lru_cache(maxsize=1)
def universe() -> NDArray[np.uint32]:
    """The lowest hashes of all codes of a role [7, 64, 4096], ascending: what minima are made of."""
    random = np.random.default_rng(_SEED)
    gaps = random.exponential(2.0**32 / CODES, (len(ROLES), 64, _RANKS))
    return np.cumsum(gaps, axis=2).clip(0, 2**32 - 1).astype(np.uint32)


@lru_cache(maxsize=1)
def common() -> tuple[Floats, Floats]:
    """What the positions [7, 256] and the gram [5, 120] of all models have in common."""
    random = np.random.default_rng(_SEED + 1)
    shapes = ((len(ROLES), 256), (len(GRAM_ROLES), 120))
    first, second = (np.float32(COMMON) * random.standard_normal(shape, np.float32) for shape in shapes)
    return first, second


@lru_cache(maxsize=1)
def common_moments() -> tuple[Floats, Floats]:
    """What the moments of activations have in common: of a vocabulary [300, 1024], of all models [1024]."""
    random = np.random.default_rng(_SEED + 2)
    return random.standard_normal((VOCABULARIES, SIGNS), np.float32), random.standard_normal(SIGNS, np.float32)


def moments(random: np.random.Generator, vocabulary: NDArray[np.int64]) -> Floats:
    """Second moments of activations [n, 1024] of models that share a vocabulary and nothing else."""
    theirs, everyones = common_moments()
    share = random.normal(*_VOCABULARY, len(vocabulary)).clip(0, 0.95).astype(np.float32)[:, None]
    own = random.standard_normal((len(vocabulary), SIGNS), np.float32)
    own *= np.sqrt(1 - _EVERYONE**2 - share**2, dtype=np.float32)
    own += share * theirs[vocabulary]
    own += np.float32(_EVERYONE) * everyones
    return own


def filled(columns: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Share of the universe that sets of so many random columns hold."""
    return np.asarray(-np.expm1(-np.asarray(columns) / CODES))


def first_ranks(random: np.random.Generator, share: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Ranks of the lowest hash of random sets that hold that share of the universe: geometric."""
    drawn = random.exponential(1.0, shape) / -np.log1p(-np.broadcast_to(share, shape))
    return np.minimum(drawn.astype(np.int64), _RANKS - 1)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The evidence of one model, in units of a standard deviation.

    `positions` [layers, 7, 256], `gram` [layers, 5, 120], `ranks` [layers, 7, 64] of minima in the universe, `gains`
    [2 x layers, 64], `tokens` [48, 64], `moment` [1024] of activations; `experts` copies of the FFN stand in every
    layer.
    """

    positions: Floats
    gram: Floats
    ranks: NDArray[np.int64]
    gains: Floats
    tokens: Floats
    moment: Floats
    experts: int = 0

    def layers(self, chosen: NDArray[np.int64]) -> Drawn:
        """Those layers alone, in that order."""
        gains = self.gains.reshape(-1, 2, 64)[chosen].reshape(-1, 64)
        return replace(
            self, positions=self.positions[chosen], gram=self.gram[chosen], ranks=self.ranks[chosen], gains=gains
        )


@dataclass(frozen=True, slots=True)
class Member:
    """One model of a family: how it was made, and the numbers of its parents in the family."""

    kind: str
    parents: tuple[int, ...]
    drawn: Drawn


def stranger(random: np.random.Generator) -> Drawn:
    """A model that has nothing in common with others but what all have."""
    positions, gram = common()
    return Drawn(
        positions + random.standard_normal((LAYERS, len(ROLES), 256), np.float32),
        gram + random.standard_normal((LAYERS, len(GRAM_ROLES), 120), np.float32),
        first_ranks(random, filled(WIDTHS)[:, None], (LAYERS, len(ROLES), 64)),
        random.standard_normal((2 * LAYERS, 64), np.float32),
        random.standard_normal((2 * TOKENS, 64), np.float32),
        moments(random, random.integers(0, VOCABULARIES, 1))[0],
    )


def drifted(random: np.random.Generator, one: Drawn, drift: float, *, correlation: float | None = None) -> Drawn:
    """Weights plus noise of `drift` standard deviations; with a `correlation`, of unchanged size."""
    keep, noise = (1.0, drift) if correlation is None else (correlation, math.sqrt(1 - correlation**2))

    def moved(values: Floats) -> Floats:
        return np.float32(keep) * values + np.float32(noise) * _normal(random, values)

    r = keep / math.hypot(keep, noise)
    share = filled(WIDTHS)[:, None]
    return replace(
        one,
        positions=moved(one.positions),
        gram=moved(one.gram),
        ranks=recoded(random, one.ranks, share, survival(r)),
        gains=np.float32(keep) * one.gains + np.float32(noise / 3) * _normal(random, one.gains),
        tokens=moved(one.tokens),
        moment=np.float32(r) * one.moment + np.float32(math.sqrt(1 - r * r)) * _normal(random, one.moment),
    )


def _normal(random: np.random.Generator, like: Floats) -> Floats:
    return random.standard_normal(like.shape, np.float32)


def recoded(
    random: np.random.Generator, ranks: NDArray[np.int64], share: NDArray[np.float64], kept: float
) -> NDArray[np.int64]:
    """Minima of sets of which that many codes are kept, the others replaced at random."""
    replaced = np.maximum(share * (1 - kept) / (1 - share * kept), 1e-12)
    arrived = first_ranks(random, replaced, ranks.shape)
    gone = random.random(ranks.shape) >= kept
    following = ranks + 1 + first_ranks(random, share, ranks.shape)
    return np.minimum(np.minimum(np.where(gone, following, ranks), arrived), _RANKS - 1)


@lru_cache(maxsize=256)
def survival(r: float) -> float:
    """Share of columns whose code stays when Gaussian weights keep a correlation `r`: simulated, seed fixed."""
    from forebear.ingest.fingerprint.minhash import column_codes

    random = np.random.default_rng(_SEED)
    first = random.standard_normal((16, 4_000)).astype(np.float32)
    other = random.standard_normal((16, 4_000)).astype(np.float32)
    moved = (r * first + math.sqrt(max(0.0, 1 - r * r)) * other).astype(np.float32)
    return float(np.mean(column_codes(first) == column_codes(moved)))


def quantised(random: np.random.Generator, one: Drawn, bits: int) -> Drawn:
    """Weights rounded to 2**bits steps of the largest of 32 neighbours."""
    largest = np.abs(random.standard_normal((*one.positions.shape, 32), np.float32)).max(axis=-1)
    step = np.maximum(largest, np.abs(one.positions)) / 2 ** (bits - 1)
    rounded = drifted(random, one, 0.27 * 2.0 ** (2 - bits))  # the error of that rounding, where cosines see it
    return replace(rounded, positions=(np.rint(one.positions / step) * step).astype(np.float32), gains=one.gains)


def merged(random: np.random.Generator, first: Drawn, second: Drawn) -> Drawn:
    """The mean of two models; column sets are as if the first had drifted a little."""
    both = drifted(random, first, 0.03)
    half = np.float32(0.5)
    return replace(
        both,
        positions=half * (first.positions + second.positions),
        gram=half * (first.gram + second.gram),
        gains=half * (first.gains + second.gains),
        tokens=half * (first.tokens + second.tokens),
        moment=half * (first.moment + second.moment),
    )


def rewritten(random: np.random.Generator, one: Drawn, *, rotated: bool) -> Drawn:
    """The same function in another basis: a rotated residual stream, or permuted heads and neurons.

    A rotation leaves the gram; a permutation of heads and neurons the column sets of o and down, and the tokens.
    """
    other = stranger(random)
    if rotated:
        return replace(other, gram=drifted(random, one, 0.06).gram, moment=one.moment)
    ranks = other.ranks.copy()
    ranks[:, SURVIVORS] = one.ranks[:, SURVIVORS]
    return replace(other, ranks=ranks, gains=one.gains, tokens=one.tokens, moment=sampled_anew(random, one.moment))


def everything_rewritten(random: np.random.Generator, one: Drawn) -> Drawn:
    """The same function with nothing left in its place: only what neurons do on tokens is as it was."""
    return replace(stranger(random), moment=sampled_anew(random, one.moment))


def sampled_anew(random: np.random.Generator, moment: Floats) -> Floats:
    """The moment [1024] as other neurons of the same layers show it."""
    noise = np.float32(math.sqrt(1 - _SAMPLED_ANEW**2)) * _normal(random, moment)
    return np.asarray(np.float32(_SAMPLED_ANEW) * moment + noise, np.float32)


def neurons_permuted(random: np.random.Generator, one: Drawn) -> Drawn:
    """Permuted neurons alone: attention stays in place."""
    other, found = stranger(random), drifted(random, one, 0.0)
    gram = found.gram.copy()
    found.positions[:, FFN_ROLES] = other.positions[:, FFN_ROLES]
    gram[:, [GRAM_ROLES.index(r) for r in ("gate", "up")]] = other.gram[:, 3:]
    ranks = np.where(np.isin(np.arange(len(ROLES)), [4, 5])[:, None], other.ranks, one.ranks)
    moment = sampled_anew(random, one.moment)
    return replace(found, gram=gram, ranks=ranks, gains=one.gains, tokens=one.tokens, moment=moment)


def narrowed(random: np.random.Generator, one: Drawn) -> Drawn:
    """A quarter of the hidden size cut, and trained on: gram correlates at 0.92, three quarters of the columns stay."""
    other = stranger(random)
    gram = drifted(random, one, 0.0, correlation=0.92).gram
    ranks = recoded(random, one.ranks, filled(WIDTHS)[:, None], 0.75 * survival(0.92))
    return replace(other, gram=gram, ranks=ranks)


def family(seed: int) -> Iterator[Member]:
    """A root, and a model for every kind of derivation. Root first; parents come before their children."""
    random = np.random.default_rng((_SEED, seed))
    root = stranger(random)
    yield Member("root", (), root)
    tunes = [drifted(random, root, drift) for drift in DRIFTS]
    for drift, tune in zip(DRIFTS, tunes, strict=True):
        yield Member(f"fine-tune, drift {drift:.0%}", (0,), tune)
    yield Member("fine-tune of a fine-tune", (3,), drifted(random, tunes[2], 0.03))
    yield Member("merge", (2, 3), merged(random, tunes[1], tunes[2]))
    yield Member("8-bit copy", (1,), quantised(random, tunes[0], 8))
    yield Member("4-bit copy", (1,), quantised(random, tunes[0], 4))
    yield Member("continued pretraining, r = 0.5", (0,), drifted(random, root, 0, correlation=0.5))
    half = np.sort(random.permutation(LAYERS)[: LAYERS // 2])
    yield Member("half the layers dropped", (0,), drifted(random, root.layers(half), 0.03))
    upscaled = np.concatenate([np.arange(24), np.arange(8, LAYERS)])
    yield Member("depth-upscaled", (0,), drifted(random, root.layers(upscaled), 0.1))
    yield Member("experts upcycled", (0,), replace(drifted(random, root, 0.05), experts=4))
    yield Member("width pruned", (0,), narrowed(random, root))
    yield Member("rotated", (0,), rewritten(random, root, rotated=True))
    yield Member("neurons permuted", (0,), neurons_permuted(random, root))
    yield Member("heads and neurons permuted", (0,), rewritten(random, root, rotated=False))
    tuned = drifted(random, rewritten(random, root, rotated=False), 0.01)
    yield Member("the same, fine-tuned", (0,), tuned)
    yield Member("everything rewritten", (0,), everything_rewritten(random, root))


MEMBERS = 19


@dataclass(frozen=True, slots=True)
class Bits:
    """A sketch as the registry keeps it; `positions` [224], `gram` [75], `columns`, `activations` [128] are bytes."""

    positions: NDArray[np.uint8]
    gram: NDArray[np.uint8]
    columns: NDArray[np.uint8]
    o_filled: float
    down_filled: float
    activations: NDArray[np.uint8]


def sketch_of(one: Drawn) -> Bits:
    """The sketch, made of arrays as `forebear.ingest.fingerprint.sketch` makes it of tensors."""
    union = one.ranks.min(axis=0)
    minima = np.take_along_axis(universe(), union[:, :, None], axis=2)[:, :, 0]
    layers = len(one.positions)
    o, down = (-math.expm1(-layers * WIDTHS[r] * max(1, one.experts * (r == 6)) / CODES) for r in SURVIVORS)
    return Bits(
        np.packbits(_summed(one.positions) > 0),
        np.packbits(_summed(one.gram) > 0),
        column_bytes(minima[SURVIVORS]).reshape(-1),
        o,
        down,
        np.packbits(one.moment > 0),
    )


def _summed(vectors: Floats) -> Floats:
    """Standardised vectors [layers, roles, width], summed over layers."""
    centred = vectors - vectors.mean(axis=2, keepdims=True)
    deviation = np.sqrt(np.square(centred).mean(axis=2, keepdims=True))
    return np.asarray((centred / deviation).sum(axis=0))


def fitting(random: np.random.Generator, bits: Bits) -> Drawn:
    """A stranger with this very sketch of positions and gram: weights are symmetric, so columns may change sign."""

    def flipped(vectors: Floats, packed: NDArray[np.uint8]) -> Floats:
        wanted = np.unpackbits(packed)[: vectors[0].size].reshape(vectors.shape[1:]).astype(np.bool_)
        return np.where((_summed(vectors) > 0) == wanted, vectors, -vectors).astype(np.float32)

    one = stranger(random)
    return replace(one, positions=flipped(one.positions, bits.positions), gram=flipped(one.gram, bits.gram))
