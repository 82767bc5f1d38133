"""What came out of a model: the question of `ancestors` in the other direction, from the same evidence.

The evidence, the family and the judgement are those of `ancestors`; a row says how likely its model is a descendant of
the query. What is told to be a descendant comes first; a direction that is not told stays unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..evidence.pair import compare
from ..lineage.claims import Claims
from ..lineage.judgement import MERGE_OF_QUERY
from ..lineage.ranking import Ranked
from ..relation.adapters import relation_of
from ..thresholds.lineage import DIRECTION_TOLD
from .question import Question
from .records import Ancestor, ComponentAnswer, Verdict
from .unrelated import without_relatives
from .verdict import ancestor_row, by_number, not_read, ranked_relatives, would_tell

_NAMED = 3
"""Descendants that a sentence names; the rows have all."""


def descending(question: Question, k: int) -> ComponentAnswer:
    """The candidates of one component ranked as its descendants, with at most `k` rows.

    In its rows `direction_probability` is that of being a descendant. Rows of one rank are equally likely, to 0.01:
    that a model descends from another says nothing of how many generations lie between.
    """
    component, ranked = question.component, ranked_relatives(question)
    related = [r for r in ranked if r.candidate.relation]
    ordered = sorted((r for r in related if _derived(r)), key=_order)
    ordered += sorted((r for r in related if not _derived(r)), key=lambda r: (r.candidate.distance, r.candidate.uri))
    ordered += [r for r in ranked if not r.candidate.relation]
    if related:
        verdict, text = _worded(related, question.claims)
        text += by_number(related[0])
    else:
        verdict, text = without_relatives(question, ranked, "descendant")
    sentence = f"{component.name}: {text}{not_read(component)}"
    return ComponentAnswer(component.name, verdict, sentence, _rows(ordered[:k], question.models))


def _derived(ranked: Ranked) -> bool:
    relation = ranked.candidate.relation
    return relation is not None and relation.origin == "derivation"


def _certainty(ranked: Ranked) -> float:
    return round(ranked.direction.descendant, 2)


def _order(ranked: Ranked) -> tuple[float, float, str]:
    """The likeliest descendant first; of equally likely ones the nearest."""
    return -_certainty(ranked), ranked.candidate.distance, ranked.candidate.uri


def _rows(ordered: Sequence[Ranked], models: int) -> tuple[Ancestor, ...]:
    """Rows of the answer; those of derivations that are equally likely share a rank, as competitors do."""
    rows: list[Ancestor] = []
    for place, one in enumerate(ordered):
        before = ordered[place - 1] if place else None
        tied = before is not None and _derived(one) and _derived(before) and _certainty(one) == _certainty(before)
        rank = rows[-1].rank if tied else place + 1
        probability = round(one.direction.descendant, 4)
        row = replace(ancestor_row(one, True), rank=rank, direction_probability=probability)
        rows.append(replace(row, relation=_made_by(one, models), merged_with=None))
    return tuple(rows)


def _made_by(ranked: Ranked, models: int) -> tuple[str, ...]:
    """How the relative came from the query, if it did: flags say what was done on the way to the second of two models.

    A copy is one in both directions; all else, such as layers that were added, is judged from the other side.
    """
    pairing = ranked.candidate.evidence.pairing
    if not _derived(ranked) or ranked.direction.kind == "copy" or MERGE_OF_QUERY in ranked.direction.by:
        return ("merged",) if MERGE_OF_QUERY in ranked.direction.by else ranked.flags
    evidence = compare(pairing.candidate, pairing.query, models, thorough=False)
    flags = relation_of(evidence).flags if evidence.significant else ranked.flags
    return tuple(dict.fromkeys("finetuned" if flag in {"identical", "numeric_copy"} else flag for flag in flags))


def _untold(first: Ranked, claims: Claims) -> str:
    """Why it is not told whether the likeliest descendant is one, and what would tell it."""
    direction, name = first.direction, first.candidate.name
    if not direction.descendant:
        return f"no descendant: it was there before, by {', '.join(direction.by)}"
    likely = f"{name} is a descendant with a probability of {direction.descendant:z.2f}"
    what = "which came first" if direction.probability else "whether it descends from this"
    dated = claims.dated(first.candidate.key)
    root = "the claim that the query was trained from scratch"
    return f"{what} cannot be told: {likely}{would_tell(direction, dated=dated, root=root)}"


def _worded(related: Sequence[Ranked], claims: Claims) -> tuple[Verdict, str]:
    """The verdict, `derived` where a descendant is told, and its words: a direction that is not told is not said."""
    derived = sorted((r for r in related if _derived(r)), key=_order)
    told = [r for r in derived if r.direction.descendant >= DIRECTION_TOLD]
    untold = [r for r in derived if r.direction.kind == "unknown" or _undecided_copy(r)]
    if told:
        names = [r.candidate.name for r in told[:_NAMED]]
        more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
        what = "a descendant is" if len(told) == 1 else f"{len(told)} descendants are"
        also = f"; of {len(untold)} more of its lineage the order cannot be told" if untold else ""
        rests = ", ".join(told[0].direction.by) or "nothing else"
        return "derived", f"{what} told: {', '.join(names)}{more}; by {rests}{also}"
    if untold:
        first = untold[0]
        others = f" (and {len(untold) - 1} more)" if len(untold) > 1 else ""
        text = f"of one lineage with {first.candidate.name}{others}, and "
        return "related", text + _untold(first, claims)
    if derived:
        kinds = sorted({r.direction.kind for r in derived} - {"unknown"})
        return "related", f"no descendant: what is registered of its lineage is {' or '.join(kinds)}"
    relation = related[0].candidate.relation
    if relation is not None and relation.origin == "shared_initialisation":
        return "shared_initialisation", (
            f"no descendant: {related[0].candidate.name} has the same random initialisation and was trained apart"
        )
    if relation is not None and relation.origin == "shared_embeddings":
        return "inconclusive", f"no descendant: {related[0].candidate.name} shares embeddings and nothing else of it"
    return "inconclusive", f"related to {related[0].candidate.name}, how cannot be told"


def _undecided_copy(ranked: Ranked) -> bool:
    return ranked.direction.kind == "copy" and 1 - DIRECTION_TOLD < ranked.direction.descendant < DIRECTION_TOLD
