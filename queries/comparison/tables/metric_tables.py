"""The metric tables of one pair: a row for two tensors, and a summary for each role."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from ...statistics.metrics import averaged, metrics
from ..pair.matching import Pair, place
from ..pair.sides import paired_values
from ..records.figures import Baseline, Matched, MetricRow, RoleSummary

CONTEXT_ROLES = frozenset({"norm", "bias"})
_ORDER = ("embed", "q", "k", "v", "o", "router", "gate", "up", "down", "conv", "other", "head", "norm", "bias")


def role_order(role: str, slot: str) -> tuple[int, str, str]:
    """Roles in the order that a model applies them, context last."""
    return (_ORDER.index(role) if role in _ORDER else len(_ORDER), role, slot)


def metric_rows(pair: Pair) -> list[MetricRow]:
    """A row for every two tensors of a pair that stand side by side and have values at equal places."""
    first, second = pair.first.component, pair.second.component
    rows = []
    for one in pair.tensors:
        i, j = one.first, one.second
        values = paired_values(pair.first, i, pair.second, j)
        if values is None:
            continue
        rows.append(
            MetricRow(
                pair=pair.label,
                role=first.roles[i],
                slot=first.slots[i],
                layer_first=place(int(first.layer[i])),
                expert_first=place(int(first.expert[i])),
                layer_second=place(int(second.layer[j])),
                expert_second=place(int(second.expert[j])),
                tensor_first=first.names[i],
                tensor_second=second.names[j],
                by_block_map=one.by_block_map,
                by_number=one.by_number,
                context=first.roles[i] in CONTEXT_ROLES,
                values=values.source,
                parameters=math.prod(first.shapes[i]),
                metrics=metrics(values.first, values.second),
            )
        )
    return sorted(rows, key=lambda r: (role_order(r.role, r.slot), _at(r.layer_first), _at(r.expert_first)))


def _at(number: int | None) -> int:
    return -1 if number is None else number


def summaries(pair: str, rows: Sequence[MetricRow], null: Sequence[Baseline]) -> list[RoleSummary]:
    """A row of the key table for each role: over matched blocks where there are any, else over equal numbers.

    `null` has the baselines between different layers of this pair.
    """
    nulls = {(one.role, one.slot): one for one in null if one.scope == pair}
    groups: dict[tuple[str, str], list[MetricRow]] = defaultdict(list)
    for row in rows:
        groups[row.role, row.slot].append(row)
    return [
        _summary(pair, *chosen_rows(found), nulls.get(key))
        for key, found in sorted(groups.items(), key=lambda g: role_order(*g[0]))
    ]


def chosen_rows(rows: Sequence[MetricRow]) -> tuple[Matched, list[MetricRow]]:
    """Those of the block map where there are any, else those of equal number; embeddings and heads by token.

    Layers that the block map leaves out on both sides stand beside their equal number even so.
    """
    if rows and rows[0].role in {"embed", "head"}:
        return "token", list(rows)
    mapped = [row for row in rows if row.by_block_map]
    if not mapped:
        return "equal number", [row for row in rows if row.by_number]
    taken = {row.layer_first for row in mapped}, {row.layer_second for row in mapped}
    return "block map", [
        row
        for row in rows
        if row.by_block_map or (row.by_number and row.layer_first not in taken[0] and row.layer_second not in taken[1])
    ]


def _summary(pair: str, matched: Matched, rows: Sequence[MetricRow], null: Baseline | None) -> RoleSummary:
    weights = np.array([row.parameters for row in rows], np.float64)
    centred = [row.metrics.centred_cosine for row in rows if math.isfinite(row.metrics.centred_cosine)]
    first = rows[0]
    return RoleSummary(
        pair=pair,
        role=first.role,
        slot=first.slot,
        matched=matched,
        context=first.context,
        values=first.values,
        tensors=len(rows),
        metrics=averaged([row.metrics for row in rows], weights),
        lowest_centred_cosine=min(centred, default=math.nan),
        highest_centred_cosine=max(centred, default=math.nan),
        null_sd=1 / math.sqrt(max(1, min(row.metrics.values for row in rows))),
        null_low=null.low.centred_cosine if null else math.nan,
        null_high=null.high.centred_cosine if null else math.nan,
    )
