"""An audit run written by hand: models and answers, as `forebear audit` would have kept them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from forebear.registry import Registry

RUN = 1
MOMENT = datetime(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class Answered:
    """One row of an answer: what is said of `relative` when `query` is asked about."""

    query: str
    relative: str
    direction: str = "unknown"
    probability: float = 0.3
    place: int = 1
    relation: tuple[str, ...] = ("finetuned",)
    by: str = "a claim"
    merged_with: str | None = None
    distance: float = 0.1
    origin: str = "derivation"
    component: str = "language"


@dataclass(frozen=True, slots=True)
class Audited:
    """Names of models, answers, copies (copy, original) of equal content, and declarations that were not found.

    `components` are those of models that are registered still, by their names; of others nothing is known.
    """

    models: tuple[str, ...]
    answers: tuple[Answered, ...] = ()
    copies: tuple[tuple[str, str], ...] = ()
    declared: tuple[tuple[str, str], ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    components: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def write_audit(path: Path, audit: Audited) -> Path:
    """A registry at `path` that holds the run; of the models themselves it has one tensor a component at most."""
    ids = {name: number for number, name in enumerate(audit.models, 1)}
    with Registry(path) as registry:
        connection = registry.connection
        connection.execute(
            "INSERT INTO audit_run (run_id, queries, against, since, max_log10_e, whole, models, newest, asked,"
            " started_at, finished_at) VALUES (?, '', '', NULL, -3, false, ?, ?, ?, ?, ?)",
            [RUN, len(ids), len(ids), len(ids), MOMENT, MOMENT],
        )
        for name, number in ids.items():
            source = audit.sources.get(name, f"file:///models/{number}")
            connection.execute(
                "INSERT INTO audit_model VALUES (?, ?, ?, ?, NULL, true, 1)", [RUN, number, name, source]
            )
        for name, components in audit.components.items():
            for number, component in enumerate(components):
                connection.execute(
                    "INSERT INTO tensor (model_id, tensor_id, component, role, slot, name, dtype, shape, represents,"
                    " rows_read, sampled) VALUES (?, ?, ?, 'q', '', ?, 'F32', [64, 64], 4096, 8, 256)",
                    [ids[name], number, component, component],
                )
        for copy, original in audit.copies:
            connection.execute(
                "INSERT INTO audit_duplicate VALUES (?, ?, ?, 'equal content')", [RUN, ids[copy], ids[original]]
            )
        for child, parent in audit.declared:
            connection.execute(
                "INSERT INTO audit_finding VALUES (?, 'declaration', 'contradicted', ?, 'language', ?, NULL, ?,"
                " 'no more alike than unrelated models')",
                [RUN, ids[child], ids.get(parent), parent],
            )
        if audit.answers:
            rows = [_row(one, ids) for one in audit.answers]
            marks = ", ".join(f"${name}" for name in rows[0])
            connection.executemany(f"INSERT INTO audit_pair ({', '.join(rows[0])}) VALUES ({marks})", rows)
    return path


def _row(one: Answered, ids: Mapping[str, int]) -> dict[str, object]:
    return {
        "run_id": RUN,
        "query_id": ids[one.query],
        "component": one.component,
        "relative_id": ids[one.relative],
        "relative_component": one.component,
        "rank": one.place,
        "place": one.place,
        "origin": one.origin,
        "direction": one.direction,
        "direction_probability": one.probability,
        "direction_by": one.by,
        "evidence": "positions",
        "log10_evalue": -100.0,
        "identity": 0.99,
        "coverage": 1.0,
        "distance": one.distance,
        "relation": list(one.relation),
        "reason": "weights correlate",
        "merged_with": one.merged_with,
        "declared": False,
        "declared_child": False,
    }


def both_ways(pairs: Iterable[tuple[str, str, float]]) -> tuple[Answered, ...]:
    """Answers about both of each pair (first, second, distance) that tell nothing of the order."""
    return tuple(
        Answered(query, relative, distance=distance, place=9)
        for first, second, distance in pairs
        for query, relative in ((first, second), (second, first))
    )


def kept_by_run(place: str | Path, run_id: int) -> dict[str, list[tuple[object, ...]]]:
    """What a run kept, without its moments and its process."""
    tables = ("audit_query", "audit_pair", "audit_finding", "audit_duplicate", "audit_model", "audit_family")
    with Registry(place, read_only=True) as registry:
        rows = {
            table: registry.connection.execute(f"FROM {table} WHERE run_id = ? ORDER BY ALL", [run_id]).fetchall()
            for table in tables
        }
        facts = "* EXCLUDE (started_at, finished_at, owner)"
        rows["audit_run"] = registry.connection.execute(f"SELECT {facts} FROM audit_run ORDER BY ALL").fetchall()
    return rows
