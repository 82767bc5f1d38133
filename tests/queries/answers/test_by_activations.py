"""Candidates that only activations bring near: those whose neurons do the same are compared, of others little read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from forebear import Registry
from forebear.queries.answers import ancestors as module
from forebear.queries.data.query import QuerySketch, registered_query, rows_of_models
from forebear.queries.search.packed import Place
from forebear.queries.search.scan import Limits, Near


@dataclass
class Blind:
    """A scan to which every model is near by activations, and none by weights."""

    models: Sequence[int]
    places: list[Place] = field(default_factory=list)
    names: None = None

    def by_weights(self, own: int, sketch: QuerySketch, kind: str, limits: Limits) -> list[Near]:
        """None."""
        return []

    def by_activations(self, own: int, signs: bytes, kind: str, most: int, least_z: float) -> list[Place]:
        """All others."""
        return [(model, "language") for model in self.models if model != own]

    def positions(self, places: Sequence[Place]) -> NDArray[np.uint8]:
        """None."""
        return np.zeros((len(places), 224), np.uint8)


def test_only_what_does_the_same_is_read_in_full(zoo_registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[set[int], set[str]]] = []

    def noting(connection: Any, models: Sequence[int], tables: Sequence[str]) -> Any:
        read.append(({*models}, {*tables}))
        return rows_of_models(connection, models, tables)

    monkeypatch.setattr(module, "rows_of_models", noting)
    with Registry(zoo_registry, read_only=True) as registry:
        ids = {model.name: model.model_id for model in registry.models()}
        query = registered_query(registry.connection, ids["alder-rotated"])
        (answer,) = module.ancestors(registry.connection, query, 100, scan=Blind(tuple(ids.values())))
        (whole,) = registry.ancestors("alder-rotated", k=100).components
    assert read == [({*ids.values()} - {ids["alder-rotated"]}, {"tensor", "activation"})]
    found = {row.name for row in answer.ancestors}
    assert "alder" in found and not {"birch", "cedar", "alder-twin"} & found
    related = {row.name: row.log10_evalue for row in whole.ancestors if row.log10_evalue <= -3}
    assert {row.name: row.log10_evalue for row in answer.ancestors} == {name: related[name] for name in found}
