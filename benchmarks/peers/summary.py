"""From rows of scores to figures: detection by category, ranks of parents, calibration."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from .metrics import Place, Scores, auc, place, rate_without_false_positives
from .truth import Member, Protocol, Relation, Zoo

ALL = "all derivatives"
SIGNIFICANT = 3.0
"""-log10 of forebear's own threshold, E <= 1e-3, fixed long before this zoo was."""


@dataclass(frozen=True, slots=True)
class Detection:
    """How well one method tells a category's pairs with a parent from unrelated pairs."""

    positives: int
    negatives: int
    auc: float
    rate: float

    @property
    def count(self) -> int:
        """How many positives were found."""
        return round(self.rate * self.positives) if self.positives else 0


class Table:
    """The scores of one method, by ordered pair; one score serves both orders unless both were given."""

    def __init__(self, table: pa.Table) -> None:
        columns = (table.column(name).to_pylist() for name in ("query", "candidate", "score"))
        self.scores: dict[tuple[str, str], float] = {(q, c): s for q, c, s in zip(*columns, strict=True)}

    def score(self, query: str, candidate: str) -> float | None:
        """The score of a pair, None where it was not scored."""
        found = self.scores.get((query, candidate))
        return self.scores.get((candidate, query)) if found is None else found

    def parents(self, member: Member) -> list[float]:
        """Scores of a derivative with its parents; of a merge the best one, as naming either finds its lineage."""
        found = [s for s in (self.score(member.name, p) for p in member.parents) if s is not None]
        return [max(found, key=lambda s: -math.inf if math.isnan(s) else s)] if found else []


def negatives(table: Table, zoo: Zoo, split: str | None = None) -> Scores:
    """Scores of all pairs that have nothing in common."""
    names = {n for n, m in zoo.members.items() if split in (None, m.split)}
    return np.array(
        [
            score
            for (query, candidate), score in table.scores.items()
            if query in names and candidate in names and zoo.relation(query, candidate) is Relation.UNRELATED
        ]
    )


def detect(table: Table, zoo: Zoo, split: str | None = None) -> dict[str, Detection]:
    """Category -> detection, and all of them together."""
    strangers = negatives(table, zoo, split)
    by_category: dict[str, list[float]] = defaultdict(list)
    for member in zoo.derivatives:
        if split in (None, member.split):
            by_category[member.category] += table.parents(member)
    by_category[ALL] = [score for scores in list(by_category.values()) for score in scores]
    found = {}
    for category in (*zoo.categories, ALL):
        scores = np.array(by_category[category])
        rate = rate_without_false_positives(scores, strangers)
        found[category] = Detection(len(scores), len(strangers), auc(scores, strangers), rate)
    return found


@dataclass(frozen=True, slots=True)
class Ranking:
    """Of how many derivatives the parent has rank 1, and is alone there or at its top; sizes of that rank.

    Of merges: both parents in the first two ranks.
    """

    asked: int
    first: int
    top: int
    tie: float
    largest: int
    merges: int
    both: int


def ranking(table: Table, zoo: Zoo, protocol: Protocol, split: str | None = None) -> Ranking:
    """Ranks by score among all candidates that a derivative was compared with, if its family is among them."""
    plain: list[Place] = []
    merges: list[Place] = []
    for member in zoo.derivatives:
        family = [n for n, m in zoo.members.items() if m.root == member.root and n != member.name]
        if split not in (None, member.split) or any(table.score(member.name, name) is None for name in family):
            continue
        scores = {name: table.score(member.name, name) for name in zoo.candidates(member.name, protocol)}
        found = place({name: s for name, s in scores.items() if s is not None}, member.parents)
        plain += [] if member.rewritten else [found]
        merges += [found] if len(member.parents) > 1 else []
    return Ranking(
        len(plain),
        sum(p.best == 1 for p in plain),
        sum(p.best == p.tie == 1 for p in plain),
        statistics.median([p.tie for p in plain]) if plain else math.nan,
        max((p.tie for p in plain), default=0),
        len(merges),
        sum(p.every <= 2 for p in merges),
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What forebear told a user who asked for the ancestors of one model: names in order, ranks, E-values.

    `models` is how many models the registry held then, the query left out.
    """

    protocol: Protocol
    member: Member
    models: int
    verdict: str
    names: tuple[str, ...]
    ranks: tuple[int, ...]
    distances: tuple[float, ...]
    log10_evalues: tuple[float, ...]
    relation: tuple[str, ...]

    def tied(self, place: int) -> list[str]:
        """The names of the first (0) or a later rank."""
        ranks = sorted(set(self.ranks))[place : place + 1]
        return [n for n, r in zip(self.names, self.ranks, strict=True) if r in ranks]

    @property
    def ranked(self) -> bool:
        """Whether a parent is in the first rank."""
        return any(p in self.tied(0) for p in self.member.parents)

    @property
    def topped(self) -> bool:
        """Whether a parent is at its top."""
        return self.names[:1] != () and self.names[0] in self.member.parents

    @property
    def nearest(self) -> bool:
        """Whether a parent is as near as any other row, by the distance alone."""
        least = min(self.distances, default=math.inf)
        return any(n in self.member.parents and d == least for n, d in zip(self.names, self.distances, strict=True))

    @property
    def both(self) -> bool:
        """Whether all parents are in the first two ranks."""
        return {*self.member.parents} <= {*self.tied(0), *self.tied(1)}


def answers(rows: Iterable[Mapping[str, Any]], zoo: Zoo) -> list[Answer]:
    """The answers to derivatives and twins under both protocols."""
    return [
        Answer(
            Protocol(row["protocol"]),
            zoo.members[row["query"]],
            row["models"],
            row["verdict"],
            tuple(row["names"]),
            tuple(row["ranks"]),
            tuple(row["distances"]),
            tuple(row["log10_evalues"]),
            tuple(row["relation"]),
        )
        for row in rows
        if row["query"] in zoo.members
    ]


def product_ranking(found: Iterable[Answer], protocol: Protocol, split: str | None = None) -> Ranking:
    """As `ranking`, from what forebear answers: its ranks tie what cannot be told apart, its order breaks ties."""
    mine = [a for a in found if a.member.parents and a.protocol is protocol and split in (None, a.member.split)]
    plain = [a for a in mine if not a.member.rewritten]
    merges = [a for a in mine if len(a.member.parents) > 1]
    sizes = [len(a.tied(0)) for a in plain]
    return Ranking(
        len(plain),
        sum(a.ranked for a in plain),
        sum(a.topped for a in plain),
        statistics.median(sizes) if sizes else math.nan,
        max(sizes, default=0),
        len(merges),
        sum(a.both for a in merges),
    )


def evalue_drift(found: Iterable[Answer]) -> tuple[int, float]:
    """Pairs that were answered under both protocols, and how far their E-values are at most from the same p-value.

    E = p x models: of one pair of models log10 E - log10(models) must be one value, however large the registry is.
    """
    values: dict[tuple[str, str], dict[Protocol, float]] = defaultdict(dict)
    for answer in found:
        for name, evalue in zip(answer.names, answer.log10_evalues, strict=True):
            values[answer.member.name, name][answer.protocol] = evalue - math.log10(max(1, answer.models))
    apart = [abs(a - b) for a, b in (tuple(v.values()) for v in values.values() if len(v) == len(Protocol))]
    return len(apart), max(apart, default=0.0)


def log10_p(table: Table, zoo: Zoo, *, apart: bool = False) -> Scores:
    """log10 p of ordered unrelated pairs, from forebear's E-values; `apart`: of roots and strangers alone."""
    chosen = {n: m for n, m in zoo.members.items() if not apart or m.category in {"root", "stranger"}}
    scores = negatives(table, Zoo(chosen))
    return -scores[~np.isnan(scores)] - math.log10(len(zoo.members) - 1)


def by_method(table: pa.Table) -> dict[str, Table]:
    """Every method's scores, in the order of the rows."""
    names = dict.fromkeys(table.column("method").to_pylist())
    return {name: Table(table.filter(pa.compute.equal(table.column("method"), name))) for name in names}
