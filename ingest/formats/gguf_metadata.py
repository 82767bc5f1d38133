"""Config and tokenizer from the metadata of a GGUF file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..budget import TOKENS, require
from ..metadata.tokenizer import Tokenizer
from ..text import printable

CONFIG_KEYS = {
    "block_count": "num_hidden_layers",
    "embedding_length": "hidden_size",
    "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim",
    "vocab_size": "vocab_size",
    "context_length": "max_position_embeddings",
    "expert_count": "num_experts",
    "expert_used_count": "num_experts_per_tok",
    "rope.freq_base": "rope_theta",
    "attention.layer_norm_rms_epsilon": "rms_norm_eps",
}
"""Key below `ARCHITECTURE.` -> key of a config.json."""

MODEL_TYPES = {
    "qwen2moe": "qwen2_moe", "qwen3moe": "qwen3_moe", "qwen3next": "qwen3_next", "qwen35": "qwen3_5_text",
    "qwen35moe": "qwen3_5_moe_text", "gptneox": "gpt_neox",
    "gpt-oss": "gpt_oss", "command-r": "cohere", "starcoder": "gpt_bigcode",
    "phi2": "phi", "deepseek2": "deepseek_v2", "glm4moe": "glm4_moe",
    "gemma3": "gemma3_text", "granitemoe": "granitemoe", "hunyuan-dense": "hunyuan_v1_dense",
}  # fmt: skip
"""Architecture of a GGUF -> `model_type`, where the two differ."""

_PIECES = 0.01
"""Share of tokens with `##` from which on a vocabulary is that of WordPiece as it was; BERT's has a fifth of them."""
KINDS = {"gpt2": "BPE", "llama": "SentencePiece", "bert": "WordPiece", "t5": "Unigram"}
_UNKNOWN, _CONTROL, _UNUSED = 2, 3, 5
_MOST_BASES = 16


def architecture(fields: Mapping[str, object]) -> str:
    """`general.architecture`, empty when there is none."""
    return text(fields.get("general.architecture"))


def text(value: object, limit: int = 512) -> str:
    """A string of the metadata, safe to keep; empty for what is none."""
    return printable(value.decode("utf-8", "replace"), limit) if isinstance(value, bytes) else ""


def numbers(value: object) -> list[int]:
    """A count, or an array of counts a layer, as a list."""
    if isinstance(value, np.ndarray):
        return [int(v) for v in value.tolist()] if value.dtype.kind in "iu" else []
    return [value] if type(value) is int else []


def config(fields: Mapping[str, object], *, tied: bool) -> dict[str, object]:
    """What a config.json would say."""
    arch = architecture(fields)
    made: dict[str, object] = {"model_type": MODEL_TYPES.get(arch, arch), "tie_word_embeddings": tied}
    for ours, theirs in CONFIG_KEYS.items():
        value = fields.get(f"{arch}.{ours}")
        if isinstance(value, int | float):
            made[theirs] = value
        elif (counts := numbers(value)) and len(counts) <= 4096:
            made[theirs] = counts
    tokens = fields.get("tokenizer.ggml.tokens")
    if isinstance(tokens, list):
        made.setdefault("vocab_size", len(tokens))
    if bases := _bases(fields):
        made["base_model"] = bases
    return made


def _bases(fields: Mapping[str, object]) -> list[str]:
    """The models that the file names as what it was made from."""
    count = fields.get("general.base_model.count")
    found = []
    for i in range(min(count, _MOST_BASES) if type(count) is int else 0):
        at = f"general.base_model.{i}"
        url = text(fields.get(f"{at}.repo_url")).removeprefix("https://huggingface.co/").strip("/")
        named = [text(fields.get(f"{at}.{key}")) for key in ("organization", "name")]
        if name := url or "/".join(n for n in named if n):
            found.append(name)
    return found


def tokenizer(fields: Mapping[str, object]) -> Tokenizer | None:
    """The tokenizer, None where the metadata have no tokens."""
    tokens = fields.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, list) or not tokens or not all(isinstance(t, bytes) for t in tokens):
        return None
    require(TOKENS, len(tokens), "tokenizer.ggml.tokens")
    kind = text(fields.get("tokenizer.ggml.model"))
    types: Any = fields.get("tokenizer.ggml.token_type")
    types = types.tolist() if isinstance(types, np.ndarray) and len(types) == len(tokens) else [1] * len(tokens)
    found: dict[str, int] = {}
    specials: set[str] = set()
    converted = kind == "bert" and sum(t.startswith(b"##") for t in tokens) < _PIECES * len(tokens)
    for i, (token, what) in enumerate(zip(tokens, types, strict=True)):
        if what == _UNUSED:
            continue
        spelled = token.decode("utf-8", "replace")
        if what in (_UNKNOWN, _CONTROL):
            specials.add(spelled)
        elif converted:
            spelled = _word_piece(spelled)
        found.setdefault(spelled, i)
    return Tokenizer(KINDS.get(kind, kind or "unknown"), found, _merges(fields), frozenset(specials))


def _word_piece(token: str) -> str:
    """The converter of llama.cpp writes `the` as `▁the` and `##ing` as `ing`; other writers leave both as they are."""
    if token.startswith("[") and token.endswith("]"):
        return token
    return token[1:] if token.startswith("▁") else "##" + token


def _merges(fields: Mapping[str, object]) -> list[tuple[str, str]]:
    merges = fields.get("tokenizer.ggml.merges")
    pairs = (
        [m.decode("utf-8", "replace").split(" ") for m in merges if isinstance(m, bytes)]
        if isinstance(merges, list)
        else []
    )
    return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2]
