"""Are E-values honest? Ordered pairs of models that have nothing in common: observed against expected p-values.

    python -m benchmarks.calibration.measure FOLDER... [--pairs 20000] [--half development|held_out]
        [--rows FOLDER]

A folder holds models and a truth.json that gives each its `root`, or what it `holds` (`role:tensor` of a real model,
benchmarks/calibration/strangers.py); without truth.json no two models are related. Pairs are drawn at random, the same
in every run; with `--rows` a run that was stopped goes on. `pairs of roots` says how many draws are independent at
most: derivatives of a model repeat its luck.

The bars: at most twice the expected share at p <= 0.01; the smallest p no smaller than chance allows: with n pairs it
is below 0.001 / n in one run of a thousand; and in the middle, from 0.01 to 0.5, at least a third of the expected share
where 100 pairs are expected.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from forebear.queries.data.component import Component
from forebear.queries.data.query import load_models
from forebear.queries.evidence.kinds import KINDS
from forebear.queries.evidence.pair import compare
from forebear.registry import Registry
from forebear.registry.audit.run import RULES

THRESHOLDS = (0.5, 0.1, 0.05, 0.01, 1e-3, 1e-4, 1e-5)
MIDDLE = (0.5, 0.1, 0.05, 0.01)
FEWEST_EXPECTED = 100
"""Pairs that must be expected at a threshold of MIDDLE for it to be judged: their number is known to a tenth then."""
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


def p_values(pairs: Iterable[tuple[Model, Model]]) -> pa.Table:
    """A row an ordered pair and kind: log10 p, and of all kinds together what the E-value says of one model."""
    rows: list[dict[str, Any]] = []
    for query, candidate in pairs:
        evidence = compare(query.component, candidate.component, models=1)
        about = {"query": query.name, "candidate": candidate.name, "width": min(query.width, candidate.width)}
        about |= {"roots": "|".join(sorted((query.root, candidate.root)))}
        found = evidence.log10_p | {TOGETHER: evidence.log10_evalue}
        rows += [about | {"kind": kind, "log10_p": float(p)} for kind, p in found.items()]
    return pa.Table.from_pylist(rows)


_SHARED: list[Model] = []
"""What the processes of `by_processes` were forked with."""


def by_processes(models: Sequence[Model], pairs: Iterable[tuple[Model, Model]], jobs: int, folder: Path) -> list[Path]:
    """The rows of `p_values` as Parquet files in a folder, so many pairs each, by so many processes: their paths.

    A file is named by its pairs and by the rules of the E-value, and one that is there is not made again.
    """
    _SHARED[:] = models
    folder.mkdir(parents=True, exist_ok=True)
    number = {id(model): place for place, model in enumerate(models)}
    codes = [(number[id(query)], number[id(candidate)]) for query, candidate in pairs]
    some = [codes[start : start + _AT_ONCE] for start in range(0, len(codes), _AT_ONCE)]
    with ProcessPoolExecutor(jobs, get_context("fork")) as pool:
        return list(pool.map(_of_some, some, [folder] * len(some)))


def _of_some(codes: Sequence[tuple[int, int]], folder: Path) -> Path:
    pairs = [(_SHARED[query], _SHARED[candidate]) for query, candidate in codes]
    names = (f"{query.label}/{query.name} {candidate.label}/{candidate.name}" for query, candidate in pairs)
    digest = hashlib.sha256("\n".join((str(RULES), *names)).encode()).hexdigest()
    file = folder / f"{digest[:16]}.parquet"
    if not file.exists():
        made = file.with_suffix(".part")
        pq.write_table(p_values(pairs), made)
        made.replace(file)
    return file


@dataclass(frozen=True, slots=True)
class Spread:
    """The p-values of one width and kind: how many, of how many pairs of roots, at most each threshold, the least."""

    width: int | None
    kind: str
    pairs: int
    roots: int
    at_most: tuple[int, ...]
    smallest: float

    def over_expected(self, threshold: float) -> str:
        """Observed over expected; a dash where fewer than one pair is expected and none was seen."""
        count, expected = self.at_most[THRESHOLDS.index(threshold)], self.pairs * threshold
        return f"{count / expected:.2f}" if count or expected >= 1 else "-"


def spreads(files: Sequence[Path]) -> list[Spread]:
    """Of the files of `by_processes`: by width and kind, then of all widths together (`width` None)."""
    counts = ", ".join(f"count(*) FILTER (log10_p <= {math.log10(t)!r})" for t in THRESHOLDS)
    found = duckdb.execute(
        f"SELECT width, kind, count(*), count(DISTINCT roots), min(log10_p), {counts} FROM read_parquet(?)"
        " GROUP BY GROUPING SETS ((width, kind), (kind))",
        [[str(file) for file in files]],
    ).fetchall()
    order = {kind: place for place, kind in enumerate((*(k.name for k in KINDS), TOGETHER))}
    made = [Spread(w, kind, n, roots, tuple(at_most), 10.0**least) for w, kind, n, roots, least, *at_most in found]
    return sorted(made, key=lambda s: (s.width is None, s.width or 0, order[s.kind]))


def whole(found: Sequence[Spread]) -> Spread:
    """All kinds and all widths together."""
    return next(one for one in found if one.kind == TOGETHER and one.width is None)


def table(found: Sequence[Spread]) -> str:
    """Markdown: of each width and kind, how many times as often as expected p is at most a threshold."""
    head = ["width", "kind", "pairs", "pairs of roots", *(f"p <= {t:g}" for t in THRESHOLDS), "smallest p"]
    lines = ["| " + " | ".join(head) + " |", "| ---: | --- |" + " ---: |" * (len(head) - 2)]
    several = len({one.width for one in found}) > 2
    for one in found:
        if one.width is not None or several:
            first = ["all" if one.width is None else str(one.width), one.kind, f"{one.pairs:,}", f"{one.roots:,}"]
            cells = [*first, *map(one.over_expected, THRESHOLDS), f"{one.smallest:.1e}"]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def bars(found: Sequence[Spread]) -> tuple[str, bool]:
    """What the bars say of all kinds together."""
    every = whole(found)
    share, least = every.at_most[THRESHOLDS.index(0.01)] / every.pairs, 1e-3 / every.pairs
    expected = {t: count / (every.pairs * t) for t, count in zip(THRESHOLDS, every.at_most, strict=True) if t in MIDDLE}
    middle = min((share for t, share in expected.items() if every.pairs * t >= FEWEST_EXPECTED), default=1.0)
    passed = share <= 0.02 and every.smallest >= least and middle >= 1 / 3
    text = f"p <= 0.01: {share:.5f} (at most 0.02); smallest: {every.smallest:.1e} (at least {least:.1e})"
    text += f"; middle, least observed / expected: {middle:.2f} (at least 0.33)"
    return f"{text}: {'PASS' if passed else 'FAIL'}", passed


def main() -> int:
    """Print the table and the bars; 1 when one is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration.measure")
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--half", help="models of this half of the truth only")
    parser.add_argument("--rows", type=Path, help="a folder for the p-values themselves, to go on from")
    asked = parser.parse_args()
    models = [m for folder in asked.folders for m in load(folder) if asked.half in (None, m.half)]
    with tempfile.TemporaryDirectory() as temporary:
        rows = asked.rows or Path(temporary)
        files = by_processes(models, drawn(models, asked.pairs), os.cpu_count() or 1, rows)
        if not files:
            parser.error("no two of these models are unrelated")
        found = spreads(files)
    told, passed = bars(found)
    print(
        f"{len(models)} models, {whole(found).pairs:,} ordered pairs that have nothing in common; observed / expected\n"
    )
    print(table(found) + "\n" + told)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
