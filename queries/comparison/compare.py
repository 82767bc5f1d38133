"""Two models and their controls to one comparison: evidence first, then every table over the same pairs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from ..answers.records import overall
from ..evidence.pair import compare
from .case.gains import gains_of, gains_sentence, pair_gains
from .controls import main_component
from .pair.architecture import compare_architectures
from .pair.changes import change_summaries, changes
from .pair.distributions import distributions
from .pair.layers import RoleLayers, baselines, heatmaps, profiles, role_layers
from .pair.matching import Pair
from .pair.model_map import model_map
from .pair.neurons import neuron_comparison
from .pair.sides import Part, Side
from .pair.verdict import Judged, evidence_row, judge, sentence, stronger, trust
from .records.comparison import ComparedModel, Comparison, ComponentComparison, PairEvidenceRow
from .records.figures import MetricRow, ModelMap
from .records.gains import GainSummary
from .tables.metric_tables import metric_rows, summaries


@dataclass(frozen=True)
class JudgedPair:
    """Two parts with the verdicts of both directions, and the number of models that these are corrected for."""

    pair: Pair
    forward: Judged
    backward: Judged
    corrected_for: int

    @property
    def stronger(self) -> Judged:
        """The direction that says more."""
        return stronger(self.forward, self.backward)

    @property
    def rows(self) -> tuple[PairEvidenceRow, PairEvidenceRow]:
        """Both directions as records."""
        first, second = self.pair.first.label, self.pair.second.label
        return (
            evidence_row(first, second, self.forward, self.corrected_for),
            evidence_row(second, first, self.backward, self.corrected_for),
        )


def compare_models(a: Side, b: Side, controls: Sequence[Side], *, corrected_for: int, found: str) -> Comparison:
    """The comparison of A and B, with every table over the same pairs.

    E-values of A and B are corrected for `corrected_for` models; `found` says where the controls come from.
    """
    sides = (a, b, *controls)
    names = {side.label: side.model.name for side in sides}
    matched, notes = counterparts(a, b, corrected_for)
    compared = [_Compared(one, controls, names) for one in matched]
    rows = [row for one in compared for judged in one.judged for row in judged.rows]
    trusted, why = trust(rows, names)
    components = tuple(one.comparison() for one in compared)
    verdict = overall({part.component: part.verdict for part in components})
    equal = a.query.content is not None and a.query.content == b.query.content
    if equal and verdict in {"unrelated", "inconclusive"}:
        verdict = "related"
    gains = compared[0].gains() if compared else ()
    architecture = compare_architectures(sides, _all_parts(sides, [c.judged[0] for c in compared], controls))
    return Comparison(
        models=tuple(side.model for side in sides),
        controls=found,
        corrected_for=corrected_for,
        trusted=trusted,
        trust=why,
        verdict=verdict,
        sentence=(_equal(a.model, b.model) if equal else "")
        + (
            _of_parts(components, main_component(a.query, b.query), notes) if components else _nothing(a.model, b.model)
        ),
        notes=(
            *notes,
            *(f"{m.label}: {m.note}" for m in (s.model for s in sides) if m.note),
            gains_sentence(gains) + ".",
        ),
        components=components,
        map=compared[0].map() if compared else model_map("", [side.label for side in sides], {}),
        architecture=architecture,
        equal_content=equal,
        norm_gains=gains,
    )


_SHORT = {
    "unrelated": "unrelated",
    "inconclusive": "inconclusive",
    "shared_initialisation": "the same random initialisation, trained apart",
}


def _of_parts(components: Sequence[ComponentComparison], name: str | None, alone: Sequence[str]) -> str:
    """What is said of the component of that name, which is told where there are others, then of each of those in short.

    `alone` says what of one model has no counterpart in the other.
    """
    main = next((p for p in components if p.component == name), components[0])
    if len(components) == 1 and not alone:
        return main.sentence
    rest = [f"{p.component}: {_SHORT.get(p.verdict) or _flags(p)}" for p in components if p is not main]
    return "; ".join([f"{main.component}: {main.sentence}", *rest, *alone])


def _flags(part: ComponentComparison) -> str:
    told = dict.fromkeys(flag.replace("_", " ") for row in part.evidence[:2] for flag in row.relation)
    return f"of one lineage ({', '.join(told)})"


def _equal(a: ComparedModel, b: ComparedModel) -> str:
    return f"every value that was read of {a.name} equals that of {b.name}; "


def _nothing(a: ComparedModel, b: ComparedModel) -> str:
    return f"{a.name} and {b.name} have no component in common: nothing can be compared"


def judge_pair(first: Part, second: Part, models: int) -> JudgedPair:
    """The evidence of two parts in both directions, corrected for `models` models."""
    forward = compare(first.component, second.component, models)
    backward = compare(second.component, first.component, models)
    return JudgedPair(Pair(first, second, forward, backward), judge(forward), judge(backward), models)


def counterparts(a: Side, b: Side, models: int) -> tuple[list[JudgedPair], list[str]]:
    """The components of one model, each with its counterpart in the other; and what has none. Language comes first."""
    found, notes = [], []
    for part in sorted(layered(a), key=lambda p: (p.component.name != "language", p.component.name)):
        others = [other for other in layered(b) if part.component.meets(other.component)]
        same = [other for other in others if other.component.name == part.component.name]
        tried = [judge_pair(part, other, models) for other in same or others]
        if tried:
            found.append(min(tried, key=lambda j: (j.stronger.relation is None, j.stronger.evidence.log10_evalue)))
        else:
            notes.append(f"{part.component.name} of {a.label} has no counterpart in {b.label}")
    matched = {one.pair.second.component.name for one in found}
    notes += [
        f"{p.component.name} of {b.label} has no counterpart in {a.label}"
        for p in layered(b)
        if p.component.name not in matched
    ]
    return found, notes


def layered(side: Side) -> list[Part]:
    """The parts with layers; of a model without any, those with a matrix that can have a match."""
    layered = [part for part in side.parts if not part.component.network]
    return layered or [part for part in side.parts if part.component.scorable.any()]


def _all_parts(
    sides: Sequence[Side], main: Sequence[JudgedPair], controls: Sequence[Side]
) -> list[tuple[Side, Part, Side, Part]]:
    """The pairs of parts whose comparability is shown: A and B, and both with each control."""
    a, b = sides[:2]
    found = []
    for one in main:
        first, second = one.pair.first, one.pair.second
        found.append((a, first, b, second))
        for control in controls:
            if (part := _of_kind(control, first)) is not None:
                found += [(a, first, control, part), (b, second, control, part)]
    return found


def _of_kind(side: Side, part: Part) -> Part | None:
    """The part of a control that stands beside a part of A: of its name, else of its kind."""
    parts = layered(side)
    same = [p for p in parts if p.component.name == part.component.name]
    return next(iter(same or [p for p in parts if part.component.meets(p.component)]), None)


class _Compared:
    """One component of A, B and the controls: all its pairs, judged; and the tables over them."""

    def __init__(self, main: JudgedPair, controls: Sequence[Side], names: dict[str, str]) -> None:
        self.names = names
        first, second = main.pair.first, main.pair.second
        others = [part for side in controls if (part := _of_kind(side, first)) is not None]
        self.parts = (first, second, *others)
        checks = max(1, 2 * len(others))
        self.judged = [main] + [judge_pair(p, c, checks) for c in others for p in (first, second)]
        self.among = [judge_pair(c, d, checks) for c, d in itertools.combinations(others, 2)]

    def comparison(self) -> ComponentComparison:
        """The record of this component."""
        main = self.judged[0]
        tables = [metric_rows(judged.pair) for judged in self.judged]
        layers = self._layers()
        null = baselines(layers)
        moved = [changes(judged.pair, rows) for judged, rows in zip(self.judged, tables, strict=True)]
        said = main.rows if main.stronger is main.forward else main.rows[::-1]
        every = tuple(row for rows in tables for row in rows)
        return ComponentComparison(
            component=main.pair.first.component.name,
            component_b=main.pair.second.component.name,
            verdict=main.stronger.verdict,
            sentence=sentence((self.names["A"], self.names["B"]), said, _equal_norms(tables[0])),
            evidence=tuple(row for judged in (*self.judged, *self.among) for row in judged.rows),
            summary=tuple(
                row
                for judged, rows in zip(self.judged, tables, strict=True)
                for row in summaries(judged.pair.label, rows, null)
            ),
            metrics=every,
            baselines=tuple(null),
            changes=tuple(
                one
                for judged, found in zip(self.judged, moved, strict=True)
                for one in change_summaries(judged.pair.label, found, judged.stronger.relation)
            ),
            change_rows=tuple(row for found in moved for row in found),
            heatmaps=tuple(heatmaps(layers)),
            profiles=tuple(profiles(layers, every)),
            distributions=tuple(distributions(self.parts)),
            neurons=tuple(one for judged in self.judged if (one := neuron_comparison(judged.pair)) is not None),
        )

    def _layers(self) -> list[RoleLayers]:
        """Every pair of models, and A and B within themselves."""
        between = [
            one
            for judged in self.judged
            for one in role_layers(judged.pair.first, judged.pair.second, judged.pair.label, judged.pair.matched_layers)
        ]
        return between + [one for part in self.parts[:2] for one in role_layers(part, part, part.label, ())]

    def gains(self) -> tuple[GainSummary, ...]:
        """The norm gains of A and B, and of both with every control."""
        found = pair_gains({part.label: gains_of(part) for part in self.parts})
        return tuple(one for one in found if one.first in {"A", "B"})

    def map(self) -> ModelMap:
        """The map of all models by the distances of this component: the smaller of two directions."""
        known = {
            (judged.pair.first.label, judged.pair.second.label): min(
                judged.forward.evidence.match.distance, judged.backward.evidence.match.distance
            )
            for judged in (*self.judged, *self.among)
        }
        return model_map(self.parts[0].component.name, [part.label for part in self.parts], known)


def _equal_norms(rows: Sequence[MetricRow]) -> bool:
    """Whether all norm gains of equal number are the same in both models, and are no constants."""
    norms: list[MetricRow] = [row for row in rows if row.role == "norm" and row.by_number]
    varied = any(row.metrics.centred_cosine == row.metrics.centred_cosine for row in norms)
    return varied and all(row.metrics.equal_share == 1 for row in norms)
