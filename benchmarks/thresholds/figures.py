"""What is counted of the answers to the fixed questions."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

from benchmarks.field.relations import Lineage, Relation
from benchmarks.field.summary import called_copy, denies_ancestor, first_tie, names_both, nearest_first
from benchmarks.peers.truth import Zoo
from forebear.queries.thresholds.lineage import DIRECTION_TOLD

Question = dict[str, Any]
SAID_OF_ROW = ("name", "rank", "relation", "direction", "probability", "merged_with")


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts over all questions; pairs are a query and another model of its registry.

    `changed`: answers that differ from those of the thresholds as they are: in the verdict, or in a row's rank,
    relation, direction, probability or the other parents of a merge (E-values and distances aside). `unrelated`:
    unrelated pairs that are called related. `related`: related pairs that are. `first`, `top`: questions whose nearest
    registered ancestor shares the first rank, stands at its top. `tie`: the median number of models in that rank,
    `mean_tie` its mean. `derived`: questions answered by `derived from` one that is no ancestor. `denied`: questions
    whose nearest ancestor is called a sibling or a descendant. `told`: questions whose nearest ancestor is called one
    or a copy. `copies`: pairs of copies that are called so, `no_copies` other pairs that are. `merges`: questions about
    merges that name both parents.
    """

    changed: int
    unrelated: int
    related: int
    first: int
    top: int
    tie: float
    mean_tie: float
    derived: int
    denied: int
    told: int
    copies: int
    no_copies: int
    merges: int

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """The names of the figures."""
        return tuple(one.name for one in fields(cls))

    def cells(self) -> tuple[str, ...]:
        """The figures as text, in the order of `columns`."""
        return tuple(f"{one:.2f}".rstrip("0").rstrip(".") for one in astuple(self))


def figures(questions: Sequence[Question], as_they_are: Sequence[Question]) -> Figures:
    """The figures of answers, beside those of the thresholds as they are."""
    rows = [row for question in questions for row in question["rows"]]
    with_ancestor = [q for q in questions if q["nearest"]]
    ranked = [q for q in with_ancestor if q["rows"]]
    ties = [len(first_tie(q)) for q in ranked]
    return Figures(
        changed=sum(_said(one) != _said(other) for one, other in zip(questions, as_they_are, strict=True)),
        unrelated=sum(row["truth"] == Relation.UNRELATED for row in rows),
        related=sum(row["truth"] != Relation.UNRELATED for row in rows),
        first=sum(map(nearest_first, with_ancestor)),
        top=sum(first_tie(q)[0]["name"] in q["nearest"] for q in ranked),
        tie=statistics.median(ties) if ties else 0.0,
        mean_tie=statistics.fmean(ties) if ties else 0.0,
        derived=sum(map(_falsely_derived, questions)),
        denied=sum(map(denies_ancestor, with_ancestor)),
        told=sum(any(_told_of_nearest(q, row) for row in q["rows"]) for q in with_ancestor),
        copies=sum(called_copy(row) for row in rows if row["truth"] == Relation.COPY),
        no_copies=sum(called_copy(row) for row in rows if row["truth"] != Relation.COPY),
        merges=sum(map(names_both, _merges(questions))),
    )


def totals(zoo: Zoo, questions: Sequence[Question]) -> Figures:
    """Of how many each figure is, whatever the answers are; 0 for the ties, which are of nothing."""
    truths = [one for question in questions for one in _truths(zoo, question)]
    with_ancestor = sum(bool(q["nearest"]) for q in questions)
    copies, unrelated = truths.count(Relation.COPY), truths.count(Relation.UNRELATED)
    return Figures(
        changed=len(questions),
        unrelated=unrelated,
        related=len(truths) - unrelated,
        first=with_ancestor,
        top=with_ancestor,
        tie=0,
        mean_tie=0,
        derived=len(questions),
        denied=with_ancestor,
        told=with_ancestor,
        copies=copies,
        no_copies=len(truths) - copies,
        merges=len(_merges(questions)),
    )


def _truths(zoo: Zoo, question: Question) -> Iterator[Relation]:
    lineage, query = Lineage(zoo), question["query"]
    return (lineage.relation(query, other) for other in question["members"] if other != query)


def _said(question: Question) -> tuple[object, ...]:
    return question["verdict"], [[row[key] for key in SAID_OF_ROW] for row in question["rows"]]


def _falsely_derived(question: Question) -> bool:
    """`derived from` a model that is no ancestor: the first row whose probability is enough to tell, as it is now."""
    rows = question["rows"]
    rows = [r for r in rows if r["direction"] in {"ancestor", "copy"} and r["probability"] is not None]
    told = next((r for r in rows if r["probability"] >= DIRECTION_TOLD), None)
    return bool(question["verdict"] == "derived" and told is not None and not told["is_ancestor"])


def _told_of_nearest(question: Question, row: dict[str, Any]) -> bool:
    return row["name"] in question["nearest"] and row["direction"] in {"ancestor", "copy"}


def _merges(questions: Sequence[Question]) -> list[Question]:
    merged = [q for q in questions if q["category"].startswith("merge")]
    return [q for q in merged if len(q["nearest"]) > 1]
