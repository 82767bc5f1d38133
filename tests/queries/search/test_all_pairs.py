"""The candidates of all queries at once are those of the scan, and blocks change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from forebear.queries.data.query import QuerySketch, registered_sketches
from forebear.queries.search import all_pairs
from forebear.queries.search import candidates as single
from forebear.queries.search.all_pairs import near_pairs, sketches_by_kind, suggestive_z
from forebear.queries.search.candidates import candidates
from forebear.queries.search.scan import SqlScan
from forebear.queries.sql import statement
from forebear.queries.thresholds.search import FAMILY_MEMBERS, LEAST_Z, MOST_CANDIDATES
from forebear.registry import Registry

MODELS, FAMILY = 90, 6


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Sketches of small families; some lack roles, some models have two components of one kind."""
    random = np.random.default_rng(4)
    family = np.arange(MODELS) // FAMILY
    rows = []
    shared = {w: random.integers(0, 256, (MODELS // FAMILY, w), dtype=np.uint8) for w in (224, 75)}
    minima = random.integers(0, 256, (MODELS // FAMILY, 128), dtype=np.uint8)
    for model in range(MODELS):
        lacks = model % 7 == 0
        noise = {w: np.packbits(random.random(w * 8) < 0.2) for w in (224, 75)}
        positions = shared[224][family[model]] ^ noise[224]
        gram = shared[75][family[model]] ^ noise[75]
        if lacks:  # no `q`
            positions[:32], gram[:15] = 0, 0
        equal = random.random(128) < 0.4
        columns = np.where(equal, minima[family[model]], random.integers(0, 256, 128, dtype=np.uint8)).astype(np.uint8)
        filled = random.uniform(0, 0.5, 2) if model % 9 else np.zeros(2)
        for component in ("encoder", "decoder") if model % 10 == 3 else ("language",):
            roles = (126, 30) if lacks else (127, 31)
            rows.append(
                {
                    "model_id": model + 1,
                    "component": component,
                    "position_roles": roles[0],
                    "gram_roles": roles[1],
                    "positions": positions.tobytes(),
                    "gram": gram.tobytes(),
                    "minhash": [0] * 64,
                    "column_bits": columns.tobytes() if model % 9 else bytes(128),
                    "o_filled": float(np.float32(filled[0])),
                    "down_filled": float(np.float32(filled[1])),
                }
            )
    with Registry(tmp_path_factory.mktemp("pairs") / "registry.duckdb") as registry:
        write(registry.connection, rows)
        write_activations(registry.connection, rows)
        yield registry.connection


def write(connection: duckdb.DuckDBPyConnection, rows: list[dict[str, object]]) -> None:
    connection.register("made", pa.Table.from_pylist(rows))
    connection.execute(
        "INSERT INTO sketch BY NAME SELECT model_id, component, position_roles, gram_roles,"
        " positions::BLOB::BIT AS positions, gram::BLOB::BIT AS gram, minhash,"
        " column_bits::BLOB::BIT AS column_bits, o_filled, down_filled FROM made"
    )


def write_activations(connection: duckdb.DuckDBPyConnection, rows: list[dict[str, object]]) -> None:
    """Signs of activations of three models in four, of families of their own that join those of the weights by two."""
    random = np.random.default_rng(5)
    shared = random.integers(0, 256, (MODELS, 128), dtype=np.uint8)
    for row in rows:
        model = int(str(row["model_id"]))
        if model % 4:
            signs = shared[model // (2 * FAMILY)] ^ np.packbits(random.random(1024) < 0.25)
            values = [model, row["component"], signs.tobytes()]
            connection.execute("INSERT INTO activation_sketch VALUES (?, ?, ?::BLOB::BIT)", values)


Pair = tuple[int, str, int, str]


def asked(connection: duckdb.DuckDBPyConnection) -> set[Pair]:
    """The candidates of every sketch, one question after another."""
    models = [m for (m,) in connection.execute("SELECT DISTINCT model_id FROM sketch ORDER BY ALL").fetchall()]
    return {
        (model, sketch.component, *place)
        for model in models
        for sketch in registered_sketches(connection, model)
        for place in candidates(SqlScan(connection), model, sketch, "language", len(models), 1)
    }


def scanned(connection: duckdb.DuckDBPyConnection) -> dict[Pair, float]:
    """The largest z of all pairs of sketches, from LEAST_Z on, by the scan."""
    found = {}
    for (model,) in connection.execute("SELECT DISTINCT model_id FROM sketch ORDER BY ALL").fetchall():
        for sketch in registered_sketches(connection, model):
            names = set(QuerySketch.__slots__) - {"component", "activations"}
            values = {name: getattr(sketch, name) for name in names}
            most = {"most": 1 << 30, "fewest": 1 << 30, "nearest": 1 << 30, "family": 1 << 30, "least_z": LEAST_Z}
            rows = connection.execute(
                statement("search/candidates"), {"model_id": model, "kind": "language", **values, **most}
            )
            for other, theirs, *z in rows.fetchall():
                if max(z) >= LEAST_Z:
                    found[model, sketch.component, other, theirs] = max(z)
            if sketch.activations:
                wanted = {"model_id": model, "kind": "language", "signs": sketch.activations}
                rows = connection.execute(
                    statement("search/activation_candidates"), {**wanted, "least_z": LEAST_Z, "most": 1 << 30}
                )
                for other, theirs, near in rows.fetchall():
                    pair = (model, sketch.component, other, theirs)
                    found[pair] = max(found.get(pair, near), near)
    return found


def blocked(connection: duckdb.DuckDBPyConnection, *, nearest: bool = False) -> dict[Pair, float]:
    models = [m for (m,) in connection.execute("SELECT DISTINCT model_id FROM sketch ORDER BY ALL").fetchall()]
    table = connection.sql(statement("search/all_sketches"), params={"models": models}).to_arrow_table()
    sketches = sketches_by_kind(table)["language"]
    return {
        (
            int(sketches.model[q]),
            str(sketches.component[q]),
            int(sketches.model[c]),
            str(sketches.component[c]),
        ): float(z)
        for near in near_pairs(sketches, sketches, models=len(models), nearest=nearest)
        for q, c, z in zip(near.query, near.column, near.z, strict=True)
    }


def test_candidates_are_those_of_every_single_question(connection: duckdb.DuckDBPyConnection) -> None:
    assert blocked(connection, nearest=True).keys() == asked(connection)


def test_beyond_the_bound_they_are_those_of_the_scan_with_the_same_z(connection: duckdb.DuckDBPyConnection) -> None:
    scan = scanned(connection)
    found = {pair: z for pair, z in blocked(connection).items() if z >= LEAST_Z}
    assert found.keys() == scan.keys()
    assert len(found) >= MODELS * (FAMILY - 1)
    assert [found[p] for p in found] == pytest.approx([scan[p] for p in found], abs=1e-5)


@pytest.mark.parametrize("family", [FAMILY_MEMBERS, 100])
def test_of_a_large_family_they_are_those_of_every_single_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: int
) -> None:
    """A star of 150 with its root as model 1, and strangers: everyone's candidates hold the root."""
    for module in (all_pairs, single):
        monkeypatch.setattr(module, "FAMILY_MEMBERS", family)
    monkeypatch.setattr(all_pairs, "COLUMNS", 60)
    random = np.random.default_rng(6)
    root = {w: random.integers(0, 256, w, dtype=np.uint8) for w in (224, 75)}
    rows = []
    for model in range(1, 191):
        share = 0 if model == 1 else 0.2 if model <= 150 else 0.5
        noise = {w: np.packbits(random.random(w * 8) < share) for w in root}
        rows.append(
            {
                "model_id": model,
                "component": "language",
                "position_roles": 127,
                "gram_roles": 31,
                **{name: (root[w] ^ noise[w]).tobytes() for name, w in (("positions", 224), ("gram", 75))},
                "minhash": [0] * 64,
                "column_bits": bytes(128),
                "o_filled": 0.0,
                "down_filled": 0.0,
            }
        )
    with Registry(tmp_path / "registry.duckdb") as registry:
        write(registry.connection, rows)
        found = blocked(registry.connection, nearest=True)
        assert found.keys() == asked(registry.connection)
    counts = [sum(pair[0] == model for pair in found) for model in range(1, 151)]
    assert max(counts) <= MOST_CANDIDATES + 5
    assert sum((model, "language", 1, "language") in found for model in range(2, 151)) == 149


def test_small_blocks_find_what_large_ones_find(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = blocked(connection)
    monkeypatch.setattr(all_pairs, "ROWS", 7)
    monkeypatch.setattr(all_pairs, "COLUMNS", 11)
    assert blocked(connection) == whole


@pytest.mark.parametrize("few", [1, 3, 8])
def test_few_sketches_are_compared_bit_by_bit_with_the_same_z(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    table = connection.sql(
        statement("search/all_sketches"), params={"models": list(range(1, MODELS + 1))}
    ).to_arrow_table()
    sketches = sketches_by_kind(table)["language"]
    some = sketches.take(slice(0, few))

    def found() -> list[list[float]]:
        sides = ((some, sketches), (sketches, some))
        return [
            [*near.query.tolist(), *near.column.tolist(), *near.z.tolist()]
            for queries, columns in sides
            for near in near_pairs(queries, columns, models=MODELS, nearest=True)
        ]

    signs: list[int] = []
    as_numbers = all_pairs._signs

    def counted(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
        signs.append(len(packed))
        return as_numbers(packed)

    monkeypatch.setattr(all_pairs, "_signs", counted)
    bit_by_bit = found()
    assert not signs and sum(map(len, bit_by_bit)) > 0
    monkeypatch.setattr(all_pairs, "FEW_ROWS", 0)
    assert found() == bit_by_bit and signs


@pytest.mark.parametrize("held", [0, 1, 1 << 30])
def test_a_pair_that_is_compared_once_for_both_is_found_as_one_compared_twice(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    """However many hits may wait for their strip: none, few, or all."""
    whole = blocked(connection)
    monkeypatch.setattr(all_pairs, "ROWS", 7)
    monkeypatch.setattr(all_pairs, "HELD", held)
    tiles: list[bool] = []
    compare = all_pairs.tile_hits

    def counted(tile: all_pairs.Tile) -> all_pairs.TileHits:
        tiles.append(tile.both)
        return compare(tile)

    monkeypatch.setattr(all_pairs, "tile_hits", counted)
    assert blocked(connection) == whole
    strips = -(-len({pair[:2] for pair in whole}) // 7)
    assert any(tiles) == (held > 0)
    assert (len(tiles) == strips * (strips + 1) // 2) == (held == 1 << 30)


def test_no_model_is_its_own_candidate(connection: duckdb.DuckDBPyConnection) -> None:
    assert not [pair for pair in blocked(connection) if pair[0] == pair[2]]


def test_the_bound_grows_with_the_registry_and_strangers_hardly_pass_it() -> None:
    bounds = [suggestive_z(models) for models in (2, 17, 1_000, 20_000, 1_000_000)]
    assert bounds == sorted(bounds) and bounds[-1] < 14
    random = np.random.default_rng(0)
    passed = (random.standard_normal((500, 1_000)) >= suggestive_z(1_000)).sum()
    assert passed < 500 * 0.2


def test_an_empty_set_of_columns_has_no_candidates(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    table = connection.sql(statement("search/all_sketches"), params={"models": [1, 2]}).to_arrow_table()
    sketches = sketches_by_kind(table)["language"]
    nothing = sketches.take(np.empty(0, np.int64))
    assert [len(near.query) for near in near_pairs(sketches, nothing, models=2)] == [0]
    assert list(near_pairs(nothing, sketches, models=2)) == []
