"""Where every part of a model comes from: block by block, the registered model that explains it best.

As sourmash's `gather` does for genomes (Irber et al., "Lightweight compositional analysis of metagenomes with
FracMinHash", 2022): of all candidates the one that explains most of what is left is taken, with the blocks that it
explains, until nothing significant is left. A model explains a block where the two match significantly (E <= 0.001,
corrected for the models, the kinds of evidence and the blocks of the component), and where no other model is nearer
than sampling makes it seem: so a model is named for a block only where it is the best that there is, and as few
models are named as will do.

*Limitations*: what is nearest is named, which says nothing of who came first. Of a mean of two models every block goes
to the nearer parent. A part of few layers in a large registry may be missed by the search for candidates, which is by
component. Components without layers, such as projectors, have nothing that could be compared, and stay unexplained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ...ingest.fingerprint.gram import COSINES
from ..data.component import Component
from ..data.query import Query, load_models
from ..evidence.match import UNRELATED
from ..evidence.pair import PairEvidence, compare
from ..search.candidates import candidates
from ..search.scan import Scan, SqlScan
from ..sql import statement
from ..statistics.pvalues import LOG10, fisher
from ..thresholds.search import PARTS_CANDIDATES
from ..thresholds.significance import PARTS_ERROR, SIGNIFICANT_LOG10_E, TENSOR_LOG_P

Place = tuple[int, int, str]
"""Layer, expert (-1 for none) and half of a block, as `Component.units` has them."""


@dataclass(frozen=True, slots=True)
class Part:
    """One block of a component and what explains it; `model_id` and all that follows are None where nothing does.

    `share` is that of the block among the component's parameters, `identity` the correlation of the weights that match.
    """

    component: str
    place: Place
    block: str
    share: float
    model_id: int | None = None
    model_place: Place | None = None
    model_block: str | None = None
    identity: float | None = None
    log10_evalue: float | None = None


def parts(connection: duckdb.DuckDBPyConnection, query: Query, scan: Scan | None = None) -> list[Part]:
    """The parts of every component of a query, in the order of its blocks; `scan` as of `ancestors`."""
    scan = scan or SqlScan(connection)
    models = int(connection.execute(statement("models/others"), {"model_id": query.model_id}).fetchall()[0][0])
    sketches = {sketch.component: sketch for sketch in query.sketches}
    found = []
    for component in query.components:
        sketch = sketches.get(component.name)
        others: list[Component] = []
        if sketch is not None:
            near = candidates(scan, query.model_id, sketch, component.name, models, PARTS_CANDIDATES)
            loaded = load_models(connection, sorted({model for model, _ in near}))
            others = [o for m in sorted(loaded) for o in loaded[m] if (m, o.name) in near and component.meets(o)]
        found += parts_of(component, [compare(component, other, models, thorough=False) for other in others])
    return found


def parts_of(component: Component, evidence: Sequence[PairEvidence]) -> list[Part]:
    """The parts of one component, from the evidence of all its candidates, for any number of them.

    Blocks count by the size of their matrices; one whose matrices cannot be compared stays unexplained.
    """
    units, unit = component.units(component.has_experts)
    matrix = np.array([len(shape) > 1 for shape in component.shapes], np.bool_)
    weight = np.where(matrix, component.represents, 0.0)
    sizes = np.bincount(unit, weight, len(units)).astype(np.float64)
    total = float(weight.sum())
    blocks = [i for i in range(len(units)) if sizes[i] > 0]
    views = [_Explained.of(one, len(units), unit) for one in evidence if one.significant]
    taken = _gathered(views, blocks, sizes)
    found = []
    for i in blocks:
        part = Part(component.name, units[i], block_name(component, units[i]), float(sizes[i] / total))
        found.append(_explained(part, views[taken[i]], i) if i in taken else part)
    return found


def block_name(component: Component, place: Place) -> str:
    """The name of a block; the feed-forward of a layer without experts is told apart where it stands alone."""
    return component.block(place) + (".ffn" if place[2] and place[1] < 0 else "")


@dataclass(frozen=True, eq=False)
class _Explained:
    """What one candidate explains of a component.

    Per unit: log10 of the E-value, the candidate's unit, -1 for none, and the mean relative squared difference. Per
    tensor: its difference, the squared differences of its values [n, 256] that sum to it where they are known, and the
    variance of what is not known value by value.
    """

    evidence: PairEvidence
    log10_evalue: NDArray[np.float64]
    counterpart: NDArray[np.int64]
    difference: NDArray[np.float64]
    unit: NDArray[np.int64]
    values: NDArray[np.float64]
    variance: NDArray[np.float64]

    @classmethod
    def of(cls, evidence: PairEvidence, count: int, unit: NDArray[np.int64]) -> _Explained:
        """The view of a candidate on `count` units of a query, `unit` [tensors] being that of every tensor."""
        log10_p, counterpart = _units(evidence, count, unit)
        tried = evidence.correction + np.log10(max(1, count))
        match = evidence.match
        sizes = np.bincount(unit, match.weight, count)
        difference = np.bincount(unit, match.weight * match.difference, count) / np.where(sizes > 0, sizes, 1.0)
        values, variance = _errors(evidence)
        return cls(evidence, log10_p + tried, counterpart, difference, unit, values, variance)

    @property
    def significant(self) -> NDArray[np.bool_]:
        """Which units it explains at all."""
        return (self.log10_evalue <= SIGNIFICANT_LOG10_E) & (self.difference < UNRELATED)


def _units(
    evidence: PairEvidence, count: int, unit: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Of every unit of the query: log10 p by the kind that says most, and the candidate's unit, -1 for none.

    Beside a model with experts a layer is compared in halves: their p-values are combined, and the larger one's
    counterpart is the block's. Token rows belong to the block outside the layers.
    """
    pairing, match = evidence.pairing, evidence.match
    halves = np.zeros(len(pairing.query_units))
    for alignment in evidence.alignments:
        if evidence.log10_p[alignment.kind] + evidence.correction <= SIGNIFICANT_LOG10_E:
            halves = np.minimum(halves, np.where(alignment.tried > 0, alignment.unit_log_p, 0.0))
    log_p, counterpart = np.zeros(count), np.full(count, -1, np.int64)
    for number in range(count):
        mine = np.flatnonzero(unit == number)
        inside = np.unique(pairing.query_unit[mine])
        log_p[number] = fisher(halves[inside]) if len(inside) > 1 else halves[inside].sum()
        sizes = [float(match.weight[pairing.query_unit == half].sum()) for half in inside]
        order = np.argsort(-np.array(sizes), kind="stable")
        known = [int(evidence.block_map[inside[at]]) for at in order if evidence.block_map[inside[at]] >= 0]
        counterpart[number] = known[0] if known else -1
    outside = {place: number for number, place in enumerate(pairing.candidate_units)}.get((-1, -1, ""), -1)
    for token in evidence.tokens:
        number = int(unit[token.query])
        if token.log_p <= TENSOR_LOG_P and match.kind[token.query] >= 0:
            log_p[number] = min(log_p[number], min(0.0, token.log_p + np.log(len(evidence.tokens))))
            counterpart[number] = outside if counterpart[number] < 0 else counterpart[number]
    return log_p / LOG10, counterpart


def _errors(evidence: PairEvidence) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What every tensor of the query differs by: of its values [tensors, 256], and as a whole [tensors].

    The first are the squared differences that `Match.difference` sums; the second is the variance of a difference that
    is known as a whole alone, 0 elsewhere.
    A difference from a cosine r over k pairs is 2 (1 - r), and the variance of r is (1 - r^2)^2 / k; one from the
    squares of k values has a variance of 2 / k of its square.
    """
    query, candidate, match = evidence.pairing.query, evidence.pairing.candidate, evidence.match
    first, second = query.positions, candidate.positions
    values = np.zeros((len(query.names), first.value.shape[1]))
    variance = np.where(match.kind > 0, 4 * (1 - match.similarity**2) ** 2 / COSINES, 0.0)
    rows = np.flatnonzero((match.kind[first.tensor] == 0) & np.isin(match.tensor[first.tensor], second.tensor))
    mine = first.tensor[rows]
    others = np.searchsorted(second.tensor, match.tensor[mine])
    squares = np.square(np.subtract(first.value[rows], second.value[others], dtype=np.float64))
    lengths = (query.squared_lengths[rows] + candidate.squared_lengths[others]) / 2
    values[mine] = squares / np.where(lengths > 0, lengths, 1.0)[:, None]
    whole = (match.kind == 0) & ~np.isin(np.arange(len(query.names)), mine)
    variance[whole] = 2 * match.difference[whole] ** 2 / values.shape[1]
    return values, variance


def _gathered(views: Sequence[_Explained], blocks: Sequence[int], sizes: NDArray[np.float64]) -> dict[int, int]:
    """Block -> the number of the view that explains it, taken greedily."""
    if not views:
        return {}
    level = float(-ndtri(PARTS_ERROR / max(1, len(blocks) * len(views))))
    best = {i: _as_good(views, i, level) for i in blocks}
    left = {i for i in blocks if best[i]}
    taken: dict[int, int] = {}
    while left:
        explains = [
            (sum(sizes[i] for i in left if v in best[i]), -_mean(view, left), -v) for v, view in enumerate(views)
        ]
        chosen = -max(explains)[2]
        mine = {i for i in left if chosen in best[i]}
        taken |= dict.fromkeys(mine, chosen)
        left -= mine
    return taken


def _mean(view: _Explained, blocks: set[int]) -> float:
    """The mean difference of what a view explains of some blocks."""
    known = [view.difference[i] for i in blocks if view.significant[i]]
    return float(np.mean(known)) if known else UNRELATED


def _as_good(views: Sequence[_Explained], block: int, level: float) -> set[int]:
    """The views that explain a block, and are no worse than the nearest by more than `level` standard errors."""
    able = [v for v, view in enumerate(views) if view.significant[block]]
    if not able:
        return set()
    nearest = min(able, key=lambda v: (views[v].difference[block], v))
    return {v for v in able if v == nearest or not _worse(views[v], views[nearest], block, level)}


def _worse(view: _Explained, than: _Explained, block: int, level: float) -> bool:
    """Whether one view is further from the query over a block than another, beyond what sampling makes."""
    mine = np.flatnonzero(view.unit == block)
    weight = view.evidence.match.weight[mine]
    apart = float(weight @ (view.evidence.match.difference[mine] - than.evidence.match.difference[mine]))
    paired = (view.variance[mine] == 0) & (than.variance[mine] == 0)
    values = view.values[mine] - than.values[mine]
    spread = np.where(paired, values.shape[1] * values.var(axis=1), view.variance[mine] + than.variance[mine])
    return apart > 0 and apart > level * float(np.sqrt(weight**2 @ spread))


def _explained(part: Part, view: _Explained, block: int) -> Part:
    evidence = view.evidence
    match, candidate = evidence.match, evidence.pairing.candidate
    mine = (view.unit == block) & (match.kind >= 0)
    weight = match.weight[mine]
    identity = float(weight @ match.similarity[mine] / weight.sum()) if weight.sum() > 0 else 0.0
    place = evidence.pairing.candidate_units[view.counterpart[block]] if view.counterpart[block] >= 0 else (-1, -1, "")
    return Part(
        part.component,
        part.place,
        part.block,
        part.share,
        candidate.model_id,
        place,
        block_name(candidate, place),
        min(1.0, identity),
        float(view.log10_evalue[block]),
    )


def names_of(connection: duckdb.DuckDBPyConnection, found: Sequence[Part]) -> dict[int, tuple[str, str]]:
    """Name and source of every model that explains something."""
    wanted = sorted({part.model_id for part in found if part.model_id is not None})
    rows: list[tuple[int, str, str, str | None, datetime | None]] = connection.execute(
        statement("models/facts"), {"models": wanted}
    ).fetchall()
    return {model: (name, uri) for model, name, uri, _, _ in rows}
