"""The forward pass of a BERT encoder over a dict of tensors with Hugging Face's names: all-MiniLM-L6-v2."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional

HEADS, EPSILON = 12, 1e-12
Weights = Mapping[str, Tensor]


def encode(weights: Weights, ids: Tensor, mask: Tensor, layers: int = 6) -> Tensor:
    """Hidden states [batch, length, 384] of token ids [batch, length]; `mask` is 1 where there is a token."""
    rows = functional.embedding(ids, weights["embeddings.word_embeddings.weight"])
    places = weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
    hidden = rows + places + weights["embeddings.token_type_embeddings.weight"][0]
    hidden = _norm(weights, "embeddings.LayerNorm", hidden)
    seen = mask[:, None, None, :].bool()
    for layer in range(layers):
        hidden = _layer(weights, f"encoder.layer.{layer}", hidden, seen)
    return hidden


def sentence(weights: Weights, ids: Tensor, mask: Tensor, layers: int = 6) -> Tensor:
    """Unit vectors [batch, 384]: the mean of the hidden states of a text's tokens."""
    hidden = encode(weights, ids, mask, layers) * mask[..., None]
    return functional.normalize(hidden.sum(dim=1) / mask.sum(dim=1, keepdim=True), dim=1)


def _layer(weights: Weights, at: str, hidden: Tensor, seen: Tensor) -> Tensor:
    batch, length, width = hidden.shape
    parts = [
        dense(weights, f"{at}.attention.self.{name}", hidden).view(batch, length, HEADS, -1).transpose(1, 2)
        for name in ("query", "key", "value")
    ]
    mixed = functional.scaled_dot_product_attention(*parts, attn_mask=seen)
    mixed = mixed.transpose(1, 2).reshape(batch, length, width)
    hidden = _norm(
        weights, f"{at}.attention.output.LayerNorm", hidden + dense(weights, f"{at}.attention.output.dense", mixed)
    )
    update = functional.gelu(dense(weights, f"{at}.intermediate.dense", hidden))
    return _norm(weights, f"{at}.output.LayerNorm", hidden + dense(weights, f"{at}.output.dense", update))


def dense(weights: Weights, at: str, hidden: Tensor) -> Tensor:
    """Hidden states [..., in] through the matrix and bias called `at`."""
    return functional.linear(hidden, weights[f"{at}.weight"], weights[f"{at}.bias"])


def _norm(weights: Weights, at: str, hidden: Tensor) -> Tensor:
    return functional.layer_norm(hidden, hidden.shape[-1:], weights[f"{at}.weight"], weights[f"{at}.bias"], EPSILON)
