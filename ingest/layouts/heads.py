"""The rows of q, k and v of fused matrices, and the order of rows inside a head, from the counts of a config."""

from __future__ import annotations

from collections.abc import Mapping

from ..storage.views import Strides, groups

_KEY_HEADS = (
    "num_key_value_heads", "num_kv_heads", "n_head_kv", "n_kv_heads", "num_query_groups", "n_query_groups", "n_kv_head",
)  # fmt: skip


def qkv_rows(order: str, shape: tuple[int, ...], config: Mapping[str, object]) -> list[Strides] | None:
    """The rows of q, k and v of a matrix of `shape`; None when the config does not fit it."""
    rows = shape[0]
    heads, shared = query_heads(config), key_heads(config)
    match order:
        case "falcon" if config.get("new_decoder_architecture"):
            order = "groups"
        case "falcon":
            order, shared = ("stacked", 1) if config.get("multi_query", True) else ("heads", heads)
        case "chatglm" if config.get("multi_query_attention"):
            order, shared = "stacked", count(config, "multi_query_group_num")
        case "chatglm":
            order = "stacked" if "multi_query_attention" in config else "heads"
        case "bigcode":
            order, shared = ("stacked", 1) if config.get("multi_query", True) else ("heads", heads)
        case "heads":
            shared = heads
        case "flux":
            return groups((*(shape[1],) * 3, rows - 3 * shape[1]), 1) if rows > 3 * shape[1] > 0 else None
        case "delta":
            return _delta(rows, config)
    size = count(config, "head_dim", "kv_channels", "attention_head_size", "head_size") or _divided(config, heads)
    fits = heads > 0 and shared > 0 and heads % shared == 0 and (heads + 2 * shared) * size == rows > 0
    match order:
        case "stacked" if fits:
            return groups((heads * size, shared * size, shared * size), 1)
        case "stacked" if rows == 3 * shape[1] > 0:
            return groups((shape[1],) * 3, 1)
        case "heads" | "groups" if fits:
            return groups((heads // shared * size, size, size), shared)
    return None


def _delta(rows: int, config: Mapping[str, object]) -> list[Strides] | None:
    """The rows of q, k, v and the output gate of a gated delta net (Qwen3NextGatedDeltaNet)."""
    keys, values = count(config, "linear_num_key_heads"), count(config, "linear_num_value_heads")
    key, value = count(config, "linear_key_head_dim"), count(config, "linear_value_head_dim")
    if not keys or values % keys or 2 * (keys * key + values * value) != rows or not rows:
        return None
    wide = values // keys * value
    return groups((key, key, wide, wide), keys)


def count(config: Mapping[str, object], *keys: str) -> int:
    """The first of `keys` that holds a count; 0 when none does."""
    return next((n for key in keys if type(n := config.get(key)) is int and 0 < n < 1 << 31), 0)


def _divided(config: Mapping[str, object], heads: int) -> int:
    hidden = count(config, "hidden_size", "n_embd", "d_model")
    return hidden // heads if heads and hidden % heads == 0 else 0


def query_heads(config: Mapping[str, object]) -> int:
    """Heads of q; 0 where the config does not say."""
    return count(config, "num_attention_heads", "n_head", "num_heads", "n_heads")


def key_heads(config: Mapping[str, object]) -> int:
    """Heads of k and v, those of q where no other count stands; 0 where the config does not say."""
    inner = config.get("attn_config")  # MPT and DBRX
    own = count(inner, "kv_n_heads") if isinstance(inner, Mapping) else 0
    return count(config, *_KEY_HEADS) or own or query_heads(config)


def interleaved_rows(heads: int, rows: int) -> Strides | None:
    """Where the rows of q or k stand that rotate as neighbouring pairs; None where the heads do not divide them.

    Files of Meta, of Mistral and of llama.cpp have row (head, half, i) of Hugging Face at (head, i, half).
    """
    if heads <= 0 or rows <= 0 or rows % (2 * heads):
        return None
    size = rows // heads
    return Strides(0, (heads, 2, size // 2), (size, 1, 2))
