"""Activations on zoos: p-values of unrelated pairs, twins and relatives, and the z of sketches.

    python benchmarks/activations.py ZOO [ZOO ...]

A zoo is a folder of models with a `truth.json` in it or beside it. Also prints how many pairs of neurons unrelated
layers have above each threshold: what the floor in `queries/evidence/activations.py` was set on.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forebear.ingest.errors import ForebearError
from forebear.ingest.model import fingerprint_model
from forebear.ingest.sources import open_source
from forebear.queries.data.component import Component
from forebear.queries.data.loading import load_components
from forebear.queries.evidence.activations import align_activations, pair_counts
from forebear.queries.evidence.alignment import pair
from forebear.queries.thresholds.significance import ACTIVATION_COSINES
from forebear.registry.store.arrow import model_tables

SURE = -20.0


@dataclass(frozen=True)
class Member:
    """A model of a zoo: its name, its root, whether it is a twin, its components and the bits of its sketches."""

    name: str
    root: str
    twin: bool
    components: list[Component]
    bits: list[NDArray[np.uint8]]


def members(folder: Path) -> list[Member]:
    """The models of a zoo; those that cannot be read are named and left out."""
    truth = folder / "truth.json" if (folder / "truth.json").exists() else folder.parent / "truth.json"
    found = []
    for name, facts in json.loads(truth.read_text(encoding="utf-8"))["models"].items():
        if not (folder / name).is_dir():
            continue
        try:
            made = fingerprint_model(open_source(str(folder / name)))
        except ForebearError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        kind = str(facts.get("category") or facts.get("relation"))
        bits = [np.unpackbits(np.frombuffer(s.signs, np.uint8)) for s in made.activations.sketches]
        twin = kind in {"twin", "shared_initialisation"}
        found.append(
            Member(name, f"{folder}/{facts['root']}", twin, load_components(model_tables(made, 1)).get(1, []), bits)
        )
    return found


def log10_p(query: Member, candidate: Member) -> float | None:
    """The smallest of all pairs of components, None where nothing can be compared."""
    pairs = (align_activations(pair(a, b)) for a in query.components for b in candidate.components)
    found = [alignment.log_p / math.log(10) for alignment in pairs if alignment]
    return min(found, default=None)


def sketch_z(first: Member, second: Member) -> float:
    """The largest z of two sketches, NaN without any."""
    agreeing = [float((2 * (a == b).sum() - len(a)) / math.sqrt(len(a))) for a in first.bits for b in second.bits]
    return max(agreeing, default=math.nan)


def main(folders: list[Path]) -> None:
    """Print one block a group of pairs."""
    zoo = [member for folder in folders for member in members(folder)]
    groups: dict[str, list[tuple[float, float, str]]] = {"unrelated": [], "twins": [], "relatives": []}
    counts = []
    for query, candidate in combinations(zoo, 2):
        p = log10_p(query, candidate)
        if p is None:
            continue
        related = query.root == candidate.root
        group = "unrelated" if not related else "twins" if query.twin or candidate.twin else "relatives"
        groups[group].append((p, sketch_z(query, candidate), f"{query.name} {candidate.name}"))
        if not related:
            layers = [[n.vectors for n in m.components[0].activations] for m in (query, candidate)]
            counts.append(pair_counts(*layers)[0].reshape(-1, len(ACTIVATION_COSINES)))
    for group, rows in groups.items():
        tails, z = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
        below = {level: int((tails <= math.log10(level)).sum()) for level in (0.5, 0.1, 0.01, 1e-3)}
        print(f"{group}: {len(rows)} pairs, p at most {below}, below 1e{SURE:.0f}: {(tails < SURE).sum()}")
        print(f"  sketch z {np.nanmean(z):.1f} +- {np.nanstd(z):.1f}, {np.nanmin(z):.1f} to {np.nanmax(z):.1f}")
    missed = Counter(name for p, _, names in groups["relatives"] if p >= SURE for name in names.split())
    print(f"missed, by model: {missed.most_common(6)}")
    pooled = np.concatenate(counts)
    print(f"pairs of neurons of {len(pooled)} pairs of unrelated layers above a cosine, mean, 99.9 %, most:")
    for threshold, column in zip(ACTIVATION_COSINES, pooled.T, strict=True):
        print(f"  {threshold:.2f} {column.mean():8.3f} {np.quantile(column, 0.999):6.0f} {column.max():6.0f}")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
