"""Cisco's model provenance kit on the zoo, by its own command in its own environment, offline on local folders.

A pair costs it a third of a second with cached features, so it is run on samples with a fixed seed: all pairs of a
derivative and a parent, unrelated pairs of equal and of other shapes, and whole families for some derivatives' ranks.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from .scoring import SCHEMA, Cost
from .truth import PAIR_SEED, Zoo

NAME, WEIGHTS, SIGNAL = "provenance kit", "provenance kit, identity", "provenance kit, WVC"
"""Its verdict follows the pipeline score; the identity score uses weights alone; WVC is one of five signals in that."""
UNRELATED, RANKED, COLD = 300, 8, 3
Pair = tuple[str, str]


def sample(zoo: Zoo) -> tuple[list[Pair], list[Pair]]:
    """Pairs (query, candidate) for detection, and for the ranks of some derivatives among family and roots."""
    random = np.random.default_rng(PAIR_SEED)
    detected = [(m.name, parent) for m in zoo.derivatives for parent in m.parents]
    every = [p for p in zoo.pairs() if zoo.members[p[0]].root != zoo.members[p[1]].root]
    chosen = random.choice(len(every), min(UNRELATED, len(every)), replace=False)
    detected += [every[i] for i in np.sort(chosen)]
    derivatives = zoo.derivatives
    asked = random.choice(len(derivatives), min(RANKED, len(derivatives)), replace=False)
    ranked = []
    for i in np.sort(asked):
        query = derivatives[i]
        family = [m.name for m in zoo.members.values() if m.root == query.root or m.category == "root"]
        ranked += [(query.name, name) for name in family if name != query.name]
    return detected, ranked


def run(zoo: Zoo, folder: Path, python: Path) -> tuple[pa.Table, Cost]:
    """Scores of the sampled pairs under three names, and what they cost."""
    detected, ranked = sample(zoo)
    pairs = list(dict.fromkeys([*detected, *ranked]))
    with tempfile.TemporaryDirectory() as home:
        cold = cold_seconds(folder, python, pairs[:COLD], home)
        *results, last = drive(folder, python, pairs, home)
    rows = [row for pair, result in zip(pairs, results, strict=True) for row in scored(pair, result)]
    failed = sum("error" in result for result in results)
    note = (
        f"features cached and libraries loaded once; {cold:.1f} s a pair as a command from the shell;"
        f" {failed} pairs it cannot compare (GGUF, and configs that its transformers refuses)"
    )
    each = float(np.mean([result["seconds"] for result in results if "error" not in result]))
    cost = Cost(
        NAME,
        "cisco-ai-provenance-kit, by its command",
        len(zoo.members),
        len(pairs),
        0.0,
        each,
        each * (len(zoo.members) - 1),
        float(last["peak_megabytes"]),
        note,
    )
    return pa.table([list(column) for column in zip(*rows, strict=True)], schema=SCHEMA), cost


def scored(pair: Pair, result: dict[str, Any]) -> list[tuple[str, str, str, float]]:
    """Three rows of one pair; nan where the kit fails or gives no value."""
    scores, signals = result.get("scores", {}), result.get("signals", {})
    values = {NAME: scores.get("pipeline_score"), WEIGHTS: scores.get("identity_score"), SIGNAL: signals.get("wvc")}
    return [(name, *pair, float("nan") if value is None else float(value)) for name, value in values.items()]


def drive(folder: Path, python: Path, pairs: Iterable[Pair], home: str) -> list[dict[str, Any]]:
    """The driver's line of every pair, then its last line."""
    lines = "".join(f"{folder / one}\t{folder / other}\n" for one, other in pairs)
    script = Path(__file__).with_name("kit_driver.py")
    command = [str(python), str(script), f"{home}/cache"]
    done = subprocess.run(
        command,
        input=lines,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        env=offline(home),
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def cold_seconds(folder: Path, python: Path, pairs: Sequence[Pair], home: str) -> float:
    """Mean CPU seconds of the bare command."""
    started = children_seconds()
    for one, other in pairs:
        command = [str(python.with_name("provenancekit")), "compare", "--json", "--no-cache"]
        subprocess.run([*command, str(folder / one), str(folder / other)], capture_output=True, env=offline(home))
    return (children_seconds() - started) / max(1, len(pairs))


def children_seconds() -> float:
    """CPU seconds of all processes that were started from here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def offline(home: str) -> dict[str, str]:
    """An environment in which its libraries ask no network, and nothing is left in the user's home."""
    return os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HOME": home}
