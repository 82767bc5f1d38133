"""Models made from those of the zoo without training, with numpy: what a comparison has to see through."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import safe_open

from ...writers import Floats, raw, safetensors_bytes

Tensors = dict[str, Floats]
EMBEDDING = "model.embed_tokens.weight"
_READERS = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj")
_WRITERS = ("o_proj", "down_proj")


def read_model(folder: Path) -> Tensors:
    """The tensors of a model of the zoo as float32."""
    import ml_dtypes  # noqa: F401  (registers bfloat16 with numpy)

    found: Tensors = {}
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "numpy") as opened:
            found |= {name: opened.get_tensor(name).astype(np.float32) for name in opened.keys()}  # noqa: SIM118
    return found


def write_model(folder: Path, tensors: Mapping[str, Floats], like: Path, dtype: str = "BF16") -> Path:
    """A model folder with the config and the tokenizer of `like`; returns it."""
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(safetensors_bytes({n: raw(t, dtype) for n, t in tensors.items()}))
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(like / name, folder / name)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def permute_hidden(tensors: Tensors, seed: int) -> Tensors:
    """The residual stream's units in another order, everywhere: the function stays the same."""
    order = np.random.default_rng(seed).permutation(tensors[EMBEDDING].shape[1])
    found = {}
    for name, tensor in tensors.items():
        if name.endswith("norm.weight") or any(part in name for part in _WRITERS):
            found[name] = tensor[order]
        else:  # embeddings and what reads the stream
            found[name] = tensor[:, order]
    return found


def permute_neurons(tensors: Tensors, seed: int) -> Tensors:
    """The neurons of every FFN in another order: the function stays the same."""
    random = np.random.default_rng(seed)
    found = dict(tensors)
    for gate in [name for name in tensors if "gate_proj" in name]:
        order = random.permutation(len(tensors[gate]))
        up, down = gate.replace("gate_proj", "up_proj"), gate.replace("gate_proj", "down_proj")
        found |= {gate: tensors[gate][order], up: tensors[up][order], down: tensors[down][:, order]}
    return found


def rotate_residual(tensors: Tensors, seed: int) -> Tensors:
    """The residual stream in another basis, with norm gains folded into what reads them."""
    size = tensors[EMBEDDING].shape[1]
    turn, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))
    found = {}
    for name, tensor in tensors.items():
        if name.endswith("norm.weight"):
            found[name] = np.ones_like(tensor)
        elif any(part in name for part in _WRITERS):
            found[name] = (turn @ tensor).astype(np.float32)
        else:
            norm = "input_layernorm" if "self_attn" in name else "post_attention_layernorm"
            prefix = name.rpartition("self_attn." if "self_attn" in name else "mlp.")[0]
            gain = tensors[f"{prefix}{norm}.weight"] if prefix else 1.0
            found[name] = ((tensor * gain) @ turn.T).astype(np.float32)
    return found


def take_over(own: Tensors, donor: Tensors, part: str) -> Tensors:
    """A model whose tensors with `part` in their names are the donor's."""
    return {name: donor[name] if part in name else tensor for name, tensor in own.items()}


def average(first: Tensors, second: Tensors) -> Tensors:
    """The 50/50 merge."""
    return {name: np.asarray((tensor + second[name]) / 2, np.float32) for name, tensor in first.items()}


def merge_adapter(tensors: Tensors, rank: int, size: float, seed: int) -> Tensors:
    """An adapter of that rank merged into every matrix of the layers, `size` relative to the weights."""
    random = np.random.default_rng(seed)
    found = dict(tensors)
    for name, tensor in tensors.items():
        if tensor.ndim == 2 and ".layers." in name:
            change = random.standard_normal((len(tensor), rank)) @ random.standard_normal((rank, tensor.shape[1]))
            found[name] = (tensor + size * tensor.std() * change / change.std()).astype(np.float32)
    return found
