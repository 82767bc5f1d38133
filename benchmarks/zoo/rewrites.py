"""Rewritings of a dense llama checkpoint that leave its function as it is, and noise, which nearly does.

Every function takes float32 weights with Hugging Face's names and returns new ones; `surgery` of the bundled zoo has
the permutation of neurons and the rotation of the residual stream.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from architecture import ModelConfig
from surgery import EMBEDDING, FINAL_NORM, HEAD, NORM_READERS, RESIDUAL_WRITERS, State, layer_count, random_rotation
from torch import Tensor


def _copy(state: State) -> State:
    return {name: tensor.clone() for name, tensor in state.items()}


def _attention(layer: int) -> tuple[str, str, str, str]:
    q, k, v, o = (f"model.layers.{layer}.self_attn.{part}_proj.weight" for part in "qkvo")
    return q, k, v, o


def _feed_forward(layer: int) -> tuple[str, str, str]:
    gate, up, down = (f"model.layers.{layer}.mlp.{part}_proj.weight" for part in ("gate", "up", "down"))
    return gate, up, down


def permute_heads(config: ModelConfig, state: State, seed: int) -> State:
    """Shuffle the groups of heads that share keys and values, and the heads inside each group."""
    generator = torch.Generator().manual_seed(seed)
    result, groups, size = _copy(state), config.heads // config.kv_heads, config.head_dim
    for layer in range(layer_count(state)):
        q, k, v, o = _attention(layer)
        shared = torch.randperm(config.kv_heads, generator=generator)
        heads = torch.cat([g * groups + torch.randperm(groups, generator=generator) for g in shared.tolist()])
        wide = (heads[:, None] * size + torch.arange(size)).flatten()
        narrow = (shared[:, None] * size + torch.arange(size)).flatten()
        result |= {q: state[q][wide], k: state[k][narrow], v: state[v][narrow], o: state[o][:, wide]}
    return result


def change_residual(state: State, places: Tensor, signs: Tensor) -> State:
    """The residual stream with its dimensions reordered and multiplied by +1 or -1: a tied head stays tied."""
    result = _copy(state)
    for name in (EMBEDDING, HEAD):
        if name in state:
            result[name] = state[name][:, places] * signs
    for name, tensor in state.items():
        if name.endswith("norm.weight"):
            result[name] = tensor[places]
    for layer in range(layer_count(state)):
        prefix = f"model.layers.{layer}."
        for reader in (name for readers in NORM_READERS.values() for name in readers):
            name = f"{prefix}{reader}.weight"
            result[name] = state[name][:, places] * signs
        for writer in RESIDUAL_WRITERS:
            name = f"{prefix}{writer}.weight"
            result[name] = state[name][places] * signs[:, None]
    return result


def permute_hidden(state: State, seed: int) -> State:
    """Shuffle the dimensions of the residual stream."""
    size = state[EMBEDDING].shape[1]
    return change_residual(state, torch.randperm(size, generator=torch.Generator().manual_seed(seed)), torch.ones(size))


def random_signs(size: int, generator: torch.Generator) -> Tensor:
    """+1 or -1 with equal chances, [size]."""
    return torch.randint(2, (size,), generator=generator) * 2.0 - 1.0


def flip_signs(config: ModelConfig, state: State, seed: int) -> State:
    """Flip signs wherever the function allows it: residual stream, values, neurons, pairs of queries and keys."""
    generator = torch.Generator().manual_seed(seed)
    size = state[EMBEDDING].shape[1]
    result = change_residual(state, torch.arange(size), random_signs(size, generator))

    def draw(count: int) -> Tensor:
        return random_signs(count, generator)

    return _rescale(config, result, draw)


def rescale(config: ModelConfig, state: State, seed: int) -> State:
    """Multiply what is read and divide what reads it by factors from 1/3 to 3; norm gains against their readers too."""
    generator = torch.Generator().manual_seed(seed)

    def draw(count: int) -> Tensor:
        return 3.0 ** (2 * torch.rand(count, generator=generator) - 1)

    result = _rescale(config, state, draw)
    for layer in range(layer_count(state)):
        for norm, readers in NORM_READERS.items():
            factor, name = draw(config.hidden), f"model.layers.{layer}.{norm}.weight"
            result[name] = result[name] * factor
            for reader in readers:
                name = f"model.layers.{layer}.{reader}.weight"
                result[name] = result[name] / factor
    return result


def _rescale(config: ModelConfig, state: State, draw: Callable[[int], Tensor]) -> State:
    """Factors on values against outputs, ups against downs, and queries against keys, equal for a rotary pair."""
    result, groups = _copy(state), config.heads // config.kv_heads
    for layer in range(layer_count(state)):
        q, k, v, o = _attention(layer)
        _, up, down = _feed_forward(layer)
        values = draw(config.kv_heads * config.head_dim)
        keys = draw(config.kv_heads * config.head_dim // 2).view(config.kv_heads, -1).repeat(1, 2).flatten()
        neurons = draw(state[up].shape[0])

        def widened(factor: Tensor) -> Tensor:
            return factor.view(config.kv_heads, 1, -1).expand(-1, groups, -1).flatten()

        result |= {v: state[v] * values[:, None], o: state[o] / widened(values)}
        result |= {k: state[k] * keys[:, None], q: state[q] / widened(keys)[:, None]}
        result |= {up: state[up] * neurons[:, None], down: state[down] / neurons}
    return result


def fold_norms(state: State) -> State:
    """All norm gains multiplied into the matrices that read them, the gains set to 1 and the head untied."""
    result = _copy(state)
    result[HEAD] = state.get(HEAD, state[EMBEDDING]) * state[FINAL_NORM]
    for layer in range(layer_count(state)):
        for norm, readers in NORM_READERS.items():
            gain = state[f"model.layers.{layer}.{norm}.weight"]
            for reader in readers:
                name = f"model.layers.{layer}.{reader}.weight"
                result[name] = state[name] * gain
    return {n: torch.ones_like(t) if n.endswith("norm.weight") else t for n, t in result.items()}


def rotate_heads(config: ModelConfig, state: State, seed: int) -> State:
    """Rotate inside heads: values against outputs freely, queries and keys in the planes of the rotary embedding."""
    result, groups, size = _copy(state), config.heads // config.kv_heads, config.head_dim
    generator = torch.Generator().manual_seed(seed)
    for layer in range(layer_count(state)):
        q, k, v, o = _attention(layer)
        for head in range(config.kv_heads):
            turn = random_rotation(size, seed + 1000 * layer + head).float()
            plane = rotary_rotation(torch.rand(size // 2, generator=generator) * 2 * torch.pi)
            own = slice(head * size, (head + 1) * size)
            result[v][own] = turn @ state[v][own]
            result[k][own] = plane @ state[k][own]
            for reader in range(head * groups, (head + 1) * groups):
                theirs = slice(reader * size, (reader + 1) * size)
                result[q][theirs] = plane @ state[q][theirs]
                result[o][:, theirs] = state[o][:, theirs] @ turn.T
    return result


def rotary_rotation(angles: Tensor) -> Tensor:
    """[2n, 2n]: a turn by each of n angles in the planes (i, i + n) that the rotary embedding turns too."""
    cosine, sine = torch.diag(angles.cos()), torch.diag(angles.sin())
    return torch.cat((torch.cat((cosine, -sine), dim=1), torch.cat((sine, cosine), dim=1)))


def add_noise(state: State, size: float, seed: int) -> State:
    """Gaussian noise on every matrix, of `size` times the matrix's own standard deviation."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: tensor + size * tensor.std() * torch.randn(tensor.shape, generator=generator)
        if tensor.ndim == 2
        else tensor.clone()
        for name, tensor in state.items()
    }
