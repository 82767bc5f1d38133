"""How many registered models have enough of a component's roles and shapes to be compared with it at all.

What is not comparable says nothing: a registry of a thousand language models has no ancestor of a vocoder to offer, and
an answer that counts them claims more than was looked at.

Limitations: of components with layers only the roles are looked at, which sketches tell in one pass, since cosines and
column sets are compared at any width.
"""

from __future__ import annotations

from collections import defaultdict

import duckdb

from ...ingest.fingerprint.sketch import POSITION_ROLES
from ..data.component import Component
from ..sql import statement
from ..thresholds.significance import LEAST_COMPARED


def comparable_models(connection: duckdb.DuckDBPyConnection, component: Component, model_id: int) -> int:
    """Models other than `model_id` with which LEAST_COMPARED of the component's parameters can be compared."""
    name, asked = _matrices(component) if component.network else _layers(component)
    common: dict[str, object] = {"model_id": model_id, "kind": component.name}
    rows = connection.execute(statement(f"search/comparable_{name}"), common | asked).fetchall()
    return int(rows[0][0])


def _layers(component: Component) -> tuple[str, dict[str, object]]:
    """Masks of roles that hold enough of what is in layers; any mask where no role of the sketch is there."""
    sizes = [
        sum(
            float(component.parameters[t])
            for t, role in enumerate(component.roles)
            if role == r and _in_sketch(component, t)
        )
        for r in POSITION_ROLES
    ]
    least = LEAST_COMPARED * sum(sizes)
    masks = [m for m in range(1 << len(sizes)) if sum(s for i, s in enumerate(sizes) if m >> i & 1) >= least]
    return "layers", {"roles": masks}


def _in_sketch(component: Component, tensor: int) -> bool:
    return bool(component.layer[tensor] >= 0) and bool(component.scorable[tensor])


def _matrices(component: Component) -> tuple[str, dict[str, object]]:
    """Shapes of matrices and widths of token rows, each with its share of all parameters."""
    embedded = {rows.tensor for rows in component.tokens.values()}
    sizes: dict[tuple[str | None, int | None, tuple[int, ...] | None], float] = defaultdict(float)
    for tensor in component.scorable.nonzero()[0].tolist():
        role, width, shape = component.roles[tensor], int(component.inputs[tensor]), component.shapes[tensor]
        sizes[(role, width, None) if tensor in embedded else (None, None, shape)] += float(component.parameters[tensor])
    total = float(component.parameters.sum()) + component.skipped
    return "matrices", {
        "roles": [role for role, _, _ in sizes],
        "widths": [width for _, width, _ in sizes],
        "shapes": [list(shape) if shape else None for _, _, shape in sizes],
        "shares": [size / total for size in sizes.values()],
        "least": LEAST_COMPARED,
    }
