"""The fixed questions, asked with thresholds as they are, and again with one of them changed.

What was computed for a question is used again only where it cannot depend on the changed threshold (`reach`): the
evidence of pairs, their relations, families of relatives, and whole answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.field.asking import Asker
from benchmarks.field.small_registries import question
from forebear.queries.answers import verdict
from forebear.queries.data.component import Component
from forebear.queries.evidence import pair
from forebear.queries.evidence.pair import PairEvidence
from forebear.queries.lineage import judgement

from .asks import Ask, asks
from .figures import Figures, Question, figures, totals
from .models import Models
from .neurons import CountedOnce
from .reach import Reach
from .replacing import holders, replaced, values
from .stages import Stage

COMPUTES_EVIDENCE = ("forebear.queries.evidence", "forebear.queries.statistics", "forebear.queries.data")
"""What components keep of themselves is computed by these: with a threshold of theirs changed it is computed anew."""
Pair = tuple[int, str, int, str, float]
"""Query and candidate, each a model and its component, and the correction for the size of the registry."""


class Asked:
    """All questions and their answers with thresholds as they are; `measured` with one of them changed."""

    def __init__(self, models: Models, asker: Asker, count: int) -> None:
        """Asks them, with `count` registries of the families of either folder."""
        self._zoo, self._asker = models.zoo, asker
        self.asks = asks(models, count)
        self._reach, self._neurons = Reach(frozenset(values())), CountedOnce()
        self._relations = Stage(verdict, "relation_of", _pair, self._reach)
        self._families = Stage(judgement, "family", _pairs, self._reach)
        self._evidence: dict[tuple[int, str, int, str, int], PairEvidence] = {}
        self._evidence_reaches: set[str] = set()
        self._reached: list[set[str]] = []
        self.questions: list[Question] = []
        with self._neurons.remembering(use=False), self._relations.recording(), self._families.recording():
            for ask in self.asks:
                with self._reach.collecting() as reached:
                    self.questions.append(self._asked(asker.anew(self._recorded), ask))
                self._reached.append(reached)

    def as_they_are(self) -> Figures:
        """The figures with no threshold changed."""
        return figures(self.questions, self.questions)

    def totals(self) -> Figures:
        """Of how many each figure is."""
        return totals(self._zoo, self.questions)

    def reaches(self, name: str) -> bool:
        """Whether any question reaches a function in which the threshold stands."""
        return any(name in reached for reached in self._reached)

    def measured(self, name: str, value: object) -> Figures:
        """The figures where the threshold `name` has another value."""
        same = not self._changes_evidence(name)
        asker = self._asker.anew(self._kept if same else None)
        with (
            replaced(name, value),
            self._neurons.remembering(use=True),
            self._relations.again(kept=same and name not in self._relations.reaches),
            self._families.again(kept=same and name not in self._families.reaches),
        ):
            answers = [
                self._asked(asker, ask) if name in reached else before
                for ask, reached, before in zip(self.asks, self._reached, self.questions, strict=True)
            ]
            return figures(answers, self.questions)

    def _asked(self, asker: Asker, ask: Ask) -> Question:
        return question(asker, self._zoo, ask.drawn, ask.option, ask.query)

    def _changes_evidence(self, name: str) -> bool:
        """Whether the evidence of pairs, or what components keep of themselves, can depend on the threshold."""
        computing = any(module.__name__.startswith(COMPUTES_EVIDENCE) for module in holders(name))
        return computing or name in self._evidence_reaches

    def _recorded(self, query: Component, candidate: Component, models: int, *, thorough: bool = True) -> PairEvidence:
        with self._reach.collecting() as reached:
            found = pair.compare(query, candidate, models, thorough=thorough)
        self._evidence[query.model_id, query.name, candidate.model_id, candidate.name, models] = found
        self._evidence_reaches |= reached
        return found

    def _kept(self, query: Component, candidate: Component, models: int, *, thorough: bool = True) -> PairEvidence:
        return self._evidence[query.model_id, query.name, candidate.model_id, candidate.name, models]


def _pair(evidence: PairEvidence) -> Pair:
    query, candidate = evidence.pairing.query, evidence.pairing.candidate
    return query.model_id, query.name, candidate.model_id, candidate.name, evidence.correction


def _pairs(evidence: Sequence[PairEvidence]) -> tuple[Pair, ...]:
    return tuple(map(_pair, evidence))
