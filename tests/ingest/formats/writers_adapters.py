"""Adapters in the layouts that PEFT and kohya write, made of random factors that drift as training makes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...writers import Floats, Raw, safetensors_bytes

WIDTHS = {"self_attn.q_proj": (64, 64), "self_attn.v_proj": (32, 64)}
"""Target -> (out, in), those of the `llama` of tests/writers.py."""


@dataclass(frozen=True)
class Data:
    """What training on one data set pushes every matrix to: few directions, the same for all adapters that see it."""

    seed: int
    directions: int = 2

    def gradient(self, layer: int, target: str) -> tuple[Floats, Floats]:
        """Directions [out, d] and [d, in], strongest first."""
        random = np.random.default_rng([self.seed, layer, *target.encode()])
        out, width = WIDTHS[target]
        falling = np.geomspace(1, 0.3, self.directions).astype(np.float32)
        up = random.normal(0, 1, (out, self.directions)).astype(np.float32) * falling
        return up, random.normal(0, 1, (self.directions, width)).astype(np.float32)


Factors = dict[str, Floats]


def train(
    data: Data, seed: int, *, rank: int = 8, layers: int = 2, steps: float = 1.0, start: Factors | None = None
) -> Factors:
    """Factors by PEFT's names without the wrapper: A uniform and B zero, then moved along the data's gradient.

    Gradient flow of B A from (A0, 0): dB = G A', dA = B' G, in a few explicit steps, with noise of the run's own.
    """
    random = np.random.default_rng(seed)
    made = dict(start or {})
    noise = np.random.default_rng([seed, data.seed, 7 if start else 8])
    for layer in range(layers):
        for target, (out, width) in WIDTHS.items():
            name = f"model.layers.{layer}.{target}"
            if start is None:
                made[f"{name}.lora_A"] = random.uniform(-1, 1, (rank, width)).astype(np.float32) / np.sqrt(width)
                made[f"{name}.lora_B"] = np.zeros((out, rank), np.float32)
            down, up = made[f"{name}.lora_A"], made[f"{name}.lora_B"]
            left, right = data.gradient(layer, target)
            for _ in range(4):
                push = 0.02 * steps * left @ right / np.sqrt(width)
                wander = noise.normal(0, 0.004 * steps, (out, rank)).astype(np.float32)
                down, up = (down + up.T @ push).astype(np.float32), (up + push @ down.T + wander).astype(np.float32)
            made[f"{name}.lora_A"], made[f"{name}.lora_B"] = down, up
    return made


def adapter_config(**given: object) -> dict[str, object]:
    """adapter_config.json as PEFT writes it, with what is given."""
    plain: dict[str, object] = {
        "base_model_name_or_path": "org/base", "revision": None, "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 8,
        "lora_alpha": 16, "target_modules": ["q_proj", "v_proj"], "layers_to_transform": None, "use_dora": False,
        "use_rslora": False,
    }  # fmt: skip
    return plain | given


def peft_files(factors: Mapping[str, Floats | Raw], **config: object) -> dict[str, bytes]:
    """The folder of an adapter as PEFT saves it."""
    tensors = {f"base_model.model.{name}.weight": value for name, value in factors.items()}
    files = {"adapter_model.safetensors": safetensors_bytes(tensors)}
    return files | {"adapter_config.json": json.dumps(adapter_config(**config)).encode()}


def kohya_file(factors: Mapping[str, Floats]) -> bytes:
    """The same factors in one file under kohya's names, with an alpha a module."""
    tensors: dict[str, Floats | Raw] = {}
    for name, value in factors.items():
        module, _, factor = name.rpartition(".")
        flat = "lora_te_" + module.replace(".", "_")
        tensors[f"{flat}.{'lora_down' if factor == 'lora_A' else 'lora_up'}.weight"] = value
        tensors[f"{flat}.alpha"] = np.full((), 8, np.float32)
    return safetensors_bytes(tensors)
