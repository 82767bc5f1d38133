"""Bytes and seconds at a realistic size: two checkpoints of Llama 2 7B's shapes.

forebear is measured on sparse files of the full size. The peers' bytes follow from which tensors their formulas need;
their seconds are measured on random matrices of one layer in memory and multiplied by the layers they use, so that no
time for reading 13.5 GB a model counts against them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from benchmarks.sparse import HIDDEN, VOCAB, Values, shapes, write_checkpoint
from forebear.ingest.names.naming import parse
from forebear.registry import Ingested, Registry

from . import model_dna
from .methods import AnyMethod
from .scoring import METHODS
from .weights import Matrix, Weights, key_of

LAYERS, HEADS = 32, 32
TOKENS_HELD = 4000  # rows of the embedding that the alignment of AWM is measured with


@dataclass(frozen=True, slots=True)
class Size:
    """One method at 7B: bytes that it needs of one model, CPU seconds to prepare a model and to compare a pair."""

    method: str
    bytes_needed: int
    prepare_seconds: float
    pair_seconds: float


def measure(methods: Iterable[AnyMethod] = METHODS, modeldna: Path | None = None) -> tuple[list[Size], int]:
    """A row a method, forebear first; and the bytes of one whole checkpoint. `modeldna`: the Python it is in."""
    total = 2 * sum(prod(shape) for shape in shapes(LAYERS).values())
    tools = [product(), *([scanned(modeldna)] if modeldna else [])]
    return [*tools, *(Size(m.name, needed(m), *seconds(m)) for m in methods)], total


def scanned(python: Path) -> Size:
    """modelDNA: two models are added to its database, and one is scanned."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_checkpoint(folder / "base", Values(7))
        write_checkpoint(folder / "tuned", Values(8, related=7))
        lines = model_dna.drive([str(folder / "base"), str(folder / "tuned")], python, place)
    added = [line for line in lines if "added" in line]
    prepare = sum(line["seconds"] for line in added) / len(added)
    scans = [line["seconds"] for line in lines if "scanned" in line]
    return Size(model_dna.NAME, int(added[0]["bytes"]), prepare, max(0.0, sum(scans) / len(scans) - prepare))


def product() -> Size:
    """forebear: two models are read into a registry, and one asks for its ancestors."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_checkpoint(folder / "base", Values(7))
        write_checkpoint(folder / "tuned", Values(8, related=7))
        with Registry(folder / "registry.duckdb") as registry:
            started = time.process_time()
            outcomes = registry.ingest(folder / "base", folder / "tuned")
            ready = time.process_time()
            report = registry.ancestors("tuned")
            done = time.process_time()
        assert all(isinstance(outcome, Ingested) for outcome in outcomes) and report.verdict == "derived"
        return Size("forebear", report.bytes_read, (ready - started) / 2, done - ready)


def needed(method: AnyMethod) -> int:
    """Bytes of one float16 checkpoint that the method's formula uses."""
    count = 0
    for name, shape in shapes(LAYERS).items():
        place = parse(name)
        used = place.layer is None or method.layers is None or place.layer >= LAYERS - method.layers
        if place.role in method.roles and used:
            count += prod(shape) if method.tokens is None or place.layer is not None else method.tokens * shape[-1]
    return 2 * count


def seconds(method: AnyMethod) -> tuple[float, float]:
    """Seconds to prepare a model and to compare two: what does not depend on layers, and one layer times the layers."""
    bare, one = (_timed(method, layers) for layers in (0, 1))
    layers = method.layers or LAYERS
    prepare, pair = (b + layers * max(0.0, o - b) for b, o in zip(bare, one, strict=True))
    return prepare, pair


def _timed(method: AnyMethod, layers: int) -> tuple[float, float]:
    first, second = (random_weights(method, layers, seed) for seed in (1, 2))
    started = time.process_time()
    mine, theirs = method.prepare(first), method.prepare(second)
    ready = time.process_time()
    method.score(mine, theirs)
    return (ready - started) / 2, time.process_time() - ready


def random_weights(method: AnyMethod, layers: int, seed: int) -> Weights:
    """Gaussian weights of the method's tensors, of `layers` layers; of the embedding only some rows."""
    random = np.random.default_rng(seed)
    tensors: dict[tuple[int, int, str, str], Matrix] = {}
    for name, shape in shapes(layers).items():
        place = parse(name)
        if place.role in method.roles:
            rows = (TOKENS_HELD, HIDDEN) if shape[0] == VOCAB else shape
            tensors[key_of(place)] = random.standard_normal(rows, np.float32)
    vocabulary = {f"token{i}": i for i in range(TOKENS_HELD)}
    return Weights(f"random{seed}", tensors, HEADS, HEADS, vocabulary, 0)
