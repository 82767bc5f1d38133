"""`FROM ancestors(...)` at light drift: the parents of a merge first, then what may be the nearest ancestor."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from forebear.registry import Registry

from ..ingest.formats.writers_fused import load_model
from .test_macros import beside

Weights = dict[str, NDArray[np.float32]]
PARENTS = {"a": "cedar", "b": "cedar", "c": "a", "d": "a", "e": "a", "f": "c", "g": "cedar", "h": "b", "i": "a"}
"""Model -> what it was made from by a step of its own."""
MOST_OTHERWISE = 0.2
"""Pairs that the command orders and the macro may order otherwise, as a share."""


def trained(weights: Weights, by: float, random: np.random.Generator) -> Weights:
    return {n: (v + by * v.std() * random.standard_normal(v.shape)).astype(np.float32) for n, v in weights.items()}


@pytest.fixture(scope="module")
def light_family(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of cedar, nine light fine-tunes, a linear merge of two of them, and a slight fine-tune of that."""
    folder = tmp_path_factory.mktemp("light")
    random = np.random.default_rng(17)
    family: dict[str, Weights] = {"cedar": load_model(zoo / "cedar")[0]}
    for name, parent in PARENTS.items():
        family[name] = trained(family[parent], random.choice([5e-4, 1e-3, 2e-3]), random)
    family["merge"] = {n: (0.7 * v + 0.3 * family["h"][n]).astype(np.float32) for n, v in family["f"].items()}
    family["tuned-merge"] = trained(family["merge"], 1e-4, random)
    for name, weights in family.items():
        save_file(weights, beside(zoo / "cedar", folder / name) / "model.safetensors")
    with Registry(folder / "registry.duckdb") as registry:
        registry.ingest(*(folder / name for name in family))
    return folder / "registry.duckdb"


def test_the_parents_of_a_merge_come_first_also_where_others_are_nearer(light_family: Path) -> None:
    with Registry(light_family, read_only=True) as registry:
        rows = registry.connection.execute("SELECT name, distance FROM ancestors('merge', k := 20)").fetchall()
    assert {name for name, _ in rows[:2]} == {"f", "h"} and rows[2][1] < max(distance for _, distance in rows[:2])


def test_the_order_is_the_command_s(light_family: Path) -> None:
    """By distance alone 100 of 237 pairs stood otherwise."""
    otherwise = compared = 0
    with Registry(light_family, read_only=True) as registry:
        for model in registry.models():
            rows = registry.connection.execute("SELECT name FROM ancestors(?, k := 20)", [model.uri]).fetchall()
            place = {name: number for number, (name,) in enumerate(rows)}
            for answer in registry.ancestors(model.uri, k=20).components:
                for one, other in itertools.combinations(answer.ancestors, 2):
                    if one.rank != other.rank:
                        compared += 1
                        otherwise += (place[one.name] < place[other.name]) != (one.rank < other.rank)
    assert compared > 200 and otherwise <= MOST_OTHERWISE * compared, (otherwise, compared)
