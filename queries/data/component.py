"""The fingerprints of one component of one model, as arrays that can be compared with another's."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from ...ingest.fingerprint.gram import UNIT
from ...ingest.fingerprint.positions import kernel_shape
from ...ingest.names.naming import ADAPTER
from ..statistics.factors import equal_spectrum, kept_ranks
from ..statistics.null import equal_spectrum_gram, standardised

FFN_ROLES = frozenset({"gate", "up", "down"})
VectorKey = tuple[int, str, str, tuple[int, ...], int]
"""Expert, role, slot and shape, and which of those of one layer that share these: most have one."""
_KINDS = {"encoder": "language", "decoder": "language"}


def kind_of(component: str) -> str:
    """What components of that name are compared by: an encoder and a decoder are language too."""
    return _KINDS.get(component, component)


_TOWERS = frozenset({"vision", "audio"})
"""What an `encoder` may be called inside a larger model: Whisper's as the audio tower of an assistant, a ViT that a
captioner reads images with. The registry says the same as `components_meet`."""


def components_meet(first: str, second: str) -> bool:
    """Whether components of these names are compared: those of one kind, and an encoder with the tower it may be."""
    if kind_of(first) == kind_of(second):
        return True
    return (first == "encoder" and second in _TOWERS) or (second == "encoder" and first in _TOWERS)


@dataclass(frozen=True)
class Evidence:
    """Vectors of one kind: `value` [n, width] of the tensors `tensor` [n] of a component, ascending."""

    tensor: NDArray[np.int64]
    value: NDArray[np.float32] | NDArray[np.uint32]


@dataclass(frozen=True)
class Tokens:
    """Rows of an embedding or a head: `keys` uint64 [n] ascending, `values` float32 [n, 64]."""

    tensor: int
    keys: NDArray[np.uint64]
    values: NDArray[np.float32]
    made: dict[str, NDArray[np.float64]] = field(default_factory=dict, compare=False, repr=False)
    """What was computed of all rows once, for any number of comparisons."""


@dataclass(frozen=True)
class Neurons:
    """Neurons of the matrix `tensor` as vectors int8 [n, 64] over the characters that the bits of `tokens` name."""

    tensor: int
    tokens: int
    levels: NDArray[np.int8]

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """The vectors [n, 64], centred over their tokens and of length 1; 0 for a neuron that never varies."""
        return unit_vectors(self.levels, self.tokens)

    def over(self, tokens: int) -> NDArray[np.float32]:
        """The vectors over some of their tokens only: bits as in `tokens`."""
        return self.vectors if tokens == self.tokens else unit_vectors(self.levels, tokens)


def unit_vectors(levels: NDArray[np.int8], tokens: int) -> NDArray[np.float32]:
    """Vectors int8 [n, 64], centred and scaled to length 1 over the tokens whose bits are set, 0 elsewhere."""
    some = np.flatnonzero([tokens >> place & 1 for place in range(levels.shape[1])])
    values = levels[:, some].astype(np.float32)
    values = values - values.mean(axis=1, keepdims=True) if len(some) else values
    length = np.linalg.norm(values, axis=1, keepdims=True)
    vectors = np.zeros(levels.shape, np.float32)
    vectors[:, some] = values / np.where(length > 0, length, np.float32(1))
    return vectors


@dataclass(frozen=True)
class Component:
    """One component. Arrays are over its tensors; `layer` and `expert` are -1 where there is none."""

    model_id: int
    name: str
    names: list[str]
    roles: list[str]
    slots: list[str]
    dtypes: list[str]
    shapes: list[tuple[int, ...]]
    layer: NDArray[np.int64]
    expert: NDArray[np.int64]
    represents: NDArray[np.float64]
    sampled: NDArray[np.int64]
    levels: NDArray[np.float64]
    hash: NDArray[np.uint64]
    read: NDArray[np.bool_]
    kinds: dict[str, Evidence]
    tokens: dict[str, Tokens]
    activations: tuple[Neurons, ...] = ()
    deviation: NDArray[np.float64] | None = None
    """Standard deviation of what was read of every tensor; None where nobody needs to know."""
    skipped: float = 0.0
    """Parameters of tensors that were not read at all, and so are none of those above."""

    @property
    def kind(self) -> str:
        """What it is compared by, as `kind_of` says."""
        return kind_of(self.name)

    def meets(self, other: Component) -> bool:
        """Whether the two are compared, as `components_meet` says."""
        return components_meet(self.name, other.name)

    @cached_property
    def network(self) -> bool:
        """Whether nothing stands in layers: every matrix is a block of its own then, compared by shape alone."""
        return not bool((self.layer >= 0).any())

    @cached_property
    def inputs(self) -> NDArray[np.int64]:
        """Columns of every tensor as a matrix."""
        return np.array([math.prod(s[1:]) for s in self.shapes], np.int64)

    @cached_property
    def _role_masks(self) -> dict[tuple[str, ...], NDArray[np.bool_]]:
        return {}

    def with_role(self, *roles: str) -> NDArray[np.bool_]:
        """Which tensors have one of these roles; computed once for all comparisons."""
        if roles not in self._role_masks:
            self._role_masks[roles] = np.array([role in roles for role in self.roles], np.bool_)
        return self._role_masks[roles]

    @cached_property
    def keys(self) -> list[str]:
        """What two tensors must share to be compared: role and slot; shape and order in the block for unknown ones."""
        layers, experts = tuple(self.layer.tolist()), tuple(self.expert.tolist())
        return list(_keys(tuple(self.names), tuple(self.roles), tuple(self.slots), tuple(self.shapes), layers, experts))

    @cached_property
    def standardised(self) -> NDArray[np.float32]:
        """Positions, each centred and scaled to length 1: a product of two is their correlation."""
        return standardised(self.positions.value.astype(np.float32), self.sampled[self.positions.tensor])

    @cached_property
    def _equal_spectrum_grams(self) -> NDArray[np.float32]:
        return equal_spectrum_gram(self.kinds["gram"].value.astype(np.float64) / UNIT)

    @cached_property
    def grams(self) -> NDArray[np.float32]:
        """Gram vectors with equal spectra, each centred and scaled to length 1."""
        found = self._equal_spectrum_grams
        return standardised(found, np.full(len(found), found.shape[1]))

    @cached_property
    def magnitudes(self) -> NDArray[np.float32]:
        """The magnitudes of Gram vectors with equal spectra, centred and scaled to length 1.

        Flipping the signs of rows flips those of their cosines and leaves the eigenvalues as they are.
        """
        found = np.abs(self._equal_spectrum_grams)
        return standardised(found, np.full(len(found), found.shape[1]))

    @property
    def column_sets(self) -> NDArray[np.uint32]:
        """MinHashes of column sets."""
        return self.kinds["minhash"].value.astype(np.uint32, copy=False)

    @cached_property
    def parameters(self) -> NDArray[np.float64]:
        """Parameters that every tensor stands for; a tied head that is stored too is the embedding and counts there."""
        roles = np.array(self.roles)
        tied = (roles == "head") & ~self.read & bool((self.read & (roles == "embed")).any())
        return np.where(tied, 0.0, self.represents)

    @cached_property
    def context(self) -> NDArray[np.int64]:
        """Tensors that can have no match but were read, such as gains, biases and tiny matrices; constants left out."""
        varied = np.ones(len(self.names), np.bool_) if self.deviation is None else self.deviation > 0
        return np.flatnonzero(~self.scorable & self.read & (self.hash != 0) & varied)

    @cached_property
    def scorable(self) -> NDArray[np.bool_]:
        """Which tensors can have a match at all: matrices with positions, and token rows."""
        found = np.zeros(len(self.names), np.bool_)
        found[self.positions.tensor] = True
        found[[t.tensor for t in self.tokens.values()]] = True
        return found

    def evidence(self, kind: str) -> Evidence:
        """The evidence of one kind."""
        return self.kinds[kind]

    @property
    def positions(self) -> Evidence:
        """Values float32 [n, 256] at fixed places."""
        return self.kinds["positions"]

    @property
    def vector(self) -> Evidence:
        """Norm gains and biases float32 [n, 64]: context, never evidence."""
        return self.kinds["vector"]

    def vectors(self, kind: str) -> NDArray[np.float32]:
        """Vectors of length 1 of a kind that is compared by correlation; what their significance follows from."""
        if kind == "positions":
            return self._equal_spectrum[0] if self.kind == ADAPTER else self.standardised
        return self.grams

    def independent(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many values the positions `rows` count for: those sampled, fewer for the factors of an adapter."""
        return self._equal_spectrum[1][rows] if self.kind == ADAPTER else self.sampled[self.positions.tensor[rows]]

    @cached_property
    def _equal_spectrum(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Positions of an adapter's factors, of equal spectrum and standardised, and what they count for."""
        tensors = self.positions.tensor
        ranks = np.array([kept_ranks(self.slots[t], self.shapes[t]) for t in tensors], np.int64)
        values, count = equal_spectrum(self.positions.value.astype(np.float32), ranks, self.sampled[tensors])
        return standardised(values, self.sampled[tensors]), count

    @cached_property
    def squared_lengths(self) -> NDArray[np.float64]:
        """Sums of squares of the raw positions."""
        return np.asarray(np.square(self.positions.value.astype(np.float64)).sum(axis=1))

    @cached_property
    def _vectors_by_key(self) -> dict[tuple[str, str, bool], NDArray[np.float32]]:
        return {}

    def vectors_of(self, kind: str, key: str, *, unsigned: bool = False) -> NDArray[np.float32]:
        """The rows of `vectors(kind)` that `rows_by_key` gives for a key, copied once for any number of comparisons.

        Where `unsigned`, those of the magnitudes of Gram vectors.
        """
        known = self._vectors_by_key.get((kind, key, unsigned))
        if known is None:
            vectors = self.magnitudes if unsigned else self.vectors(kind)
            known = self._vectors_by_key[kind, key, unsigned] = vectors[self.rows_by_key(kind)[key]]
        return known

    @cached_property
    def _rows_by_key(self) -> dict[str, Mapping[str, NDArray[np.int64]]]:
        return {kind: self._grouped(self.evidence(kind).tensor) for kind in self.kinds}

    def rows_by_key(self, kind: str) -> Mapping[str, NDArray[np.int64]]:
        """Key -> the rows of the evidence of that kind."""
        return self._rows_by_key[kind]

    def _grouped(self, tensors: NDArray[np.int64]) -> Mapping[str, NDArray[np.int64]]:
        keys = (f"matrix/{kernel_shape(shape)}" for shape in self.shapes) if self.network else self.keys
        return _grouped(tuple(keys), tuple(tensors.tolist()))

    @property
    def has_experts(self) -> bool:
        """Whether any layer has routed experts."""
        return bool((self.expert >= 0).any())

    @cached_property
    def vector_layers(self) -> dict[VectorKey, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Key -> the rows of such norm gains or biases, and their layers, -1 for none; in a block counted by name."""
        rows: dict[VectorKey, list[int]] = defaultdict(list)
        seen: dict[tuple[object, ...], int] = defaultdict(int)
        tensors = self.vector.tensor.tolist()
        layers = self.layer[self.vector.tensor]
        for row in sorted(range(len(tensors)), key=lambda row: self.names[tensors[row]]):
            t, layer = tensors[row], int(layers[row])
            place = (int(self.expert[t]), self.roles[t], self.slots[t], self.shapes[t])
            rows[*place, seen[layer, place]].append(row)
            seen[layer, place] += 1
        return {key: (np.array(found, np.int64), layers[found]) for key, found in rows.items()}

    @cached_property
    def vector_rows(self) -> dict[VectorKey, NDArray[np.int64]]:
        """Key -> the row by layer + 1, -1 where there is none."""
        last = int(self.layer.max(initial=-1)) + 2
        found = {}
        for key, (rows, layers) in self.vector_layers.items():
            found[key] = np.full(last, -1, np.int64)
            found[key][layers + 1] = rows
        return found

    @cached_property
    def _whole_units(self) -> tuple[list[tuple[int, int, str]], NDArray[np.int64]]:
        return self._units(split=False)

    @cached_property
    def _split_units(self) -> tuple[list[tuple[int, int, str]], NDArray[np.int64]]:
        return self._units(split=True)

    def units(self, split: bool) -> tuple[list[tuple[int, int, str]], NDArray[np.int64]]:
        """What is aligned: (layer, expert, half), and the unit of every tensor.

        A unit is a block; with `split` (when one of two models has experts) a layer's attention and its dense FFN are
        units of their own, so that a dense FFN can match an expert. Of a network every tensor is a unit.
        """
        return self._split_units if split else self._whole_units

    def _units(self, *, split: bool) -> tuple[list[tuple[int, int, str]], NDArray[np.int64]]:
        if self.network:
            return [(-1, -1, name) for name in self.names], np.arange(len(self.names))
        places = [
            (layer, expert, "ffn" if split and role in FFN_ROLES else "")
            for layer, expert, role in zip(self.layer.tolist(), self.expert.tolist(), self.roles, strict=True)
        ]
        order = {place: i for i, place in enumerate(sorted(set(places)))}
        return list(order), np.array([order[p] for p in places], np.int64)

    def block(self, unit: tuple[int, int, str]) -> str:
        """The name of a unit's block: `language.7`, `language.7.3` for expert 3, `language` outside the layers.

        Of a network it is that of the matrix: `network.conv1.weight`.
        """
        if self.network:
            return f"{self.name}.{unit[2]}"
        return ".".join([self.name, *(str(n) for n in unit[:2] if n >= 0)])


@lru_cache(maxsize=8)
def _keys(
    names: tuple[str, ...],
    roles: tuple[str, ...],
    slots: tuple[str, ...],
    shapes: tuple[tuple[int, ...], ...],
    layers: tuple[int, ...],
    experts: tuple[int, ...],
) -> tuple[str, ...]:
    """The `keys` of a component: once for all of one architecture, as the members of a family are.

    Unknown matrices of one shape in one block are numbered by slot, then by name, whatever their order in the file.
    """
    seen: dict[tuple[int, int, str], int] = defaultdict(int)
    keys = [
        f"{role}/{slot}" if role not in {"other", "conv"} else f"{role}/{shape}"
        for role, slot, shape in zip(roles, slots, shapes, strict=True)
    ]
    for i in sorted(range(len(keys)), key=lambda i: (slots[i], names[i])):
        key = keys[i] + "@" if layers[i] < 0 else keys[i]
        place = (layers[i], experts[i], key)
        seen[place] += 1
        keys[i] = key if seen[place] == 1 else f"{key}#{seen[place]}"
    return tuple(keys)


@lru_cache(maxsize=40)
def _grouped(keys: tuple[str, ...], tensors: tuple[int, ...]) -> Mapping[str, NDArray[np.int64]]:
    """Key -> the numbers of those of `tensors` that have it, read-only: they are shared as `_keys` are."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, tensor in enumerate(tensors):
        rows[keys[tensor]].append(row)
    found = {key: np.array(numbers, np.int64) for key, numbers in rows.items()}
    for numbers in found.values():
        numbers.flags.writeable = False
    return found
