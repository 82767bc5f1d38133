"""What happened between two matched tensors: how much changed, how it is spread, and its rank.

Rounding moves a value by at most half a spacing of the coarser type. Training moves values as it likes, in as many
directions as there are rows. A merged adapter of rank r moves them in r directions. Only the leading rows are looked
at, so an adapter of rank 16 and more has the rank of a fine-tune here.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...data.precision import float_steps
from ...relation.flags import Relation
from ...thresholds.comparison import (
    ABOVE_NOISE_EDGE,
    ABOVE_ROUNDING,
    BETWEEN_EVEN_AND_GAUSSIAN,
    FEW_VALUES_FOR_KURTOSIS,
    HALF_STEP,
    ONE_READING,
    ROUNDED_SHARE,
)
from ..records.figures import STEP_EDGES, Change, ChangeReading, ChangeSummary, MetricRow
from ..tables.metric_tables import chosen_rows, role_order
from .matching import Pair, place
from .sides import PairedValues, paired_values
from .verdict import REWRITTEN

_MANTISSA = {"BF16": 7, "F16": 10, "F32": 23}


def changes(pair: Pair, rows: Sequence[MetricRow]) -> list[Change]:
    """The change of every two matched matrices of a pair; of vectors and of rows of tokens as far as it has meaning."""
    chosen = {
        (row.tensor_first, row.tensor_second) for found in _by_role(rows).values() for row in chosen_rows(found)[1]
    }
    first, second = pair.first.component, pair.second.component
    found = []
    for one in pair.tensors:
        if (first.names[one.first], second.names[one.second]) not in chosen:
            continue
        values = paired_values(pair.first, one.first, pair.second, one.second)
        if values is not None:
            found.append(_change(pair, one.first, one.second, values))
    return found


def _by_role(rows: Sequence[MetricRow]) -> dict[tuple[str, str], list[MetricRow]]:
    groups: dict[tuple[str, str], list[MetricRow]] = defaultdict(list)
    for row in rows:
        groups[row.role, row.slot].append(row)
    return groups


def _change(pair: Pair, i: int, j: int, values: PairedValues) -> Change:
    first, second = pair.first.component, pair.second.component
    x, y = values.first.astype(np.float64), values.second.astype(np.float64)
    change = y - x
    grid = coarser(held_by(values.first), held_by(values.second))
    steps = np.maximum(spacing(values.first, grid), spacing(values.second, grid))
    changed = change != 0
    moved = np.abs(change[changed]) / steps[changed]
    rms = math.sqrt(float(np.mean(np.square(change))))
    a, b = (x - x.mean(), y - y.mean()) if values.source == "whole tensors" else (x, y)
    size = math.sqrt(float(np.mean(np.square(a)) + np.mean(np.square(b))) / 2)
    matrix = values.source == "leading rows"
    noise = math.sqrt(float(np.mean(np.square(steps))) / 6)  # two roundings, each even over one spacing
    rank, effective = ranks(change, noise) if matrix else (None, math.nan)
    return Change(
        pair=pair.label,
        role=first.roles[i],
        slot=first.slots[i],
        layer_first=place(int(first.layer[i])),
        expert_first=place(int(first.expert[i])),
        layer_second=place(int(second.layer[j])),
        expert_second=place(int(second.expert[j])),
        values=values.source,
        count=change.size,
        changed_share=float(changed.mean()),
        relative_change=rms / size if size else math.nan,
        spacing=grid,
        median_steps=float(np.median(moved)) if moved.size else math.nan,
        within_half_step=float((moved <= HALF_STEP).mean()) if moved.size else math.nan,
        step_shares=_step_shares(moved, change.size),
        over_rounding=rms / noise,
        kurtosis=_kurtosis(change),
        constant=min(float(np.ptp(x)), float(np.ptp(y))) == 0,
        rank=rank,
        effective_rank=effective,
        full_rank=min(change.shape) if matrix else None,
    )


def _step_shares(moved: NDArray[np.float64], count: int) -> tuple[float, ...]:
    """The shares of `count` values in the bins of STEP_EDGES, of which those `moved` have changed."""
    bins = np.bincount(np.searchsorted(STEP_EDGES, moved), minlength=len(STEP_EDGES) + 1)
    return tuple((np.array([count - moved.size, *bins]) / count).tolist())


def held_by(values: NDArray[np.float32]) -> str:
    """The coarsest of BF16, F16 and F32 that holds every value exactly."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    if not (bits & 0xFFFF).any():
        return "BF16"
    with np.errstate(over="ignore"):
        half = values.astype(np.float16).astype(np.float32)
    return "F16" if np.array_equal(half, values) else "F32"


def coarser(first: str, second: str) -> str:
    """The one of two types with the wider spacing."""
    return min(first, second, key=lambda name: _MANTISSA[name])


def spacing(values: NDArray[np.float32], dtype: str) -> NDArray[np.float64]:
    """The distance of each value to the next larger number of a type: one unit in the last place."""
    return float_steps(values, _MANTISSA[dtype])


def ranks(change: NDArray[np.float64], noise: float) -> tuple[int, float]:
    """The numerical and the effective rank of a change [rows, in] on which rounding of RMS `noise` lies.

    Singular values of noise alone stay below noise (sqrt(in) + sqrt(rows)); those above count. The effective rank is
    exp(entropy) of the shares of the squared singular values. Sources: Davidson and Szarek, "Local operator theory,
    random matrices and Banach spaces", 2001; Roy and Vetterli, "The effective rank", EUSIPCO 2007.
    """
    squares = np.linalg.eigvalsh(change @ change.T).clip(0)[::-1]
    total = float(squares.sum())
    if not total > 0:
        return 0, 0.0
    edge = ABOVE_NOISE_EDGE * noise * (math.sqrt(change.shape[1]) + math.sqrt(change.shape[0]))
    floor = max(edge**2, total * 1e-12)
    shares = squares[squares > 0] / total
    return int((squares > floor).sum()), float(np.exp(-(shares * np.log(shares)).sum()))


def _kurtosis(change: NDArray[np.float64]) -> float:
    """Fourth standardised moment of the entries that changed; NaN when fewer than two values did."""
    moved = change[change != 0]
    squares = np.square(moved - moved.mean()) if moved.size > 1 else np.zeros(1)
    variance = float(squares.mean())
    return float(np.mean(np.square(squares / variance))) if variance > 0 else math.nan


def change_summaries(pair: str, found: Sequence[Change], relation: Relation | None) -> list[ChangeSummary]:
    """Medians of each role, and what they look like; `relation` is that of the pair, None for unrelated models."""
    groups: dict[tuple[str, str], list[Change]] = defaultdict(list)
    for one in found:
        groups[one.role, one.slot].append(one)
    return [_summary(pair, key, groups[key], relation) for key in sorted(groups, key=lambda key: role_order(*key))]


def _summary(pair: str, key: tuple[str, str], found: Sequence[Change], relation: Relation | None) -> ChangeSummary:
    def median(name: str) -> float:
        values = [float(v) for one in found if (v := getattr(one, name)) is not None and math.isfinite(v)]
        return float(np.median(values)) if values else math.nan

    full = [one.full_rank for one in found if one.full_rank is not None]
    reading, reason = read_change(found, relation)
    return ChangeSummary(
        pair=pair,
        role=key[0],
        slot=key[1],
        tensors=len(found),
        unchanged=sum(one.changed_share == 0 for one in found),
        changed_share=median("changed_share"),
        relative_change=median("relative_change"),
        median_steps=median("median_steps"),
        within_half_step=median("within_half_step"),
        step_shares=tuple(np.mean([one.step_shares for one in found], axis=0).tolist()),
        over_rounding=median("over_rounding"),
        kurtosis=median("kurtosis"),
        rank=median("rank"),
        effective_rank=median("effective_rank"),
        full_rank=max(full) if full else None,
        reading=reading,
        reason=reason,
    )


def read_change(found: Sequence[Change], relation: Relation | None) -> tuple[ChangeReading, str]:
    """What most of the changed tensors of a role show, in one word, and why."""
    if all(one.changed_share == 0 for one in found):
        return "unchanged", "every value is exactly equal"
    if relation is None:
        return "unrelated", "no relation to measure a change against: the difference is that of unrelated models"
    if relation.origin == "shared_initialisation":
        return "trained apart", "both moved away from one random start"
    if "numeric_copy" in relation.flags:
        return "rounding", "every difference of the two models is one that rounding makes"
    if all(one.constant for one in found):
        return (
            "constant",
            "one of the two models has a single value here, as gains that were folded into what reads them",
        )
    readings: list[ChangeReading] = [_reading(one) for one in found if one.changed_share > 0]
    counts = Counter(readings).most_common()
    common, most = counts[0]
    if most < ONE_READING * len(readings):
        return "mixed", ", ".join(f"{count} {reading}" for reading, count in counts)
    if common == "unrelated" and REWRITTEN & set(relation.flags):
        return "rewritten", "values do not stand where they stood; what survives that is compared for the verdict"
    return common, _REASONS[common]


_REASONS: dict[ChangeReading, str] = {
    "rounding": "changes are bounded and evenly spread, as those of rounding are",
    "low rank": "few directions hold the change of the 16 rows, as after merging an adapter; a fine-tune has all 16",
    "training": "changes have tails and every direction, as training has",
    "unrelated": "the values differ as those of unrelated models do",
}


def _reading(one: Change) -> ChangeReading:
    even = one.kurtosis < BETWEEN_EVEN_AND_GAUSSIAN and one.count >= FEW_VALUES_FOR_KURTOSIS
    if one.within_half_step >= ROUNDED_SHARE or even:
        return "rounding"
    if one.relative_change > 1:
        return "unrelated"
    if one.rank is None or one.full_rank is None or one.over_rounding <= ABOVE_ROUNDING:
        return "training"
    return "low rank" if one.rank <= one.full_rank / 2 else "training"
