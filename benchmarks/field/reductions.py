"""What people do to weights without training them: pruned, cut, rounded to few bits, and noise to hide behind.

All functions take and return float32 state dicts. NF4: Dettmers et al. 2023, arXiv 2305.14314, with the levels of
bitsandbytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .merging import State, trimmed

Floats = NDArray[np.float32]
NF4_BELOW = (-1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0.0)
NF4_ABOVE = (0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0)
NF4 = np.array((*NF4_BELOW, *NF4_ABOVE), np.float32)
NF4_BLOCK = 64
INT8_STEPS = 127


def layer_of(name: str) -> int | None:
    """The number of the layer that a tensor is in, None outside the stack."""
    found = re.search(r"\.?layers?\.(\d+)\.", name)
    return int(found[1]) if found else None


def is_projection(name: str, tensor: NDArray[np.generic]) -> bool:
    """A matrix inside the stack: what 4-bit loading and pruning touch; embeddings, norms and heads stay."""
    return tensor.ndim == 2 and layer_of(name) is not None


def sparse(state: Mapping[str, Floats], density: float) -> State:
    """Of each matrix in the stack the share `density` that is largest by magnitude; the others are 0."""
    return {n: trimmed(t, density) if is_projection(n, t) else t for n, t in state.items()}


def cut(state: Mapping[str, Floats], kept: tuple[int, ...]) -> tuple[State, dict[str, str]]:
    """The layers `kept`, counted anew, and of each new name the one that it had."""
    before = {}
    for name in state:
        layer = layer_of(name)
        if layer is None:
            before[name] = name
        elif layer in kept:
            before[re.sub(r"(layers?\.)\d+", rf"\g<1>{kept.index(layer)}", name, count=1)] = name
    return {new: state[old] for new, old in before.items()}, before


def nf4(tensor: Floats) -> Floats:
    """Rounded to the 16 levels of NF4 times the largest magnitude in 64 values, and back; [out, in], in % 64 == 0."""
    blocks = tensor.reshape(-1, NF4_BLOCK)
    scale = np.abs(blocks).max(axis=1, keepdims=True)
    middles = (NF4[1:] + NF4[:-1]) / 2
    codes = np.searchsorted(middles, blocks / np.where(scale > 0, scale, 1))
    rounded: Floats = (NF4[codes] * scale).reshape(tensor.shape).astype(np.float32)
    return rounded


def four_bits(state: Mapping[str, Floats]) -> State:
    """All matrices of the stack through NF4 and back: the base that a QLoRA adapter is trained on."""
    return {n: nf4(t) if is_projection(n, t) else t for n, t in state.items()}


def eight_bits(state: Mapping[str, Floats]) -> State:
    """All matrices in signed 8 bits with one scale a tensor, as ONNX Runtime quantises, and back."""
    found: State = {}
    for name, tensor in state.items():
        step = float(np.abs(tensor).max()) / INT8_STEPS
        found[name] = (np.rint(tensor / step) * step).astype(np.float32) if tensor.ndim == 2 and step else tensor
    return found


def noisy(state: Mapping[str, Floats], size: float, seed: int) -> State:
    """Gaussian noise on every matrix, of `size` times the matrix's own RMS."""
    generator = np.random.default_rng(seed)
    found: State = {}
    for name, tensor in state.items():
        scale = np.float32(size * float(np.sqrt(np.mean(np.square(tensor, dtype=np.float64)))))
        noise = generator.standard_normal(tensor.shape, np.float32) * scale
        found[name] = tensor + noise if tensor.ndim == 2 else tensor
    return found
