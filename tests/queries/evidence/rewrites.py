"""Rewrites of a llama or Qwen2 checkpoint that leave its function as it is, and damage that does not, with numpy.

Every rewrite takes float32 tensors under Hugging Face's names, the shape of the attention and a random generator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...writers import Floats

Tensors = dict[str, Floats]
EMBEDDING, HEAD, FINAL = "model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"
_READERS = {
    "input_layernorm": ("self_attn.q", "self_attn.k", "self_attn.v"),
    "post_attention_layernorm": ("mlp.gate", "mlp.up"),
}
_WRITERS = ("self_attn.o", "mlp.down")


@dataclass(frozen=True, slots=True)
class Attention:
    """Query heads, key and value heads, and the size of a head."""

    heads: int
    kv_heads: int
    size: int

    @property
    def groups(self) -> int:
        return self.heads // self.kv_heads


Rewrite = Callable[[Tensors, Attention, np.random.Generator], Tensors]


def layers_of(tensors: Tensors) -> list[str]:
    count = 1 + max(int(name.split(".")[2]) for name in tensors if name.startswith("model.layers."))
    return [f"model.layers.{layer}." for layer in range(count)]


def _single(tensors: dict[str, NDArray[np.float64]]) -> Tensors:
    return {name: np.asarray(tensor, np.float32) for name, tensor in tensors.items()}


def _double(tensors: Tensors) -> dict[str, NDArray[np.float64]]:
    return {name: tensor.astype(np.float64) for name, tensor in tensors.items()}


def fold_gains(tensors: Tensors, _: Attention, __: np.random.Generator) -> Tensors:
    """Gains multiplied into what reads them and set to 1, the head untied."""
    found = _double(tensors)
    found[HEAD] = found.get(HEAD, found[EMBEDDING]) * found[FINAL]
    for at in layers_of(tensors):
        for norm, readers in _READERS.items():
            for reader in readers:
                found[f"{at}{reader}_proj.weight"] *= found[f"{at}{norm}.weight"]
    return _single({n: np.ones_like(t) if n.endswith("norm.weight") else t for n, t in found.items()})


def random_gains(tensors: Tensors, _: Attention, random: np.random.Generator) -> Tensors:
    """Gains multiplied by random factors, and what reads them divided by those."""
    found = _double(tensors)
    for at in layers_of(tensors):
        for norm, readers in _READERS.items():
            factor = random.uniform(0.3, 3, len(found[FINAL])) * random.choice([-1, 1], len(found[FINAL]))
            found[f"{at}{norm}.weight"] *= factor
            for reader in readers:
                found[f"{at}{reader}_proj.weight"] /= factor
    return _single(found)


def _turn(tensors: Tensors, turn: NDArray[np.floating[Any]]) -> Tensors:
    """The residual stream in the basis `turn`; gains must be 1 unless it only reorders units."""
    found = _double(tensors)
    found[EMBEDDING] = found[EMBEDDING] @ turn.T
    if HEAD in found:
        found[HEAD] = found[HEAD] @ turn.T
    reorders = bool((np.abs(turn).max(axis=1) > 1 - 1e-9).all())
    for name in [n for n in found if n.endswith("norm.weight")]:
        found[name] = np.abs(turn) @ found[name] if reorders else found[name]
    for at in layers_of(tensors):
        for readers in _READERS.values():
            for reader in readers:
                found[f"{at}{reader}_proj.weight"] = found[f"{at}{reader}_proj.weight"] @ turn.T
        for writer in _WRITERS:
            found[f"{at}{writer}_proj.weight"] = turn @ found[f"{at}{writer}_proj.weight"]
    return _single(found)


def permute_residual(tensors: Tensors, _: Attention, random: np.random.Generator) -> Tensors:
    """The units of the residual stream in another order."""
    return _turn(tensors, np.eye(len(tensors[FINAL]))[random.permutation(len(tensors[FINAL]))])


def flip_residual(tensors: Tensors, _: Attention, random: np.random.Generator) -> Tensors:
    """The units of the residual stream with random signs."""
    signs = np.where(random.random(len(tensors[FINAL])) < 0.5, -1.0, 1.0)
    return _turn(tensors, np.diag(signs).astype(np.float64))


def rotate_residual(tensors: Tensors, attention: Attention, random: np.random.Generator) -> Tensors:
    """The residual stream in a random basis."""
    size = len(tensors[FINAL])
    turn, _ = np.linalg.qr(random.standard_normal((size, size)))
    return _turn(fold_gains(tensors, attention, random), turn)


def hadamard_residual(tensors: Tensors, attention: Attention, random: np.random.Generator) -> Tensors:
    """The residual stream turned by a Hadamard matrix of the largest power of 2 that divides it, units shuffled."""
    size = len(tensors[FINAL])
    matrix = np.ones((1, 1))
    while size % (2 * len(matrix)) == 0:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]]) / np.sqrt(2)
    turn = np.kron(matrix, np.eye(size // len(matrix)))[:, random.permutation(size)]
    return _turn(fold_gains(tensors, attention, random), turn)


def shuffle_neurons(tensors: Tensors, _: Attention, random: np.random.Generator) -> Tensors:
    """The neurons of every feed-forward layer in another order."""
    found = dict(tensors)
    for at in layers_of(tensors):
        gate, up, down = (f"{at}mlp.{p}_proj.weight" for p in ("gate", "up", "down"))
        order = random.permutation(len(tensors[gate]))
        found |= {gate: tensors[gate][order], up: tensors[up][order], down: tensors[down][:, order]}
    return found


def scale_up(tensors: Tensors, _: Attention, random: np.random.Generator) -> Tensors:
    """`up` multiplied by random factors of either sign, `down` divided by them."""
    found = dict(tensors)
    for at in layers_of(tensors):
        up, down = f"{at}mlp.up_proj.weight", f"{at}mlp.down_proj.weight"
        factor = random.uniform(0.3, 3, len(tensors[up])) * random.choice([-1, 1], len(tensors[up]))
        found |= _single({up: tensors[up] * factor[:, None], down: tensors[down] / factor})
    return found


def _names(at: str) -> tuple[str, str, str, str]:
    q, k, v, o = (f"{at}self_attn.{p}_proj.weight" for p in "qkvo")
    return q, k, v, o


def shuffle_heads(tensors: Tensors, attention: Attention, random: np.random.Generator) -> Tensors:
    """The groups of heads in another order, and the heads inside every group."""
    found = dict(tensors)
    for at in layers_of(tensors):
        q, k, v, o = _names(at)
        shared = random.permutation(attention.kv_heads)
        heads = np.concatenate([g * attention.groups + random.permutation(attention.groups) for g in shared])
        wide, narrow = ((h[:, None] * attention.size + np.arange(attention.size)).ravel() for h in (heads, shared))
        found |= {q: tensors[q][wide], k: tensors[k][narrow], v: tensors[v][narrow], o: tensors[o][:, wide]}
        for name, rows in ((_bias(q), wide), (_bias(k), narrow), (_bias(v), narrow)):
            if name in tensors:
                found[name] = tensors[name][rows]
    return found


def _bias(weight: str) -> str:
    return f"{weight.removesuffix('weight')}bias"


def _turn_rows(found: dict[str, NDArray[np.float64]], weight: str, rows: slice, turn: NDArray[np.float64]) -> None:
    """Some rows of a matrix, and of its bias where it has one, multiplied by `turn`."""
    for name in {weight, _bias(weight)} & found.keys():
        found[name][rows] = turn @ found[name][rows]


def turn_values(tensors: Tensors, attention: Attention, random: np.random.Generator) -> Tensors:
    """The values of every key-value head in another basis, not only a rotated one."""
    found = _double(tensors)
    for at in layers_of(tensors):
        _, _, v, o = _names(at)
        for head in range(attention.kv_heads):
            basis = np.linalg.qr(random.standard_normal((attention.size, attention.size)))[0]
            basis = basis * random.uniform(0.5, 2, attention.size)
            rows = slice(head * attention.size, (head + 1) * attention.size)
            _turn_rows(found, v, rows, basis)
            for reader in range(head * attention.groups, (head + 1) * attention.groups):
                columns = slice(reader * attention.size, (reader + 1) * attention.size)
                found[o][:, columns] = found[o][:, columns] @ np.linalg.inv(basis)
    return _single(found)


def turn_planes(tensors: Tensors, attention: Attention, random: np.random.Generator) -> Tensors:
    """Queries and keys turned and scaled in the planes of the rotary embedding."""
    found = _double(tensors)
    half = attention.size // 2
    for at in layers_of(tensors):
        q, k, _, _ = _names(at)
        for head in range(attention.kv_heads):
            angle, factor = random.uniform(0, 2 * np.pi, half), random.uniform(0.5, 2, half)
            cosine, sine = np.diag(np.cos(angle)), np.diag(np.sin(angle))
            plane = np.block([[cosine, -sine], [sine, cosine]])
            scale = np.diag(np.tile(factor, 2))
            rows = slice(head * attention.size, (head + 1) * attention.size)
            _turn_rows(found, k, rows, scale @ plane)
            for reader in range(head * attention.groups, (head + 1) * attention.groups):
                rows = slice(reader * attention.size, (reader + 1) * attention.size)
                _turn_rows(found, q, rows, np.asarray(np.linalg.inv(scale) @ plane, np.float64))
    return _single(found)


REWRITES: dict[str, Rewrite] = {
    "random gains": random_gains,
    "folded gains": fold_gains,
    "residual permuted": permute_residual,
    "residual signs": flip_residual,
    "residual rotated": rotate_residual,
    "residual Hadamard": hadamard_residual,
    "neurons shuffled": shuffle_neurons,
    "heads shuffled": shuffle_heads,
    "rotary planes": turn_planes,
    "value bases": turn_values,
    "up scales": scale_up,
}
"""All of one residual basis: a rotation folds the gains first, as it must."""


def forward(tensors: Tensors, attention: Attention, ids: list[int]) -> NDArray[np.float64]:
    """Logits [tokens, vocabulary] of a llama with rotary embeddings at base 10,000 and RMSNorm at 1e-5."""
    wide = _double(tensors)
    stream = wide[EMBEDDING][ids]
    count, size = len(ids), attention.size
    angles = np.outer(np.arange(count), 10000.0 ** -(np.arange(0, size, 2) / size))
    cosine, sine = np.tile(np.cos(angles), 2), np.tile(np.sin(angles), 2)

    def normed(values: NDArray[np.float64], gain: str) -> NDArray[np.float64]:
        return np.asarray(values / np.sqrt(np.square(values).mean(axis=1, keepdims=True) + 1e-5) * wide[gain])

    def rotated(head: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(head * cosine + np.concatenate([-head[:, size // 2 :], head[:, : size // 2]], axis=1) * sine)

    for at in layers_of(tensors):
        q, k, v, o = _names(at)
        inside = normed(stream, f"{at}input_layernorm.weight")
        queries, keys, values = (inside @ wide[name].T + wide.get(_bias(name), 0) for name in (q, k, v))
        mixed = []
        for head in range(attention.heads):
            mine, shared = (slice(h * size, (h + 1) * size) for h in (head, head // attention.groups))
            scores = rotated(queries[:, mine]) @ rotated(keys[:, shared]).T / np.sqrt(size)
            scores = np.where(np.tri(count, dtype=bool), scores, -np.inf)
            shares = np.exp(scores - scores.max(axis=1, keepdims=True))
            mixed.append(shares / shares.sum(axis=1, keepdims=True) @ values[:, shared])
        stream = stream + np.concatenate(mixed, axis=1) @ wide[o].T
        inside = normed(stream, f"{at}post_attention_layernorm.weight")
        gate = inside @ wide[f"{at}mlp.gate_proj.weight"].T
        hidden = gate / (1 + np.exp(-gate)) * (inside @ wide[f"{at}mlp.up_proj.weight"].T)
        stream = stream + hidden @ wide[f"{at}mlp.down_proj.weight"].T
    return np.asarray(normed(stream, FINAL) @ wide.get(HEAD, wide[EMBEDDING]).T)


def _matrices(tensors: Tensors, change: Callable[[Floats], NDArray[np.float64] | Floats]) -> Tensors:
    """Every matrix of the layers changed, the rest as it is."""
    return {n: np.asarray(change(t), np.float32) if t.ndim == 2 and ".layers." in n else t for n, t in tensors.items()}


def add_noise(tensors: Tensors, share: float, random: np.random.Generator) -> Tensors:
    """Noise on every matrix, `share` of its deviation."""
    return _matrices(tensors, lambda t: t + share * t.std() * random.standard_normal(t.shape))


def make_sparse(tensors: Tensors, share: float) -> Tensors:
    """The smallest values of every matrix set to 0."""
    return _matrices(tensors, lambda t: t * (np.abs(t) > np.quantile(np.abs(t), share)))


def make_ternary(tensors: Tensors) -> Tensors:
    """Every weight -1, 0 or 1 by its row, as in BitNet."""
    return _matrices(tensors, lambda t: np.sign(t) * (np.abs(t) > 0.7 * np.abs(t).mean(axis=1, keepdims=True)))


def make_binary(tensors: Tensors) -> Tensors:
    """Every weight its sign."""
    return _matrices(tensors, np.sign)


def reduce_rank(tensors: Tensors, share: float) -> Tensors:
    """Every matrix at a share of its rank."""

    def reduced(matrix: Floats) -> NDArray[np.float64]:
        left, values, right = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
        kept = max(1, round(share * len(values)))
        return np.asarray(left[:, :kept] * values[:kept] @ right[:kept])

    return _matrices(tensors, reduced)


def replace_random(tensors: Tensors, parts: tuple[str, ...], random: np.random.Generator) -> Tensors:
    """The tensors whose names hold one of `parts` with their values shuffled: gains, attention, layers, embeddings."""
    return {
        n: random.permutation(t.ravel()).reshape(t.shape) if any(p in n for p in parts) else t
        for n, t in tensors.items()
    }
