"""The candidate scan: what it keeps, what it leaves out, and that a registry of before has what ingest makes now."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from forebear.ingest.fingerprint.sketch import column_bytes
from forebear.queries.data.query import Query, QuerySketch, registered_sketches
from forebear.queries.search.candidates import candidates, from_centre, least_z
from forebear.queries.search.declared import declared_kin
from forebear.queries.search.names import SqlNames
from forebear.queries.search.packed import Place
from forebear.queries.search.scan import Limits, Near, SqlScan
from forebear.queries.thresholds.search import (
    CENTRAL_CANDIDATES,
    FEWEST_CANDIDATES,
    LEAST_Z,
    MOST_CANDIDATES,
    WEAK_UP_TO,
)
from forebear.registry import Registry

ALL = (127, 31)
STRANGERS = 400


def random_sketch(random: np.random.Generator, filled: tuple[float, float] = (0.2, 0.5)) -> QuerySketch:
    packed = [random.integers(0, 256, size, np.uint8).tobytes() for size in (224, 75, 128)]
    return QuerySketch("language", *ALL, packed[0], packed[1], packed[2], *filled)


def blurred(random: np.random.Generator, packed: bytes, share: float) -> bytes:
    """The bytes with that share of their bits turned."""
    bits = np.unpackbits(np.frombuffer(packed, np.uint8))
    return np.packbits(bits ^ (random.random(len(bits)) < share)).tobytes()


def write(connection: duckdb.DuckDBPyConnection, model_id: int, one: QuerySketch) -> None:
    row: dict[str, Any] = {
        "model_id": pa.array([model_id], pa.uint32()),
        "component": [one.component],
        "position_roles": pa.array([one.position_roles], pa.uint8()),
        "gram_roles": pa.array([one.gram_roles], pa.uint8()),
        "positions": pa.array([one.positions], pa.binary()),
        "gram": pa.array([one.gram], pa.binary()),
        "minhash": pa.array([[0] * 64], pa.list_(pa.uint32(), 64)),
        "column_bits": pa.array([one.columns], pa.binary()),
        "o_filled": pa.array([one.o_filled], pa.float32()),
        "down_filled": pa.array([one.down_filled], pa.float32()),
    }
    connection.from_arrow(pa.table(row)).insert_into("sketch")
    if one.activations:
        values = [model_id, one.component, one.activations]
        connection.execute("INSERT INTO activation_sketch VALUES (?, ?, ?::BLOB::BIT)", values)


def found(registry: Registry, query: QuerySketch, k: int = 1) -> set[int]:
    return {m for m, _ in candidates(SqlScan(registry.connection), -1, query, "language", STRANGERS, k)}


@pytest.fixture
def registry(tmp_path: Path) -> Any:
    random = np.random.default_rng(7)
    with Registry(tmp_path / "registry.duckdb") as opened:
        for number in range(STRANGERS):
            write(opened.connection, number, random_sketch(random))
        yield opened


def test_a_relative_that_only_activations_reach_is_a_candidate(registry: Registry) -> None:
    random = np.random.default_rng(18)
    signs = random.integers(0, 256, 128, np.uint8).tobytes()
    query, other, stranger = (replace(random_sketch(random), activations=a) for a in (signs, signs, bytes(128)))
    write(registry.connection, 1_000, replace(other, activations=blurred(random, signs, 0.33)))
    write(registry.connection, 1_001, stranger)
    near = found(registry, query)
    assert 1_000 in near and near - {1_000} == found(registry, replace(query, activations=b""))


def test_a_relative_in_one_kind_of_evidence_is_a_candidate_whatever_the_others_say(registry: Registry) -> None:
    random = np.random.default_rng(8)
    query, other = random_sketch(random), random_sketch(random)
    kinds = {
        1001: (blurred(random, query.positions, 0.33), other.gram, other.columns),  # weights correlate at 0.5
        1002: (other.positions, blurred(random, query.gram, 0.2), other.columns),
        1003: (other.positions, other.gram, blurred(random, query.columns, 0.1)),
    }
    for model_id, (positions, gram, columns) in kinds.items():
        write(registry.connection, model_id, QuerySketch("language", *ALL, positions, gram, columns, 0.2, 0.5))
    assert set(kinds) <= found(registry, query)


def test_the_nearest_strangers_come_always_and_hardly_any_others(registry: Registry) -> None:
    query = random_sketch(np.random.default_rng(9))
    few = found(registry, query)
    assert FEWEST_CANDIDATES <= len(few) <= FEWEST_CANDIDATES + 3
    assert len(found(registry, query, k=100)) >= 100


def test_of_a_large_family_come_the_nearest_and_the_model_in_its_middle(registry: Registry) -> None:
    """A star: all members are as far from each other, and the one that they come from is nearer to none than others."""
    random = np.random.default_rng(10)
    root = random_sketch(random)

    def member(share: float) -> QuerySketch:
        positions, gram = blurred(random, root.positions, share), blurred(random, root.gram, share)
        return QuerySketch("language", *ALL, positions, gram, root.columns, 0.2, 0.5)

    query = member(0.2)
    for number in range(2 * MOST_CANDIDATES):
        write(registry.connection, 2000 + number, member(0.01))
    write(registry.connection, 1999, root)
    nearest = set(range(3000, 3010))
    for model_id in nearest:
        positions = blurred(random, query.positions, 0.01)
        write(
            registry.connection, model_id, QuerySketch("language", *ALL, positions, query.gram, root.columns, 0.2, 0.5)
        )
    near = {m for m in found(registry, query) if m >= 1999}
    assert len(near) == MOST_CANDIDATES
    assert nearest <= near
    assert 1999 in near
    assert CENTRAL_CANDIDATES < MOST_CANDIDATES


@dataclass
class OneFamily:
    """A scan that finds so many relatives, and others by chance; it keeps the limits that it was asked with."""

    members: int
    by_chance: int = 0
    limits: Limits | None = None
    names: None = None

    def by_weights(self, own: int, sketch: QuerySketch, kind: str, limits: Limits) -> list[Near]:
        """The relatives, beside others the last of them by column sets alone, then the others, the nearest first."""
        self.limits = limits
        z = [(99.0 - number / 9, 0.0, 0.0) for number in range(self.members)]
        if self.by_chance:
            z[-1:] = [(0.0, 0.0, 99.0)] * len(z[-1:])
        z += [(4.0 - number / 99, float("nan"), 0.0) for number in range(self.by_chance)]
        return [(number, "language", *one) for number, one in enumerate(z)]

    def by_activations(self, own: int, signs: bytes, kind: str, most: int, least_z: float) -> list[Place]:
        """None."""
        return []

    def positions(self, places: Sequence[Place]) -> NDArray[np.uint8]:
        """All alike."""
        return np.zeros((len(places), 224), np.uint8)


def test_who_asks_for_more_rows_than_are_usual_gets_them_of_a_large_family() -> None:
    query, family = random_sketch(np.random.default_rng(10)), OneFamily(2 * MOST_CANDIDATES)
    for k, most in ((1, MOST_CANDIDATES), (MOST_CANDIDATES + 20, MOST_CANDIDATES + 20)):
        assert len(candidates(family, -1, query, "language", STRANGERS, k)) == most


def test_a_sign_that_half_of_a_family_has_is_none_of_its_centre() -> None:
    signs = np.array([[0], [0b11], [0b01], [0]], np.uint8)
    assert from_centre(signs).tolist() == [0, 2, 1, 0]


@pytest.mark.parametrize(("models", "nearest"), [(WEAK_UP_TO, FEWEST_CANDIDATES), (WEAK_UP_TO + 1, 10)])
def test_what_is_near_by_chance_is_looked_at_in_a_registry_that_is_not_too_large(models: int, nearest: int) -> None:
    family = OneFamily(0)
    candidates(family, -1, random_sketch(np.random.default_rng(10)), "language", models, 10)
    assert family.limits is not None and family.limits.nearest == nearest


@pytest.mark.parametrize(("models", "members", "found"), [
    (WEAK_UP_TO, 4, 24), (WEAK_UP_TO, 14, 34),
    (WEAK_UP_TO + 1, 0, 10), (WEAK_UP_TO + 1, 4, 10), (WEAK_UP_TO + 1, 14, 14),
])  # fmt: skip
def test_in_a_large_registry_what_is_near_by_chance_fills_the_rows_that_relatives_leave(
    models: int, members: int, found: int
) -> None:
    scan = OneFamily(members, by_chance=20)
    near = candidates(scan, -1, random_sketch(np.random.default_rng(10)), "language", models, 10)
    assert {number for number, _ in near} == set(range(found))


@pytest.mark.parametrize("filled", [0.05, 0.5, 0.9])
def test_column_sets_of_strangers_that_share_what_chance_gives_them_are_no_candidates(
    tmp_path: Path, filled: float
) -> None:
    """Sets drawn from a universe of codes, so full that minima of strangers are often equal."""
    random = np.random.default_rng(11)
    hashes = np.sort(random.integers(0, 1 << 32, (2, 64, 4096), np.uint32), axis=2)

    def columns() -> bytes:
        ranks = random.geometric(filled, (2, 64)) - 1
        return column_bytes(np.take_along_axis(hashes, ranks[:, :, None], axis=2)[:, :, 0]).tobytes()

    query = QuerySketch("language", *ALL, bytes(224), bytes(75), columns(), filled, filled)
    with Registry(tmp_path / "registry.duckdb") as opened:
        for number in range(STRANGERS + 1):
            one = random_sketch(random)
            sets = columns() if number else query.columns
            write(
                opened.connection, number, QuerySketch("language", *ALL, one.positions, one.gram, sets, filled, filled)
            )
        near = found(opened, query)
        assert 0 in near
        assert len(near) <= FEWEST_CANDIDATES + 4


def test_roles_that_both_lack_make_nobody_alike(tmp_path: Path) -> None:
    random = np.random.default_rng(12)
    bare = QuerySketch("language", 0, 0, bytes(224), bytes(75), bytes(128), 0.0, 0.0)
    with Registry(tmp_path / "registry.duckdb") as opened:
        for number in range(60):
            write(opened.connection, number, bare)
        assert len(found(opened, bare)) == FEWEST_CANDIDATES
        write(opened.connection, 100, random_sketch(random))
        assert len(found(opened, bare)) == FEWEST_CANDIDATES


def test_the_z_that_is_worth_a_look_grows_with_the_registry() -> None:
    assert least_z(0) == least_z(1) == least_z(1000) == LEAST_Z
    expected = 1_000_000 * math.erfc(least_z(1_000_000) / math.sqrt(2)) / 2  # strangers beyond it
    assert 0.01 < expected < 1


def test_a_registry_of_before_gets_the_column_sets_that_ingest_makes(zoo_registry: Path, tmp_path: Path) -> None:
    path = shutil.copy(zoo_registry, tmp_path / "registry.duckdb")
    with Registry(path, read_only=True) as opened:
        ids = [m.model_id for m in opened.models()]
        made = {i: registered_sketches(opened.connection, i) for i in ids}
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM migration WHERE version = 6; DROP MACRO minimum_byte")
        for column in ("column_bits", "o_filled", "down_filled"):
            connection.execute(f"ALTER TABLE sketch DROP COLUMN {column}")
    with Registry(path) as opened:
        for model_id in ids:
            for mine, other in zip(registered_sketches(opened.connection, model_id), made[model_id], strict=True):
                assert mine.columns == other.columns
                assert (mine.o_filled, mine.down_filled) == pytest.approx((other.o_filled, other.down_filled), rel=1e-5)
    assert any(one.o_filled and one.columns[:64] != bytes(64) for found in made.values() for one in found)


def test_a_declared_parent_is_found_under_every_spelling(tmp_path: Path) -> None:
    names = {1: "org/base", 2: "base", 3: "other/base", 4: "org/child", 5: "org/baseline", 6: "query"}
    with Registry(tmp_path / "registry.duckdb") as opened:
        for model_id, name in names.items():
            opened.connection.execute(
                "INSERT INTO model VALUES ($id, 'hf://' || $name, NULL, $name, '', '', '', NULL, NULL, NULL, NULL,"
                " TIMESTAMP '2026-01-01', 0, 0, 0, 0, 0, '', 2)",
                {"id": model_id, "name": name},
            )
        opened.connection.execute(
            "INSERT INTO declared_parent VALUES (4, 'query', 'card', NULL), (3, 'x', 'card', NULL)"
        )

        def named(*parents: str, own: tuple[str, ...] = ("query",)) -> dict[int, tuple[bool, bool]]:
            return declared_kin(opened.connection, SqlNames(opened.connection), Query(6, own, parents, (), ()))

        child = {4: (False, True)}
        for spelled in ("org/base", "hf://org/base"):
            assert named(spelled) == {1: (True, False)} | child
        assert named("base") == {1: (True, False), 2: (True, False), 3: (True, False)} | child
        assert named("org/child", "query") == {4: (True, True)}
        assert named() == named("nobody") == child
        assert named("nobody", own=()) == named(own=("z",)) == {}
