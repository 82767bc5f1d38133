"""The answer about one component: evidence of its candidates, their ranks, and the verdict in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from ..data.component import Component
from ..evidence.pair import PairEvidence, compare
from ..lineage.claims import FROM_SCRATCH, NEWEST, Claims
from ..lineage.direction import Direction
from ..lineage.ranking import Candidate, Ranked, rank
from ..relation.adapters import relation_of
from ..relation.coverage import coverage_of
from ..relation.flags import Relation, equal_values
from ..statistics.pvalues import LOG10
from ..thresholds.lineage import COPY_EVEN, DIRECTION_TOLD
from ..thresholds.significance import MUCH_NOT_READ, TENSOR_LOG_P
from .question import Question
from .records import Ancestor, BlockMatch, ComponentAnswer, Verdict
from .unrelated import without_relatives

EQUAL_CONTENT = Relation("derivation", ("identical",), "every value that was read is equal")


def judged(question: Question, k: int, *, blocks: bool = True) -> ComponentAnswer:
    """The answer for one component of a query, from full evidence of every candidate, with at most `k` rows.

    Without `blocks` the rows have no block maps.
    """
    component, ranked = question.component, ranked_relatives(question)
    related = [r for r in ranked if r.candidate.relation]
    verdict, text = _of_relatives(related, question.claims) if related else without_relatives(question, ranked)
    text += by_number(related[0]) if related else ""
    rows = tuple(ancestor_row(r, blocks) for r in ranked[:k])
    return ComponentAnswer(component.name, verdict, f"{component.name}: {text}{not_read(component)}", rows)


def ranked_relatives(question: Question) -> list[Ranked]:
    """The candidates of one component, ranked as its ancestors."""
    component, candidates = question.component, []
    for other in question.others:
        evidence = compare(component, other, question.models, thorough=False)
        name, uri, _ = question.facts[other.model_id]
        same = other.model_id in question.equal and other.name == component.name
        relation = relation_of(evidence) if evidence.significant else EQUAL_CONTENT if same else None
        known = question.declared.get(other.model_id, (False, False))
        candidates.append(Candidate(name, uri, evidence, relation, *known, equal=same, registered=name))
    return rank(_called(_best_of_each_model(candidates), question.asked), question.claims)


def _called(candidates: Sequence[Candidate], asked: tuple[str, str] | None) -> list[Candidate]:
    """The candidates as sentences call them: by name and source where the name could mean another model too."""
    sources: dict[str, set[str]] = {asked[0]: {asked[1]}} if asked else {}
    for one in candidates:
        sources.setdefault(one.registered, set()).add(one.uri)
    return [
        replace(one, name=f"{one.registered} ({one.uri})") if len(sources[one.registered]) > 1 else one
        for one in candidates
    ]


def by_number(ranked: Ranked) -> str:
    """That rows of embeddings which match were compared by their number, where that is so."""
    numbered = any(one.numbered and one.log_p <= TENSOR_LOG_P for one in ranked.candidate.evidence.tokens)
    return "; without a tokenizer, embeddings were compared by row number" if numbered else ""


def not_read(component: Component) -> str:
    """How much of the component was not read, where that is much."""
    total = float(component.parameters.sum()) + component.skipped
    missing = component.skipped + float(component.parameters[~component.read].sum())
    if not total or missing / total < MUCH_NOT_READ:
        return ""
    return f"; {missing / total:.0%} of its parameters were not read"


def _best_of_each_model(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Of a candidate's components of one kind (an encoder and a decoder) the one that is nearest."""
    best: dict[int, Candidate] = {}
    for one in candidates:
        order = (not one.evidence.significant, one.distance, one.evidence.log10_evalue)
        known = best.get(one.key)
        if known is None or order < (not known.evidence.significant, known.distance, known.evidence.log10_evalue):
            best[one.key] = one
    return list(best.values())


def _of_relatives(significant: Sequence[Ranked], claims: Claims) -> tuple[Verdict, str]:
    """The verdict and its words, from the ranked relatives."""
    derived = [r for r in significant if _origin(r) == "derivation"]
    if not derived:
        first = significant[0]
        assert first.candidate.relation is not None
        name, reason = first.candidate.name, first.candidate.relation.reason
        if _origin(first) == "shared_initialisation":
            return "shared_initialisation", f"same random initialisation as {name}, trained apart: {reason}"
        if _origin(first) == "shared_embeddings":
            return "inconclusive", f"embeddings shared with {name}, which is no derivation of the model: {reason}"
        return "inconclusive", f"related to {name}, how cannot be told: {reason}"
    told = next((r for r in derived if r.direction.probability >= DIRECTION_TOLD), None)
    return _derived(told, derived, claims) if told is not None else ("related", _related(derived, claims))


def _derived(told: Ranked, derived: Sequence[Ranked], claims: Claims) -> tuple[Verdict, str]:
    """An ancestor is known: who, by what, and whether a nearer one may be registered, which no claimed root is."""
    relation = told.candidate.relation
    assert relation is not None
    late = _against_dates(told, claims)
    why = f"{relation.reason}; by {_listed(told.direction.by)}{late}"
    if told.merged_with:
        return "derived", f"a merge of {told.candidate.name} and {told.merged_with}: {why}"
    if told.direction.kind == "copy":
        rests_on = _listed(told.direction.by)
        return "derived", f"a rounded copy of {told.candidate.name}: {relation.reason}; {rests_on}{late}"
    between = [r for r in derived if r.rank <= told.rank and r is not told and r.candidate.key not in claims.roots]
    nearer = [r.candidate.name for r in between]
    more = f"; {nearer[0]}{_and_more(len(nearer) - 1)} may stand between them" if nearer else ""
    return "derived", f"derived from {told.candidate.name}: {why}{more}"


def _related(derived: Sequence[Ranked], claims: Claims) -> str:
    """No ancestor is known: what is nearest, why the order cannot be told, and what would tell it."""
    first = derived[0]
    name, relation = first.candidate.name, first.candidate.relation
    assert relation is not None
    if "identical" in first.flags or first.direction.kind == "copy":
        return _copies(derived) + _against_dates(first, claims)
    text = f"of one lineage with {name}{_and_more(len(derived) - 1)}: {relation.reason}; "
    if all(r.direction.kind in {"descendant", "sibling"} for r in derived):
        kinds = sorted({r.direction.kind for r in derived})
        missing = "its ancestor is missing"
        if claims.query_root is not None:
            missing = f"by the claim that it {FROM_SCRATCH} ({claims.query_root}) it has no ancestor"
        return text + f"what is registered is {' or '.join(kinds)}, {missing}"
    direction, likely = first.direction, f"with a probability of {first.direction.probability:z.2f}"
    if not direction.probability:
        text += f"it does not descend from {name}, {_excluded(name, direction.by)}"
    elif not direction.descendant:
        text += f"whether it descends from {name} cannot be told (it does {likely})"
    else:
        text += f"which came first cannot be told ({name} is an ancestor {likely})"
    dated = claims.dated(first.candidate.key)
    return text + would_tell(direction, dated=dated, root="the family's root, registered and marked as one,")


def _copies(derived: Sequence[Ranked]) -> str:
    """The nearest relative is a copy: of it and of the others of which the same is so, and how many more there are."""
    first = derived[0]
    name, relation, side = first.candidate.name, first.candidate.relation, _side(first)
    assert relation is not None
    same = sum(_side(r) == side for r in derived)
    names, others = f"{name}{_and_more(same - 1)}", len(derived) - same
    more = f"; of one lineage with {others} more" if others else ""
    if side == "equal":
        return f"equal to {names} in every value that was read; which came first weights cannot tell{more}"
    if side == "even":
        apart = "as coarse, and no further apart than rounding goes; which came from which, or what both came from,"
        return f"a rounded copy as {names} is: {apart} cannot be told: {relation.reason}{more}"
    if side == "rounded":
        return f"{names} is a rounded copy of it: {relation.reason}{more}"
    return (
        f"a rounded copy of {names}, or of what differs from it by less than the rounding does: {relation.reason}{more}"
    )


def _against_dates(ranked: Ranked, claims: Claims) -> str:
    """That release dates say the opposite of a direction which weights tell: whoever reads both has to be told."""
    released = claims.released.get(ranked.candidate.key)
    if released is None or claims.query_released is None or released == claims.query_released:
        return ""
    later, direction = released > claims.query_released, ranked.direction
    if max(direction.probability, direction.descendant) < DIRECTION_TOLD:
        return ""
    if later != (direction.probability > direction.descendant):
        return ""
    says = "later" if later else "earlier"
    return f"; by claimed release dates {ranked.candidate.name} is the {says} of the two, which contradicts that"


def _excluded(name: str, by: Sequence[str]) -> str:
    """What rules a relative out as the ancestor, and which claims it is told against."""
    claim = f"the claim that {name} {FROM_SCRATCH} "
    against = [part for part in by if part == NEWEST or part.startswith(claim)]
    said = f"by {_listed([part for part in by if part not in against])}"
    return f"{said}, against {_listed(against)}" if against else said


def _side(ranked: Ranked) -> Literal["equal", "even", "rounded", "finer"] | None:
    """As what a relative is a copy: equal, as coarse, a rounding of the query, or what the query is a rounding of."""
    if "identical" in ranked.flags:
        return "equal"
    if ranked.direction.kind != "copy":
        return None
    probability = ranked.direction.probability
    return "even" if probability == COPY_EVEN else "rounded" if probability < COPY_EVEN else "finer"


def would_tell(direction: Direction, *, dated: bool, root: str) -> str:
    """What would tell a direction that is not told: what is not known yet; `root` names a claim that would.

    Geometry alone tells none, however many relatives there are. Dates rule out one of two orders, where neither is
    ruled out; `dated`: they are known.
    """
    missing = []
    if not dated and direction.probability > 0 and direction.descendant > 0:
        missing.append("release dates of both would rule out one order")
    if not any(FROM_SCRATCH in part for part in direction.by):
        missing.append(f"{root} would tell")
    return "".join(f"; {part}" for part in missing)


def _origin(ranked: Ranked) -> str | None:
    return ranked.candidate.relation.origin if ranked.candidate.relation else None


def _and_more(count: int) -> str:
    return f" (and {count} more)" if count else ""


def _listed(parts: Sequence[str]) -> str:
    return ", ".join(parts) if parts else "nothing else"


def ancestor_row(ranked: Ranked, blocks: bool) -> Ancestor:
    """A ranked candidate as a row of the answer; without `blocks` it has no block map."""
    one = ranked.candidate
    evidence = one.evidence
    coverage = coverage_of(evidence)
    return Ancestor(
        rank=ranked.rank,
        model_id=evidence.pairing.candidate.model_id,
        name=one.registered,
        source=one.uri,
        component=evidence.pairing.candidate.name,
        evidence=evidence.kind,
        log10_evalue=evidence.log10_evalue,
        identity=evidence.match.identity,
        coverage=coverage.matched,
        coverage_parts=coverage,
        distance=evidence.match.distance,
        relation=ranked.flags,
        reason=one.relation.reason if one.relation else "no more alike than unrelated models",
        merged_with=ranked.merged_with,
        direction=ranked.direction.kind,
        direction_probability=round(ranked.direction.probability, 4),
        direction_by=ranked.direction.by,
        equal_values=equal_values(evidence) if evidence.significant else 0.0,
        declared=one.declared,
        declared_child=one.declared_child,
        blocks=tuple(evidence_blocks(evidence)) if blocks and evidence.significant else (),
        origin=one.relation.origin if one.relation else None,
        log10_p=dict(evidence.log10_p),
        freedoms=one.relation.freedoms if one.relation else (),
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
