"""Strangers at real widths, made of two real models: of their tensors themselves, and of what their tensors are like.

    python -m benchmarks.calibration.strangers OUT LLAMA [BERT] [--many]

LLAMA and BERT are folders of real models (benchmarks/field has SmolLM2-135M, 576 wide, and MiniLM, 384 wide).

- `roles-*`: the real model's own matrices under other roles and in other layers (o as q, v as k, up as gate). Two of
  them are unrelated when they hold no matrix under one role. Statistics and widths are real, and the residual stream is
  one: harder than strangers are.
- `wide-*`: 384 to 4096 columns. The spectrum of the leading rows, the sizes of columns and the values themselves are
  drawn from a real matrix of the role; directions, order and signs are random.

With --many there are 985 of the last kind, of half as many layers: a million ordered pairs, in 10 GB. What is there is
kept, so a run that was stopped goes on. Only 32
rows of every matrix are written, twice what is read. truth.json lists what each model holds: `role:tensor`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, permutations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.weights import Key, Matrix, Weights, read_weights
from forebear.ingest.plan import LEADING_ROWS

ROWS = 2 * LEADING_ROWS
WIDTHS = (384, 576, 1024, 2048, 4096)
PER_WIDTH, LAYERS, PER_HALF = 12, 12, 12
MANY, MANY_LAYERS = {384: 240, 576: 240, 1024: 240, 2048: 205, 4096: 60}, 6
ROLES = {"q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj", "o": "self_attn.o_proj",
         "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj"}  # fmt: skip
SWAPPED = {"q": "o", "o": "q", "k": "v", "v": "k", "gate": "up", "up": "gate"}
SEED = 20260101


@dataclass(frozen=True, slots=True)
class Stranger:
    """One model: matrices by (layer, role), and what it holds of real ones."""

    name: str
    matrices: Mapping[tuple[int, str], Matrix]
    holds: tuple[str, ...]


def of_layers(real: Weights) -> list[Stranger]:
    """Real layers in random order: some of one half of the layers, and some of the other half under other roles."""
    random = np.random.default_rng(SEED)
    layers = random.permutation(real.layers)
    found = []
    for half, roles in enumerate(({r: r for r in (*SWAPPED, "down")}, SWAPPED)):
        mine = layers[half::2]
        for number in range(PER_HALF):
            chosen = random.permutation(mine)[:LAYERS].tolist()
            matrices = {
                (place, role): rows_of(real, layer, source)
                for place, layer in enumerate(chosen)
                for role, source in roles.items()
            }
            holds = tuple(f"{role}:{real.name}.{layer}.{s}" for layer in chosen for role, s in roles.items())
            found.append(Stranger(f"roles-{real.name}-{half}-{number:02}", matrices, holds))
    return found


def of_attention(real: Weights) -> list[Stranger]:
    """A real model whose four attention matrices, all of one shape, are dealt to the four roles in every way."""
    found = []
    for number, dealt in enumerate(permutations("qkvo")):
        pairs = tuple(zip("qkvo", dealt, strict=True))
        matrices = {(i, role): rows_of(real, i, s) for i in range(real.layers) for role, s in pairs}
        found.append(
            Stranger(f"roles-{real.name}-{number:02}", matrices, tuple(f"{r}:{real.name}.{s}" for r, s in pairs))
        )
    return found


def rows_of(real: Weights, layer: int, role: str) -> Matrix:
    """The leading rows of a real matrix."""
    matrix = next(t for (at, _, mine, _), t in real.tensors.items() if (at, mine) == (layer, role) and t.ndim == 2)
    return matrix[:ROWS]


def like(real: Weights, width: int, number: int, layers: int) -> Stranger:
    """A model of `layers` layers of `width` columns, 8/3 of it in `down`, whose matrices are like the real ones."""
    random = np.random.default_rng([SEED, width, number])
    name = f"wide-{width}-{number:02}"
    matrices = {}
    for layer in range(layers):
        for role in ROLES:
            model = rows_of(real, int(random.integers(real.layers)), role)
            matrices[layer, role] = drawn(random, model, 8 * width // 3 if role == "down" else width)
    return Stranger(name, matrices, (f"all:{name}",))


def drawn(random: np.random.Generator, real: Matrix, columns: int) -> Matrix:
    """Rows [32, columns] with the real rows' spectrum, sizes of columns and distribution of values, all else random.

    Real rows are A Z: A is the root of their covariance, the columns of Z have sizes of their own. Values and sizes of
    Z are drawn from the real ones, and A gets other directions.
    """
    wide = real.astype(np.float64)
    values, directions = np.linalg.eigh(wide @ wide.T / wide.shape[1])
    roots = np.sqrt(np.maximum(values, 1e-9 * values[-1]))
    plain = (directions / roots) @ directions.T @ wide
    sizes = np.sqrt(np.square(plain).mean(axis=0))
    sizes = np.where(sizes > 0, sizes, 1.0)
    shape = (len(real), columns)
    fresh = random.choice((plain / sizes).ravel(), shape) * random.choice([-1.0, 1.0], shape)
    turn: NDArray[np.float64] = np.linalg.qr(random.standard_normal((len(real), len(real))))[0]
    return np.asarray((turn * roots) @ turn.T @ fresh * random.choice(sizes, columns), np.float32)


def write(stranger: Stranger, out: Path, real: Weights) -> None:
    """A folder in the layout of Llama, with an embedding of its own; the weights come last, and whole."""
    folder = out / stranger.name
    folder.mkdir(parents=True, exist_ok=True)
    width = stranger.matrices[0, "q"].shape[1]
    embedding = real_embedding(real, np.random.default_rng([SEED, *stranger.name.encode()]), width)
    tensors: dict[str, Matrix] = {"model.embed_tokens.weight": embedding}
    for (layer, role), matrix in stranger.matrices.items():
        tensors[f"model.layers.{layer}.{ROLES[role]}.weight"] = np.ascontiguousarray(matrix, np.float32)
    layers = 1 + max(layer for layer, _ in stranger.matrices)
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": width,
              "intermediate_size": 8 * width // 3, "num_attention_heads": 1, "num_key_value_heads": 1,
              "num_hidden_layers": layers, "vocab_size": len(embedding), "tie_word_embeddings": True}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "tokenizer.json").write_bytes(small_tokenizer())
    header, start = {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": tensor.shape, "data_offsets": [start, start + tensor.nbytes]}
        start += tensor.nbytes
    text = json.dumps(header).encode()
    with (folder / "partial").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors.values():
            file.write(tensor.tobytes())
    (folder / "partial").rename(folder / "model.safetensors")


def small_tokenizer() -> bytes:
    """256 tokens that every stranger shares."""
    model = {"type": "BPE", "vocab": {f"w{i}": i for i in range(256)}, "merges": []}
    return json.dumps({"version": "1.0", "added_tokens": [], "model": model}).encode()


def real_embedding(real: Weights, random: np.random.Generator, width: int) -> Matrix:
    """256 rows with the sizes of real ones, of random directions: strangers share no token's row."""
    assert real.embedding is not None
    sizes = random.choice(np.linalg.norm(real.embedding[:4096], axis=1), (256, 1)) / np.sqrt(width)
    return np.asarray(sizes * random.standard_normal((256, width)), np.float32)


def places(*, many: bool) -> list[tuple[int, int]]:
    """Width and number of every model of random directions."""
    return [(width, number) for width in WIDTHS for number in range(MANY[width] if many else PER_WIDTH)]


def main() -> None:
    """Make them all, and truth.json."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration.strangers")
    parser.add_argument("out", type=Path)
    parser.add_argument("llama", type=Path)
    parser.add_argument("bert", type=Path, nargs="?")
    parser.add_argument("--many", action="store_true")
    asked = parser.parse_args()
    real = trimmed(read_weights(asked.llama))
    bert = trimmed(read_weights(asked.bert)) if asked.bert else None
    made = of_layers(real) + (of_attention(bert) if bert else [])
    wide = {f"wide-{width}-{number:02}": (width, number) for width, number in places(many=asked.many)}
    layers = MANY_LAYERS if asked.many else LAYERS
    missing = [name for name in wide if not (asked.out / name / "model.safetensors").exists()]
    for stranger in chain(made, (like(real, *wide[name], layers) for name in missing)):
        write(stranger, asked.out, real)
    holds = {stranger.name: stranger.holds for stranger in made} | {name: (f"all:{name}",) for name in wide}
    truth = {n: {"root": n, "parents": [], "category": n.split("-")[0], "holds": held} for n, held in holds.items()}
    (asked.out / "truth.json").write_text(json.dumps({"models": truth}, indent=1), "utf-8")


def trimmed(real: Weights) -> Weights:
    """The leading rows alone, as nothing else is used; of an embedding all."""
    tensors: dict[Key, Matrix] = {k: t if k[2] == "embed" else t[:ROWS] for k, t in real.tensors.items()}
    return Weights(real.name, tensors, real.heads, real.kv_heads, real.vocabulary, real.bytes_total)


if __name__ == "__main__":
    main()
