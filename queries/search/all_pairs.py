"""Every sketch against every other: the candidate stage of an audit, as blocked matrix products.

The rule is that of `candidates`, the scores are those of `candidates.sql`, for many queries at once. Bits become +-1,
and a product of two sketches is agreeing minus disagreeing bits; float32 holds these numbers exactly.

One part of the rule costs a question a second and 20,000 questions hours: that the nearest are looked at whatever their
z. Without `nearest` one of them takes part only where fewer than UNRELATED_CANDIDATES unrelated models are expected as
near: z of unrelated sketches is a standard normal, so the bound is the normal's quantile at UNRELATED_CANDIDATES /
models. It is 2.5 in a registry of 17 models and 4.4 in one of 20,000; relations that the sketch was made for have 14
and more. What is left out is what only luck could have found among so many: a mere shared initialisation has a z of 1
to 3.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtri

from ...ingest.fingerprint.activation_sketch import SKETCH_BYTES
from ...ingest.fingerprint.gram import COSINES
from ...ingest.fingerprint.positions import MATRIX_VALUES
from ..data.component import components_meet
from ..thresholds.search import FAMILY_MEMBERS, FEWEST_CANDIDATES, MOST_CANDIDATES, UNRELATED_CANDIDATES
from .candidates import least_z, of_family

ROWS, COLUMNS = 2_000, 4_000
"""Queries and columns of a tile: 32 MB for each array of z, and a quarter of a second."""
HELD = 20_000_000
"""Hits that wait for the strip that they belong to, at most: 0.5 GB. Families of ten leave a million of 100,000."""
FEW_ROWS = 8
"""So few sketches are compared with the others bit by bit: for one and 100,000 others that takes 0.1 s, and to make +-1
of the others 3 s."""
_ANY = -1e30


@dataclass(frozen=True)
class Sketches:
    """Sketches of one kind of component: `model` [n] ascending, packed bits [n, bytes], shares of codes filled [n].

    `has_activations` [n] says which have signs of activations; those of the others are 0.
    """

    model: NDArray[np.int64]
    component: NDArray[np.object_]
    position_roles: NDArray[np.uint8]
    gram_roles: NDArray[np.uint8]
    positions: NDArray[np.uint8]
    gram: NDArray[np.uint8]
    columns: NDArray[np.uint8]
    o_filled: NDArray[np.float32]
    down_filled: NDArray[np.float32]
    activations: NDArray[np.uint8]
    has_activations: NDArray[np.bool_]

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
            self.columns[index],
            self.o_filled[index],
            self.down_filled[index],
            self.activations[index],
            self.has_activations[index],
        )

    def where(self, chosen: NDArray[np.bool_]) -> Sketches:
        """Those of the rows that are chosen [n]; all of them are not copied."""
        return self if chosen.all() else self.take(np.flatnonzero(chosen))


@dataclass(frozen=True)
class Near:
    """Candidates of one strip of queries: rows of the queries and of the columns, and the largest z of each pair."""

    query: NDArray[np.int64]
    column: NDArray[np.int64]
    z: NDArray[np.float64]


def sketches_by_kind(table: pa.Table) -> dict[str, Sketches]:
    """Kind of component -> the sketches of that kind, from the rows of `all_sketches.sql`."""
    names = table["component"].to_numpy(zero_copy_only=False)
    kinds = table["kind"].to_numpy(zero_copy_only=False)
    everything = Sketches(
        table["model_id"].to_numpy().astype(np.int64),
        names,
        table["position_roles"].to_numpy().astype(np.uint8),
        table["gram_roles"].to_numpy().astype(np.uint8),
        _packed(table["positions"]),
        _packed(table["gram"]),
        _packed(table["columns"]),
        table["o_filled"].to_numpy(),
        table["down_filled"].to_numpy(),
        _packed(table["activations"].fill_null(bytes(SKETCH_BYTES))),
        table["activations"].is_valid().to_numpy(),
    )
    return {str(kind): everything.take(np.flatnonzero(kinds == kind)) for kind in np.unique(kinds)}


def towers(sketches: dict[str, Sketches]) -> Iterator[tuple[Sketches, Sketches]]:
    """Sketches of different kinds that are compared all the same, each way: encoders and the towers they may be."""
    for kind, found in sketches.items():
        for other, columns in sketches.items():
            if kind == other:
                continue
            pairs = itertools.product(set(found.component), set(columns.component))
            met = [(first, second) for first, second in pairs if components_meet(first, second)]
            if met:
                first, second = (np.array(sorted(set(names)), object) for names in zip(*met, strict=True))
                mine, theirs = np.isin(found.component, first), np.isin(columns.component, second)
                yield found.where(mine), columns.where(theirs)


def _packed(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    values = column.to_pylist()
    return np.frombuffer(b"".join(values), np.uint8).reshape(len(values), -1) if values else np.empty((0, 1), np.uint8)


def suggestive_z(models: int) -> float:
    """The z that UNRELATED_CANDIDATES of `models` unrelated models reach by chance."""
    return float(-ndtri(min(0.5, UNRELATED_CANDIDATES / max(1, models))))


_Hits = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Rows, columns and z of pairs."""
Map = Callable[[Callable[["Tile"], "TileHits"], Iterable["Tile"]], Iterator[tuple["Tile", "TileHits"]]]
"""What does `work` for every tile, in order, as an Engine does: here, in other processes or on other machines."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A strip of queries, which begins at row `first`, and a strip of columns, from `start` on, to be compared.

    `both` says that queries and columns are one set, and that what is near counts for the columns as well. `least` and
    `suggestive` are the bounds of a z that counts by itself, and of one among the few nearest.
    """

    strip: Sketches
    block: Sketches
    first: int
    start: int
    both: bool
    least: float
    suggestive: float


@dataclass(frozen=True, slots=True)
class TileHits:
    """What is near by positions, gram, column sets and activations: of the queries, and with `both` of the columns."""

    queries: tuple[_Hits, ...]
    columns: tuple[_Hits, ...]


def near_pairs(
    queries: Sketches,
    columns: Sketches,
    *,
    models: int,
    nearest: bool = False,
    map_tiles: Map | None = None,
) -> Iterator[Near]:
    """The candidates of every query among the columns, a strip of queries at a time; a model is none of its own.

    `models` is the size of the whole registry, for the bounds; `columns` may be only the new part of it. With `nearest`
    the FEWEST_CANDIDATES nearest by positions come always. Where `queries` is `columns`, each pair of strips is
    compared once, for both. `map_tiles` computes the tiles, by default in this process.
    """
    suggestive = _ANY if nearest else suggestive_z(models)
    found = _Gathered(queries, columns, least_z(models), suggestive)
    for tile, hits in (map_tiles or _here)(tile_hits, found.tiles()):
        found.add(tile, hits)
        if found.is_last(tile):
            yield found.near(tile.first)


def _here(work: Callable[[Tile], TileHits], tiles: Iterable[Tile]) -> Iterator[tuple[Tile, TileHits]]:
    return ((tile, work(tile)) for tile in tiles)


class _Gathered:
    """Hits of strips whose tiles are not all there yet.

    A strip that was compared with all that come after it leaves them its hits; when HELD of them wait, the next strips
    are compared for themselves alone, and again when it is the turn of the others. So the hits that wait have a limit.
    """

    def __init__(self, queries: Sketches, columns: Sketches, least: float, suggestive: float) -> None:
        self._queries, self._columns = queries, columns
        self._same = queries is columns and suggestive > _ANY  # of `nearest` every pair is a hit, and waits
        self._least, self._suggestive = least, suggestive
        self._waiting: dict[int, list[list[_Hits]]] = {}
        self._last: dict[int, int] = {}
        self._alone: list[int] = []

    def tiles(self) -> Iterator[Tile]:
        """The tiles of all strips, in the order of the queries."""
        width = ROWS if self._same else COLUMNS
        starts = list(range(0, len(self._columns), width)) or [0]
        for first in range(0, len(self._queries), ROWS):
            both = self._same and self._held() < HELD
            mine = [s for s in starts if s >= first or s in self._alone] if self._same else starts
            if self._same and not both:
                self._alone.append(first)
            self._last[first] = mine[-1]
            strip = self._queries.take(slice(first, first + ROWS))
            for start in mine:
                block = self._columns.take(slice(start, start + width))
                yield Tile(strip, block, first, start, both and start > first, self._least, self._suggestive)

    def _held(self) -> int:
        return sum(len(rows) for strips in self._waiting.values() for kind in strips for rows, _, _ in kind)

    def add(self, tile: Tile, hits: TileHits) -> None:
        """Keep the hits of a tile, of every query and kind no more than count."""
        self._keep(tile.first, hits.queries)
        if tile.both:
            self._keep(tile.start, hits.columns)

    def _keep(self, first: int, hits: tuple[_Hits, ...]) -> None:
        strip = self._waiting.setdefault(first, [[] for _ in _MOST])
        for kind, more, most in zip(strip, hits, _MOST, strict=True):
            kind.append(more)
            if sum(len(rows) for rows, _, _ in kind) > 2 * ROWS * most:
                kind[:] = [_nearest(_joined(kind), most, _ANY)]

    def is_last(self, tile: Tile) -> bool:
        """Whether the strip of a tile has no others."""
        return tile.start == self._last[tile.first]

    def near(self, first: int) -> Near:
        """The candidates of a strip all of whose tiles were added."""
        by_positions, gram, sets, neurons = (_joined(kind) for kind in self._waiting.pop(first))
        least = self._least
        chosen = [
            _nearest(by_positions, FEWEST_CANDIDATES, _ANY),
            _of_families(_nearest(by_positions, FAMILY_MEMBERS, least), self._columns.positions),
            _nearest(gram, MOST_CANDIDATES, least),
            _nearest(sets, FEWEST_CANDIDATES, least),
            _nearest(neurons, FEWEST_CANDIDATES, least),
        ]
        queries, others, largest = _once(_joined(chosen))
        return Near(queries + first, others, largest)


def tile_hits(tile: Tile) -> TileHits:
    """What is near in a tile: a function of its argument alone, which any process can compute."""
    strip, block, least = tile.strip, tile.block, tile.least
    own = strip.model[:, None] == block.model[None, :]
    positions = _agreement(strip.positions, block.positions, MATRIX_VALUES, strip.position_roles, block.position_roles)
    gram = _agreement(strip.gram, block.gram, COSINES, strip.gram_roles, block.gram_roles)
    sets = _column_z(strip, block)
    neurons = _activation_z(strip, block)
    far = (positions < least) & ~own
    wanted = (
        (positions >= min(least, tile.suggestive)) & ~own,
        (gram >= least) & far,
        (sets >= least) & far & (gram < least),
        (neurons >= least) & ~own,
    )
    mine: list[_Hits] = []
    theirs: list[_Hits] = []
    for z, mask, most in zip((positions, gram, sets, neurons), wanted, _MOST, strict=True):
        rows, at = np.nonzero(mask)
        values = z[rows, at].astype(np.float64)
        mine.append(_nearest((rows, at + tile.start, values), most, _ANY))
        if tile.both:
            theirs.append(_nearest((at, rows + tile.first, values), most, _ANY))
    return TileHits(tuple(mine), tuple(theirs))


def _products(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Agreeing minus disagreeing bits [n, m] of packed bits [n, bytes] and [m, bytes]."""
    if not 0 < min(len(first), len(second)) <= FEW_ROWS:
        return np.asarray(_signs(first) @ _signs(second).T, np.float32)
    if len(first) < len(second):
        return _products(second, first).T
    apart = [np.bitwise_count(first ^ row).sum(axis=1, dtype=np.int32) for row in second]
    return np.stack([np.float32(8 * first.shape[1]) - 2 * bits.astype(np.float32) for bits in apart], axis=1)


def _signs(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Packed bits [n, bytes] as +-1 [n, bits]; those of absent roles are -1 throughout."""
    bits = np.unpackbits(packed, axis=1).astype(np.float32)
    return np.subtract(np.multiply(bits, 2, out=bits), 1, out=bits)


def _agreement(
    first: NDArray[np.uint8],
    second: NDArray[np.uint8],
    width: int,
    mine: NDArray[np.uint8],
    theirs: NDArray[np.uint8],
) -> NDArray[np.float32]:
    """The z [n, m] of packed signs: (agreeing - disagreeing) / sqrt(bits) over roles that either has, `width` each."""
    total = np.float32(8 * first.shape[1])
    products = _products(first, second)
    if len(masks := np.unique(np.concatenate([mine, theirs]))) == 1:
        bits = np.float32(width * int(masks[0]).bit_count())
        products += bits - total
        products /= np.sqrt(np.maximum(bits, np.float32(1)))
        return products
    counts = np.array([width * mask.bit_count() for mask in range(256)], np.float32)
    wide = counts[mine[:, None] | theirs[None, :]]
    products += wide - total
    products /= np.sqrt(np.maximum(wide, 1))
    return products


def _activation_z(strip: Sketches, block: Sketches) -> NDArray[np.float32]:
    """The z [n, m] of signs of activations, _ANY where one side has none."""
    if not (strip.has_activations.any() and block.has_activations.any()):
        return np.full((len(strip), len(block)), _ANY, np.float32)
    products = _products(strip.activations, block.activations) / np.float32(np.sqrt(8 * SKETCH_BYTES))
    products[~(strip.has_activations[:, None] & block.has_activations[None, :])] = _ANY
    return products


def _column_z(strip: Sketches, block: Sketches) -> NDArray[np.float32]:
    """The z [n, m] of column sets: bits that agree beyond what sets of such sizes share by chance."""
    products = _products(strip.columns, block.columns)
    o = _strange(strip.o_filled, block.o_filled)
    down = _strange(strip.down_filled, block.down_filled)
    expected = 256 * (o + down)  # bits apart, of 512 a role
    variance = 128 * (o * (9 - 8 * o) + down * (9 - 8 * down))
    apart = (8 * strip.columns.shape[1] - products) / 2
    return ((expected - apart) / np.sqrt(np.maximum(variance, 1))).astype(np.float32)


def _strange(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """The share [n, m] of minima that are not equal by chance, of sets that fill these shares of all codes."""
    shared = first[:, None] * second[None, :]
    either = first[:, None] + second[None, :] - shared
    return np.where(either > 0, 1 - shared / np.where(either > 0, either, 1), 0).astype(np.float32)


def _joined(found: list[_Hits]) -> _Hits:
    rows, at, z = (np.concatenate(part) for part in zip(*found, strict=True)) if found else _NOTHING
    return rows, at, z


_MOST = (FAMILY_MEMBERS, MOST_CANDIDATES, FEWEST_CANDIDATES, FEWEST_CANDIDATES)
"""Hits of one query, at most, by positions, gram, column sets and activations: of any family no more counts."""
_NOTHING: _Hits = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


def _nearest(found: _Hits, most: int, least: float) -> _Hits:
    """Of each row the `most` largest z from `least` on."""
    order = np.lexsort((found[1], -found[2], found[0]))
    rows, at, z = found[0][order], found[1][order], found[2][order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    keep = (z >= least) & (place < most)
    return rows[keep], at[keep], z[keep]


def _of_families(found: _Hits, positions: NDArray[np.uint8]) -> _Hits:
    """Of each row's family, the nearest first, what `of_family` takes; `positions` [m, bytes]: signs of the columns."""
    rows, at, z = found
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    families = np.split(np.arange(len(rows)), starts[1:])
    keep = np.concatenate([f if len(f) <= MOST_CANDIDATES else f[of_family(positions[at[f]])] for f in families])
    return rows[keep], at[keep], z[keep]


def _once(found: _Hits) -> _Hits:
    """Every pair once, with the largest z of any kind, in the order of rows and columns."""
    order = np.lexsort((-found[2], found[1], found[0]))
    rows, at, z = found[0][order], found[1][order], found[2][order]
    new = np.ones(len(rows), np.bool_)
    new[1:] = (rows[1:] != rows[:-1]) | (at[1:] != at[:-1])
    return rows[new], at[new], z[new]
