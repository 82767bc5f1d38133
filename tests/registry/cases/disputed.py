"""Five small models under the shapes of the founding dispute, cut in depth and width; and a case over them.

`solar`, `glm`, `phi` and `deepseek` have nothing in common but the statistics of their norm gains, whose cosines are
above 0.95 in deep layers; `intellect` is `glm`, trained on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...writers import Floats, Raw, model_files, raw, tokenizer_json, write_files

HIDDEN = 96


@dataclass(frozen=True)
class Shape:
    """One of the architectures: names of its experts, layers, heads, and tokens of its own."""

    layers: int
    heads: int
    expert: str
    shared: bool
    words: tuple[str, ...]
    specials_first: bool
    model_type: str
    width: int = 64


SHAPES = {
    "solar": Shape(12, 4, "mlp.experts", True, ("w", "ko"), True, "solar_open", 60),
    "glm": Shape(11, 6, "mlp.experts", True, ("w", "zh"), False, "glm4_moe", 64),
    "phi": Shape(10, 4, "block_sparse_moe.experts", False, ("w", "p"), False, "phimoe", 72),
    "deepseek": Shape(10, 4, "mlp.experts", True, ("w", "d"), False, "deepseek_v3", 48),
}
LABELS = ("solar", "glm", "intellect", "phi", "deepseek")
SPELLED = {"w": "word", "p": "phi", "d": "deep"}


def gains(random: np.random.Generator, layer: int, layers: int) -> Floats:
    """Gains that sit near a constant, nearer in deeper layers: unrelated ones have cosines of 0.9 and more."""
    level = 0.2 + 0.8 * layer / max(1, layers - 1)
    spread = 0.25 * (1 - layer / max(1, layers - 1)) + 0.1
    return (level * (1 + spread * random.standard_normal(HIDDEN))).astype(np.float32)


def tensors(name: str, seed: int) -> dict[str, Floats]:
    """The tensors of one of SHAPES, at random."""
    shape, random = SHAPES[name], np.random.default_rng(seed)
    vocabulary = len(tokens(name))

    def matrix(rows: int, columns: int) -> Floats:
        return random.normal(0, 0.02, (rows, columns)).astype(np.float32)

    found = {"model.embed_tokens.weight": matrix(vocabulary, HIDDEN)}
    for layer in range(shape.layers):
        at, feed = f"model.layers.{layer}", shape.expert.removesuffix(".experts")
        found |= {
            f"{at}.input_layernorm.weight": gains(random, layer, shape.layers),
            f"{at}.post_attention_layernorm.weight": gains(random, layer, shape.layers),
            f"{at}.self_attn.q_proj.weight": matrix(16 * shape.heads, HIDDEN),
            f"{at}.self_attn.k_proj.weight": matrix(32, HIDDEN),
            f"{at}.self_attn.v_proj.weight": matrix(32, HIDDEN),
            f"{at}.self_attn.o_proj.weight": matrix(HIDDEN, 16 * shape.heads),
            f"{at}.{feed}.gate.weight": matrix(4, HIDDEN),
        }
        names = ("w1", "w3", "w2") if "sparse" in shape.expert else ("gate_proj", "up_proj", "down_proj")
        homes = [f"{at}.{shape.expert}.{expert}" for expert in range(4)]
        homes += [f"{at}.{feed}.shared_experts"] if shape.shared else []
        for home in homes:
            for one, sizes in zip(
                names, ((shape.width, HIDDEN), (shape.width, HIDDEN), (HIDDEN, shape.width)), strict=True
            ):
                found[f"{home}.{one}.weight"] = matrix(*sizes)
    found["model.norm.weight"] = gains(random, shape.layers - 1, shape.layers)
    found["lm_head.weight"] = matrix(vocabulary, HIDDEN)
    return found


def trained_on(found: Mapping[str, Floats], seed: int, share: float = 0.02) -> dict[str, Floats]:
    """The same model after a light training: every value moved by `share` of the tensor's spread."""
    random = np.random.default_rng(seed)
    return {
        name: (value + share * value.std() * random.standard_normal(value.shape)).astype(np.float32)
        for name, value in found.items()
    }


def tokens(name: str) -> dict[str, int]:
    """The vocabulary, byte-level: 400 words that all share, and 100 of its own; specials first where it has them so."""
    shape = SHAPES[name]
    words = [f"Ġword{chr(97 + i // 26 % 26)}{chr(97 + i % 26)}" for i in range(400)]
    own = [spelled(shape.words[1], i) for i in range(100)]
    if shape.words[1] == "ko":
        words = words[::-1]
    listed = [*(SPECIALS if shape.specials_first else ["!", '"', "#"]), *words, *own]
    listed += [] if shape.specials_first else SPECIALS
    return {text: number for number, text in enumerate(listed)}


SPECIALS = [f"<|special_{i}|>" for i in range(20)]


def spelled(kind: str, number: int) -> str:
    """One of the tokens of a model's own: Korean, Chinese, or ASCII."""
    from forebear.ingest.metadata.tokenizer import byte_spelling

    if kind in {"ko", "zh"}:
        return byte_spelling(chr((0xAC00 if kind == "ko" else 0x4E00) + 7 * number).encode())
    return f"{SPELLED[kind]}{number}"


def config(name: str) -> dict[str, object]:
    """config.json under the usual names."""
    shape = SHAPES[name]
    return {
        "architectures": [f"{shape.model_type}ForCausalLM"],
        "model_type": shape.model_type,
        "hidden_size": HIDDEN,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "vocab_size": len(tokens(name)),
        "rope_theta": 1000000,
        "attention_bias": name == "glm",
        "n_routed_experts": 4,
        "tie_word_embeddings": False,
    }


def files(name: str, found: Mapping[str, Floats]) -> dict[str, bytes]:
    """The files of a repository, in bfloat16 and two shards."""
    vocabulary = {text: number for text, number in tokens(name).items() if text not in SPECIALS}
    specials = {text: number for text, number in tokens(name).items() if text in SPECIALS}
    stored: dict[str, Raw | Floats] = {key: raw(value, "BF16") for key, value in found.items()}
    merges: Sequence[object] = [f"{a} {b}" for a, b in (("w", "o"), ("wo", "r"), ("wor", "d"), (name[0], name[1]))]
    tokenizer = tokenizer_json(vocabulary, merges=merges, specials=specials)
    return model_files(stored, shards=2, config=config(name), tokenizer=tokenizer)


def write_models(folder: Path) -> dict[str, Path]:
    """The folders of the five models by label."""
    made = {name: tensors(name, seed) for seed, name in enumerate(SHAPES, 1)}
    written = {name: write_files(folder / name, files(name, found)) for name, found in made.items()}
    written["intellect"] = write_files(folder / "intellect", files("glm", trained_on(made["glm"], 9)))
    return written


def case(sources: Mapping[str, str], claims: Sequence[Mapping[str, Any]] = (), **fields: object) -> bytes:
    """A case file over the five models, as JSON, which is YAML."""
    roles: dict[str, dict[str, object]] = {
        "solar": {"role": "accused", "family": "Solar", "released": "2026-01-01"},
        "glm": {"role": "parent", "family": "GLM", "released": "2025-07-01", "from_scratch": "its makers"},
        "intellect": {"role": "derivative", "of": "glm", "family": "GLM", "released": "2025-11-01"},
        "phi": {"role": "control", "family": "Phi", "released": "2024-08-01"},
        "deepseek": {"role": "control", "family": "DeepSeek", "released": "2024-12-01"},
    }
    document = {
        "case": 1,
        "title": "Does Solar come from GLM?",
        "question": "Are the weights of the accused nearer to the alleged parent than to models of other makers?",
        "models": {label: {"source": str(sources[label]), **roles[label]} for label in roles},
        "layers": [3, 6, 9],
        "mixed_layers": {"solar": 3, "glm": 6, "phi": 9},
        "claims": list(claims),
        **fields,
    }
    return json.dumps(document, indent=1).encode()
