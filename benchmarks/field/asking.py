"""The one place that knows forebear's modules: fingerprints once, then the answer for any few of the models.

Rows keep their names when forebear's change: `direction` is what the answer says of a row, whatever its field is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from forebear.queries.answers import verdict
from forebear.queries.answers.question import Question
from forebear.queries.answers.records import Ancestor, ComponentAnswer
from forebear.queries.data.component import Component
from forebear.queries.data.query import load_models
from forebear.queries.evidence import pair
from forebear.queries.evidence.pair import PairEvidence
from forebear.queries.lineage.claims import Claims
from forebear.queries.thresholds.significance import SIGNIFICANT_LOG10_E
from forebear.registry import Registry

from .summary import COPIES

FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
ANSWERED = 50
OPTIONS = ("no dates", "newest", "dates known", "root known", "dates and root known")
"""What is known beside the weights. Newest: the query is, of the members that appeared before it. Root known: where the
registry holds the root of the query's family, somebody says so."""


class Compare(Protocol):
    """The evidence between a query and a candidate in a registry of so many models."""

    def __call__(self, query: Component, candidate: Component, models: int, *, thorough: bool = True) -> PairEvidence:
        """`models` without the query; unless `thorough`, kinds that cannot change the answer are left out."""


@dataclass(frozen=True, slots=True)
class Row:
    """One related model of an answer. `probability` is that of being an ancestor, None where forebear gives none."""

    name: str
    rank: int
    relation: tuple[str, ...]
    direction: str
    probability: float | None
    by: str | None
    merged_with: str | None
    distance: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What forebear says of the main component of one model."""

    verdict: str
    sentence: str
    rows: tuple[Row, ...]


class Asker:
    """Holds the components of all models in memory; `order` is the order in which they appeared, for dates."""

    def __init__(
        self, registry: Path, folders: Mapping[str, Path], order: Sequence[str], roots: Collection[str] = ()
    ) -> None:
        self._roots = frozenset(roots)
        self._order = {name: number for number, name in enumerate(order)}
        with Registry(registry) as opened:
            by_folder = {folder.resolve().as_uri(): name for name, folder in folders.items()}
            outcomes = opened.ingest(*folders.values())
            failed = [o for o in outcomes if o.status not in {"ingested", "unchanged"}]
            if failed:
                raise ValueError(f"{len(failed)} of {len(outcomes)} models were not ingested, first {failed[0]}")
            models = {m.model_id: by_folder[m.uri] for m in opened.models() if m.uri in by_folder}
            loaded = load_models(opened.connection, list(models))
        self._names = models
        self._components = {models[model]: components for model, components in loaded.items()}
        self._ids = {name: model for model, name in models.items()}
        self._compare = remembered(pair.compare)

    def anew(self, compare: Compare | None = None) -> Asker:
        """The same models without anything that was computed of them, with evidence by `compare`, or a new memory."""
        other = copy(self)
        other._components = {name: [_uncomputed(c) for c in held] for name, held in self._components.items()}
        other._compare = compare or remembered(pair.compare)
        return other

    def ask(self, query: str, members: Sequence[str], option: str) -> Answer:
        """The answer for `query` in a registry of `members`, with one of OPTIONS."""
        component = self._main(query)
        others = [n for n in members if n != query and (option != "newest" or self._order[n] < self._order[query])]
        candidates = [c for name in others for c in self._components[name] if c.kind == component.kind]
        facts = {self._ids[n]: (n, n, None) for n in others}
        question = Question(component, candidates, facts, self._claims(query, others, option), len(others))
        found = self._judged(question)
        rows = tuple(_row(r, r.name) for r in found.ancestors if r.log10_evalue <= SIGNIFICANT_LOG10_E)
        return Answer(found.verdict, found.sentence, rows)

    def _judged(self, question: Question) -> ComponentAnswer:
        """The answer, with the evidence that is remembered."""
        whole = verdict.compare  # type: ignore[attr-defined]
        try:
            verdict.compare = self._compare  # type: ignore[attr-defined]
            return verdict.judged(question, ANSWERED, blocks=False)
        finally:
            verdict.compare = whole  # type: ignore[attr-defined]

    def _claims(self, query: str, others: Sequence[str], option: str) -> Claims:
        if option == "newest":
            return Claims(newest=True)
        claims = Claims()
        if "dates" in option and "known" in option:
            released = {self._ids[n]: self._released(n) for n in others}
            claims = Claims(released=released, query_released=self._released(query))
        if "root known" in option:
            roots = {self._ids[n]: "the benchmark" for n in others if n in self._roots}
            claims = replace(claims, roots=roots, query_root="the benchmark" if query in self._roots else None)
        return claims

    def _main(self, name: str) -> Component:
        components = self._components[name]
        return next((c for c in components if c.name == "language"), components[0])

    def _released(self, name: str) -> datetime:
        return FIRST_DAY + timedelta(days=self._order[name])


def _uncomputed(component: Component) -> Component:
    """A copy that computes its cached properties again."""
    return replace(component, tokens={role: replace(held, made={}) for role, held in component.tokens.items()})


def remembered(compare: Compare) -> Compare:
    """The same, every answer kept: the evidence of a pair depends on the two and on the registry's size alone."""
    kept: dict[tuple[int, str, int, str, int], PairEvidence] = {}

    def remembering(query: Component, candidate: Component, models: int, *, thorough: bool = True) -> PairEvidence:
        key = query.model_id, query.name, candidate.model_id, candidate.name, models
        if key not in kept:
            kept[key] = compare(query, candidate, models, thorough=thorough)
        return kept[key]

    return remembering


def _row(found: Ancestor, name: str) -> Row:
    direction = getattr(found, "direction", None)
    if direction is None:  # before `direction`: aside, told and the flag of a copy
        aside, told = getattr(found, "aside", False), getattr(found, "told", True)
        copied = not COPIES.isdisjoint(found.relation)
        direction = "sibling_or_descendant" if aside else "copy" if copied else "ancestor" if told else "unknown"
    by = getattr(found, "direction_by", None)
    return Row(
        name=name,
        rank=found.rank,
        relation=found.relation,
        direction=str(direction),
        probability=getattr(found, "direction_probability", None),
        by=None if by is None else str(by),
        merged_with=found.merged_with,
        distance=found.distance,
    )
