"""What the models are trained for: sentence pairs, masked words, classes of text, the next token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from .decoder import next_token_loss
from .encoder import dense, encode, sentence
from .entries import Half
from .merging import State
from .texts import DOMAINS, labelled, pairs, prose
from .training import Loss

SCALE = 20.0
"""Of cosines in the multiple-negatives loss, as sentence-transformers has it."""
PAIRS, TOKENS = 6, 32
MASK, MASKED_SHARE = 103, 0.15
WINDOWS, WINDOW = 2, 64
HEAD_SIZE = 0.02


def drawn(items: Sequence[object], count: int, generator: torch.Generator) -> list[int]:
    """Places of `count` items, drawn with replacement."""
    return [int(i) for i in torch.randint(len(items), (count,), generator=generator)]


def encoded(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Token ids and mask [texts, at most TOKENS]."""
    tokenizer.enable_truncation(TOKENS)
    tokenizer.enable_padding()
    found = tokenizer.encode_batch(list(texts))
    return torch.tensor([e.ids for e in found]), torch.tensor([e.attention_mask for e in found])


def contrastive(tokenizer: Tokenizer, domain: str, half: Half) -> Loss:
    """Each text's neighbour among those of the batch."""
    known = pairs(domain, half)

    def loss(weights: Mapping[str, Tensor], generator: torch.Generator) -> Tensor:
        chosen = [known[i] for i in drawn(known, PAIRS, generator)]
        one, other = (sentence(weights, *encoded(tokenizer, [pair[side] for pair in chosen])) for side in (0, 1))
        return functional.cross_entropy(SCALE * one @ other.T, torch.arange(PAIRS))

    return loss


def classified(tokenizer: Tokenizer, half: Half) -> Loss:
    """The domain of a paragraph, from the pooled first token."""
    known = labelled(half)

    def loss(weights: Mapping[str, Tensor], generator: torch.Generator) -> Tensor:
        chosen = [known[i] for i in drawn(known, 2 * PAIRS, generator)]
        hidden = encode(weights, *encoded(tokenizer, [text for text, _ in chosen]))
        pooled = torch.tanh(dense(weights, "pooler.dense", hidden[:, 0]))
        return functional.cross_entropy(dense(weights, "classifier", pooled), torch.tensor([n for _, n in chosen]))

    return loss


def masked(tokenizer: Tokenizer, domain: str, half: Half) -> Loss:
    """Words that were masked, 15 % of all; the decoder is tied to the embeddings."""
    known = [text for pair in pairs(domain, half) for text in pair]

    def loss(weights: Mapping[str, Tensor], generator: torch.Generator) -> Tensor:
        ids, mask = encoded(tokenizer, [known[i] for i in drawn(known, 2 * PAIRS, generator)])
        hidden_words = (torch.rand(ids.shape, generator=generator) < MASKED_SHARE) & mask.bool() & (ids > MASK)
        hidden = encode(weights, ids.masked_fill(hidden_words, MASK), mask)[hidden_words]
        hidden = functional.gelu(dense(weights, "cls.predictions.transform.dense", hidden))
        norm = "cls.predictions.transform.LayerNorm"
        hidden = functional.layer_norm(hidden, hidden.shape[-1:], weights[f"{norm}.weight"], weights[f"{norm}.bias"])
        table, bias = weights["embeddings.word_embeddings.weight"], weights["cls.predictions.bias"]
        return functional.cross_entropy(functional.linear(hidden, table, bias), ids[hidden_words])

    return loss


def continued(tokenizer: Tokenizer, domain: str, half: Half, layers: int) -> Loss:
    """The next token of windows of a domain's documents."""
    texts = prose(domain, half)[:400]
    tokens = np.concatenate([np.array([*e.ids, 0]) for e in tokenizer.encode_batch(texts)])

    def loss(weights: Mapping[str, Tensor], generator: torch.Generator) -> Tensor:
        starts = torch.randint(len(tokens) - WINDOW - 1, (WINDOWS,), generator=generator).numpy()
        batch = torch.from_numpy(tokens[starts[:, None] + np.arange(WINDOW + 1)])
        return next_token_loss(weights, batch, layers)

    return loss


def classifier_head(seed: int) -> State:
    """A fresh head of three classes."""
    draw = np.random.default_rng(seed).normal(0, HEAD_SIZE, (len(DOMAINS), 384)).astype(np.float32)
    return {"classifier.weight": draw, "classifier.bias": np.zeros(len(DOMAINS), np.float32)}


def prediction_head(words: int, seed: int) -> State:
    """A fresh head of BertForMaskedLM, its decoder tied."""
    at = "cls.predictions"
    return {
        f"{at}.bias": np.zeros(words, np.float32),
        f"{at}.transform.dense.weight": np.random.default_rng(seed).normal(0, HEAD_SIZE, (384, 384)).astype(np.float32),
        f"{at}.transform.dense.bias": np.zeros(384, np.float32),
        f"{at}.transform.LayerNorm.weight": np.ones(384, np.float32),
        f"{at}.transform.LayerNorm.bias": np.zeros(384, np.float32),
    }
