"""What the evidence says of two models, in both directions, and whether the controls let it be trusted.

E-values of A against B are corrected for every model that B may have been picked from: all of the registry, and the
models given from outside of it. So a pair has the E-value that `forebear ancestors` gives it. Comparisons with controls
are corrected for the number of such comparisons alone: they are what the measure is checked by, and a weaker correction
finds fault sooner.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...answers.records import Verdict
from ...answers.unrelated import REORDERED
from ...answers.verdict import evidence_blocks
from ...evidence.kinds import KINDS
from ...evidence.pair import PairEvidence
from ...relation.adapters import relation_of
from ...relation.coverage import coverage_of
from ...relation.flags import Relation
from ...relation.origin import Origin
from ...relation.rounding import coarseness, rounding_told
from ...thresholds.comparison import FEW_MATRICES, FINE_TUNED
from ...thresholds.significance import LEAST_COMPARED, SIGNIFICANT_LOG10_E
from ..records.comparison import PairEvidenceRow, RoleMatch
from ..tables.metric_tables import role_order

_INSIDE = frozenset({"q", "k", "v", "o", "gate", "up", "down"})
REWRITTEN = frozenset({"basis_changed", "width_pruned"})
"""Flags of models whose values no longer stand where they stood."""


_VERDICTS: dict[Origin, Verdict] = {
    "derivation": "related",
    "shared_initialisation": "shared_initialisation",
    "shared_embeddings": "inconclusive",
    "undetermined": "inconclusive",
}
"""Of two models alone: which of them came first no third one tells."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The evidence of one direction with its verdict; `relation` is None where nothing is significant."""

    evidence: PairEvidence
    relation: Relation | None
    verdict: Verdict
    reason: str


def judge(evidence: PairEvidence) -> Judged:
    """The verdict of one direction."""
    if evidence.significant:
        relation = relation_of(evidence)
        return Judged(evidence, relation, _VERDICTS[relation.origin], relation.reason)
    if len(evidence.pairing.query.positions.tensor) < FEW_MATRICES:
        return Judged(evidence, None, "inconclusive", "too few matrices to tell anything")
    if not evidence.log10_p:
        return Judged(evidence, None, "inconclusive", "no matrices that could be compared: widths and roles differ")
    if (compared := coverage_of(evidence).compared) < LEAST_COMPARED:
        share = f"{1 - compared:.0%} of the parameters were not compared"
        return Judged(evidence, None, "inconclusive", f"{share}: too little to call it unrelated")
    beside = f"; {REORDERED}" if evidence.pairing.query.network else ""
    return Judged(evidence, None, "unrelated", f"no more alike than unrelated models{beside}")


def stronger(forward: Judged, backward: Judged) -> Judged:
    """The direction that says more: significant, then of more coverage (a part is found whole in what it came from)."""
    return min(forward, backward, key=lambda j: (j.relation is None, -round(j.evidence.match.matched, 2)))


def evidence_row(query: str, candidate: str, judged: Judged, corrected_for: int) -> PairEvidenceRow:
    """One direction as a record."""
    evidence = judged.evidence
    coverage = coverage_of(evidence)
    flags = judged.relation.flags if judged.relation else ()
    coarser = coarseness(evidence) if "numeric_copy" in flags else 0.0
    return PairEvidenceRow(
        query=query,
        candidate=candidate,
        component=evidence.pairing.query.name,
        candidate_component=evidence.pairing.candidate.name,
        verdict=judged.verdict,
        evidence=evidence.kind,
        log10_p=dict(evidence.log10_p),
        log10_evalue=evidence.log10_evalue,
        corrected_for=corrected_for,
        identity=evidence.match.identity,
        coverage=coverage.matched,
        coverage_parts=coverage,
        distance=evidence.match.distance,
        relation=flags,
        reason=judged.reason,
        gains_correlation=evidence.gains.correlation,
        gains_values=evidence.gains.values,
        gains_equal=evidence.gains.equal,
        roles=tuple(role_matches(evidence)),
        blocks=tuple(evidence_blocks(evidence)) if evidence.significant else (),
        freedoms=judged.relation.freedoms if judged.relation else (),
        rounded=None if not coarser else candidate if coarser > 0 else query,
        rounded_by=f"rounding loses values{rounding_told(evidence)}" if coarser else None,
    )


def role_matches(evidence: PairEvidence) -> list[RoleMatch]:
    """What of each role of the query has a match."""
    query, match = evidence.pairing.query, evidence.match
    groups: dict[str, list[int]] = defaultdict(list)
    for tensor in np.flatnonzero(query.scorable).tolist():
        groups[query.roles[tensor]].append(tensor)
    found = []
    for role in sorted(groups, key=lambda role: role_order(role, "")):
        tensors = np.array(groups[role])
        matched = tensors[match.kind[tensors] >= 0]
        weight, total = match.weight[matched].sum(), match.weight[tensors].sum()
        kinds = Counter(KINDS[k].name for k in match.kind[matched].tolist())
        identity = float((match.weight[matched] * match.similarity[matched]).sum() / weight) if weight > 0 else np.nan
        share = float(weight / total) if total > 0 else 0.0
        found.append(RoleMatch(role, len(tensors), len(matched), share, dict(sorted(kinds.items())), identity))
    return found


def sentence(names: tuple[str, str], rows: Sequence[PairEvidenceRow], equal_norms: bool) -> str:
    """The verdict of A and B in words. `rows` are the directions, the stronger first.

    `equal_norms` when every norm gain that can be compared is the same in both.
    """
    row = rows[0]
    both = f"{names[0]} and {names[1]}"
    match row.verdict:
        case "derived" | "related":
            return f"{both} {_lineage(rows)}; {_first(names, row)}"
        case "shared_initialisation":
            return f"{both} have the same random initialisation and were trained apart: {row.reason}"
        case "inconclusive" if "shared_embeddings" in row.relation:
            return f"{both} share embeddings and nothing that tells of a derivation: {row.reason}"
        case "inconclusive" if row.relation:
            return f"{both} are related, how cannot be told: {row.reason}{_found(row)}"
        case "inconclusive":
            return f"{both}: {row.reason}"
        case "unrelated":
            alike = "their norm gains are equal, and everything else is that of unrelated models"
            return f"{both} are unrelated: {alike if equal_norms else row.reason}"


def _first(names: tuple[str, str], row: PairEvidenceRow) -> str:
    """What two models alone tell of who came first: that what was rounded did."""
    if row.rounded is None or row.rounded_by is None:
        return "which came first two models alone cannot tell"
    coarse, fine = names if row.rounded == "A" else names[::-1]
    return f"{coarse} is a rounding of {fine}, as {row.rounded_by}"


def _lineage(rows: Sequence[PairEvidenceRow]) -> str:
    """How two models are of one lineage: as a whole, or in the parts that one took over."""
    row = rows[0]
    if present := roles_taken_over(row):
        return f"are of one lineage in {', '.join(present)} alone: {row.reason}{_found(row)}"
    seen = {one.query: ", ".join(one.relation).replace("_", " ") for one in rows if one.relation}
    one_way = len(set(seen.values())) == 1
    flags = seen[row.query] if one_way else "; ".join(f"{query}: {flags}" for query, flags in sorted(seen.items()))
    far = "finetuned" in row.relation and row.identity < FINE_TUNED
    apart = "; so far apart are a long training, or a merge with another model" if far else ""
    return f"are of one lineage ({flags}): {row.reason}{apart}{_found(row)}"


def roles_taken_over(row: PairEvidenceRow) -> tuple[str, ...]:
    """The roles inside layers that match, where others do not; none when all do, or when the basis was changed."""
    inside = [part for part in row.roles if part.role in _INSIDE]
    found = tuple(part.role for part in inside if part.matched)
    return found if 0 < len(found) < len(inside) and not REWRITTEN & set(row.relation) else ()


def _found(row: PairEvidenceRow) -> str:
    """The kinds of evidence that found something, with the roles where they did; and the roles without a match."""
    text = ""
    for kind in (k.name for k in KINDS):
        if roles := [part.role for part in row.roles if kind in part.kinds]:
            text += f"; found by {kind} in {', '.join(roles)}"
    missing = [part.role for part in row.roles if part.role in _INSIDE | {"embed", "head"} and not part.matched]
    return text + (f"; no match in {', '.join(missing)}" if missing else "")


def trust(rows: Sequence[PairEvidenceRow], names: dict[str, str]) -> tuple[bool | None, str]:
    """Whether every control came out as an unrelated model of A and of B, and the reason in words.

    `rows` is the evidence of all components; `names` has the model of every label.
    """
    checked = [row for row in rows if {row.query[0], row.candidate[0]} & {"C"} and row.query[0] != row.candidate[0]]
    if not checked:
        return None, "No control: nothing here checks the measure. Name an unrelated model of this shape with --control"
    wrong = [row for row in checked if row.log10_evalue <= SIGNIFICANT_LOG10_E]
    if wrong:
        worst = min(wrong, key=lambda row: row.log10_evalue)
        control, other = sorted((worst.query, worst.candidate), key=lambda label: label[0] != "C")
        return False, (
            f"The measure is not to be trusted here: control {control} ({names[control]}) looks related to"
            f" {other} ({names[other]}): {worst.verdict.replace('_', ' ')}, log10 E = {worst.log10_evalue:.1f}."
            " Either it is no unrelated model, or unrelated models of this shape look alike"
        )
    told = {(row.query, row.candidate) for row in checked if row.verdict == "unrelated"}
    controls = [c for c in names if c[0] == "C" and all((c, x) in told and (x, c) in told for x in "AB")]
    if not controls:
        return None, "No control can be compared with both A and B: nothing here checks the measure"
    listed = ", ".join(f"{label} ({names[label]})" for label in controls)
    return True, f"Controls are unrelated to A and to B, as they must be: {listed}"
