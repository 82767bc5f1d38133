"""What came out of a model: the question of `ancestors` in the other direction, from the same evidence.

The evidence, the family and the judgement are those of `ancestors`; a row says how likely its model is a descendant of
the query. What is told to be a descendant comes first; a direction that is not told stays unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..evidence.pair import compare
from ..lineage.judgement import MERGE_OF_QUERY
from ..lineage.ranking import Ranked
from ..relation.adapters import relation_of
from ..thresholds.lineage import DIRECTION_TOLD
from .question import Question
from .records import Ancestor, ComponentAnswer, Verdict
from .unrelated import without_relatives
from .verdict import ancestor_row, by_number, not_read, ranked_relatives
from .wording import would_tell

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
        verdict, text = _worded(related)
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


def _worded(related: Sequence[Ranked]) -> tuple[Verdict, str]:
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
        name, certainty = untold[0].candidate.name, untold[0].direction.descendant
        others = f" (and {len(untold) - 1} more)" if len(untold) > 1 else ""
        return "related", (
            f"of one lineage with {name}{others}, and which came first cannot be told: {name} is a descendant with a"
            f" probability of {certainty:z.2f}"
            + would_tell(untold[0].direction.by, "the claim that it was trained from scratch")
        )
    if derived:
        kinds = sorted({r.direction.kind for r in derived} - {"unknown"})
        return "related", f"no descendant: what is registered of its lineage is {' or '.join(kinds)}"
    relation = related[0].candidate.relation
    if relation is not None and relation.origin == "shared_initialisation":
        return "shared_initialisation", (
            f"no descendant: {related[0].candidate.name} has the same random initialisation and was trained apart"
        )
    return "inconclusive", f"related to {related[0].candidate.name}, how cannot be told"


def _undecided_copy(ranked: Ranked) -> bool:
    return ranked.direction.kind == "copy" and 1 - DIRECTION_TOLD < ranked.direction.descendant < DIRECTION_TOLD
