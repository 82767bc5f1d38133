"""One Llama-like model, with the weights fused, transposed or stacked as other architectures store them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401 (safetensors needs it for bfloat16)
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

Floats = NDArray[np.float32]
Tensors = dict[str, Floats]
Config = dict[str, Any]


def load_model(folder: Path) -> tuple[Tensors, Config, dict[str, Any]]:
    """Weights as float32, config and tokenizer of a model of the zoo."""
    stored = {name: values for file in sorted(folder.glob("*.safetensors")) for name, values in load_file(file).items()}
    config = json.loads((folder / "config.json").read_text("utf-8"))
    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    return {name: values.astype(np.float32) for name, values in stored.items()}, config, tokenizer


def stacked_qkv(q: Floats, k: Floats, v: Floats, heads: int, shared: int) -> Floats:
    """All of q, then k, then v."""
    return np.concatenate((q, k, v))


def grouped_qkv(q: Floats, k: Floats, v: Floats, heads: int, shared: int) -> Floats:
    """For each head of k: the heads of q that share it, its k, its v; with as many heads of k as of q, head by head."""
    rest = q.shape[1:]
    parts = [x.reshape(shared, -1, *rest) for x in (q, k, v)]
    return np.concatenate(parts, axis=1).reshape(-1, *rest)


def halves(gate: Floats, up: Floats) -> Floats:
    """Gate, then up, along the rows."""
    return np.concatenate((gate, up))


def turns(gate: Floats, up: Floats) -> Floats:
    """A row of gate, a row of up, and so on."""
    return np.stack((gate, up), axis=1).reshape(-1, *gate.shape[1:])


def fuse_qkv(
    tensors: Mapping[str, Floats], config: Mapping[str, Any], leaf: str, order: Callable[..., Floats]
) -> Tensors:
    """The model with q, k and v of every layer in one matrix (and bias) called `leaf`."""
    fused: Tensors = {}
    counts = config["num_attention_heads"], config["num_key_value_heads"]
    for name, values in tensors.items():
        if ".q_proj." in name:
            k, v = (tensors[name.replace("q_proj", other)] for other in ("k_proj", "v_proj"))
            fused[name.replace("q_proj", leaf)] = order(values, k, v, *counts)
        elif ".k_proj." not in name and ".v_proj." not in name:
            fused[name] = values
    return fused


def fuse_gate_up(tensors: Mapping[str, Floats], leaf: str = "gate_up_proj") -> Tensors:
    """The model with gate and up of every layer in one matrix called `leaf`."""
    fused: Tensors = {}
    for name, values in tensors.items():
        if ".gate_proj." in name:
            fused[name.replace("gate_proj", leaf)] = halves(values, tensors[name.replace("gate_proj", "up_proj")])
        elif ".up_proj." not in name:
            fused[name] = values
    return fused


def stack_experts(tensors: Mapping[str, Floats], *, turned: bool, alternating: bool = False) -> Tensors:
    """A Mixtral with every layer's experts in two 3-D tensors, [E, out, in] or, `turned`, [E, in, out]."""
    stacked: Tensors = {}
    for name, values in tensors.items():
        if ".experts." not in name:
            stacked[name] = values
        elif ".experts.0.w1." in name:
            stem, numbers = name.split(".experts.")[0], range(_experts(tensors, name))
            w1, w2, w3 = ([tensors[f"{stem}.experts.{e}.{w}.weight"] for e in numbers] for w in ("w1", "w2", "w3"))
            up = np.stack([(turns if alternating else halves)(g, u) for g, u in zip(w1, w3, strict=True)])
            down = np.stack(w2)
            stacked[f"{stem}.experts.gate_up_proj"] = up.transpose(0, 2, 1) if turned else up
            stacked[f"{stem}.experts.down_proj"] = down.transpose(0, 2, 1) if turned else down
    return stacked


def _experts(tensors: Mapping[str, Floats], name: str) -> int:
    count = 0
    while name.replace(".experts.0.", f".experts.{count}.") in tensors:
        count += 1
    return count


def conv1d(tensors: Mapping[str, Floats], config: Mapping[str, Any]) -> Tensors:
    """The model with the names and the [in, out] matrices of GPT-2; gate takes a name that GPT-2 does not have."""
    names = {"self_attn.o_proj": "attn.c_proj", "mlp.up_proj": "mlp.c_fc", "mlp.down_proj": "mlp.c_proj"}
    names |= {"self_attn.c_attn": "attn.c_attn", "input_layernorm": "ln_1", "post_attention_layernorm": "ln_2"}
    turned: Tensors = {}
    for name, values in fuse_qkv(tensors, config, "c_attn", stacked_qkv).items():
        for ours, theirs in names.items():
            if ours in name:
                name = name.replace(ours, theirs)
                values = values.T if values.ndim == 2 else values
        turned[name.replace("model.layers", "h").replace("model.embed_tokens", "wte").replace("model.norm", "ln_f")] = (
            np.ascontiguousarray(values)
        )
    return turned
