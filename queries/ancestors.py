"""From a query model to its ranked ancestors: candidates by one scan, then the full evidence for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa

from ..ingest.adapters import ADAPTER
from .adapters import relate_factors
from .components import Component, load_components
from .evidence import PairEvidence, compare
from .ranking import Candidate, Ranked, rank
from .relation import relate
from .tails import LOG10

Verdict = Literal["derived", "shared_initialisation", "unrelated", "inconclusive"]
TABLES = ("tensor", "positions", "gram", "minhash", "vector", "token_row")
"""The tables that a comparison reads."""

MOST_CANDIDATES = 128
FEWEST_CANDIDATES = 24
"""The nearest are always looked at: a relation too weak for the sketch (a shared initialisation) may be among them."""
LEAST_Z = 4.0
"""Sketch z of candidates that are looked at, beside the nearest few: relations had 14 and more, strangers 0.9."""

_SQL = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class BlockMatch:
    """One block of the query and the block of the ancestor that it fits, by the strongest evidence."""

    query: str
    ancestor: str
    log10_p: float
    identity: float


@dataclass(frozen=True, slots=True)
class Ancestor:
    """One row of the answer. `log10_evalue` above -3 is what strangers reach; `evidence` is the kind that says most."""

    rank: int
    model_id: int
    name: str
    source: str
    component: str
    evidence: str | None
    log10_evalue: float
    identity: float
    coverage: float
    distance: float
    relation: tuple[str, ...]
    reason: str
    merged_with: str | None
    aside: bool
    declared: bool
    declared_child: bool
    blocks: tuple[BlockMatch, ...]


@dataclass(frozen=True, slots=True)
class ComponentAnswer:
    """The verdict for one component of the query, in one sentence, and its ranked ancestors."""

    component: str
    verdict: Verdict
    sentence: str
    ancestors: tuple[Ancestor, ...]


@dataclass(frozen=True, slots=True)
class QuerySketch:
    """What the candidate scan needs of one component of the query."""

    component: str
    position_roles: int
    gram_roles: int
    positions: bytes
    gram: bytes
    minhash: list[int]


@dataclass(frozen=True, slots=True)
class Query:
    """A model that is asked about. `model_id` is -1 when it is not in the registry; `own` are names it goes by."""

    model_id: int
    own: tuple[str, ...]
    declared: tuple[str, ...]
    components: tuple[Component, ...]
    sketches: tuple[QuerySketch, ...]
    released_at: datetime | None = None


_STRENGTH: tuple[Verdict, ...] = ("derived", "shared_initialisation", "inconclusive", "unrelated")


def overall(verdicts: Mapping[str, Verdict]) -> Verdict:
    """The verdict of the language component; without one, the strongest of the others. Keys are components."""
    if "language" in verdicts:
        return verdicts["language"]
    for verdict in _STRENGTH:
        if verdict in verdicts.values():
            return verdict
    return "inconclusive"


def sql(name: str) -> str:
    """The text of `queries/NAME.sql`."""
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def registered_query(connection: duckdb.DuckDBPyConnection, model_id: int) -> Query:
    """The query for a model of the registry."""
    facts = connection.execute(sql("model_facts"), {"models": [model_id]}).fetchall()[0]
    declared = connection.execute("SELECT parent FROM declared_parent WHERE model_id = ?", [model_id]).fetchall()
    rows = connection.execute(sql("sketch_of"), {"model_id": model_id}).fetchall()
    components = load_models(connection, [model_id]).get(model_id, [])
    return Query(
        model_id,
        own_names(facts[1], facts[2]),
        tuple(parent for (parent,) in declared),
        tuple(components),
        tuple(QuerySketch(c, p, g, bytes(x), bytes(y), list(m)) for c, p, g, x, y, m in rows),
        facts[4],
    )


def own_names(name: str, uri: str) -> tuple[str, ...]:
    """What other models may call a model that they declare as their parent."""
    return name, uri


def load_models(connection: duckdb.DuckDBPyConnection, models: Sequence[int]) -> dict[int, list[Component]]:
    """Model id -> components, read in bulk."""
    parameters = {"models": [int(m) for m in models]}
    tables: Mapping[str, pa.Table] = {
        table: connection.sql(sql(f"{table}_of"), params=parameters).to_arrow_table() for table in TABLES
    }
    return load_components(tables)


def ancestors(connection: duckdb.DuckDBPyConnection, query: Query, k: int) -> list[ComponentAnswer]:
    """The answer for every component of the query that has layers: at least `k` rows where the registry has them."""
    models = int(
        connection.execute("SELECT count(*) FROM model WHERE model_id != ?", [query.model_id]).fetchall()[0][0]
    )
    declared = {
        model: (parent, child)
        for model, parent, child in connection.execute(
            sql("declared"),
            {"model_id": query.model_id, "parents": list(query.declared), "own": list(query.own)},
        ).fetchall()
    }
    return [_answer(connection, query, sketch, declared, models, k) for sketch in query.sketches]


def _answer(
    connection: duckdb.DuckDBPyConnection,
    query: Query,
    sketch: QuerySketch,
    declared: Mapping[int, tuple[bool, bool]],
    models: int,
    k: int,
) -> ComponentAnswer:
    component = next(c for c in query.components if c.name == sketch.component)
    found = _candidates(connection, query.model_id, sketch, component.kind, k)
    named = {model for model, (parent, _) in declared.items() if parent}
    wanted = sorted({model for model, _ in found} | named)
    loaded = load_models(connection, wanted) if wanted else {}
    rows = connection.execute(sql("model_facts"), {"models": wanted}).fetchall()
    facts = {model: (name, uri, released) for model, name, uri, _, released in rows}
    candidates = []
    for model in wanted:
        for other in loaded.get(model, []):
            if other.kind == component.kind and ((model, other.name) in found or model in named):
                evidence = compare(component, other, models, thorough=False)
                later = bool(query.released_at and facts[model][2] and facts[model][2] > query.released_at)
                candidates.append(_candidate(evidence, facts[model], declared.get(model, (False, False)), later))
    ranked = rank(_best_of_each_model(candidates))
    return _worded(component, ranked, models, k)


def _candidates(
    connection: duckdb.DuckDBPyConnection, model_id: int, sketch: QuerySketch, kind: str, k: int
) -> set[tuple[int, str]]:
    parameters = {
        "model_id": model_id,
        "kind": kind,
        "position_roles": sketch.position_roles,
        "gram_roles": sketch.gram_roles,
        "positions": sketch.positions,
        "gram": sketch.gram,
        "minhash": sketch.minhash,
        "most": MOST_CANDIDATES,
        "fewest": max(k, FEWEST_CANDIDATES),
        "least_z": LEAST_Z,
    }
    return {(row[0], row[1]) for row in connection.execute(sql("candidates"), parameters).fetchall()}


def _candidate(
    evidence: PairEvidence, facts: tuple[str, str, datetime | None], declared: tuple[bool, bool], later: bool
) -> Candidate:
    judge = relate_factors if evidence.pairing.query.kind == ADAPTER else relate
    relation = judge(evidence) if evidence.significant else None
    return Candidate(facts[0], facts[1], evidence, relation, declared[0], declared[1], facts[2], later)


def _best_of_each_model(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Of a candidate's components of one kind (an encoder and a decoder) the one that is nearest."""
    best: dict[str, Candidate] = {}
    for one in candidates:
        key = (not one.evidence.significant, one.distance, one.evidence.log10_evalue)
        known = best.get(one.uri + f"#{one.evidence.pairing.candidate.model_id}")
        if known is None or key < (not known.evidence.significant, known.distance, known.evidence.log10_evalue):
            best[one.uri + f"#{one.evidence.pairing.candidate.model_id}"] = one
    return list(best.values())


def _worded(component: Component, ranked: Sequence[Ranked], models: int, k: int) -> ComponentAnswer:
    rows = tuple(_ancestor(r) for r in ranked[:k])
    significant = [r for r in ranked if r.candidate.evidence.significant]
    if not significant:
        verdict, sentence = _without_relatives(component, models)
        return ComponentAnswer(component.name, verdict, sentence, rows)
    first = significant[0]
    relation = first.candidate.relation
    assert relation is not None
    tie = [r.candidate.name for r in significant if r.rank == first.rank]
    if first.aside:
        text = (
            f"{component.name}: of one lineage with {tie[0]}, which is a sibling or a descendant and not an ancestor:"
            f" {relation.reason}"
        )
        return ComponentAnswer(component.name, "inconclusive", text, rows)
    names = (
        " and ".join(tie)
        if first.merged_with
        else tie[0] + (f" (tied with {len(tie) - 1} more)" if len(tie) > 1 else "")
    )
    match relation.origin:
        case "derived":
            how = "a merge of" if first.merged_with else "derived from"
            reason = relation.reason if first.told else f"{relation.reason}; who came first, weights alone do not tell"
            return ComponentAnswer(component.name, "derived", f"{component.name}: {how} {names}: {reason}", rows)
        case "shared_initialisation":
            text = f"{component.name}: same random initialisation as {names}, trained apart: {relation.reason}"
            return ComponentAnswer(component.name, "shared_initialisation", text, rows)
        case "undecided":
            text = f"{component.name}: related to {names}, how cannot be told: {relation.reason}"
            return ComponentAnswer(component.name, "inconclusive", text, rows)


def _without_relatives(component: Component, models: int) -> tuple[Verdict, str]:
    if not models:
        return "inconclusive", f"{component.name}: the registry holds no other model to compare with"
    if len(component.positions.tensor) < 4:
        return "inconclusive", f"{component.name}: too few matrices to tell anything"
    return "unrelated", f"{component.name}: no ancestor among {models} models"


def _ancestor(ranked: Ranked) -> Ancestor:
    one = ranked.candidate
    evidence = one.evidence
    flags = one.relation.flags if one.relation else ()
    if ranked.merged_with:
        flags = ("merged", *(f for f in flags if f != "finetuned"))
    return Ancestor(
        rank=ranked.rank,
        model_id=evidence.pairing.candidate.model_id,
        name=one.name,
        source=one.uri,
        component=evidence.pairing.candidate.name,
        evidence=evidence.kind,
        log10_evalue=evidence.log10_evalue,
        identity=evidence.match.identity,
        coverage=evidence.match.coverage,
        distance=evidence.match.distance,
        relation=flags,
        reason=one.relation.reason if one.relation else "no more alike than strangers",
        merged_with=ranked.merged_with,
        aside=ranked.aside,
        declared=one.declared,
        declared_child=one.declared_child,
        blocks=tuple(evidence_blocks(evidence)) if evidence.significant else (),
    )


def evidence_blocks(evidence: PairEvidence) -> list[BlockMatch]:
    """The block map of significant evidence: every block of the query that has a counterpart."""
    pairing, match = evidence.pairing, evidence.match
    best = evidence.block_map
    found = []
    for unit, other in enumerate(best.tolist()):
        if other < 0:
            continue
        mine = (pairing.query_unit == unit) & (match.kind >= 0)
        weight = match.weight[mine].sum()
        identity = float((match.weight[mine] * match.similarity[mine]).sum() / weight) if weight > 0 else 0.0
        p = min((a.unit_log_p[unit] for a in evidence.alignments if a.best[unit] == other), default=0.0)
        name, partner = (
            pairing.query.block(pairing.query_units[unit]),
            pairing.candidate.block(pairing.candidate_units[other]),
        )
        found.append(BlockMatch(name, partner, float(p) / LOG10, identity))
    return found
