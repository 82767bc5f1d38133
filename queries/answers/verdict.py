"""The answer about one component: evidence of its candidates, their ranks, and the verdict in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from ..data.component import Component
from ..evidence.pair import PairEvidence, compare
from ..lineage.ranking import Candidate, Ranked, rank
from ..relation.adapters import relation_of
from ..statistics.pvalues import LOG10
from .records import Ancestor, BlockMatch, ComponentAnswer, Verdict


def judged(
    component: Component,
    others: Iterable[Component],
    facts: Mapping[int, tuple[str, str, datetime | None]],
    *,
    declared: Mapping[int, tuple[bool, bool]],
    released_at: datetime | None,
    models: int,
    k: int,
    blocks: bool = True,
) -> ComponentAnswer:
    """The answer for one component of a query, from full evidence of every one of `others`, its candidates.

    `facts` gives name, source and release date of the candidates' models, `declared` which of them the query names as
    its parent and which name the query. `models` is the size of the registry, the query left out, for the E-values.
    Without `blocks` the rows have no block maps.
    """
    candidates = []
    for other in others:
        evidence = compare(component, other, models, thorough=False)
        known = facts[other.model_id]
        later = bool(released_at and known[2] and known[2] > released_at)
        candidates.append(_candidate(evidence, known, declared.get(other.model_id, (False, False)), later))
    return _worded(component, rank(_best_of_each_model(candidates)), models, k, blocks)


def _candidate(
    evidence: PairEvidence, facts: tuple[str, str, datetime | None], declared: tuple[bool, bool], later: bool
) -> Candidate:
    relation = relation_of(evidence) if evidence.significant else None
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


def _worded(component: Component, ranked: Sequence[Ranked], models: int, k: int, blocks: bool) -> ComponentAnswer:
    rows = tuple(_ancestor(r, blocks) for r in ranked[:k])
    significant = [r for r in ranked if r.candidate.evidence.significant]
    if not significant:
        verdict, sentence = _without_relatives(component, models)
        return ComponentAnswer(component.name, verdict, sentence, rows)
    first = significant[0]
    relation = first.candidate.relation
    assert relation is not None
    tie = [r.candidate.name for r in significant if r.rank == first.rank]
    if first.sibling_or_descendant:
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
            unknown = "; who came first, weights alone do not tell"
            reason = relation.reason + ("" if first.direction_known else unknown)
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


def _ancestor(ranked: Ranked, blocks: bool) -> Ancestor:
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
        reason=one.relation.reason if one.relation else "no more alike than unrelated models",
        merged_with=ranked.merged_with,
        sibling_or_descendant=ranked.sibling_or_descendant,
        declared=one.declared,
        declared_child=one.declared_child,
        blocks=tuple(evidence_blocks(evidence)) if blocks and evidence.significant else (),
        origin=one.relation.origin if one.relation else None,
        direction_known=ranked.direction_known,
        log10_p=dict(evidence.log10_p),
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
