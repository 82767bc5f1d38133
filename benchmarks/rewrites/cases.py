"""What is done to the roots: every rewrite alone, in pairs and triples, and damage that no rewrite is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tests.queries.comparison.surgery import read_model
from tests.queries.evidence.rewrites import (
    EMBEDDING,
    HEAD,
    REWRITES,
    Attention,
    Tensors,
    add_noise,
    make_binary,
    make_sparse,
    make_ternary,
    reduce_rank,
    replace_random,
)

VOCABULARY_ORDER = "vocabulary order"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model in memory: tensors float32, config and tokenizer as their files have them."""

    tensors: Tensors
    config: dict[str, object]
    tokenizer: dict[str, object]
    attention: Attention


def read_checkpoint(folder: Path) -> Checkpoint:
    """A llama or Qwen2 model of the bundled zoo."""
    config, tokenizer = (json.loads((folder / f).read_bytes()) for f in ("config.json", "tokenizer.json"))
    heads, size = int(config["num_attention_heads"]), int(config.get("head_dim") or 0)
    size = size or int(config["hidden_size"]) // heads
    attention = Attention(heads=heads, kv_heads=int(config["num_key_value_heads"]), size=size)
    return Checkpoint(read_model(folder), config, tokenizer, attention)


Change = Callable[[Checkpoint, np.random.Generator], Checkpoint]


@dataclass(frozen=True, slots=True)
class Case:
    """One change of a root: `group` is rewrite, pair, triple or damage."""

    group: str
    name: str
    change: Change


def _rewrite(name: str) -> Change:
    if name == VOCABULARY_ORDER:
        return shuffle_vocabulary

    def change(root: Checkpoint, random: np.random.Generator) -> Checkpoint:
        return replace(root, tensors=REWRITES[name](root.tensors, root.attention, random))

    return change


def shuffle_vocabulary(root: Checkpoint, random: np.random.Generator) -> Checkpoint:
    """The tokens in another order, in the tokenizer and in the rows of embedding and head."""
    rows = len(root.tensors[EMBEDDING])
    order = random.permutation(rows)  # the row that was `order[i]` is `i` now
    place = np.argsort(order)
    tensors = root.tensors | {n: root.tensors[n][order] for n in (EMBEDDING, HEAD) if n in root.tensors}
    tokenizer = json.loads(json.dumps(root.tokenizer))
    model = tokenizer["model"]
    model["vocab"] = {token: int(place[n]) if n < rows else n for token, n in model["vocab"].items()}
    for added in tokenizer.get("added_tokens", []):
        added["id"] = int(place[added["id"]]) if added["id"] < rows else added["id"]
    return replace(root, tensors=tensors, tokenizer=tokenizer)


def _chain(names: tuple[str, ...]) -> Change:
    def change(root: Checkpoint, random: np.random.Generator) -> Checkpoint:
        for name in names:
            root = _rewrite(name)(root, random)
        return root

    return change


def rewrites() -> Iterator[Case]:
    """Every rewrite alone, all pairs and all triples, and all that can stand together at once."""
    names = (*REWRITES, VOCABULARY_ORDER)
    for count, group in ((1, "rewrite"), (2, "pair"), (3, "triple")):
        for chosen in itertools.combinations(names, count):
            yield Case(group, " + ".join(chosen), _chain(chosen))
    others = {"folded gains", "residual permuted", "residual signs", "residual Hadamard"}
    yield Case("all at once", "everything", _chain(tuple(name for name in names if name not in others)))


def _on_tensors(change: Callable[[Tensors, np.random.Generator], Tensors]) -> Change:
    return lambda root, random: replace(root, tensors=change(root.tensors, random))


def foreign_gains(tensors: Tensors, random: np.random.Generator) -> Tensors:
    """Gains that belong to nobody: as many numbers around the same mean, as spread out as those of the root."""
    return {
        n: (t.mean() + t.std() * random.standard_normal(t.shape)).astype(np.float32) if n.endswith("norm.weight") else t
        for n, t in tensors.items()
    }


def reset_gains(tensors: Tensors, _: np.random.Generator) -> Tensors:
    """All gains 1, and nothing made up for it."""
    return {n: np.ones_like(t) if n.endswith("norm.weight") else t for n, t in tensors.items()}


def keep_one_layer(tensors: Tensors, random: np.random.Generator) -> Tensors:
    """Everything shuffled but the embedding and the second layer."""
    layers = sorted({int(n.split(".")[2]) for n in tensors if ".layers." in n})
    parts = tuple(f".layers.{layer}." for layer in layers if layer != 1)
    return replace_random(tensors, parts, random)


_EMBEDDINGS = ("embed_tokens", "lm_head")
_DAMAGE: dict[str, Callable[[Tensors, np.random.Generator], Tensors]] = {
    "foreign gains": foreign_gains,
    "gains reset": reset_gains,
    **{f"noise {share:.0%}": (lambda t, r, s=share: add_noise(t, s, r)) for share in (0.1, 0.2, 0.5, 1.0)},  # type: ignore[misc]
    **{f"{share:.0%} sparse": (lambda t, _, s=share: make_sparse(t, s)) for share in (0.5, 0.8)},  # type: ignore[misc]
    "ternary": lambda t, _: make_ternary(t),
    "binary": lambda t, _: make_binary(t),
    **{f"rank {share:.0%}": (lambda t, _, s=share: reduce_rank(t, s)) for share in (0.5, 0.25, 0.1)},  # type: ignore[misc]
    "random attention": lambda t, r: replace_random(t, ("self_attn",), r),
    "random FFN": lambda t, r: replace_random(t, ("mlp",), r),
    "one layer of many": keep_one_layer,
    "embeddings replaced": lambda t, r: replace_random(t, _EMBEDDINGS, r),
}


def damage() -> Iterator[Case]:
    """Every damage alone, and beside a rewrite that hides what is left from positions and angles."""
    for name, change in _DAMAGE.items():
        yield Case("damage", name, _on_tensors(change))
    hidden = ("residual rotated", "neurons shuffled", "heads shuffled", "value bases", "rotary planes", "up scales")
    for name, change in _DAMAGE.items():

        def both(root: Checkpoint, random: np.random.Generator, change: object = change) -> Checkpoint:
            assert callable(change)
            return _chain(hidden)(replace(root, tensors=change(root.tensors, random)), random)

        yield Case("damage, rewritten", name, both)
