"""Whether `FROM ancestors(...)` in plain DuckDB says what the command says, and how long it takes.

    python benchmarks/sql.py [ZOO]          (make bench-sql; ZOO: a folder of models, else the bundled zoo)
    python benchmarks/sql.py scale [MODELS] (10,000 models of 7B shape, 4 GB of disk, freed again)

Every model of the zoo is asked both ways. Pairs are those that the command calls derived, by positions for the most
part; pairs that another kind of evidence found, or whose basis or width changed by the command's answer, are counted
apart: the macro does not have those kinds. Order: whether the macro's first model is in the command's first rank, and
of all pairs of relatives of a model that have different ranks in the command, the share in the same order: those that
the command ties claim no order. Rewritten are relatives in another basis or width by the command's answer, and models
that the zoo's `truth.json` calls so, asked or found: pairs with one of them are told apart. Order is told twice: as a
share of all pairs, and by models that are asked, each by its own pairs.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.query import PARENT, QUERY, build
from forebear.queries.answers.records import Ancestor
from forebear.registry import Registry

REWRITTEN = {"basis_changed", "width_pruned"}
CLOSE, ALIKE, SECONDS = 0.01, 0.95, 2.0
BUNDLED = Path(__file__).parent.parent / "tests" / "zoo" / "models"
RANKED = "SELECT component, source, z, identity, coverage FROM ancestors(?, k := 1000) ORDER BY component, rank"


@dataclass
class Found:
    """What all questions gave."""

    identities: list[float] = field(default_factory=list)
    coverages: list[float] = field(default_factory=list)
    other_kinds: int = 0
    asked: int = 0
    first: int = 0
    pairs: int = 0
    same_order: int = 0
    shares: list[float] = field(default_factory=list)
    rewritten_pairs: int = 0
    rewritten_same_order: int = 0
    unrelated_before: int = 0
    unrelated: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def ask(registry: Registry, uri: str, rewritten: Set[str], found: Found) -> None:
    """One model, both ways; `rewritten` are names of models that are so by the truth."""
    began = time.perf_counter()
    rows = registry.connection.execute(RANKED, [uri]).fetchall()
    found.seconds.append(time.perf_counter() - began)
    for answer in registry.ancestors(uri, k=1000).components:
        macro = {source: figures for component, source, *figures in rows if component == answer.component}
        order = {source: place for place, source in enumerate(macro)}
        relatives = [a for a in answer.ancestors if a.log10_evalue <= -3 and a.source in macro]
        sources = {a.source for a in relatives}
        found.unrelated += [z for source, (z, _, _) in macro.items() if source not in sources]
        for one in relatives:
            _, identity, coverage = macro[one.source]
            if one.evidence == "positions" and one.origin == "derivation" and not REWRITTEN & set(one.relation):
                found.identities.append(abs(identity - one.identity))
                found.coverages.append(abs(coverage - one.coverage))
            else:
                found.other_kinds += 1
        if relatives:
            last = max(order[source] for source in sources)
            found.unrelated_before += any(place < last for source, place in order.items() if source not in sources)
            other = {a.source for a in relatives if REWRITTEN & {*a.relation} or {Path(uri).name, a.name} & rewritten}
            _orders(relatives, other, order, found)


def _orders(relatives: Sequence[Ancestor], rewritten: Set[str], order: dict[str, int], found: Found) -> None:
    """Count what agrees: `rewritten` are the sources of relatives that are, all of them where the query is."""
    kept = [a for a in relatives if a.source not in rewritten]
    if kept:
        found.asked += 1
        found.first += min(kept, key=lambda a: order[a.source]).rank == min(a.rank for a in kept)
    same_order = []
    for a, b in itertools.combinations(relatives, 2):
        if a.rank == b.rank:
            continue
        same = (order[a.source] < order[b.source]) == (a.rank < b.rank)
        if rewritten & {a.source, b.source}:
            found.rewritten_pairs += 1
            found.rewritten_same_order += same
        else:
            same_order.append(same)
    found.pairs += len(same_order)
    found.same_order += sum(same_order)
    if same_order:
        found.shares.append(sum(same_order) / len(same_order))


def agreement(zoo: Path) -> None:
    """The table of one zoo."""
    found, truth = Found(), zoo / "truth.json"
    models = json.loads(truth.read_text(encoding="utf-8"))["models"] if truth.exists() else {}
    rewritten = {name for name, one in models.items() if one.get("rewritten")}
    place = tempfile.TemporaryDirectory(prefix="forebear-bench-")
    with place as folder, Registry(Path(folder) / "zoo.duckdb") as registry:
        registry.ingest(*sorted(path for path in zoo.iterdir() if path.is_dir()))
        for model in registry.models():
            ask(registry, model.uri, rewritten, found)
    close = [sum(x <= CLOSE for x in values) / len(values) for values in (found.identities, found.coverages)]
    print(f"derived pairs by positions: {len(found.identities)}")
    print(f"pairs by other kinds or rewritten, not compared: {found.other_kinds}")
    print(f"identity within {CLOSE}: {close[0]:.1%}, coverage: {close[1]:.1%}")
    print(f"largest difference of identity {max(found.identities):.5f}, of coverage {max(found.coverages):.5f}")
    print(f"unrelated models: {len(found.unrelated)}, largest z {max(found.unrelated, default=0):.1f}")
    print(f"questions with an unrelated model before a relative: {found.unrelated_before} of {found.asked}")
    print("relatives that are not rewritten:")
    print(f"  the macro's first model in the command's first rank: {found.first} of {found.asked}")
    print(f"  pairs of them in the command's order: {found.same_order / found.pairs:.1%} of {found.pairs}")
    print(f"  models asked, with an order: {len(found.shares)}, of pairs in order {statistics.mean(found.shares):.1%}")
    for least in (ALIKE, 1.0):
        print(f"  models with {least:.0%} of their pairs in order: {sum(s >= least for s in found.shares)}")
    apart = found.rewritten_same_order / max(1, found.rewritten_pairs)
    print(f"pairs in which one is rewritten: {apart:.1%} of {found.rewritten_pairs}")
    print(f"seconds a question, median: {statistics.median(found.seconds):.2f}")
    if min(close) < ALIKE or found.unrelated_before:
        sys.exit(1)


def scale(models: int) -> None:
    """Seconds of one question among many models of 7B shape."""
    with tempfile.TemporaryDirectory(prefix="forebear-bench-") as folder:
        path = Path(folder) / "registry.duckdb"
        build(path, models)
        with duckdb.connect(str(path), read_only=True) as connection:
            seconds, first = [], ""
            for _ in range(4):
                began = time.perf_counter()
                first = connection.execute("SELECT name FROM ancestors(?)", [QUERY]).fetchall()[0][0]
                seconds.append(time.perf_counter() - began)
    print(f"{models} models: {statistics.median(seconds[1:]):.2f} s, the first time {seconds[0]:.2f} s; first: {first}")
    if first != PARENT or statistics.median(seconds[1:]) > SECONDS:
        sys.exit(1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["scale"]:
        scale(int((sys.argv[2:] or ["10000"])[0]))
    else:
        agreement(Path(sys.argv[1]) if sys.argv[1:] else BUNDLED)
