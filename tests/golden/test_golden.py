"""Fingerprints and answers are those of the golden files, but for keys that were renamed since.

An answer that changes on purpose is recorded anew by `make golden`, and its commit says why.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from . import make

RENAMED = {"aside": "sibling_or_descendant", "told": "direction_known", "strangers": "unrelated"}
"""Keys, columns and flags as they were when the golden files were made -> as they are."""
REWORDED = {
    "vocabularies of strangers": "unrelated vocabularies",
    "pair of strangers": "unrelated pair",
    "strangers": "unrelated models",
}
"""Words of sentences, likewise, one after another."""
IGNORED = {"schema_version", "bytes_read", "requests"}
"""The version of the document, and what it cost to read a model: no part of an answer."""
SHOWN = 40
"""Differences that a failure lists."""
LAST_DIGIT = 10.0 ** (1 - make.DIGITS)
NAMING = ("label", "name", "kind", "query", "relative", "candidate", "pair", "component", "role", "slot")
"""Keys by which a row is recognised in a list of differences."""


def translated(value: object) -> object:
    """A value in today's words, whichever it was written in."""
    if isinstance(value, dict):
        return {RENAMED.get(key, key): translated(item) for key, item in value.items()}
    if isinstance(value, list):
        return [translated(item) for item in value]
    if isinstance(value, str):
        if value in RENAMED:
            return RENAMED[value]
        for old, new in REWORDED.items():
            value = value.replace(old, new)
    return value


def differences(golden: object, now: object, path: str = "") -> Iterator[str]:
    """Where two JSON values differ, a line each: path, what was, what is."""
    if isinstance(golden, dict) and isinstance(now, dict):
        for key in [*golden, *(key for key in now if key not in golden)]:
            if key in IGNORED:
                continue
            if key not in now:
                yield f"{path}/{key}: gone, was {shortened(golden[key])}"
            elif key not in golden:
                yield f"{path}/{key}: new, is {shortened(now[key])}"
            else:
                yield from differences(golden[key], now[key], f"{path}/{key}")
    elif isinstance(golden, list) and isinstance(now, list):
        if len(golden) != len(now):
            yield f"{path}: {len(golden)} entries -> {len(now)}"
        for i, (before, after) in enumerate(zip(golden, now, strict=False)):
            yield from differences(before, after, f"{path}/{i}{named(before)}")
    elif not equal(golden, now):
        yield f"{path}: {' -> '.join(apart(golden, now))}"


def equal(golden: object, now: object) -> bool:
    """Whether two leaves are equal, floats up to one unit of the last digit that is kept."""
    if isinstance(golden, float) and isinstance(now, float):
        return math.isclose(golden, now, rel_tol=LAST_DIGIT, abs_tol=1e-9)
    return type(golden) is type(now) and golden == now


def named(row: object) -> str:
    words = [str(row[key]) for key in NAMING if row.get(key)] if isinstance(row, dict) else []
    return f" ({' '.join(words)})" if words else ""


def apart(golden: object, now: object) -> tuple[str, str]:
    """Two values shortened; of two texts what follows their common beginning."""
    if not (isinstance(golden, str) and isinstance(now, str)):
        return shortened(golden), shortened(now)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(golden, now, strict=False)))
    start = max(0, alike - 20)
    return shortened(golden[start:]), shortened(now[start:])


def shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) < 100 else f"{text[:80]} ... ({len(text)} characters)"


def check(name: str, now: object) -> None:
    found = list(differences(translated(make.kept(name)), translated(now)))
    assert not found, "\n".join([f"{len(found)} differences from {name}:", *found[:SHOWN]])


@pytest.fixture(scope="module")
def bundled(zoo_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of the bundled zoo that an audit may write to."""
    return Path(shutil.copy(zoo_registry, tmp_path_factory.mktemp("golden") / "bundled.duckdb"))


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of models of the benchmark's zoo, as an earlier version left it, migrated."""
    path = tmp_path_factory.mktemp("golden") / "benchmark.duckdb"
    make.benchmark_registry(path)
    return path


def test_fingerprints_of_the_bundled_zoo_stay(bundled: Path) -> None:
    check("fingerprints.json", make.fingerprints(bundled))


def test_ancestors_of_the_bundled_zoo_stay(bundled: Path) -> None:
    check("bundled/ancestors.json", make.ancestors(bundled))


def test_the_audit_of_the_bundled_zoo_stays(bundled: Path) -> None:
    check("bundled/audit.json", make.audit(bundled))


def test_comparisons_of_the_bundled_zoo_stay(bundled: Path) -> None:
    check("bundled/compare.json.gz", make.compare(bundled))


def test_ancestors_of_the_benchmarks_zoo_stay(benchmark: Path) -> None:
    check("benchmark/ancestors.json", make.ancestors(benchmark))


def test_the_audit_of_the_benchmarks_zoo_stays(benchmark: Path) -> None:
    check("benchmark/audit.json", make.audit(benchmark))


def test_a_digest_tells_values_that_differ_in_their_last_bit() -> None:
    assert make.digest([1.0, 2.0]) != make.digest([1.0, 2.0000002])
    assert make.digest([1, 2**63]) != make.digest([1, 2**63 + 1])


def test_differences_are_named_by_their_path_and_renamed_keys_are_none() -> None:
    golden = {"rows": [{"name": "alder", "aside": True, "identity": 0.912345}, {"name": "birch"}], "verdict": "derived"}
    now = {"rows": [{"name": "alder", "sibling_or_descendant": True, "identity": 0.92}], "verdict": "derived"}
    assert list(differences(translated(golden), now)) == [
        "/rows: 2 entries -> 1",
        "/rows/0 (alder)/identity: 0.912345 -> 0.92",
    ]
    assert not list(differences({"x": 0.912345, "schema_version": 1}, {"x": 0.912346, "schema_version": 2}))
    assert list(differences({"x": 1, "y": None}, {"x": True, "z": None}))
