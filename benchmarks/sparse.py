"""A checkpoint of a large model as sparse files: a real header, real values where forebear reads, holes elsewhere.

    python benchmarks/sparse.py FOLDER [--shards 2] [--seed 0] [--related 7 --noise 0.05] [--layers 32]

Shapes are those of Llama 2 7B in float16: 13.5 GB nominal, 58 MB on disk. Written are the 16 leading rows of every
matrix, more of the gates that activations are of, all of every norm, and of embedding and head the rows of the tokens
that a fingerprint chooses and of the characters that activations are of. The values follow from the seed and the
tensor's name alone: a related model is the other one's values plus noise of relative size `--noise`.
"""

from __future__ import annotations

import argparse
import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forebear.ingest.activations import LAYERS, NEURONS
from forebear.ingest.fingerprint.activations import character_keys
from forebear.ingest.metadata.tokenizer_files import read_tokenizer
from forebear.ingest.plan import LEADING_ROWS, TOKEN_ROWS
from forebear.ingest.sources import open_source

HIDDEN, FFN, VOCAB = 4096, 11_008, 32_000
MERGES = 61_249  # as many as Llama 2 has
ITEM = 2  # bytes of a float16
SHARD = "model-{:05}-of-{:05}.safetensors"


@dataclass(frozen=True, slots=True)
class Values:
    """Where numbers come from: `seed` alone, or the values of seed `related` plus noise of relative size `noise`."""

    seed: int = 0
    related: int | None = None
    noise: float = 0.05

    def rows(self, name: str, count: int, columns: int) -> NDArray[np.float32]:
        """Values [count, columns] of one tensor: gains near 1 for norms, else Gaussian of the usual size."""
        own = _gaussian(self.seed, name, count, columns)
        if self.related is not None:
            own = _gaussian(self.related, name, count, columns) + np.float32(self.noise) * own
        return 1 + np.float32(0.1) * own if "norm" in name else np.float32(0.02) * own


def _gaussian(seed: int, name: str, count: int, columns: int) -> NDArray[np.float32]:
    return np.random.default_rng([seed, zlib.crc32(name.encode())]).standard_normal((count, columns), np.float32)


def shapes(layers: int) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor of Llama 2 7B, with another number of layers if wanted."""
    found: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (VOCAB, HIDDEN)}
    for layer in range(layers):
        at = f"model.layers.{layer}"
        found |= {f"{at}.self_attn.{p}_proj.weight": (HIDDEN, HIDDEN) for p in "qkvo"}
        found |= {f"{at}.mlp.{p}_proj.weight": (FFN, HIDDEN) for p in ("gate", "up")}
        found[f"{at}.mlp.down_proj.weight"] = (HIDDEN, FFN)
        found |= {f"{at}.{p}_layernorm.weight": (HIDDEN,) for p in ("input", "post_attention")}
    return found | {"model.norm.weight": (HIDDEN,), "lm_head.weight": (VOCAB, HIDDEN)}


def write_checkpoint(folder: Path, values: Values, *, shards: int = 2, layers: int = 32) -> None:
    """A model folder at `folder`, in one file or in several with an index."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(_config(layers), indent=2), encoding="utf-8")
    (folder / "tokenizer.json").write_text(json.dumps(_tokenizer()), encoding="utf-8")
    tokens = _token_rows(folder)
    read = frozenset(np.linspace(0, layers - 1, LAYERS).round().astype(int).tolist())
    gates = frozenset(f"model.layers.{layer}.mlp.gate_proj.weight" for layer in read)
    weights: dict[str, str] = {}
    files = [SHARD.format(i + 1, shards) for i in range(shards)] if shards > 1 else ["model.safetensors"]
    for file, part in zip(files, _dealt(shapes(layers), shards), strict=True):
        _write_file(folder / file, part, values, tokens, gates)
        weights |= dict.fromkeys(part, file)
    if shards > 1:
        total = ITEM * sum(prod(shape) for shape in shapes(layers).values())
        index = {"metadata": {"total_size": total}, "weight_map": weights}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2), encoding="utf-8")


def _write_file(
    path: Path, part: Mapping[str, tuple[int, ...]], values: Values, tokens: NDArray[np.int64], gates: Set[str]
) -> None:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    places: dict[str, int] = {}
    end = 0
    for name, shape in part.items():
        places[name], end = end, end + ITEM * prod(shape)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [places[name], end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        start = file.tell()
        file.truncate(start + end)
        for name, shape in part.items():
            for row, block in _written(name, shape, values, tokens, NEURONS if name in gates else LEADING_ROWS):
                file.seek(start + places[name] + row * ITEM * shape[-1])
                file.write(block.astype("<f2").tobytes())


def _written(
    name: str, shape: tuple[int, ...], values: Values, tokens: NDArray[np.int64], leading: int
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """(first row, values) of what is not left a hole."""
    columns = shape[-1]
    if shape[0] == VOCAB:
        yield from zip(tokens.tolist(), values.rows(name, len(tokens), columns)[:, None], strict=True)
    else:
        yield 0, values.rows(name, leading if len(shape) > 1 else 1, columns)


def _dealt(tensors: Mapping[str, tuple[int, ...]], shards: int) -> list[dict[str, tuple[int, ...]]]:
    """The tensors in order, in parts of nearly equal size."""
    total, done = sum(prod(shape) for shape in tensors.values()), 0
    parts: list[dict[str, tuple[int, ...]]] = [{} for _ in range(shards)]
    for name, shape in tensors.items():
        parts[min(shards - 1, done * shards // total)][name] = shape
        done += prod(shape)
    return parts


def _token_rows(folder: Path) -> NDArray[np.int64]:
    tokenizer = read_tokenizer(open_source(str(folder)))
    assert tokenizer is not None
    vocabulary = tokenizer.vocabulary()
    chosen, characters = vocabulary.lowest(TOKEN_ROWS, VOCAB)[0], vocabulary.places(character_keys(), VOCAB)[0]
    return np.concatenate([chosen, characters[~np.isin(characters, chosen)]])


def _config(layers: int) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": HIDDEN,
        "intermediate_size": FFN,
        "model_type": "llama",
        "num_attention_heads": 32,
        "num_hidden_layers": layers,
        "num_key_value_heads": 32,
        "tie_word_embeddings": False,
        "torch_dtype": "float16",
        "vocab_size": VOCAB,
    }


def _tokenizer() -> dict[str, object]:
    """As many tokens and merges as Llama 2 has; the words are made up."""
    specials = ["<unk>", "<s>", "</s>"]
    tokens = [*specials, *(f"<0x{byte:02X}>" for byte in range(256))]
    tokens += [f"▁w{i}" for i in range(VOCAB - len(tokens))]
    merges = [f"▁w{i} x{i % 7}" for i in range(MERGES)]
    added = [{"id": i, "content": t, "special": True} for i, t in enumerate(specials)]
    model = {"type": "BPE", "vocab": {t: i for i, t in enumerate(tokens)}, "merges": merges}
    return {"version": "1.0", "added_tokens": added, "model": model}


def main() -> None:
    """Write one checkpoint as the command line says."""
    parser = argparse.ArgumentParser(description="a Llama-2-7B-shaped checkpoint as sparse files")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shards", type=int, default=2, help="files of weights (2); 1 makes no index")
    parser.add_argument("--layers", type=int, default=32, help="layers (32)")
    parser.add_argument("--seed", type=int, default=0, help="what the values follow from (0)")
    parser.add_argument("--related", type=int, help="the seed of the model whose values these are, plus noise")
    parser.add_argument("--noise", type=float, default=0.05, help="relative size of that noise (0.05)")
    asked = parser.parse_args()
    values = Values(asked.seed, asked.related, asked.noise)
    write_checkpoint(asked.folder, values, shards=asked.shards, layers=asked.layers)


if __name__ == "__main__":
    main()
