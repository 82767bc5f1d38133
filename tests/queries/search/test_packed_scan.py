"""Packed rows are scanned as SQL scans the tables: the same rows, in the same order, z to the last bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forebear.queries.data.query import QuerySketch
from forebear.queries.search import bits, packed_scan
from forebear.queries.search.packed import POSITIONS, SKETCH_PARTS, Packed, Rows, Sketches
from forebear.queries.search.packed_scan import PackedScan
from forebear.queries.search.scan import Limits, SqlScan
from forebear.registry import Registry
from forebear.registry.store.sketch_rows import Packing, read_packing

from ...sketch_tables import write_sketches

NAMES = ("language", "encoder", "decoder", "vision", "zwei", "ä")
MASKS = ((127, 31), (126, 30), (0, 0), (5, 1))
FILLED = (0.0, 0.25, 0.9, 1.0)


def drawn(random: np.random.Generator, model: int, shared: QuerySketch | None, turned: float) -> QuerySketch:
    """A sketch of few different values, so that many are equally near; near `shared` where there is one."""

    def packed(size: int, like: bytes | None) -> bytes:
        if like is None:
            return random.integers(0, 256, size, np.uint8).tobytes()
        step = max(1, int(size * turned))
        flipped = np.frombuffer(like, np.uint8).copy()
        flipped[: step * int(random.integers(0, 3))] ^= 255
        return flipped.tobytes()

    roles = MASKS[int(random.integers(len(MASKS)))]
    like = shared if shared and random.random() < 0.8 else None
    return QuerySketch(
        NAMES[int(random.integers(len(NAMES)))],
        *(roles if random.random() < 0.3 else MASKS[0]),
        packed(224, like.positions if like else None),
        packed(75, like.gram if like else None),
        packed(128, like.columns if like else None),
        float(np.float32(random.choice(FILLED))),
        float(np.float32(random.choice(FILLED))),
        packed(128, like.activations if like else None) if random.random() < 0.8 else b"",
    )


def cut(packing: Packing, size: int) -> Packed:
    """The same rows in blocks of so many."""

    def blocks(rows: Rows) -> Rows:
        whole = np.concatenate(rows.blocks, axis=1) if rows.blocks else np.empty((0, 0), np.uint64)
        pieces = (whole[:, start : start + size] for start in range(0, whole.shape[1], size))
        return replace(rows, blocks=tuple(np.ascontiguousarray(piece) for piece in pieces))

    return Packed(
        replace(packing.packed.sketches, rows=blocks(packing.packed.sketches.rows)),
        blocks(packing.packed.activations),
    )


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Registry(tmp_path_factory.mktemp("packed") / "registry.duckdb") as registry:
        yield registry.connection


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 1 << 30),
    models=st.integers(0, 120),
    nearest=st.integers(1, 30),
    fewest=st.integers(1, 30),
    family=st.integers(1, 30),
    most=st.integers(1, 30),
    least=st.sampled_from([-1.0, 0.0, 2.0, 4.0, 12.0]),
    size=st.sampled_from([1, 7, 8_192]),
    threads=st.sampled_from([1, 3]),
)
def test_a_scan_of_packed_rows_is_that_of_sql(
    connection: duckdb.DuckDBPyConnection,
    seed: int,
    models: int,
    nearest: int,
    fewest: int,
    family: int,
    most: int,
    least: float,
    size: int,
    threads: int,
) -> None:
    random = np.random.default_rng(seed)
    query = replace(drawn(random, 0, None, 0.1), activations=random.integers(0, 256, 128, np.uint8).tobytes())
    sketches = {
        (int(model), one.component): one
        for model in random.permutation(4 * models)[:models] + 1
        for one in (drawn(random, model, query, random.choice([0.02, 0.1])) for _ in range(int(random.integers(1, 3))))
    }
    connection.execute("DELETE FROM sketch; DELETE FROM activation_sketch")
    if sketches:
        write_sketches(connection, [(model, one) for (model, _), one in sketches.items()])
    packed = PackedScan(cut(read_packing(connection), size), threads)
    sql, limits = SqlScan(connection), Limits(nearest, family, most, fewest, least)
    own = next(iter(sketches), (-1, ""))[0]
    for kind in ("language", "encoder", "vision", "nothing"):
        assert packed.by_weights(own, query, kind, limits) == sql.by_weights(own, query, kind, limits)
        near = packed.by_activations(own, query.activations, kind, most, least)
        assert near == sql.by_activations(own, query.activations, kind, most, least)
    places = [place for place in sketches if random.random() < 0.5]
    if places:
        assert (packed.positions(places) == sql.positions(places)).all()


def test_ties_at_the_last_place_go_by_model_and_component_in_any_order_of_rows(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    query = QuerySketch("language", 127, 31, bytes(224), bytes(75), bytes(128), 0.25, 0.25, bytes(128))
    connection.execute("DELETE FROM sketch; DELETE FROM activation_sketch")
    names = ("encoder", "decoder")
    write_sketches(connection, [(model, replace(query, component=name)) for model in (9, 3, 7) for name in names])
    packed = PackedScan(cut(read_packing(connection), 1))
    limits = Limits(3, 3, 3, 3, 4.0)
    expected = [(3, "decoder"), (3, "encoder"), (7, "decoder")]
    assert [row[:2] for row in packed.by_weights(-1, query, "language", limits)] == expected
    assert packed.by_activations(-1, query.activations, "language", 3, 4.0) == expected
    assert [row[:2] for row in SqlScan(connection).by_weights(-1, query, "language", limits)] == expected


def test_threads_share_a_scan_where_there_are_many_blocks(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed_scan, "_WORTH_THREADS", 2)
    random = np.random.default_rng(3)
    query = replace(drawn(random, 0, None, 0.1), component="language")
    connection.execute("DELETE FROM sketch; DELETE FROM activation_sketch")
    write_sketches(
        connection, [(model, replace(drawn(random, model, query, 0.1), component="language")) for model in range(60)]
    )
    packed, limits = cut(read_packing(connection), 7), Limits(5, 9, 4, 3, 2.0)
    expected = SqlScan(connection).by_weights(-1, query, "language", limits)
    assert PackedScan(packed, 3).by_weights(-1, query, "language", limits) == expected


def test_counts_of_bits_are_exact_where_every_bit_differs() -> None:
    words = np.zeros((SKETCH_PARTS[-1].stop, 5), np.uint64)
    found = bits.BitsApart(~words[:, 0], SKETCH_PARTS).of(words)
    assert [part.tolist() for part in found] == [[64 * n] * 5 for n in (28, 10, 16)]


def test_rows_that_are_gone_are_nowhere(connection: duckdb.DuckDBPyConnection) -> None:
    query = QuerySketch("language", 127, 31, bytes(224), bytes(75), bytes(128), 0.25, 0.25, bytes(128))
    connection.execute("DELETE FROM sketch; DELETE FROM activation_sketch")
    write_sketches(connection, [(model, query) for model in (1, 2)])
    packed = read_packing(connection).packed
    component = packed.sketches.rows.component.copy()
    component[0] = 65_535
    sketches: Sketches = replace(packed.sketches, rows=replace(packed.sketches.rows, component=component))
    scan = PackedScan(replace(packed, sketches=sketches))
    assert [row[0] for row in scan.by_weights(-1, query, "language", Limits(5, 5, 5, 5, 4.0))] == [2]
    assert scan.positions([(2, "language")]).shape == (1, POSITIONS)
    with pytest.raises(KeyError):
        scan.positions([(1, "language")])
