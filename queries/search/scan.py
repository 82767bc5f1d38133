"""The scan of a registry's sketches: in SQL, or over packed rows by a process that has them. One answer, row for row.

Both keep, for one component of a query, the nearest rows by each kind of evidence as `search/candidates.sql` and
`search/activation_candidates.sql` say. SQL needs nothing beside the registry; packed rows are compared as `packed_scan`
tells. There is no approximate index: inverted files over the same bits lost 15 to 70 % of the relations with a z of 10,
which are the ones that nothing else finds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import duckdb
import numpy as np
from numpy.typing import NDArray

from ..data.query import QuerySketch
from ..sql import statement
from .names import Names, SqlNames
from .packed import Place

Near = tuple[int, str, float, float, float]
"""A model's id, its component, and the z of positions, of gram and of column sets."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many rows a scan keeps: `nearest` by positions whatever their z, all others from `least_z` on.

    Of those `family` by positions, `most` by gram that positions do not reach, and `fewest` by column sets that neither
    reaches.
    """

    nearest: int
    family: int
    most: int
    fewest: int
    least_z: float


class Scan(Protocol):
    """What `candidates` asks of a registry's sketches. `own` is the model that is left out, -1 for none."""

    @property
    def names(self) -> Names | None:
        """The registry's names where this has them too; None where they are to be asked for in SQL."""
        ...

    def by_weights(self, own: int, sketch: QuerySketch, kind: str, limits: Limits) -> list[Near]:
        """The rows of `candidates.sql`, in its order."""
        ...

    def by_activations(self, own: int, signs: bytes, kind: str, most: int, least_z: float) -> list[Place]:
        """The places of the rows of `activation_candidates.sql`, in its order."""
        ...

    def positions(self, places: Sequence[Place]) -> NDArray[np.uint8]:
        """The packed signs of positions [n, 224] of registered components."""
        ...


Scanning = Callable[[duckdb.DuckDBPyConnection], Scan]
"""What gives the Scan of the registry that a connection reaches, as it is now."""


@dataclass(frozen=True, slots=True)
class SqlScan:
    """The scan in SQL: of any registry that a connection reaches, a DuckLake catalogue too."""

    connection: duckdb.DuckDBPyConnection

    @property
    def names(self) -> Names:
        """See `Scan`."""
        return SqlNames(self.connection)

    def by_weights(self, own: int, sketch: QuerySketch, kind: str, limits: Limits) -> list[Near]:
        """See `Scan`."""
        parameters = {
            "model_id": own,
            "kind": kind,
            "position_roles": sketch.position_roles,
            "gram_roles": sketch.gram_roles,
            "positions": sketch.positions,
            "gram": sketch.gram,
            "columns": sketch.columns,
            "o_filled": sketch.o_filled,
            "down_filled": sketch.down_filled,
            "nearest": limits.nearest,
            "family": limits.family,
            "most": limits.most,
            "fewest": limits.fewest,
            "least_z": limits.least_z,
        }
        return self.connection.execute(statement("search/candidates"), parameters).fetchall()

    def by_activations(self, own: int, signs: bytes, kind: str, most: int, least_z: float) -> list[Place]:
        """See `Scan`."""
        parameters = {"model_id": own, "kind": kind, "signs": signs, "least_z": least_z, "most": most}
        rows = self.connection.execute(statement("search/activation_candidates"), parameters).fetchall()
        return [(model, component) for model, component, _ in rows]

    def positions(self, places: Sequence[Place]) -> NDArray[np.uint8]:
        """See `Scan`."""
        models = sorted({model for model, _ in places})
        rows = self.connection.execute(statement("search/signs"), {"models": models}).fetchall()
        signs = {(model, component): packed for model, component, packed in rows}
        return np.frombuffer(b"".join(signs[place] for place in places), np.uint8).reshape(len(places), -1)
