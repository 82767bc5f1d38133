"""Every pair of a case, judged; and whether the controls and the known derivatives came out as they must."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ...answers.records import Ancestor, ComponentAnswer, overall
from ..compare import JudgedPair, counterparts
from ..pair.model_map import model_map
from ..pair.sides import Side
from ..records.figures import ModelMap
from .question import Case, CaseModel
from .records import CasePair, ControlCheck, PairDirection

Labels = tuple[str, str]
RELATED = frozenset({"derived", "related", "shared_initialisation"})
"""Verdicts that say that two models have something in common."""


@dataclass(frozen=True, slots=True)
class JudgedSides:
    """Two models with all components that both have, the one that the verdict is of first."""

    first: Side
    second: Side
    components: tuple[JudgedPair, ...]

    @property
    def labels(self) -> Labels:
        """The labels of both."""
        return self.first.label, self.second.label


def judge_sides(sides: Sequence[Side], models: int) -> list[JudgedSides]:
    """Every pair of models, in their order, corrected for `models` models."""
    return [JudgedSides(a, b, tuple(counterparts(a, b, models)[0])) for a, b in itertools.combinations(sides, 2)]


def case_pair(
    case: Case, judged: JudgedSides, answers: Mapping[str, Sequence[ComponentAnswer]], ids: Mapping[str, int]
) -> CasePair:
    """The verdict of a pair. `answers` are those of the registry of the case by label, `ids` its model ids."""
    first, second = judged.labels
    expected = expectation(case.model(first), case.model(second))
    jaccard = hash_jaccard(judged.first, judged.second)
    if not judged.components:
        reason = "the two have no component in common"
        return CasePair(first, second, "", "inconclusive", expected, 0.0, 0.0, 0.0, (), None, (), reason, jaccard)
    main = judged.components[0].stronger
    verdict = overall({one.pair.first.component.name: one.stronger.verdict for one in judged.components})
    equal = judged.first.query.content is not None and judged.first.query.content == judged.second.query.content
    if equal and verdict not in RELATED:
        verdict = "related"
    component = judged.components[0].pair.first.component.name
    direction = _direction(answers, component, judged.labels, ids) if verdict == "related" else None
    if direction is not None and direction.kind in {"ancestor", "descendant"}:
        verdict = "derived"
    rows = tuple(
        row for one in judged.components for row in (one.rows if one.stronger is one.forward else one.rows[::-1])
    )
    return CasePair(
        first, second, component, verdict, expected, rows[0].log10_evalue, rows[0].identity, rows[0].coverage,
        rows[0].relation, direction, rows, main.reason, jaccard,
    )  # fmt: skip


def hash_jaccard(first: Side, second: Side) -> float:
    """Equal tensors over those of either, by the hashes of what was read of them; NaN where nothing was."""
    mine, theirs = _hashes(first), _hashes(second)
    either = mine | theirs
    return len(mine & theirs) / len(either) if either else math.nan


def _hashes(side: Side) -> set[int]:
    found = (part.component for part in side.parts)
    return {int(value) for component in found for value in component.hash[component.read].tolist() if value}


def _direction(
    answers: Mapping[str, Sequence[ComponentAnswer]], component: str, labels: Labels, ids: Mapping[str, int]
) -> PairDirection | None:
    """Where the second model stands, seen from the first; the registry of the case is asked about both."""
    first, second = labels
    seen = _row(answers.get(first, ()), component, ids[second])
    back = _row(answers.get(second, ()), component, ids[first])
    if seen is None or seen.origin is None:
        return None
    return PairDirection(
        seen.direction, seen.direction_probability, back.direction_probability if back else math.nan, seen.direction_by
    )


def _row(answers: Sequence[ComponentAnswer], component: str, other: int) -> Ancestor | None:
    rows = (row for answer in answers if answer.component == component for row in answer.ancestors)
    return next((row for row in rows if row.model_id == other), None)


def expectation(first: CaseModel, second: CaseModel) -> Literal["related", "unrelated", "asked", "none"]:
    """What the roles of two models say that a measure which works finds; `asked` is what the case is about."""
    if first.of == second.label or second.of == first.label:
        return "related"
    if {first.role, second.role} == {"accused", "parent"}:
        return "asked"
    if "control" in (first.role, second.role):
        return "unrelated"
    return "none"


def check_controls(pairs: Sequence[CasePair]) -> ControlCheck:
    """Whether pairs with controls are unrelated and known derivatives found; unclear ones count for nothing."""
    unrelated: list[Labels] = []
    found: list[Labels] = []
    wrong: list[Labels] = []
    unclear: list[Labels] = []
    for pair in pairs:
        labels = pair.first, pair.second
        if pair.expected in {"asked", "none"}:
            continue
        if pair.verdict == "inconclusive":
            unclear.append(labels)
        elif (pair.verdict in RELATED) != (pair.expected == "related"):
            wrong.append(labels)
        else:
            (found if pair.expected == "related" else unrelated).append(labels)
    trusted = False if wrong else True if unrelated else None
    return ControlCheck(trusted, tuple(unrelated), tuple(found), tuple(wrong), tuple(unclear))


def case_map(labels: Sequence[str], judged: Sequence[JudgedSides]) -> ModelMap:
    """The map of all models by the distances of their main component, the smaller of two directions."""
    known = {
        one.labels: min(main.forward.evidence.match.distance, main.backward.evidence.match.distance)
        for one in judged
        for main in one.components[:1]
    }
    component = next((one.components[0].pair.first.component.name for one in judged if one.components), "")
    return model_map(component, labels, known)
