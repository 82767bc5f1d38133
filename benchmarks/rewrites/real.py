"""Two published models rewritten by all that leaves their function, asked about: `make bench-rewrites-real`.

    python -m benchmarks.rewrites.real FIELD

FIELD holds all-MiniLM-L6-v2 and SmolLM2-135M as `make bench-field-models` writes them. SmolLM2, a llama, goes through
every rewrite of the bundled models at once. MiniLM, a BERT, has LayerNorms after each sum, which leave fewer freedoms:
units of the residual stream, heads, neurons and tokens in another order, queries, keys and values of every head
turned. Outputs are compared by a forward pass in float64. The registry holds both, the bundled zoo, and is also asked
about strangers: MiniLM's shapes, tokens and values, each matrix with its values at other places.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from forebear.ingest.model import fingerprint_model
from forebear.registry import Registry
from forebear.registry.reports.asking import ask
from tests.queries.comparison.surgery import Tensors, read_model
from tests.queries.evidence.rewrites import Attention, forward

from .cases import Checkpoint, read_checkpoint, rewrites
from .run import ZOO, source

NEVER_LARGER = -50.0
"""Log10 of the E-value of the original, at most."""
IDS = (101, 2023, 2003, 1037, 7099, 6251, 102)
"""Tokens of the forward pass."""
WORDS = "embeddings.word_embeddings.weight"


def minilm(folder: Path) -> Checkpoint:
    """The published model as it is."""
    config, tokenizer = (json.loads((folder / f).read_bytes()) for f in ("config.json", "tokenizer.json"))
    tensors = {n: t for n, t in read_model(folder).items() if not n.endswith("position_ids")}
    return Checkpoint(tensors, config, tokenizer, Attention(heads=12, kv_heads=12, size=32))


def rewritten(root: Checkpoint, random: np.random.Generator) -> Checkpoint:
    """A BERT of the same function in which nothing stands where it stood."""
    made = {n: t.astype(np.float64) for n, t in root.tensors.items()}
    stream = random.permutation(made[WORDS].shape[1])
    for name in made:
        if name.startswith("embeddings.") or "LayerNorm" in name or name == "pooler.dense.weight":
            made[name] = made[name][..., stream]
    for layer in range(int(str(root.config["num_hidden_layers"]))):
        _rewrite_layer(made, f"encoder.layer.{layer}.", stream, root.attention, random)
    order = random.permutation(len(made[WORDS]))  # the row that was `order[i]` is `i` now
    made[WORDS] = made[WORDS][order]
    place = np.argsort(order)
    tokenizer = json.loads(json.dumps(root.tokenizer))
    tokenizer["model"]["vocab"] = {token: int(place[n]) for token, n in tokenizer["model"]["vocab"].items()}
    for added in tokenizer["added_tokens"]:
        added["id"] = int(place[added["id"]])
    tensors = {n: t.astype(np.float32) for n, t in made.items()}
    return Checkpoint(tensors, root.config, tokenizer, root.attention)


def _rewrite_layer(
    made: dict[str, NDArray[np.float64]],
    at: str,
    stream: NDArray[np.int64],
    attention: Attention,
    random: np.random.Generator,
) -> None:
    neurons = random.permutation(len(made[f"{at}intermediate.dense.bias"]))
    for part, rows, columns in (
        ("attention.self.query", None, stream),
        ("attention.self.key", None, stream),
        ("attention.self.value", None, stream),
        ("attention.output.dense", stream, None),
        ("intermediate.dense", neurons, stream),
        ("output.dense", stream, neurons),
    ):
        weight, bias = made[f"{at}{part}.weight"], made[f"{at}{part}.bias"]
        weight = weight if columns is None else weight[:, columns]
        made[f"{at}{part}.weight"] = weight if rows is None else weight[rows]
        made[f"{at}{part}.bias"] = bias if rows is None else bias[rows]
    blocks = np.arange(attention.heads * attention.size).reshape(attention.heads, -1)
    heads = blocks[random.permutation(attention.heads)]
    for parts in (("attention.self.query", "attention.self.key"), ("attention.self.value",)):
        turns = [np.linalg.qr(random.standard_normal((attention.size, attention.size)))[0] for _ in blocks]
        for part in parts:
            for kind in ("weight", "bias"):
                whole = made[f"{at}{part}.{kind}"]
                turned = [turn @ whole[head] for turn, head in zip(turns, heads, strict=True)]
                made[f"{at}{part}.{kind}"] = np.concatenate(turned)
    output = made[f"{at}attention.output.dense.weight"]  # the turns of values are undone here
    made[f"{at}attention.output.dense.weight"] = np.concatenate(
        [output[:, head] @ turn.T for turn, head in zip(turns, heads, strict=True)], axis=1
    )


def pooled(model: Checkpoint, tokens: Sequence[str]) -> NDArray[np.float64]:
    """What a BERT's pooler gives for a text of such tokens."""
    wide = {n: t.astype(np.float64) for n, t in model.tensors.items()}
    size, heads = model.attention.size, model.attention.heads

    def dense(values: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        return np.asarray(values @ wide[f"{name}.weight"].T + wide[f"{name}.bias"])

    def normed(values: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        middle = values - values.mean(axis=1, keepdims=True)
        spread = np.sqrt(np.square(middle).mean(axis=1, keepdims=True) + 1e-12)
        return np.asarray(middle / spread * wide[f"{name}.LayerNorm.weight"] + wide[f"{name}.LayerNorm.bias"])

    vocabulary = model.tokenizer["model"]["vocab"]  # type: ignore[index]
    stream = wide[WORDS][[vocabulary[token] for token in tokens]]
    stream = stream + wide["embeddings.position_embeddings.weight"][: len(tokens)]
    stream = normed(stream + wide["embeddings.token_type_embeddings.weight"][0], "embeddings")
    for layer in range(int(str(model.config["num_hidden_layers"]))):
        at = f"encoder.layer.{layer}."
        queries, keys, values = (dense(stream, f"{at}attention.self.{n}") for n in ("query", "key", "value"))
        mixed = []
        for head in range(heads):
            mine = slice(head * size, (head + 1) * size)
            scores = queries[:, mine] @ keys[:, mine].T / np.sqrt(size)
            shares = np.exp(scores - scores.max(axis=1, keepdims=True))
            mixed.append(shares / shares.sum(axis=1, keepdims=True) @ values[:, mine])
        attended = dense(np.concatenate(mixed, axis=1), f"{at}attention.output.dense")
        stream = normed(stream + attended, f"{at}attention.output")
        inside = dense(stream, f"{at}intermediate.dense")
        inside = inside * (1 + erf(inside / np.sqrt(2))) / 2
        stream = normed(stream + dense(inside, f"{at}output.dense"), f"{at}output")
    return np.tanh(dense(stream[:1], "pooler.dense"))


def stranger(root: Checkpoint, random: np.random.Generator) -> Checkpoint:
    """A model of the same shapes, tokens and values, each matrix with its values at other places."""
    tensors: Tensors = {n: random.permuted(t.reshape(-1)).reshape(t.shape) for n, t in root.tensors.items()}
    return Checkpoint(tensors, root.config, root.tokenizer, root.attention)


def difference(found: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """The largest difference of outputs, as a share of the largest output."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def smollm2(folder: Path) -> tuple[Checkpoint, float]:
    """It rewritten by everything that can stand together, and by how much its outputs differ, token by token."""
    root = read_checkpoint(folder)
    every = next(case for case in rewrites() if case.group == "all at once")
    made = every.change(root, np.random.default_rng(1))
    old, new = (model.tokenizer["model"]["vocab"] for model in (root, made))  # type: ignore[index]
    texts = [token for token, number in old.items() if number in IDS]
    expected, found = (
        forward(model.tensors, model.attention, [vocabulary[text] for text in texts])[:, [vocabulary[t] for t in old]]
        for model, vocabulary in ((root, old), (made, new))
    )
    return made, difference(found, expected)


def told(registry: Registry, root: str, made: Checkpoint) -> tuple[int | None, float, str]:
    """The rank of the original, log10 of its E-value, and what was rewritten as far as it is said."""
    answers = ask(registry.connection, fingerprint_model(source(made)), 20).components
    rows = [row for answer in answers for row in answer.ancestors if row.name == root]
    best = min(rows, key=lambda row: row.log10_evalue)
    return (best.rank if best.origin else None), best.log10_evalue, best.reason


def main() -> int:
    """Print a line a model; 1 where an original is not found first or a stranger is taken for a relative."""
    field = Path(sys.argv[1])
    good = True
    with tempfile.TemporaryDirectory() as folder, Registry(Path(folder) / "real.duckdb") as registry:
        registry.ingest(field / "minilm", field / "smollm2-bf16", *sorted(ZOO.iterdir()))
        root = minilm(field / "minilm")
        again, off = smollm2(field / "smollm2-bf16")
        tokens = ["[CLS]", "this", "is", "a", "short", "sentence", "[SEP]"]
        turned = rewritten(root, np.random.default_rng(2))
        for name, made, apart in (
            ("minilm", turned, difference(pooled(turned, tokens), pooled(root, tokens))),
            ("smollm2-bf16", again, off),
        ):
            place, evalue, reason = told(registry, name, made)
            good &= place == 1 and evalue < NEVER_LARGER and apart < 1e-3
            print(f"{name}, rewritten: outputs off by {apart:.1e}, rank {place}, E = 1e{evalue:.0f}; {reason}")
        for seed in range(3):
            place, evalue, _ = told(registry, "minilm", stranger(root, np.random.default_rng(seed)))
            good &= place is None
            said = "no relative" if place is None else "taken for a relative"
            print(f"stranger {seed} of MiniLM's shape: {said}, E = {10**evalue:.2g}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
