"""Every sketch against every other: the candidate stage of an audit, as blocked matrix products.

The scores are those of `candidates.sql`, for many queries at once. Signs become +-1, and a product of two sketches is
agreeing minus disagreeing signs; float32 holds these numbers exactly. Equal MinHash values are counted on their lower
16 bits and counted again in full for pairs that are kept (one chance match of 1,000 pairs; no kept pair has any).

Which pairs are kept. `candidates.sql` looks at the 24 nearest of a query whatever their z, which for one question costs
a second and for 20,000 costs hours. Here a pair below LEAST_Z takes part only where fewer than STRANGERS unrelated
models are expected as near, and above LEAST_Z too: z of unrelated sketches is a standard normal, so the bound is the
normal's quantile at STRANGERS / models. It is 2.5 in a registry of 17 models and 4.4 in one of 20,000; relations that
the sketch was made for have 14 and more. What is left out is what only luck could have found among so many: a mere
shared initialisation has a z of 1 to 3. With `nearest`, for registries where that is cheap, the 24 nearest are looked
at as well, and the candidates are those of `candidates.sql`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtri

from ..ingest.fingerprint.gram import COSINES
from ..ingest.fingerprint.minhash import PERMUTATIONS
from ..ingest.fingerprint.positions import MATRIX_VALUES
from .ancestors import FEWEST_CANDIDATES, LEAST_Z, MOST_CANDIDATES

STRANGERS = 0.1
"""Unrelated models that are expected among the candidates of one query, for each of positions and gram."""
ROWS, COLUMNS = 2_000, 4_000
_STRIP_BYTES = 1 << 27
"""Memory for the MinHash counts of one strip of rows, a byte a pair."""
_OWN = 255
_ANY = -1e30
_MINHASH_QUARTILE = 0.25


@dataclass(frozen=True)
class Sketches:
    """Sketches of one kind of component: `model` [n] ascending, packed signs [n, bytes], MinHashes [n, 64]."""

    model: NDArray[np.int64]
    component: NDArray[np.object_]
    position_roles: NDArray[np.uint8]
    gram_roles: NDArray[np.uint8]
    positions: NDArray[np.uint8]
    gram: NDArray[np.uint8]
    minhash: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.model)

    def take(self, index: NDArray[np.int64] | slice) -> Sketches:
        """Those of the rows `index`."""
        return Sketches(
            self.model[index],
            self.component[index],
            self.position_roles[index],
            self.gram_roles[index],
            self.positions[index],
            self.gram[index],
            self.minhash[index],
        )


@dataclass(frozen=True)
class Near:
    """Candidates of one strip of queries: rows of the queries and of the columns, and the largest z of each pair.

    `middle` [queries of the strip] is the lower quartile of equal MinHash values, from row `first` of the queries on.
    """

    first: int
    middle: NDArray[np.float64]
    query: NDArray[np.int64]
    column: NDArray[np.int64]
    z: NDArray[np.float64]


def sketches_by_kind(table: pa.Table) -> dict[str, Sketches]:
    """Kind of component -> the sketches of that kind, from the rows of `all_sketches.sql`."""
    names = table["component"].to_numpy(zero_copy_only=False)
    kinds = np.where(np.isin(names, ("encoder", "decoder")), "language", names)
    everything = Sketches(
        table["model_id"].to_numpy().astype(np.int64),
        names,
        table["position_roles"].to_numpy().astype(np.uint8),
        table["gram_roles"].to_numpy().astype(np.uint8),
        _packed(table["positions"]),
        _packed(table["gram"]),
        table["minhash"].combine_chunks().flatten().to_numpy().astype(np.uint32).reshape(-1, PERMUTATIONS),
    )
    return {str(kind): everything.take(np.flatnonzero(kinds == kind)) for kind in np.unique(kinds)}


def _packed(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    values = column.to_pylist()
    return np.frombuffer(b"".join(values), np.uint8).reshape(len(values), -1) if values else np.empty((0, 1), np.uint8)


def suggestive_z(models: int) -> float:
    """The z that STRANGERS of `models` unrelated models reach by chance."""
    return float(-ndtri(min(0.5, STRANGERS / max(1, models))))


def near_pairs(
    queries: Sketches,
    columns: Sketches,
    *,
    models: int,
    middle: NDArray[np.float64] | None = None,
    nearest: bool = False,
) -> Iterator[Near]:
    """The candidates of every query among the columns, a strip of queries at a time; a model is none of its own.

    `models` is the size of the whole registry, for the bound; `middle` [queries] are quartiles of equal MinHash values
    that are known already, where `columns` are only the new part of a registry. With `nearest` the FEWEST_CANDIDATES
    nearest by positions come always.
    """
    least = _ANY if nearest else suggestive_z(models)
    high = max(1, min(ROWS, _STRIP_BYTES // max(1, len(columns))))
    for first in range(0, len(queries), high):
        strip = queries.take(slice(first, first + high))
        known = None if middle is None else middle[first : first + high]
        yield _strip(strip, columns, first, least, known)


def _strip(strip: Sketches, columns: Sketches, first: int, least: float, known: NDArray[np.float64] | None) -> Near:
    equal = np.empty((len(strip), len(columns)), np.uint8)
    bounds = {"positions": least, "gram": max(least, LEAST_Z)}
    signs = {name: _signs(strip, name) for name in bounds}
    hits: dict[str, list[_Hits]] = {name: [] for name in bounds}
    for start in range(0, len(columns), COLUMNS):
        block = columns.take(slice(start, start + COLUMNS))
        own = strip.model[:, None] == block.model[None, :]
        for name, bound in bounds.items():
            z = _agreement(signs[name], strip, block, name)
            z[own] = -np.inf
            rows, at = np.nonzero(z >= bound)
            hits[name].append((rows, at + start, z[rows, at].astype(np.float64)))
        counts = _equal_values(strip.minhash, block.minhash)
        counts[own] = _OWN
        equal[:, start : start + len(block)] = counts
    middle = _quartiles(equal) if known is None else known
    chosen = [_nearest(_joined(found), nearest_always=name == "positions") for name, found in hits.items()]
    chosen.append(_nearest(_by_minhash(strip, columns, equal, middle), nearest_always=False))
    queries, others, largest = _once(_joined(chosen))
    return Near(first, middle, queries + first, others, largest)


_Hits = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Rows, columns and z of pairs."""
_WIDTH = {"positions": MATRIX_VALUES, "gram": COSINES}


def _signs(sketches: Sketches, name: str) -> NDArray[np.float32]:
    """The signs as +-1 [n, bits]; those of absent roles are -1 throughout."""
    packed = sketches.positions if name == "positions" else sketches.gram
    bits = np.unpackbits(packed, axis=1).astype(np.float32)
    return np.subtract(np.multiply(bits, 2, out=bits), 1, out=bits)


def _agreement(signs: NDArray[np.float32], strip: Sketches, block: Sketches, name: str) -> NDArray[np.float32]:
    """The z [n, m]: (agreeing - disagreeing) / sqrt(bits) over the roles that either has."""
    mine = strip.position_roles if name == "positions" else strip.gram_roles
    theirs = block.position_roles if name == "positions" else block.gram_roles
    width, total = _WIDTH[name], signs.shape[1]
    products = signs @ _signs(block, name).T
    if len(masks := np.unique(np.concatenate([mine, theirs]))) == 1:
        bits = np.float32(width * int(masks[0]).bit_count())
        products += bits - total
        products /= np.sqrt(np.maximum(bits, np.float32(1)))
        return products
    counts = np.array([width * mask.bit_count() for mask in range(256)], np.float32)
    bits = counts[mine[:, None] | theirs[None, :]]
    products += bits - np.float32(total)
    products /= np.sqrt(np.maximum(bits, 1))
    return products


def _equal_values(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Equal MinHash values [n, m] of [n, 64] and [m, 64], by their lower 16 bits."""
    mine, theirs = (np.ascontiguousarray(values.astype(np.uint16).T) for values in (first, second))
    counts = np.zeros((len(first), len(second)), np.uint8)
    same = np.empty(counts.shape, np.bool_)
    for one, other in zip(mine, theirs, strict=True):
        np.equal(one[:, None], other[None, :], out=same)
        counts += same.view(np.uint8)
    return counts


def _quartiles(equal: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The lower quartile of each row [n], the pairs of a model with itself left out (they are the largest)."""
    others = (equal != _OWN).sum(axis=1)
    at = (others - 1).clip(0) * _MINHASH_QUARTILE
    lower, upper = np.floor(at).astype(np.int64), np.ceil(at).astype(np.int64)
    if not equal.shape[1]:
        return np.zeros(len(equal))
    ordered = np.partition(equal, sorted({*lower.tolist(), *upper.tolist()}), axis=1)
    rows = np.arange(len(equal))
    low, high = ordered[rows, lower].astype(np.float64), ordered[rows, upper].astype(np.float64)
    return np.where(others > 0, low + (high - low) * (at - lower), 0.0)


def _by_minhash(strip: Sketches, columns: Sketches, equal: NDArray[np.uint8], middle: NDArray[np.float64]) -> _Hits:
    spread = np.maximum(np.sqrt(middle * (1 - middle / PERMUTATIONS)), 1.0)
    rows, at = np.nonzero((equal >= (middle + LEAST_Z * spread)[:, None]) & (equal != _OWN))
    exact = np.empty(len(rows))
    for start in range(0, len(rows), 1 << 18):
        part = slice(start, start + (1 << 18))
        exact[part] = (strip.minhash[rows[part]] == columns.minhash[at[part]]).sum(axis=1)
    z = (exact - middle[rows]) / spread[rows]
    sure = z >= LEAST_Z
    return rows[sure], at[sure], z[sure]


def _joined(found: list[_Hits]) -> _Hits:
    rows, at, z = (np.concatenate(part) for part in zip(*found, strict=True)) if found else _NOTHING
    return rows, at, z


_NOTHING: _Hits = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


def _nearest(found: _Hits, *, nearest_always: bool) -> _Hits:
    """Of each row the MOST_CANDIDATES largest z from LEAST_Z on, and the FEWEST_CANDIDATES largest of any if asked."""
    order = np.lexsort((found[1], -found[2], found[0]))
    rows, at, z = found[0][order], found[1][order], found[2][order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    keep = (z >= LEAST_Z) & (place < MOST_CANDIDATES)
    if nearest_always:
        keep |= place < FEWEST_CANDIDATES
    return rows[keep], at[keep], z[keep]


def _once(found: _Hits) -> _Hits:
    """Every pair once, with the largest z of any kind, in the order of rows and columns."""
    order = np.lexsort((-found[2], found[1], found[0]))
    rows, at, z = found[0][order], found[1][order], found[2][order]
    new = np.ones(len(rows), np.bool_)
    new[1:] = (rows[1:] != rows[:-1]) | (at[1:] != at[:-1])
    return rows[new], at[new], z[new]
