"""Small models as weights, what people do to models, and the components that their fingerprints make.

Nothing is trained: a model is a list of random matrices, gains and token rows, and a child is its parent with a change
of its own. Fingerprints are made by ingest's functions, so a permutation or a rounding does to them what it does there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from forebear.ingest.fingerprint.factors import factor_values
from forebear.ingest.fingerprint.gram import gram
from forebear.ingest.fingerprint.kinds import STORED
from forebear.ingest.fingerprint.minhash import column_minhash
from forebear.ingest.fingerprint.positions import places, sample
from forebear.ingest.fingerprint.statistics import statistics
from forebear.queries.data.component import Component, Evidence, Tokens

LAYERS, WIDTH, INNER, TOKENS = 6, 96, 64, 24
ROLES = {"q": (16, WIDTH), "k": (16, WIDTH), "v": (16, WIDTH), "o": (16, WIDTH), "gate": (16, WIDTH)}
ROLES |= {"up": (16, WIDTH), "down": (16, INNER)}
"""Role -> leading rows and columns of its matrices."""
WRITERS = {"o", "down"}
"""Roles whose rows, not columns, are units of the residual stream."""
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Tensor:
    """Leading rows [rows, columns] of a matrix or a vector [n]; -1 for no layer or no expert."""

    role: str
    value: Array
    layer: int = -1
    expert: int = -1
    slot: str = ""
    rows: int = 0
    """Of the whole matrix, where that has more than its leading ones."""


Model = tuple[Tensor, ...]


def base(seed: int, *, layers: int = LAYERS, width: int = WIDTH, tokens: int = TOKENS) -> Model:
    """A model of its own: every matrix Gaussian, gains around 1, an embedding of `tokens` tokens."""
    random = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> Array:
        return (random.standard_normal((rows, columns)) / 10).astype(np.float32)

    made = [Tensor("embed", matrix(tokens, width), rows=512)] if tokens else []
    for layer in range(layers):
        made += [Tensor(r, matrix(n, INNER if r == "down" else width), layer) for r, (n, _) in ROLES.items()]
        for slot in ("attention", "ffn"):
            gain = 1 + 0.2 * random.standard_normal(width)
            made.append(Tensor("norm", gain.astype(np.float32), layer, slot=slot))
    return tuple(made)


def drifted(model: Model, size: float, seed: int) -> Model:
    """A child: every tensor with a random change of its own, `size` of its standard deviation."""
    random = np.random.default_rng(seed)
    return changed(model, lambda t: t.value + size * t.value.std() * random.standard_normal(t.value.shape))


def trained(model: Model, size: float, seed: int) -> Model:
    """A child as training makes it: some tensors change several times as much as others."""
    random = np.random.default_rng(seed)

    def change(t: Tensor) -> NDArray[np.floating]:
        mine = size * np.exp(0.5 * random.standard_normal()) * t.value.std()
        return t.value + mine * random.standard_normal(t.value.shape)

    return changed(model, change)


def changed(model: Model, change: Callable[[Tensor], NDArray[np.floating]]) -> Model:
    """Every tensor with the values that `change` makes of it."""
    return tuple(replace(t, value=np.asarray(change(t), np.float32)) for t in model)


def without(model: Model, *roles: str) -> Model:
    """The model without the tensors of those roles."""
    return tuple(t for t in model if t.role not in roles)


def with_layers(model: Model, layers: Sequence[int]) -> Model:
    """The model with these of its layers, in this order; one may stand there twice."""
    outside = [t for t in model if t.layer < 0]
    return (*outside, *(replace(t, layer=i) for i, n in enumerate(layers) for t in model if t.layer == n))


def with_columns(model: Model, units: NDArray[np.int64]) -> Model:
    """The residual stream's units in another order, or only some of them: columns of what reads it, rows of o and down.

    Of o and down only the rows of the first 16 units are known; other units have rows that nobody has seen.
    """
    unseen = np.random.default_rng(int(units[0]))

    def change(t: Tensor) -> NDArray[np.floating]:
        if t.role not in WRITERS:
            return t.value[..., units]
        rows = t.value.std() * unseen.standard_normal((16, t.value.shape[1]))
        known = units[:16] < 16
        rows[known] = t.value[units[:16][known]]
        return rows

    return changed(model, change)


def rotated(model: Model, seed: int) -> Model:
    """The residual stream in another basis, gains folded: cosines between rows that read it stay as they are."""
    random = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(random.standard_normal((WIDTH, WIDTH)))
    folded = {(t.layer, t.slot): t.value for t in model if t.role == "norm"}

    def change(t: Tensor) -> NDArray[np.floating]:
        if t.role == "norm":
            return np.ones_like(t.value)
        if t.role in WRITERS:  # a row of theirs becomes a mixture of all rows, few of which are known
            return t.value.std() * random.standard_normal(t.value.shape)
        return (t.value * folded.get((t.layer, "attention" if t.role in "qkv" else "ffn"), np.float32(1))) @ turn

    return changed(model, change)


def upcycled(model: Model, experts: int, size: float, seed: int) -> Model:
    """Experts made from each layer's dense FFN, with changes of their own."""
    ffn = {"gate", "up", "down"}
    kept = tuple(t for t in model if t.role not in ffn)
    dense = tuple(t for t in model if t.role in ffn)
    made = [drifted(dense, size, seed + e) for e in range(experts)]
    return kept + tuple(replace(t, expert=e) for e, tensors in enumerate(made) for t in tensors)


def rounded(model: Model) -> Model:
    """The model in bfloat16."""
    return changed(model, lambda t: t.value.astype(ml_dtypes.bfloat16).astype(np.float32))


def quantised(model: Model, bits: int) -> Model:
    """Matrices rounded to the levels of their groups of 32, as int4 and int8 files hold them."""

    def change(t: Tensor) -> NDArray[np.floating]:
        if t.value.ndim < 2 or t.role == "embed":
            return t.value
        groups = t.value.reshape(-1, 32)
        step = np.abs(groups).max(axis=1, keepdims=True) / (2 ** (bits - 1) - 1)
        return (np.rint(groups / step) * step).reshape(t.value.shape)

    return changed(model, change)


def adapter(seed: int, *, rank: int = 8, layers: int = LAYERS) -> Model:
    """LoRA factors of q and v: A [rank, in] random, B [out, rank] trained."""
    random = np.random.default_rng(seed)
    made = []
    for layer in range(layers):
        for role in ("q", "v"):
            for slot, shape in (("A", (rank, 512)), ("B", (512, rank))):
                made.append(Tensor(role, random.standard_normal(shape).astype(np.float32), layer, slot=slot))
    return tuple(made)


def component(
    model: Model, model_id: int = 1, *, name: str = "language", dtype: str = "F32", spelled: int = 0
) -> Component:
    """The component that the fingerprint of a model is loaded as. `spelled` is the number of its first token."""
    kinds: dict[str, list[tuple[int, NDArray[np.generic]]]] = {kind: [] for kind in _STORED}
    tokens: dict[str, Tokens] = {}
    for i, t in enumerate(model):
        if t.role in {"embed", "head"}:
            columns = places(1, t.value.shape[1], 64)
            keys = np.arange(spelled, spelled + len(t.value)).astype(np.uint64)
            tokens[t.role] = Tokens(i, keys, t.value[:, columns])
            continue
        for kind, made in _evidence(name, t, _gain(model, t)).items():
            kinds[kind].append((i, made))
    figures = [statistics(np.atleast_2d(t.value), 0) for t in model]
    return Component(
        model_id=model_id,
        name=name,
        names=[f"{t.layer}.{t.expert}.{t.role}.{t.slot}" for t in model],
        roles=[t.role for t in model],
        slots=[t.slot for t in model],
        dtypes=[dtype for _ in model],
        shapes=[(t.rows or len(t.value), *t.value.shape[1:]) for t in model],
        layer=np.array([t.layer for t in model], np.int64),
        expert=np.array([t.expert for t in model], np.int64),
        represents=np.array([(t.rows or len(t.value)) * t.value.size / len(t.value) for t in model]),
        sampled=np.array([min(t.value.size, 64 if t.value.ndim == 1 else 256) for t in model], np.int64),
        levels=np.array([f.levels for f in figures]),
        hash=np.array([f.hash for f in figures], np.uint64),
        read=np.ones(len(model), np.bool_),
        kinds={kind: _stacked(kind, rows) for kind, rows in kinds.items()},
        tokens=tokens,
    )


_STORED = {kind.name: (kind.width, kind.element) for kind in STORED} | {"vector": (64, "float32")}


def _stacked(kind: str, rows: list[tuple[int, NDArray[np.generic]]]) -> Evidence:
    width, element = _STORED[kind]
    value = np.array([made for _, made in rows], element).reshape(-1, width)
    return Evidence(np.array([i for i, _ in rows], np.int64), value)


def _gain(model: Model, t: Tensor) -> Array | None:
    slot = "attention" if t.role in {"q", "k", "v"} else "ffn" if t.role in {"gate", "up"} else ""
    found = [n.value for n in model if n.role == "norm" and n.slot == slot and n.layer == t.layer]
    return found[0] if found and len(found[0]) == t.value.shape[-1] else None


def _evidence(name: str, t: Tensor, gain: Array | None) -> dict[str, NDArray[np.generic]]:
    if t.value.ndim == 1:
        return {"vector": sample(t.value[None], 64)}
    if name == "adapter":
        return {"positions": factor_values(t.slot, t.value).reshape(-1)}
    made: dict[str, NDArray[np.generic]] = {"positions": sample(t.value, 256)}
    if t.role in {"q", "k", "v", "gate", "up"}:
        made["gram"] = gram(t.value, gain)
    if t.role in ROLES:
        made["minhash"] = column_minhash(t.value, t.role)
    return made
