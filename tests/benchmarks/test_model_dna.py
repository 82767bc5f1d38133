"""What modelDNA's driver prints, as scores and costs; and the names of LineageBench."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from benchmarks.peers import model_dna, short
from benchmarks.peers.truth import Member, Zoo
from forebear.registry.pair_lists.shipped import find_list

from ..writers import write_files

NAMES = {"model0": "oak", "model1": "oak-docs", "model2": "fir"}
LINES: list[dict[str, Any]] = [
    {"added": "/at/model0", "seconds": 2.0, "bytes": 50},
    {"added": "/at/model1", "seconds": 4.0, "bytes": 50},
    {"added": "/at/model2", "error": "WeightIndexError: no weights"},
    {"background": 1.0},
    {"scanned": "/at/model0", "seconds": 4.0, "verdict": "FINE_TUNE", "candidates": {"/at/model1": 0.99}},
    {"scanned": "/at/model1", "seconds": 6.0, "verdict": "FINE_TUNE", "candidates": {"/at/model0": 0.98}},
    {"scanned": "/at/model2", "error": "WeightIndexError: no weights"},
    {"peak_megabytes": 90.5},
]


def zoo() -> Zoo:
    about = {"oak": ((), "oak"), "oak-docs": (("oak",), "oak"), "fir": ((), "fir")}
    return Zoo({n: Member(n, p, "finetuned" if p else "root", "", r, "development") for n, (p, r) in about.items()})


def test_each_order_of_a_pair_has_the_probability_of_its_own_scan_and_what_is_ruled_out_has_none() -> None:
    rows = {(query, candidate): score for _, query, candidate, score in model_dna.scored(LINES, NAMES, zoo())}
    assert len(rows) == 6
    assert (rows["oak", "oak-docs"], rows["oak-docs", "oak"]) == (0.99, 0.98)
    assert all(math.isnan(score) for pair, score in rows.items() if "fir" in pair)


def test_a_query_costs_what_a_scan_takes_beyond_the_fingerprint_and_reads_one_model_from_files(tmp_path: Path) -> None:
    for name in NAMES.values():
        write_files(tmp_path / name, {"model.safetensors": b"x" * 100})
    cost = model_dna.cost(LINES, zoo(), tmp_path, 1.5)
    assert (cost.reading_seconds, cost.query_seconds, cost.pairs) == (6.0, 2.0, 2)
    assert "1 models it cannot read" in cost.note and "33 %" in cost.note
    assert short.from_files(cost) == 2.0 + 6.0 / 3


def test_the_table_of_lineagebench_names_fifteen_models_and_their_documented_parents() -> None:
    path = Path(model_dna.__file__).with_name("lineagebench.csv")
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == len({row["model"] for row in rows}) == 15
    assert all(row["model"].count("/") == row["parent"].count("/") == 1 and row["documented_by"] for row in rows)
    assert sum(row["scored"] == "yes" for row in rows) == 13
    listed = {(pair.model, pair.other) for pair in find_list("lineagebench").pairs if pair.truth == "related"}
    assert {(row["model"], row["parent"]) for row in rows} <= listed, "the list that `forebear bench-public` asks"
