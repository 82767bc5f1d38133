"""Smaller and differently ended checkpoints: pruned width, a new vocabulary, new embeddings, fewer bits.

Every function takes float32 weights with Hugging Face's names and returns new ones, with their config where it changes.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from architecture import ModelConfig
from surgery import EMBEDDING, HEAD, LAYER, NORM_READERS, RESIDUAL_WRITERS, State, layer_count
from torch import Tensor


def strongest(importance: Tensor, count: int) -> Tensor:
    """Places of the `count` largest entries, in their old order."""
    return importance.topk(count).indices.sort().values


def prune_neurons(config: ModelConfig, state: State, kept: int) -> tuple[ModelConfig, State]:
    """Keep the `kept` hidden units of every feed-forward that weigh most."""
    result = dict(state)
    for layer in range(layer_count(state)):
        gate, up, down = (f"model.layers.{layer}.mlp.{part}_proj.weight" for part in ("gate", "up", "down"))
        best = strongest(state[gate].norm(dim=1) * state[up].norm(dim=1) * state[down].norm(dim=0), kept)
        result |= {gate: state[gate][best], up: state[up][best], down: state[down][:, best]}
    return replace(config, ffn=kept), result


def prune_heads(config: ModelConfig, state: State, kept: int) -> tuple[ModelConfig, State]:
    """Keep `kept` of the groups of heads that share keys and values in every layer, those that write most."""
    result, groups, size = dict(state), config.heads // config.kv_heads, config.head_dim
    for layer in range(layer_count(state)):
        q, k, v, o = (f"model.layers.{layer}.self_attn.{part}_proj.weight" for part in "qkvo")
        best = strongest(state[o].square().sum(dim=0).view(config.kv_heads, -1).sum(dim=1), kept)
        wide = (best[:, None] * groups * size + torch.arange(groups * size)).flatten()
        narrow = (best[:, None] * size + torch.arange(size)).flatten()
        result |= {q: state[q][wide], k: state[k][narrow], v: state[v][narrow], o: state[o][:, wide]}
    return replace(config, heads=kept * groups, kv_heads=kept), result


def prune_hidden(config: ModelConfig, state: State, kept: int) -> tuple[ModelConfig, State]:
    """Keep `kept` dimensions of the residual stream, those in which the embedding is largest."""
    best = strongest(state[EMBEDDING].norm(dim=0), kept)
    result = {n: t[..., best] if n in (EMBEDDING, HEAD) or t.ndim == 1 else t for n, t in state.items()}
    for layer in range(layer_count(state)):
        for writer in RESIDUAL_WRITERS:
            name = f"model.layers.{layer}.{writer}.weight"
            result[name] = state[name][best]
        for reader in (r for readers in NORM_READERS.values() for r in readers):
            name = f"model.layers.{layer}.{reader}.weight"
            result[name] = state[name][:, best]
    return replace(config, hidden=kept), result


def new_ends(config: ModelConfig, state: State, vocab: int, seed: int) -> tuple[ModelConfig, State]:
    """Random embeddings for `vocab` tokens, of the old spread; an untied head is drawn anew too."""
    generator = torch.Generator().manual_seed(seed)
    ends = {
        name: state[name].std() * torch.randn(vocab, config.hidden, generator=generator)
        for name in (EMBEDDING, HEAD)
        if name in state
    }
    return replace(config, vocab=vocab), state | ends


def rounded(state: State, bits: int, group: int = 32) -> State:
    """A round trip of the layers' matrices through symmetric integers of `bits` bits in groups of `group` inputs."""
    highest = 2 ** (bits - 1) - 1

    def round_trip(matrix: Tensor) -> Tensor:
        pieces = []
        for piece in matrix.split(group, dim=1):
            scale = (piece.abs().amax(dim=1, keepdim=True) / highest).clamp_min(1e-12)
            pieces.append((piece / scale).round().clamp(-highest - 1, highest) * scale)
        return torch.cat(pieces, dim=1)

    def chosen(name: str, tensor: Tensor) -> bool:
        inside = LAYER.match(name) or ".h." in name or ".layer." in name
        return tensor.ndim == 2 and bool(inside)

    return {name: round_trip(tensor) if chosen(name, tensor) else tensor.clone() for name, tensor in state.items()}


def layers_of(state: State, stack: str, kept: tuple[int, ...]) -> State:
    """As `surgery.select_layers`, for stacks of any name: `transformer.h`, `bert.encoder.layer`."""
    result = {name: tensor.clone() for name, tensor in state.items() if not name.startswith(f"{stack}.")}
    for place, origin in enumerate(kept):
        prefix = f"{stack}.{origin}."
        inside = {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
        result |= {f"{stack}.{place}.{name}": tensor.clone() for name, tensor in inside.items()}
    return result
