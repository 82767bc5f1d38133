"""Changes of a checkpoint without training: layers, vocabulary, experts, precision, basis, norms.

Every function takes a state dict of float32 tensors with Hugging Face's names and returns a new one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

State = dict[str, Tensor]

EMBEDDING, HEAD, FINAL_NORM = "model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"
LAYER = re.compile(r"^model\.layers\.(\d+)\.")
EXPERT_NAMES = {"gate_proj": "w1", "down_proj": "w2", "up_proj": "w3"}
NORM_READERS = {
    "input_layernorm": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "post_attention_layernorm": ("mlp.gate_proj", "mlp.up_proj"),
}
RESIDUAL_WRITERS = ("self_attn.o_proj", "mlp.down_proj")
LEVELS, GROUP = 16, 32


def layer_count(state: State) -> int:
    """Number of transformer layers."""
    return 1 + max(int(match[1]) for match in map(LAYER.match, state) if match)


def select_layers(state: State, kept: Sequence[int]) -> State:
    """A stack whose layer i is a copy of layer kept[i]: pruning, or depth upscaling when layers repeat."""
    result = {name: tensor.clone() for name, tensor in state.items() if not LAYER.match(name)}
    for place, origin in enumerate(kept):
        prefix = f"model.layers.{origin}."
        inside = {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
        result |= {f"model.layers.{place}.{name}": tensor.clone() for name, tensor in inside.items()}
    return result


def average(first: State, second: State) -> State:
    """The linear 50/50 merge of two models of one architecture."""
    return {name: (tensor + second[name]) / 2 for name, tensor in first.items()}


def extend_vocabulary(state: State, count: int, seed: int) -> State:
    """Append `count` embedding rows: the mean of the old rows plus a tenth of their spread as noise."""
    old = state[EMBEDDING]
    noise = torch.randn(count, old.shape[1], generator=torch.Generator().manual_seed(seed))
    return state | {EMBEDDING: torch.cat((old, old.mean(dim=0) + 0.1 * old.std() * noise))}


def upcycle(state: State, experts: int, seed: int) -> State:
    """Mixtral weights: every expert a copy of the dense feed-forward, the router random (std 0.02)."""
    generator = torch.Generator().manual_seed(seed)
    result: State = {}
    for name, tensor in state.items():
        if ".mlp." not in name:
            result[name] = tensor.clone()
            continue
        layer, projection = name.removesuffix(".weight").split(".mlp.")
        for expert in range(experts):
            result[f"{layer}.block_sparse_moe.experts.{expert}.{EXPERT_NAMES[projection]}.weight"] = tensor.clone()
    for layer_index in range(layer_count(state)):
        router = 0.02 * torch.randn(experts, state[EMBEDDING].shape[1], generator=generator)
        result[f"model.layers.{layer_index}.block_sparse_moe.gate.weight"] = router
    return result


def round_to_four_bits(matrix: Tensor) -> Tensor:
    """Quantise [out, in] symmetrically to 16 levels in groups of 32 inputs (the last may be shorter), and back."""
    groups = []
    for group in matrix.split(GROUP, dim=1):
        scale = group.abs().amax(dim=1, keepdim=True) / (LEVELS // 2 - 1)
        codes = (group / scale.clamp_min(1e-12)).round().clamp(-LEVELS // 2, LEVELS // 2 - 1)
        groups.append(codes * scale)
    return torch.cat(groups, dim=1)


def four_bit(state: State) -> State:
    """A 4-bit round trip of every matrix of the layers; embedding and norms stay."""
    chosen = {name for name, tensor in state.items() if tensor.ndim == 2 and LAYER.match(name)}
    return {name: round_to_four_bits(tensor) if name in chosen else tensor.clone() for name, tensor in state.items()}


def permute_neurons(state: State, seed: int) -> State:
    """Shuffle the hidden units of every feed-forward; the function stays the same."""
    generator = torch.Generator().manual_seed(seed)
    result = {name: tensor.clone() for name, tensor in state.items()}
    for layer in range(layer_count(state)):
        gate, up, down = (f"model.layers.{layer}.mlp.{part}_proj.weight" for part in ("gate", "up", "down"))
        order = torch.randperm(state[gate].shape[0], generator=generator)
        result |= {gate: state[gate][order], up: state[up][order], down: state[down][:, order]}
    return result


def random_rotation(size: int, seed: int) -> Tensor:
    """A random orthogonal matrix (float64), uniform by the sign convention of Mezzadri (2007)."""
    gaussian = torch.randn(size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    orthogonal, upper = torch.linalg.qr(gaussian)
    return orthogonal * upper.diagonal().sign()


def rotate_residual(state: State, seed: int) -> State:
    """Rotate the residual stream, fold all norm gains into the matrices that read them, and untie the head.

    The function stays the same: RMSNorm without gain commutes with a rotation (as in SliceGPT and QuaRot).
    """
    turn = random_rotation(state[EMBEDDING].shape[1], seed)
    wide = {name: tensor.double() for name, tensor in state.items()}
    result = {name: torch.ones_like(tensor) for name, tensor in wide.items() if name.endswith("norm.weight")}
    result[EMBEDDING] = wide[EMBEDDING] @ turn.T
    result[HEAD] = (wide.get(HEAD, wide[EMBEDDING]) * wide[FINAL_NORM]) @ turn.T
    for layer in range(layer_count(state)):
        prefix = f"model.layers.{layer}."
        for norm, readers in NORM_READERS.items():
            for reader in readers:
                name = f"{prefix}{reader}.weight"
                result[name] = (wide[name] * wide[f"{prefix}{norm}.weight"]) @ turn.T
        for writer in RESIDUAL_WRITERS:
            name = f"{prefix}{writer}.weight"
            result[name] = turn @ wide[name]
    return {name: tensor.float() for name, tensor in result.items()}


def transplant_norms(state: State, donor: State) -> State:
    """The model with all its norm gains replaced by those of the donor."""
    return {name: (donor if name.endswith("norm.weight") else state)[name].clone() for name in state}
