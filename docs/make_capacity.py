"""docs/capacity.md: what registries up to 10^8 models take, multiplied from docs/units.json: `make docs`.

`make bench-units` writes the units anew. Nothing here is measured: every figure of the tables is a unit times a count.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "capacity.md"
UNITS = ROOT / "docs" / "units.json"
SIZES = (100_000, 1_000_000, 10_000_000, 100_000_000)
PAIRS = 9.2
"""Pairs a model in families of ten: 184,179 of 20,000 models (`make bench-audit`)."""
NEWS = 0.001
"""Share of the models that are new every day."""
STRIP = 2_000
"""Sketches of one side of a tile."""
HOUR, DAY = 3_600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a registry of `models` takes: bytes, and seconds of one core."""

    models: int
    sketches: float
    fingerprints: float
    question: float
    candidates: float
    evidence: float
    writing: float
    news: float
    sent: float

    @property
    def cores(self) -> float:
        """Cores that make a first audit in a day."""
        return (self.candidates + self.evidence) / DAY


def plan(models: int, units: dict[str, float]) -> Plan:
    """The plan for so many models, by the units of one pair and one model."""
    pair = units["sketch_pair_ns"] * 1e-9
    looked = PAIRS * units["evidence_pair_ms"] * 1e-3 + units["read_model_lake_ms"] * 1e-3
    new = NEWS * models
    return Plan(
        models=models,
        sketches=models * units["sketch_bytes"],
        fingerprints=models * units["parquet_bytes"],
        question=models * pair,
        candidates=models**2 / 2 * pair,
        evidence=models * looked,
        writing=models * PAIRS * units["keep_pair_us"] * 1e-6,
        news=new * models * pair + 2 * new * looked,
        sent=models**2 / STRIP * units["sketch_bytes"],
    )


def page(units: dict[str, float]) -> str:
    """The page in Markdown."""
    plans = [plan(models, units) for models in SIZES]
    return "\n".join([_head(units), *_table(plans), _TEXT])


def _head(units: dict[str, float]) -> str:
    rows = [f"| {what} | {units[name]:,g} {unit} |" for name, what, unit in _UNITS]
    return "\n".join([_TITLE, "| one core, one thread | costs |", "| --- | --- |", *rows, _PLAN])


def _table(plans: list[Plan]) -> list[str]:
    names = [
        ("models", [f"{p.models:,}" for p in plans]),
        ("sketches, read for every question", [_bytes(p.sketches) for p in plans]),
        ("fingerprints in Parquet", [_bytes(p.fingerprints) for p in plans]),
        ("candidates of one model", [_hours(p.question) for p in plans]),
        ("first audit: candidates of all", [_hours(p.candidates) for p in plans]),
        ("first audit: evidence, rows read from Parquet", [_hours(p.evidence) for p in plans]),
        ("first audit: rows kept, by the one coordinator", [_hours(p.writing) for p in plans]),
        ("first audit: sketches that the coordinator sends", [_bytes(p.sent) for p in plans]),
        ("cores for a first audit in a day", [f"{math.ceil(p.cores):,}" for p in plans]),
        ("a day's news, 0.1 % of the models", [_hours(p.news) for p in plans]),
    ]
    rows = ["| " + " | ".join([name, *cells]) + " |" for name, cells in names]
    return [rows[0], "| --- |" + " ---: |" * len(plans), *rows[1:]]


def _bytes(count: float) -> str:
    for unit, size in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9)):
        if count >= size:
            return f"{_rounded(count / size)} {unit}"
    return f"{_rounded(count / 1e6)} MB"


def _hours(seconds: float) -> str:
    return f"{_rounded(seconds / HOUR)} core-h" if seconds >= HOUR else f"{_rounded(seconds)} core-s"


def _rounded(value: float) -> str:
    """A figure with two digits that count: 0.011, 1.1, 15, 1,500."""
    shown = float(f"{value:.2g}")
    return f"{shown:,.0f}" if shown >= 10 else f"{shown:g}"


_UNITS = (
    ("sketch_pair_ns", "two sketches compared, by every kind of evidence", "ns"),
    ("evidence_pair_ms", "two models of 32 layers compared in full", "ms"),
    ("read_model_file_ms", "the rows of one model read from a registry file", "ms"),
    ("read_model_lake_ms", "the same from a DuckLake catalogue", "ms"),
    ("keep_pair_us", "the row of a pair kept", "us"),
    ("sketch_bytes", "a sketch as it is sent to a worker", "bytes"),
    ("parquet_bytes", "a model of 32 layers in Parquet", "bytes"),
)
_TITLE = """# Capacity: up to 10^8 models

Made by `make docs` from [units.json](units.json), which `make bench-units` measures; not edited by hand.

## What was measured

On one core of an AMD EPYC that other work kept busy (load 20 on two cores), where a second of CPU does less than on a
quiet one; synthetic models of 7B shape in families of ten.
"""
_PLAN = """
## What follows

Multiplied, not measured: core-seconds and core-hours are those of the core above, and 9.2 pairs a model are those of
families of ten.
"""
_TEXT = """
- **Up to 10^6** one machine of two cores holds everything. A second audit compares what is new alone, so that a
  registry which grows is never compared as a whole again.
- **10^7** wants a catalogue in PostgreSQL with Parquet on shared storage ([scale](scale.md)), and Ray for
  the first audit.
- **10^8**: the comparison of sketches is quadratic, and is then nearly all of the work. No approximate index takes its
  place: inverted files were measured to find 0.30 to 0.85 of the relations at z = 10. And the coordinator is the limit,
  as it sends sketches to workers that could read ranges of models themselves, and keeps all rows alone. Neither tiles
  that name ranges nor a writer for each range of queries is built.

Machines: a coordinator that holds the sketches, the first row of the table, twice; workers of two cores. A worker that
is lost costs its tile or its batch, seconds of one core, which Ray gives to another.
"""


def units() -> dict[str, float]:
    """The measured units."""
    found = json.loads(UNITS.read_text(encoding="utf-8"))
    return {name: float(found[name]) for name, _, _ in _UNITS}


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(units()), encoding="utf-8")


if __name__ == "__main__":
    main()
