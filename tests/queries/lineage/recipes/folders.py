"""Small models on disk: a Llama and its relatives, an adapter of it, and a mixture of experts of several."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import ml_dtypes
import numpy as np

from ....writers import Floats, llama, llama_config, raw, safetensors_bytes

Tensors = dict[str, Floats]
_EXPERT = {"gate_proj": "w1", "down_proj": "w2", "up_proj": "w3"}


def rounded(values: Floats) -> Floats:
    """Values as bfloat16 keeps them."""
    return values.astype(ml_dtypes.bfloat16).astype(np.float32)


def relatives(count: int, *, layers: int = 6, drift: float = 0.001) -> list[Tensors]:
    """A Llama, then fine-tunes of it whose every matrix moved."""
    random = np.random.default_rng(0)
    root = {name: rounded(values.astype(np.float32)) for name, values in llama(1, layers=layers).items()}
    made = [root]
    for _ in range(count - 1):
        change = {n: random.standard_normal(v.shape).astype(np.float32) * (v.ndim > 1) for n, v in root.items()}
        made.append(
            {name: rounded((values + drift * change[name]).astype(np.float32)) for name, values in root.items()}
        )
    return made


def write(folder: Path, tensors: Mapping[str, Floats], config: Mapping[str, object] | None = None) -> Path:
    """A model folder in bfloat16; returns it."""
    folder.mkdir(parents=True)
    content = safetensors_bytes({name: raw(values, "BF16") for name, values in tensors.items()})
    (folder / "model.safetensors").write_bytes(content)
    (folder / "config.json").write_text(json.dumps(config or llama_config(tensors)), encoding="utf-8")
    return folder


def adapter(base: Mapping[str, Floats], *, rank: int = 8, seed: int = 0) -> dict[str, tuple[Floats, Floats]]:
    """Module -> A [rank, in] and B [out, rank], whose product moves a weight by some hundredths of its size."""
    random = np.random.default_rng(seed)

    def factor(rows: int, columns: int, size: float) -> Floats:
        return (size * random.standard_normal((rows, columns))).astype(np.float32)

    return {
        name.removesuffix(".weight"): (factor(rank, values.shape[1], 0.1), factor(values.shape[0], rank, 0.004))
        for name, values in base.items()
        if "_proj" in name
    }


def write_adapter(folder: Path, factors: Mapping[str, tuple[Floats, Floats]], alpha: float) -> Path:
    """The adapter as PEFT writes it; returns its folder."""
    folder.mkdir(parents=True)
    tensors = {
        f"base_model.model.{module}.lora_{letter}.weight": raw(values, "F32")
        for module, pair in factors.items()
        for letter, values in zip("AB", pair, strict=True)
    }
    (folder / "adapter_model.safetensors").write_bytes(safetensors_bytes(tensors))
    config = {"peft_type": "LORA", "lora_alpha": alpha, "base_model_name_or_path": "base"}
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def merged(base: Tensors, factors: Mapping[str, tuple[Floats, Floats]], scale: float) -> Tensors:
    """The base with the adapter: the change computed in float32, kept as bfloat16, and added in that."""
    made = dict(base)
    for module, (down, up) in factors.items():
        name = f"{module}.weight"
        made[name] = rounded(base[name] + rounded(np.float32(scale) * (up @ down)))
    return made


def experts(base: Tensors, sources: Sequence[Tensors]) -> tuple[Tensors, dict[str, object]]:
    """A Mixtral of dense models, and its config: feed-forwards of the sources, all else of the base."""
    made = {name: values for name, values in base.items() if ".mlp." not in name}
    random = np.random.default_rng(9)
    for name, values in base.items():
        layer, _, module = name.partition(".mlp.")
        if module == "gate_proj.weight":
            router = random.standard_normal((len(sources), values.shape[1])) * 0.02
            made[f"{layer}.block_sparse_moe.gate.weight"] = router.astype(np.float32)
        for number, source in enumerate(sources):
            if module:
                key = _EXPERT[module.removesuffix(".weight")]
                made[f"{layer}.block_sparse_moe.experts.{number}.{key}.weight"] = source[name]
    config = {**llama_config(base), "architectures": ["MixtralForCausalLM"], "model_type": "mixtral"}
    return made, {**config, "num_local_experts": len(sources)}
