"""What a case of five mixtures of experts costs from the Hub: bytes, seconds at 50 ms a request, size of the page.

    python benchmarks/case.py [FOLDER]     (make bench-case)

Five checkpoints of the shapes of Solar-Open-100B, GLM-4.5-Air, Phi-3.5-MoE, Mixtral-8x7B and INTELLECT-3 (that of
GLM-4.5-Air) with real headers and sparse contents: leading rows are random, gains vary around a constant, and
INTELLECT-3 is GLM-4.5-Air with a little noise. The bars: under 500 MB in all, under 3 minutes, a page under 10 MB, the
derivative found and nothing else. Exits with 1 when one is missed.
"""

from __future__ import annotations

import json
import math
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.hub_server import HubServer

LATENCY = 0.05
SHARD_BYTES = 5 << 30
Shape = tuple[int, ...]
BARS = {"bytes": 500e6, "seconds": 180.0, "page": 10e6}


@dataclass(frozen=True)
class Mixture:
    """The sizes of one architecture."""

    repository: str
    hidden: int
    layers: int
    heads: int
    groups: int
    head: int
    experts: int
    width: int
    shared: int
    dense: int
    vocabulary: int
    seed: int
    model_type: str
    noise: float = 0.0


MIXTURES = (
    Mixture("upstage/Solar-Open-100B", 4096, 48, 64, 8, 128, 128, 1280, 1, 0, 196_608, 1, "solar_open"),
    Mixture("zai-org/GLM-4.5-Air", 4096, 46, 96, 8, 128, 128, 1408, 1, 1, 151_552, 2, "glm4_moe"),
    Mixture("PrimeIntellect/INTELLECT-3", 4096, 46, 96, 8, 128, 128, 1408, 1, 1, 151_552, 2, "glm4_moe", 0.0002),
    Mixture("microsoft/Phi-3.5-MoE-instruct", 4096, 32, 32, 8, 128, 16, 6400, 0, 0, 32_064, 3, "phimoe"),
    Mixture("mistralai/Mixtral-8x7B-v0.1", 4096, 32, 32, 8, 128, 8, 14_336, 0, 0, 32_000, 4, "mixtral"),
)
"""Sizes as their configs state them."""


def tensors(one: Mixture) -> Iterator[tuple[str, Shape]]:
    """Name and shape of every tensor."""
    yield "model.embed_tokens.weight", (one.vocabulary, one.hidden)
    for layer in range(one.layers):
        at = f"model.layers.{layer}"
        for norm in ("input", "post_attention"):
            yield f"{at}.{norm}_layernorm.weight", (one.hidden,)
        for name, rows in (("q", one.heads), ("k", one.groups), ("v", one.groups)):
            yield f"{at}.self_attn.{name}_proj.weight", (rows * one.head, one.hidden)
        yield f"{at}.self_attn.o_proj.weight", (one.hidden, one.heads * one.head)
        if layer < one.dense:
            yield from ffn(f"{at}.mlp", one.hidden, 8 * one.width)
            continue
        yield f"{at}.mlp.gate.weight", (one.experts, one.hidden)
        for expert in range(one.experts):
            yield from ffn(f"{at}.mlp.experts.{expert}", one.hidden, one.width)
        if one.shared:
            yield from ffn(f"{at}.mlp.shared_experts", one.hidden, one.width)
    yield "model.norm.weight", (one.hidden,)
    yield "lm_head.weight", (one.vocabulary, one.hidden)


def ffn(at: str, hidden: int, width: int) -> Iterator[tuple[str, Shape]]:
    """Gate, up and down of one feed-forward."""
    yield f"{at}.gate_proj.weight", (width, hidden)
    yield f"{at}.up_proj.weight", (width, hidden)
    yield f"{at}.down_proj.weight", (hidden, width)


def write_checkpoint(folder: Path, one: Mixture) -> None:
    """A sharded bfloat16 checkpoint whose files are sparse beyond leading rows and the first expert of each layer."""
    folder.mkdir(parents=True)
    settings = {"model_type": one.model_type, "hidden_size": one.hidden, "num_hidden_layers": one.layers}
    settings |= {"num_attention_heads": one.heads, "num_key_value_heads": one.groups, "vocab_size": one.vocabulary}
    settings |= {"n_routed_experts": one.experts, "moe_intermediate_size": one.width}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer(one)))
    shards: list[list[tuple[str, Shape]]] = [[]]
    size = 0
    for name, shape in tensors(one):
        size += 2 * math.prod(shape)
        if size > SHARD_BYTES:
            shards.append([])
            size = 2 * math.prod(shape)
        shards[-1].append((name, shape))
    files = {f"model-{i:05}-of-{len(shards):05}.safetensors": shard for i, shard in enumerate(shards, 1)}
    weights = {name: file for file, shard in files.items() for name, _ in shard}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weights}))
    generator, noise = np.random.default_rng(one.seed), np.random.default_rng(99)
    for file, shard in files.items():
        write_shard(folder / file, sorted(shard), one, generator, noise)


def write_shard(
    path: Path, shard: list[tuple[str, Shape]], one: Mixture, generator: np.random.Generator, noise: np.random.Generator
) -> None:
    """One file: the header, and values where something is read."""
    header: dict[str, dict[str, object]] = {}
    starts: dict[str, int] = {}
    end = 0
    for name, shape in shard:
        starts[name], end = end, end + 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [starts[name], end]}
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        start = file.tell()
        for name, shape in shard:
            if "mlp.experts." in name and int(name.split("mlp.experts.")[1].split(".")[0]) > 3:
                continue  # never read: the plan takes four experts a layer
            values = content(name, shape, generator)
            if one.noise:
                values = values + np.float32(one.noise) * noise.standard_normal(values.shape, np.float32)
            file.seek(start + starts[name])
            file.write((values.view(np.uint32) >> 16).astype("<u2").tobytes())
        file.truncate(start + end)


def content(name: str, shape: Shape, generator: np.random.Generator) -> np.ndarray:
    """The values at the start of a tensor: gains around 1, embeddings of the first 4,096 tokens, leading rows."""
    if len(shape) < 2:
        return (1 + 0.2 * generator.standard_normal(shape[0], np.float32)).astype(np.float32)
    rows = 4096 if "embed" in name or "lm_head" in name else 512
    return generator.standard_normal((min(rows, shape[0]), shape[1]), np.float32) * np.float32(0.02)


def tokenizer(one: Mixture) -> dict[str, object]:
    """A byte-level vocabulary: words that all share first, then the model's own."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    shared = [f"Ġ{letters[i // 676 % 26]}{letters[i // 26 % 26]}{letters[i % 26]}x" for i in range(17_576)]
    single = [chr(number) for number in range(33, 127)]  # characters, on which activations are computed
    own = [f"{one.model_type}{i}" for i in range(one.vocabulary - len(shared) - len(single))]
    vocabulary = {text: number for number, text in enumerate([*single, *shared, *own])}
    merges = [f"{a} {b}" for a in letters for b in letters]
    return {"model": {"type": "BPE", "vocab": vocabulary, "merges": merges}, "added_tokens": []}


def main(folder: Path) -> int:
    """Write the checkpoints, run the case, print what it cost."""
    with HubServer(latency=LATENCY) as hub:
        for one in MIXTURES:
            path = folder / one.repository.replace("/", "--")
            if not path.exists():
                write_checkpoint(path, one)
            hub.add(one.repository, path)
        os.environ["HF_ENDPOINT"] = hub.endpoint
        from forebear.registry import Registry
        from forebear.registry.cases.answering import answer_case
        from forebear.registry.cases.case_file import parse_case
        from forebear.registry.reports.cases.page import write_page

        labels = ("solar", "glm", "intellect", "phi", "mixtral")
        roles = ("accused", "parent", "derivative", "control", "control")
        models = {
            label: {"source": f"hf://{one.repository}", "role": role} | ({"of": "glm"} if label == "intellect" else {})
            for label, role, one in zip(labels, roles, MIXTURES, strict=True)
        }
        asked = {"case": 1, "title": "Five mixtures of experts", "models": models, "layers": [10, 20, 30]}
        began = time.monotonic()
        with Registry(folder / "registry.duckdb") as registry:
            stages: dict[str, float] = {}

            def advance(stage: str, done: int, total: int) -> None:
                stages[f"{stage} {done} of {total}"] = time.monotonic() - began

            result = answer_case(registry, parse_case(json.dumps(asked).encode(), "bench"), advance=advance)
        answered = time.monotonic() - began
        page = folder / "case.html"
        write_page(result, page)
        seconds = time.monotonic() - began
        found = {"bytes": float(hub.bytes), "seconds": seconds, "page": float(page.stat().st_size)}
        print(f"answered in {answered:.1f} s, {hub.requests} requests")
        print(", ".join(f"{stage}: {at:.0f} s" for stage, at in stages.items()))
        print(", ".join(f"{one.label}: {one.bytes_read / 1e6:.0f} MB" for one in result.models))
    for name, value in found.items():
        print(f"{name}: {value:,.1f} (bar {BARS[name]:,.0f})")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"memory: {memory:.1f} GB at most, that of the server included")
    related = {(p.first, p.second) for p in result.pairs if p.verdict not in {"unrelated", "inconclusive"}}
    print("related:", sorted(related), "controls:", result.controls.trusted)
    missed = [name for name, value in found.items() if value > BARS[name]]
    if related != {("glm", "intellect")} or not result.controls.trusted:
        missed.append("verdicts")
    print("missed:", ", ".join(missed) or "nothing")
    return int(bool(missed))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        place = Path(sys.argv[1])
        place.mkdir(parents=True, exist_ok=True)
        sys.exit(main(place))
    place = Path(tempfile.mkdtemp(prefix="forebear-case-"))
    try:
        code = main(place)
    finally:
        shutil.rmtree(place)
    sys.exit(code)
