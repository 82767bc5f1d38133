"""What fingerprinting from the Hub costs, counted by the server: bytes, requests, and seconds at 50 ms a request.

    python benchmarks/hub.py [FOLDER]     (make bench-hub)

Two checkpoints with real headers and sparse contents: one of the shape of Llama-2-7B in three shards, one of 48 layers
with 128 experts each. Every matrix has random leading rows: as many as are read of any, so that activations are read
too. The bars: of the first, at most 0.5 % of the bytes, 1.2
requests a tensor and 15 seconds; of the second, at most 200 MB and 2,500 requests. Exits with 1 when one is missed.
"""

from __future__ import annotations

import json
import math
import struct
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from forebear.ingest.activations import NEURONS
from forebear.ingest.fingerprint.activations import CHARACTERS, TOKENS
from forebear.ingest.model import ModelFingerprint, fingerprint_model
from forebear.ingest.plan import LEADING_ROWS
from forebear.ingest.sources.hub import open_hub
from tests.hub_server import HubServer

LATENCY = 0.05
SHARD_BYTES = 5 << 30
Shape = tuple[int, ...]


def llama_7b() -> Iterator[tuple[str, Shape]]:
    """The tensors of Llama-2-7B."""
    yield "model.embed_tokens.weight", (32000, 4096)
    for layer in range(32):
        yield from _layer(layer, 4096, 4096, 4096)
        for name, shape in (("gate", (11008, 4096)), ("up", (11008, 4096)), ("down", (4096, 11008))):
            yield f"model.layers.{layer}.mlp.{name}_proj.weight", shape
    yield "model.norm.weight", (4096,)
    yield "lm_head.weight", (32000, 4096)


def moe_128() -> Iterator[tuple[str, Shape]]:
    """48 layers of 128 experts, of the widths of Qwen3-30B-A3B."""
    yield "model.embed_tokens.weight", (151936, 2048)
    for layer in range(48):
        yield from _layer(layer, 2048, 4096, 512)
        yield f"model.layers.{layer}.mlp.gate.weight", (128, 2048)
        for head in "qk":
            yield f"model.layers.{layer}.self_attn.{head}_norm.weight", (128,)
        for expert in range(128):
            for name, shape in (("gate", (768, 2048)), ("up", (768, 2048)), ("down", (2048, 768))):
                yield f"model.layers.{layer}.mlp.experts.{expert}.{name}_proj.weight", shape
    yield "model.norm.weight", (2048,)
    yield "lm_head.weight", (151936, 2048)


def _layer(layer: int, hidden: int, heads: int, groups: int) -> Iterator[tuple[str, Shape]]:
    for norm in ("input", "post_attention"):
        yield f"model.layers.{layer}.{norm}_layernorm.weight", (hidden,)
    for name, shape in (
        ("q", (heads, hidden)),
        ("k", (groups, hidden)),
        ("v", (groups, hidden)),
        ("o", (hidden, heads)),
    ):
        yield f"model.layers.{layer}.self_attn.{name}_proj.weight", shape


def write_checkpoint(folder: Path, tensors: Sequence[tuple[str, Shape]], config: dict[str, object]) -> int:
    """A sharded bfloat16 checkpoint whose files are sparse beyond the leading rows; its size in bytes."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(json.dumps(_tokenizer(tensors[0][1][0])))
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    shards: list[list[tuple[str, Shape]]] = [[]]
    size = 0
    for name, shape in tensors:
        size += 2 * math.prod(shape)
        if size > SHARD_BYTES:
            shards.append([])
            size = 2 * math.prod(shape)
        shards[-1].append((name, shape))
    files = {f"model-{i:05}-of-{len(shards):05}.safetensors": shard for i, shard in enumerate(shards, 1)}
    weights = {name: file for file, shard in files.items() for name, _ in shard}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weights}))
    generator = np.random.default_rng(1)
    return sum(_write_shard(folder / file, sorted(shard), generator) for file, shard in files.items())


def _write_shard(path: Path, shard: Sequence[tuple[str, Shape]], generator: np.random.Generator) -> int:
    header: dict[str, dict[str, object]] = {}
    starts: dict[str, int] = {}
    end = 0
    for name, shape in shard:
        starts[name], end = end, end + 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [starts[name], end]}
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        start = file.tell()
        for name, shape in shard:
            if "experts." in name and int(name.split("experts.")[1].split(".")[0]) > 3:
                continue  # never read: the plan takes four experts a layer
            leading = NEURONS if "gate" in name else TOKENS if "embed" in name else LEADING_ROWS
            rows = shape[-1] * (min(leading, shape[0]) if len(shape) > 1 else 1)
            values = generator.standard_normal(rows, np.float32) * 0.02
            file.seek(start + starts[name])
            file.write((values.view(np.uint32) >> 16).astype("<u2").tobytes())
        file.truncate(start + end)
    return path.stat().st_size


def _tokenizer(size: int) -> dict[str, object]:
    """Characters first, then words that are made up."""
    vocabulary = {text: i for i, text in enumerate([*CHARACTERS, *(f"Ġ{i:x}" for i in range(size - TOKENS))])}
    return {"model": {"type": "BPE", "vocab": vocabulary, "merges": []}, "added_tokens": []}


def measure(hub: HubServer, name: str) -> tuple[ModelFingerprint, float]:
    """The fingerprint of a repository of the server, and the seconds from its name to there."""
    hub.hub.reset_counts()
    hub.storage.reset_counts()
    begin = time.perf_counter()
    model = fingerprint_model(open_hub(name, endpoint=hub.endpoint, token=False))
    return model, time.perf_counter() - begin


def report(hub: HubServer, name: str, size: int, bars: dict[str, float]) -> bool:
    """One line a figure with its bar; whether all bars hold."""
    model, seconds = measure(hub, name)
    figures = {
        "MB sent": hub.bytes / 1e6,
        "% of the checkpoint": 100 * hub.bytes / size,
        "requests": hub.requests,
        "requests a tensor": hub.requests / model.tensor_count,
        "seconds": seconds,
    }
    print(f"{name}: {model.tensor_count} tensors, {size / 1e9:.2f} GB, {1000 * LATENCY:.0f} ms added to every request")
    for what, value in figures.items():
        bar = f"   (bar: {bars[what]:g})" if what in bars else ""
        print(f"  {value:10.3f} {what}{bar}")
    return all(figures[what] < bar for what, bar in bars.items())


def main() -> int:
    common: dict[str, object] = {"torch_dtype": "bfloat16", "tie_word_embeddings": False}
    dense = {"% of the checkpoint": 0.5, "requests a tensor": 1.2, "seconds": 15.0}
    sparse = {"MB sent": 200.0, "requests": 2500.0}
    shapes = (("llama-2-7b", "llama", llama_7b(), dense), ("moe-48x128", "qwen3_moe", moe_128(), sparse))
    good = True
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as place:
        for name, kind, tensors, bars in shapes:
            size = write_checkpoint(Path(place) / name, list(tensors), common | {"model_type": kind})
            with HubServer(latency=LATENCY) as hub:
                hub.add(f"shaped/{name}", Path(place) / name)
                good &= report(hub, f"shaped/{name}", size, bars)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
