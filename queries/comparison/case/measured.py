"""What claims are measured on: the parts, tokenizers, configs and verdicts of the models that could be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..pair.matching import Pair
from ..pair.sides import Part, Side
from ..tokenizers.tokenizers import Spelled
from .gains import Gains, gains_of
from .kinds import KindCell, Layers, kind_cell, kind_values, layer_map
from .pairs import JudgedSides
from .question import Case
from .records import CasePair, CaseRecipe, EmbeddingFigure, ModelVocabulary, SettingRow, SettingsPair, VocabularyPair


@dataclass(frozen=True)
class Measured:
    """Everything that was measured, by label and by pair of labels in the order of the case."""

    case: Case
    failures: Mapping[str, str]
    sides: Mapping[str, Side]
    judged: Sequence[JudgedSides]
    pairs: Sequence[CasePair]
    spelled: Mapping[str, Spelled]
    vocabularies: Sequence[ModelVocabulary]
    vocabulary_pairs: Sequence[VocabularyPair]
    settings: Sequence[SettingRow]
    settings_pairs: Sequence[SettingsPair]
    recipes: Sequence[CaseRecipe]
    kept: dict[tuple[str, str], Mapping[str, Layers]] = field(default_factory=dict)

    @cached_property
    def gains(self) -> dict[str, Gains]:
        """Label -> the norm gains of its main component."""
        return {label: gains_of(part) for label in self.sides if (part := self.part(label)) is not None}

    def part(self, label: str, component: str = "") -> Part | None:
        """A component of a model; without a name the main one: language, else the largest."""
        parts = self.sides[label].parts
        if component:
            return next((part for part in parts if part.component.name == component), None)
        named = next((part for part in parts if part.component.name == "language"), None)
        return named or max(parts, key=lambda part: float(part.component.represents.sum()), default=None)

    def values(self, label: str, component: str = "") -> Mapping[str, Layers]:
        """Kind -> layer -> centred values of a component; empty where there is none."""
        if (label, component) not in self.kept:
            part = self.part(label, component)
            self.kept[label, component] = kind_values(part) if part is not None else {}
        return self.kept[label, component]

    def pair(self, first: str, second: str) -> CasePair | None:
        """The verdict of two models, in whatever order they are named."""
        return next((p for p in self.pairs if {p.first, p.second} == {first, second}), None)

    def matched(self, first: str, second: str, component: str = "") -> Pair | None:
        """The pair of parts that the evidence judged, in the order of the case."""
        for judged in self.judged:
            if judged.labels == (first, second):
                wanted = component or (judged.components[0].pair.first.component.name if judged.components else "")
                return next((c.pair for c in judged.components if c.pair.first.component.name == wanted), None)
        return None

    def cell(self, first: str, second: str, kind: str, component: str = "") -> KindCell | None:
        """One kind of two models, in the order of the case."""
        mine, theirs = self.values(first, component).get(kind), self.values(second, component).get(kind)
        if mine is None or theirs is None:
            return None
        return kind_cell(mine, theirs, layer_map(self.matched(first, second, component)))

    def ordered(self, first: str, second: str) -> tuple[str, str]:
        """Two labels in the order of the case."""
        order = [model.label for model in self.case.models]
        return (first, second) if order.index(first) <= order.index(second) else (second, first)

    def unrelated(self, without: tuple[str, ...]) -> list[tuple[str, str]]:
        """Pairs with a control that came out unrelated, as they must: the null of whatever is claimed of `without`."""
        return [
            (pair.first, pair.second)
            for pair in self.pairs
            if pair.expected == "unrelated"
            and pair.verdict == "unrelated"
            and {pair.first, pair.second} != set(without)
        ]

    def vocabulary(self, label: str) -> ModelVocabulary | None:
        """The vocabulary of a model, None without a tokenizer."""
        return next((one for one in self.vocabularies if one.label == label), None)

    def vocabulary_pair(self, first: str, second: str) -> VocabularyPair | None:
        """Two tokenizers, in whatever order they are named."""
        return next((p for p in self.vocabulary_pairs if {p.first, p.second} == {first, second}), None)

    def embedding(self, first: str, second: str) -> EmbeddingFigure | None:
        """The embedding rows of two models."""
        found = self.vocabulary_pair(first, second)
        return found.embedding if found else None
