"""Controls from the registry: the nearest models of the same shape that are related to neither of two models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from ..data.component import Component
from ..data.query import Query, load_models
from ..evidence.pair import compare
from ..search.declared import declared_kin
from ..search.names import SqlNames
from ..sql import statement
from ..thresholds.comparison import CONTROLS, MOST_CONTROLS_TRIED, SHARE_OF_SHAPE
from ..thresholds.search import LEAST_Z


@dataclass(frozen=True, slots=True)
class FoundControls:
    """Model ids of the controls, and how they were found, or why there are none, in words."""

    models: tuple[int, ...]
    text: str


@dataclass(frozen=True, slots=True)
class _Shaped:
    """A model of the right shape: its shares of equal shapes with A and with B, added up, and its larger z."""

    uri: str
    share: float
    z: float


def main_component(a: Query, b: Query) -> str | None:
    """The main component of those that both have: a denoiser, else the largest of A; None without one.

    It is what a comparison speaks of first, and what controls are looked for by.
    """
    both = {s.component for s in a.sketches} & {s.component for s in b.sketches}
    sizes = {c.name: (c.name == "denoiser", float(c.represents.sum())) for c in a.components if c.name in both}
    return max(sorted(sizes), key=lambda name: sizes[name], default=None)


def find_controls(connection: duckdb.DuckDBPyConnection, a: Query, b: Query, models: int) -> FoundControls:
    """At most two registered models of the shape of A and B, the nearest first, that are related to neither.

    Related is what a sketch (z of 4) or the evidence (an E-value of 0.001 among `models` models) says, or what a model
    declares. The same registry gives the same controls.
    """
    name = main_component(a, b)
    if name is None:
        return FoundControls((), "No control: A and B have no component of one name to look for it by")
    first, second = (next(c for c in query.components if c.name == name) for query in (a, b))
    shaped = _of_shape(connection, a, b, name)
    if not shaped:
        return FoundControls((), "No control: the registry holds no other model of this shape")
    ordered = sorted(shaped, key=lambda m: (-round(shaped[m].share, 1), -shaped[m].z, shaped[m].uri))
    unrelated = [m for m in ordered if shaped[m].z < LEAST_Z]
    found: list[int] = []
    for model in unrelated[:MOST_CONTROLS_TRIED]:
        if len(found) == CONTROLS:
            break
        if not _related(connection, model, (first, second), models):
            found.append(model)
    if not found:
        return FoundControls(
            (), f"No control: of {len(shaped)} models of this shape in the registry, none is unrelated to A and to B"
        )
    return FoundControls(
        tuple(found),
        f"{len(found)} from the registry, the nearest that are related to neither: of {len(shaped)} models of this"
        f" shape, {len(shaped) - len(unrelated)} are kin by declaration or by sketch",
    )


def _of_shape(connection: duckdb.DuckDBPyConnection, a: Query, b: Query, name: str) -> dict[int, _Shaped]:
    """Model id -> its shape, of all that have most of that of A or of B; declared kin are infinitely near."""
    left_out = [query.model_id for query in (a, b) if query.model_id >= 0]
    declared = {model for query in (a, b) for model in declared_kin(connection, SqlNames(connection), query)}
    shares: dict[int, float] = defaultdict(float)
    nearness: dict[int, float] = defaultdict(lambda: -np.inf)
    uris: dict[int, str] = {}
    for query in (a, b):
        for model, uri, _, share, z in connection.execute(
            statement("search/controls"), _parameters(query, name, left_out)
        ).fetchall():
            shares[model] += share
            nearness[model], uris[model] = max(nearness[model], z), uri
    return {m: _Shaped(uris[m], share, np.inf if m in declared else nearness[m]) for m, share in shares.items()}


def _parameters(query: Query, name: str, left_out: Sequence[int]) -> dict[str, object]:
    component = next(c for c in query.components if c.name == name)
    sketch = next(s for s in query.sketches if s.component == name)
    sizes: dict[tuple[str, str, int], float] = defaultdict(float)
    matrices = component.positions.tensor
    for tensor in (matrices if component.network else matrices[component.layer[matrices] >= 0]).tolist():
        place = component.roles[tensor], component.slots[tensor], int(component.inputs[tensor])
        sizes[place] += float(component.represents[tensor])
    total = sum(sizes.values()) or 1.0
    return {
        "kind": component.name,
        "layered": not component.network,
        "roles": [role for role, _, _ in sizes],
        "slots": [slot for _, slot, _ in sizes],
        "widths": [width for _, _, width in sizes],
        "shares": [size / total for size in sizes.values()],
        "position_roles": sketch.position_roles,
        "gram_roles": sketch.gram_roles,
        "positions": sketch.positions,
        "gram": sketch.gram,
        "left_out": left_out,
        "least": SHARE_OF_SHAPE,
    }


def _related(connection: duckdb.DuckDBPyConnection, model: int, asked: Sequence[Component], models: int) -> bool:
    """Whether any component of a model is related to A's or to B's."""
    loaded = load_models(connection, [model]).get(model, [])
    return any(compare(one, other, models).significant for one in asked for other in loaded if one.meets(other))
