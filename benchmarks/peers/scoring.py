"""Runs one method over the pairs of the zoo in a process of its own, and keeps a row a pair.

A process of its own has its own peak of memory. Columns of the rows: method, query, candidate, score; a method that is
symmetric has each unordered pair once.
"""

from __future__ import annotations

import math
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from .methods import AnyMethod, awm, bit_distance, cosines, csu, ghost_spec, huref, mdir, std_profile
from .truth import Zoo
from .weights import UnreadableError, read_weights

METHODS: tuple[AnyMethod, ...] = (
    awm.METHOD,
    huref.METHOD,
    csu.METHOD,
    std_profile.METHOD,
    ghost_spec.METHOD,
    mdir.METHOD,
    bit_distance.METHOD,
    cosines.RAW,
    cosines.CENTRED,
    cosines.GAINS,
)
SCHEMA = pa.schema(
    [("method", pa.string()), ("query", pa.string()), ("candidate", pa.string()), ("score", pa.float64())]
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a method took: CPU seconds to read and prepare all models, for a pair and for a query; peak memory."""

    method: str
    source: str
    models: int
    pairs: int
    reading_seconds: float
    pair_seconds: float
    query_seconds: float
    peak_megabytes: float
    note: str = ""


def run(method: AnyMethod, zoo: Zoo, folder: Path, unrelated: int | None) -> tuple[pa.Table, Cost]:
    """Prepare every model, score the pairs of the zoo; `unrelated` caps how many of the unrelated ones.

    Pairs with a model that cannot be read have no score (nan).
    """
    started = time.process_time()
    prepared = {}
    for name in zoo.members:
        try:
            prepared[name] = method.prepare(read_weights(folder / name))
        except UnreadableError:
            continue
    ready = time.process_time()
    pairs = list(zoo.pairs(unrelated))
    scores = [
        method.score(prepared[one], prepared[other]) if one in prepared and other in prepared else math.nan
        for one, other in pairs
    ]
    done = time.process_time()
    queries, candidates = zip(*pairs, strict=True)
    table = pa.table([[method.name] * len(pairs), queries, candidates, scores], schema=SCHEMA)
    each = (done - ready) / len(pairs)
    cost = Cost(
        method.name,
        method.paper,
        len(zoo.members),
        len(pairs),
        ready - started,
        each,
        each * (len(zoo.members) - 1),
        peak_megabytes(),
        f"{len(zoo.members) - len(prepared)} models it cannot read" if len(prepared) < len(zoo.members) else "",
    )
    return table, cost


def peak_megabytes() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
