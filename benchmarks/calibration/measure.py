"""Are E-values honest? Ordered pairs of models that have nothing in common: observed against expected p-values.

    python -m benchmarks.calibration.measure FOLDER... [--pairs 20000] [--half development|held_out]
        [--rows FILE]

A folder holds models and a truth.json that gives each its `root`, or what it `holds` (`role:tensor` of a real model,
benchmarks/calibration/strangers.py); without truth.json no two models are related. Pairs are drawn at random, the same
in every run. `pairs of roots` says how many draws are independent at
most: derivatives of a model repeat its luck.

The bars: at most twice the expected share at p <= 0.01, and the smallest p no smaller than chance allows: with n pairs
it is below 0.001 / n in one run of a thousand.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from forebear.queries.data.component import Component
from forebear.queries.data.query import load_models
from forebear.queries.evidence.kinds import KINDS
from forebear.queries.evidence.pair import compare
from forebear.registry import Registry

THRESHOLDS = (0.5, 0.1, 0.05, 0.01, 1e-3, 1e-4, 1e-5)
TOGETHER = "together"
SEED = 20260101
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Model:
    """One model: whose family it is of, what it holds of real models, and its largest component."""

    name: str
    label: str
    root: str
    half: str
    holds: frozenset[str]
    component: Component

    @property
    def width(self) -> int:
        """Columns of its matrices: the median, which is the hidden size."""
        c = self.component
        return int(np.median([c.shapes[t][-1] for t in c.kinds["gram"].tensor])) if len(c.kinds["gram"].tensor) else 0

    def unrelated(self, other: Model) -> bool:
        """Whether nothing of one is in the other."""
        return (self.label, self.root) != (other.label, other.root) and not self.holds & other.holds


def load(folder: Path) -> Iterator[Model]:
    """The models of a folder; a registry beside them keeps their fingerprints."""
    truth: Mapping[str, Mapping[str, Any]] = {}
    if (folder / "truth.json").exists():
        truth = json.loads((folder / "truth.json").read_text("utf-8"))["models"]
    there = sorted(p.name for p in folder.iterdir() if p.is_dir() and (not truth or p.name in truth))
    with Registry(folder / "fingerprints.duckdb") as registry:
        known = {model.uri for model in registry.models()}
        registry.ingest(*(folder / n for n in there if (folder / n).resolve().as_uri() not in known))
        names = {m.model_id: m.uri.rstrip("/").rpartition("/")[2] for m in registry.models()}
        loaded = load_models(registry.connection, list(names))
    for model_id, name in sorted(names.items(), key=lambda item: item[1]):
        if loaded.get(model_id) and name in there:
            about = truth.get(name, {})
            component = max(loaded[model_id], key=lambda c: len(c.positions.tensor))
            root, half = str(about.get("root", name)), str(about.get("half") or about.get("split") or "")
            yield Model(name, folder.name, root, half, frozenset(about.get("holds", ())), component)


def drawn(models: Sequence[Model], most: int) -> Iterator[tuple[Model, Model]]:
    """Ordered unrelated pairs in random order, at most so many."""
    order = np.random.default_rng(SEED).permutation(len(models) ** 2)
    count = 0
    for code in order.tolist():
        query, candidate = models[code // len(models)], models[code % len(models)]
        if query is not candidate and query.unrelated(candidate):
            count += 1
            yield query, candidate
        if count == most:
            return


def p_values(pairs: Iterator[tuple[Model, Model]]) -> list[dict[str, Any]]:
    """A row an ordered pair and kind: log10 p, and of all kinds together what the E-value says of one model."""
    rows: list[dict[str, Any]] = []
    for query, candidate in pairs:
        evidence = compare(query.component, candidate.component, models=1)
        about = {"query": query.name, "candidate": candidate.name, "width": min(query.width, candidate.width)}
        about |= {"roots": "|".join(sorted((query.root, candidate.root)))}
        found = evidence.log10_p | {TOGETHER: evidence.log10_evalue}
        rows += [about | {"kind": kind, "log10_p": float(p)} for kind, p in found.items()]
    return rows


_SHARED: list[Model] = []
"""What the processes of `by_processes` were forked with."""


def by_processes(models: Sequence[Model], pairs: Iterator[tuple[Model, Model]], jobs: int) -> list[dict[str, Any]]:
    """The rows of `p_values` in the order of the pairs, by so many processes."""
    _SHARED[:] = models
    number = {id(model): place for place, model in enumerate(models)}
    codes = [(number[id(query)], number[id(candidate)]) for query, candidate in pairs]
    some = [codes[start : start + _AT_ONCE] for start in range(0, len(codes), _AT_ONCE)]
    with ProcessPoolExecutor(jobs, get_context("fork")) as pool:
        return [row for rows in pool.map(_of_some, some) for row in rows]


def _of_some(codes: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    return p_values((_SHARED[query], _SHARED[candidate]) for query, candidate in codes)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: of each width and kind, how many times as often as expected p is at most a threshold."""
    head = ["width", "kind", "pairs", "pairs of roots", *(f"p <= {t:g}" for t in THRESHOLDS), "smallest p"]
    lines = ["| " + " | ".join(head) + " |", "| ---: | --- |" + " ---: |" * (len(head) - 2)]
    widths = sorted({int(row["width"]) for row in rows})
    for width in [*widths, None] if len(widths) > 1 else widths:
        for kind in (*(k.name for k in KINDS), TOGETHER):
            mine = [row for row in rows if row["kind"] == kind and width in (None, row["width"])]
            if mine:
                logs = np.array([row["log10_p"] for row in mine])
                cells = [shown(logs, threshold) for threshold in THRESHOLDS]
                roots = len({row["roots"] for row in mine})
                first = ["all" if width is None else str(width), kind, f"{len(mine):,}", f"{roots:,}"]
                lines.append("| " + " | ".join([*first, *cells, f"{10.0 ** logs.min():.1e}"]) + " |")
    return "\n".join(lines) + "\n"


def shown(logs: NDArray[np.float64], threshold: float) -> str:
    """Observed over expected; a dash where fewer than one pair is expected and none was seen."""
    count = int((logs <= np.log10(threshold)).sum())
    return f"{count / (len(logs) * threshold):.2f}" if count or len(logs) * threshold >= 1 else "-"


def bars(rows: Sequence[Mapping[str, Any]]) -> tuple[str, bool]:
    """What the bars say of all kinds together."""
    logs = np.array([row["log10_p"] for row in rows if row["kind"] == TOGETHER])
    share, smallest, least = float(np.mean(logs <= -2)), float(logs.min()), np.log10(1e-3 / len(logs))
    passed = share <= 0.02 and smallest >= least
    text = f"p <= 0.01: {share:.5f} (at most 0.02); smallest: {10**smallest:.1e} (at least {10**least:.1e})"
    return f"{text}: {'PASS' if passed else 'FAIL'}", passed


def main() -> int:
    """Print the table and the bars; 1 when one is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration.measure")
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--half", help="models of this half of the truth only")
    parser.add_argument("--rows", type=Path, help="a Parquet file for the p-values themselves")
    asked = parser.parse_args()
    models = [m for folder in asked.folders for m in load(folder) if asked.half in (None, m.half)]
    rows = by_processes(models, drawn(models, asked.pairs), os.cpu_count() or 1)
    if asked.rows:
        pq.write_table(pa.Table.from_pylist(rows), asked.rows)
    told, passed = bars(rows)
    pairs = sum(row["kind"] == TOGETHER for row in rows)
    print(f"{len(models)} models, {pairs:,} ordered pairs that have nothing in common; observed / expected\n")
    print(table(rows) + "\n" + told)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
