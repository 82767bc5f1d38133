"""The fixed questions, asked with thresholds as they are, and again with one of them changed.

What was computed for a question is used again only where it cannot depend on the changed threshold (`reach`): the
evidence of pairs, their relations, and whole answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.field.asking import Asker
from benchmarks.field.draws import SEED, SmallRegistry, draw
from benchmarks.field.small_registries import question
from forebear.queries.answers import verdict
from forebear.queries.data.component import Component
from forebear.queries.evidence import pair
from forebear.queries.evidence.pair import PairEvidence
from forebear.queries.relation.adapters import relation_of
from forebear.queries.relation.flags import Relation

from .figures import Figures, Question, figures, totals
from .models import Models
from .reach import Reach
from .replacing import holders, replaced, values

OPTIONS = ("no dates", "dates known")
COMPUTES_EVIDENCE = ("forebear.queries.evidence", "forebear.queries.statistics", "forebear.queries.data")
"""What components keep of themselves is computed by these: with a threshold of theirs changed it is computed anew."""
Relate = Callable[[PairEvidence], Relation]


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: a member of a small registry, and what is known beside the weights."""

    drawn: SmallRegistry
    query: str
    option: str


@dataclass
class Kept:
    """Evidence and relations by pair, and which thresholds each of the two can depend on."""

    evidence: dict[tuple[int, str, int, str, int], PairEvidence] = field(default_factory=dict)
    relations: dict[tuple[int, str, int, str, float], Relation] = field(default_factory=dict)
    evidence_reaches: set[str] = field(default_factory=set)
    relations_reach: set[str] = field(default_factory=set)


class Asked:
    """All questions and their answers with thresholds as they are; `measured` with one of them changed."""

    def __init__(self, models: Models, registry: Path, count: int) -> None:
        """Draws `count` registries of the families of either folder, and asks every member of each."""
        self._zoo = models.zoo
        self._asker = Asker(registry, models.places, list(models.zoo.members), models.roots)
        folders = models.field, frozenset(models.zoo.members) - models.field
        self._asks = [
            Ask(drawn, query, option)
            for number, names in enumerate(folders)
            for drawn in draw(models.zoo, count, seed=SEED + number, of=names)
            for query in drawn.members
            for option in OPTIONS
        ]
        self._kept = Kept()
        self._reach = Reach(frozenset(values()))
        self._reached: list[set[str]] = []
        self.questions: list[Question] = []
        for ask in self._asks:
            with self._reach.collecting() as reached, related_by(self._relation_recorded):
                self.questions.append(self._asked(self._asker.anew(self._evidence_recorded), ask))
            self._reached.append(reached)

    def as_they_are(self) -> Figures:
        """The figures with no threshold changed."""
        return figures(self.questions, self.questions)

    def totals(self) -> Figures:
        """Of how many each figure is."""
        return totals(self._zoo, self.questions)

    def measured(self, name: str, value: object) -> Figures:
        """The figures where the threshold `name` has another value."""
        asker, relate = self._with_kept(name)
        with replaced(name, value), related_by(relate):
            answers = [
                self._asked(asker, ask) if name in reached else before
                for ask, reached, before in zip(self._asks, self._reached, self.questions, strict=True)
            ]
            return figures(answers, self.questions)

    def reaches(self, name: str) -> bool:
        """Whether any question reaches a function in which the threshold stands."""
        return any(name in reached for reached in self._reached)

    def _asked(self, asker: Asker, ask: Ask) -> Question:
        return question(asker, self._zoo, ask.drawn, ask.option, ask.query)

    def _with_kept(self, name: str) -> tuple[Asker, Relate]:
        """Who asks, and how pairs are related, where everything that the threshold can change is computed anew."""
        anew = name in self._kept.evidence_reaches or any(
            module.__name__.startswith(COMPUTES_EVIDENCE) for module in holders(name)
        )
        if anew:
            return self._asker.anew(), relation_of
        related_anew = name in self._kept.relations_reach
        return self._asker.anew(self._evidence_kept), relation_of if related_anew else self._relation_kept

    def _evidence_recorded(
        self, query: Component, candidate: Component, models: int, *, thorough: bool = True
    ) -> PairEvidence:
        with self._reach.collecting() as reached:
            found = pair.compare(query, candidate, models, thorough=thorough)
        self._kept.evidence[query.model_id, query.name, candidate.model_id, candidate.name, models] = found
        self._kept.evidence_reaches |= reached
        return found

    def _evidence_kept(
        self, query: Component, candidate: Component, models: int, *, thorough: bool = True
    ) -> PairEvidence:
        return self._kept.evidence[query.model_id, query.name, candidate.model_id, candidate.name, models]

    def _relation_recorded(self, evidence: PairEvidence) -> Relation:
        with self._reach.collecting() as reached:
            found = relation_of(evidence)
        self._kept.relations[_key(evidence)] = found
        self._kept.relations_reach |= reached
        return found

    def _relation_kept(self, evidence: PairEvidence) -> Relation:
        return self._kept.relations[_key(evidence)]


def _key(evidence: PairEvidence) -> tuple[int, str, int, str, float]:
    query, candidate = evidence.pairing.query, evidence.pairing.candidate
    return query.model_id, query.name, candidate.model_id, candidate.name, evidence.correction


@contextmanager
def related_by(relate: Relate) -> Iterator[None]:
    """Inside, answers take the relations of pairs from `relate`."""
    try:
        verdict.relation_of = relate  # type: ignore[attr-defined]
        yield
    finally:
        verdict.relation_of = relation_of  # type: ignore[attr-defined]
