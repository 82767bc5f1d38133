"""Whom to look at first: the same candidates, the nearest and the most central of a family before all others."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.queries.answers.ancestors import ancestors
from forebear.queries.answers.question import Question
from forebear.queries.answers.records import ComponentAnswer
from forebear.queries.answers.verdict import judged
from forebear.queries.data.query import QuerySketch, registered_query, registered_sketches
from forebear.queries.search.candidates import candidates
from forebear.queries.search.left_out import left_out
from forebear.queries.search.packed import Place
from forebear.queries.search.scan import Limits, Near, SqlScan
from forebear.queries.search.turns import Turns, in_turn
from forebear.registry import Registry

SKETCH = QuerySketch("language", 7, 7, b"", b"", b"", 0.0, 0.0)


@dataclass
class FewSigns:
    """A scan of a registry of twelve: eight relatives, of which the last is the centre, two others, two by chance."""

    names: None = None

    def by_weights(self, own: int, sketch: QuerySketch, kind: str, limits: Limits) -> list[Near]:
        """Rows by their largest z, as SQL gives them."""
        family: list[Near] = [(i, "language", 50.0 - i, 0.0, 0.0) for i in range(8)]
        others: list[Near] = [
            (20, "language", 0.0, 9.0, 0.0),
            (21, "language", 0.0, 0.0, 8.0),
            (30, "language", 1.5, 0.0, 0.0),
            (31, "language", 1.0, 0.0, 0.0),
        ]
        return family + others

    def by_activations(self, own: int, signs: bytes, kind: str, most: int, least_z: float) -> list[Place]:
        """One that weights reach by chance alone, and one that gram reaches too; asked where there are any."""
        return [(31, "language"), (20, "language")]

    def positions(self, places: Sequence[Place]) -> NDArray[np.uint8]:
        """Each member differs from the last in a byte of its own."""
        signs = np.zeros((len(places), 8), np.uint8)
        for row, (model, _) in enumerate(places):
            signs[row, model] = 0 if model == 7 else 255
        return signs


def test_three_of_the_nearest_are_followed_by_the_most_central_and_chance_comes_last() -> None:
    turns = in_turn(FewSigns(), -1, SKETCH, "language", 12, 1)
    assert [model for model, _ in turns.places] == [0, 1, 2, 7, 3, 4, 5, 6, 20, 21, 30, 31]
    assert turns.beyond_chance == 10


def test_what_activations_find_comes_after_what_weights_find_and_before_chance() -> None:
    turns = in_turn(FewSigns(), -1, replace(SKETCH, activations=b"signs"), "language", 12, 1)
    assert [model for model, _ in turns.places[-4:]] == [20, 21, 31, 30]
    assert turns.beyond_chance == 11


@pytest.fixture(scope="module")
def mine(zoo_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The zoo in a registry, in which all but two models are as if they were here by their sketches alone."""
    copy = shutil.copy(zoo_registry, tmp_path_factory.mktemp("turns") / "zoo.duckdb")
    with Registry(copy) as registry:
        registry.connection.execute(
            "INSERT INTO remote_fingerprint SELECT model_id, 'file:///x', repeat('a', 64), 100"
            " FROM model WHERE name NOT IN ('cedar', 'alder-docs')"
        )
        yield registry


def ids(registry: Registry) -> dict[str, int]:
    """Name -> id."""
    return {model.name: model.model_id for model in registry.models()}


def test_turns_hold_the_candidates_that_a_search_has(mine: Registry) -> None:
    scan = SqlScan(mine.connection)
    for model_id in ids(mine).values():
        for sketch in registered_sketches(mine.connection, model_id):
            turns = in_turn(scan, model_id, sketch, sketch.component, 16, 3)
            assert len(turns.places) == len(set(turns.places))
            assert set(turns.places) == candidates(scan, model_id, sketch, sketch.component, 16, 3)


def test_declared_parents_come_first_and_the_first_that_does_not_fit_ends_it(mine: Registry) -> None:
    remote = [model for name, model in ids(mine).items() if name not in {"cedar", "alder-docs"}][:4]
    turns = Turns(tuple((model, "language") for model in remote), 2)
    out = left_out(mine.connection, {*remote}, 250, {remote[2]}, lambda: turns)
    assert set(out.models) == {remote[1], remote[3]} and out.beyond_chance
    out = left_out(mine.connection, {*remote}, 350, {remote[2]}, lambda: turns)
    assert set(out.models) == {remote[3]} and not out.beyond_chance
    for within in (None, 400):
        assert not left_out(mine.connection, {*remote}, within, {remote[2]}, lambda: turns).models


def fitting(sizes: dict[int, int], within: int, named: set[int], turns: Turns) -> tuple[set[int], bool]:
    """Of models of these bytes, asked for in the order of `turns`: those that are left out, and `beyond_chance`."""
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE remote_fingerprint (model_id UINTEGER, place VARCHAR, sha256 VARCHAR, bytes INT)"
        )
        for model, size in sizes.items():
            connection.execute("INSERT INTO remote_fingerprint VALUES (?, '', '', ?)", [model, size])
        out = left_out(connection, {*sizes}, within, named, lambda: turns)
    return set(out.models), out.beyond_chance


def test_what_fits_to_the_last_byte_is_fetched_and_nothing_after_what_does_not_fit() -> None:
    turns = Turns(tuple((model, "language") for model in range(4)), 0)
    sizes = {0: 100, 1: 200, 2: 50, 3: 50}
    assert fitting(sizes, 300, set(), turns) == ({2, 3}, False)
    assert fitting(sizes, 299, set(), turns) == ({1, 2, 3}, False), "the smaller ones would fit"


def test_a_declared_parent_that_is_left_out_counts_as_near() -> None:
    turns = Turns(((0, "language"),), 0)
    assert fitting({0: 100, 1: 100}, 50, {1}, turns) == ({0, 1}, True)
    assert fitting({0: 100, 1: 100}, 100, {1}, turns) == ({0}, False)


def test_nothing_related_is_inconclusive_while_a_near_sketch_was_not_compared(mine: Registry) -> None:
    found = {}
    for name in ("cedar", "alder-docs"):
        (answer,) = ancestors(mine.connection, registered_query(mine.connection, ids(mine)[name]), 3, within=0)
        assert "candidates are here by sketches alone and not compared" in answer.sentence
        found[name] = answer.verdict
    assert found == {"cedar": "unrelated", "alder-docs": "inconclusive"}


def test_what_is_told_stays_while_a_near_sketch_was_not_compared(mine: Registry) -> None:
    def told(question: Question, k: int) -> ComponentAnswer:
        return replace(judged(question, k), verdict="shared_initialisation")

    query = registered_query(mine.connection, ids(mine)["alder-docs"])
    (answer,) = ancestors(mine.connection, query, 3, told, within=0)
    assert answer.left_out > 0 and answer.verdict == "shared_initialisation"
