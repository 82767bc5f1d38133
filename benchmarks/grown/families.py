"""Families of known trees as distances: the models of a folder with its truth.json, fingerprinted once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forebear.queries.data.component import Component
from forebear.queries.data.query import load_models
from forebear.queries.lineage.geometry import Distances, distances_of
from forebear.registry import Registry

TRAINED = frozenset({"root", "finetuned", "chain", "lora", "reinforced", "attention_only", "ffn_only",
                     "continued_pretraining", "vocabulary_extended", "embeddings_only"})  # fmt: skip
"""Categories that have one place in a tree: trained on, in one shape."""


@dataclass(frozen=True)
class Members:
    """One family: `names` in the order of appearance, and who is above whom [n, n]: an ancestor of the first."""

    name: str
    half: str
    names: tuple[str, ...]
    root: int
    above: NDArray[np.bool_]
    distances: Distances


def families(label: str, folder: Path) -> Iterator[Members]:
    """The families of a folder whose models are all there; a family of both halves is one of each."""
    truth: Mapping[str, Mapping[str, object]] = json.loads((folder / "truth.json").read_text("utf-8"))["models"]
    groups: dict[tuple[str, str], list[str]] = {}
    for name, about in truth.items():
        if about["category"] in TRAINED and (folder / name).is_dir() and not of_merges(truth, name):
            for half in _halves(about):
                groups.setdefault((str(about["root"]), half), []).append(name)
    components = components_of(folder, sorted({n for names in groups.values() for n in names}))
    for (root, half), names in groups.items():
        kept = [n for n in names if n in components]
        if len(kept) > 2 and root in kept:
            yield _members(f"{label}/{root}", half, kept, truth, components, root)


def _halves(about: Mapping[str, object]) -> tuple[str, ...]:
    half = str(about.get("half") or about.get("split") or "development")
    return ("development", "held_out") if half == "both" else (half,)


def of_merges(truth: Mapping[str, Mapping[str, object]], name: str) -> bool:
    """Whether a model, or one that it descends from, was merged."""
    return any(len(_parents(truth, one)) > 1 for one in (name, *ancestors(truth, name)))


def _parents(truth: Mapping[str, Mapping[str, object]], name: str) -> list[str]:
    found = truth[name]["parents"]
    assert isinstance(found, list)
    return found


def ancestors(truth: Mapping[str, Mapping[str, object]], name: str) -> set[str]:
    """All models that one descends from."""
    found: set[str] = set()
    waiting = list(_parents(truth, name))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += _parents(truth, one)
    return found


def components_of(folder: Path, names: Sequence[str]) -> dict[str, Component]:
    """The largest component of every model; a registry beside the models keeps their fingerprints."""
    with Registry(folder / "fingerprints.duckdb") as registry:
        by_uri = {(folder / name).resolve().as_uri(): name for name in names}
        known = {model.uri for model in registry.models()}
        registry.ingest(*(folder / name for uri, name in by_uri.items() if uri not in known))
        ids = {model.model_id: by_uri[model.uri] for model in registry.models() if model.uri in by_uri}
        loaded = load_models(registry.connection, list(ids))
    return {ids[i]: max(found, key=lambda c: len(c.positions.tensor)) for i, found in loaded.items() if found}


def _members(
    label: str,
    half: str,
    names: Sequence[str],
    truth: Mapping[str, Mapping[str, object]],
    components: Mapping[str, Component],
    root: str,
) -> Members:
    above = np.array([[other in ancestors(truth, name) for other in names] for name in names])
    distances = common_distances([components[n] for n in names])
    return Members(label, half, tuple(names), names.index(root), above, distances)


def common_distances(members: Sequence[Component]) -> Distances:
    """Distances over the matrices that all have at equal places, by the parameters that they stand for."""
    places = [
        {(int(c.layer[t]), c.keys[t], c.shapes[t]): row for row, t in enumerate(c.positions.tensor)} for c in members
    ]
    shared = sorted(set.intersection(*(set(p) for p in places)), key=str)
    values = np.stack(
        [np.stack([c.positions.value[p[key]] for key in shared]) for c, p in zip(members, places, strict=True)]
    ).astype(np.float32)
    first = members[0]
    tensors = first.positions.tensor[[places[0][key] for key in shared]]
    inside = np.arange(values.shape[2]) < first.sampled[tensors][:, None]
    weight = np.where(inside, (first.represents[tensors] / first.sampled[tensors])[:, None], 0.0)
    size = np.square(values[0].astype(np.float64)).sum(axis=1) / first.sampled[tensors]
    return distances_of(values.reshape(len(members), -1), weight, size)
