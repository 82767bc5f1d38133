"""The forward pass of a small GPT-2 in numpy: the next token after every prompt of a batch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from benchmarks.outputs.llama import Config, Floats, causal


def logits(weights: Mapping[str, Floats], config: Config, tokens: NDArray[np.int64], ends: NDArray[np.int64]) -> Floats:
    """As `llama.logits`, with the names and the layout of GPT-2: matrices (in, out), learned positions, biases."""
    table = weights["transformer.wte.weight"]
    hidden = table[tokens] + weights["transformer.wpe.weight"][: tokens.shape[1]]
    heads = int(config["n_head"])

    def normed(at: str, values: Floats) -> Floats:
        centred = values - values.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + config.get("layer_norm_epsilon", 1e-5))
        return scaled * weights[f"{at}.weight"] + weights[f"{at}.bias"]

    def affine(at: str, values: Floats) -> Floats:
        return values @ weights[f"{at}.weight"] + weights[f"{at}.bias"]

    for layer in range(int(config["n_layer"])):
        at = f"transformer.h.{layer}"
        joined = affine(f"{at}.attn.c_attn", normed(f"{at}.ln_1", hidden))
        q, k, v = (
            part.reshape(*hidden.shape[:2], heads, -1).transpose(0, 2, 1, 3) for part in np.split(joined, 3, axis=-1)
        )
        shares = causal(q @ k.swapaxes(-1, -2) / np.float32(np.sqrt(q.shape[-1])))
        hidden = hidden + affine(f"{at}.attn.c_proj", (shares @ v).transpose(0, 2, 1, 3).reshape(hidden.shape))
        raised = affine(f"{at}.mlp.c_fc", normed(f"{at}.ln_2", hidden))
        raised = 0.5 * raised * (1 + np.tanh(np.sqrt(2 / np.pi) * (raised + 0.044715 * raised**3)))  # gelu_new
        hidden = hidden + affine(f"{at}.mlp.c_proj", raised)
    last = normed("transformer.ln_f", hidden[np.arange(len(tokens)), ends])
    return last @ weights.get("lm_head.weight", table).T
