"""Packed sketches are those of the registry at any moment, whoever changed it, and a bad file is as none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from forebear.queries.data.query import QuerySketch, registered_sketches
from forebear.queries.search.packed import GONE
from forebear.queries.search.packed_scan import PackedScan
from forebear.queries.search.scan import Limits, Scan, SqlScan
from forebear.registry import Registry
from forebear.registry.store import sketch_file, sketch_packing, sketch_rows
from forebear.registry.store.sketch_index import SketchIndex

from ...sketch_tables import random_sketch, write_sketches
from ..conftest import MakeModel

MODELS = 300
EVERYTHING = Limits(1_000, 1_000, 1_000, 1_000, -100.0)
QUERY = random_sketch(np.random.default_rng(0))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("index") / "registry.duckdb"
    random = np.random.default_rng(1)
    with Registry(path) as registry:
        write_sketches(registry.connection, [(model, random_sketch(random)) for model in range(1_000, 1_000 + MODELS)])
    return path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    found = tmp_path / "registry.duckdb"
    shutil.copy(made, found)
    os.utime(found, (1, 1))  # written to long ago
    return found


@pytest.fixture
def filed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every registry is large enough for a file."""
    monkeypatch.setattr(sketch_packing, "FILED", 1)


@pytest.fixture
def packed_anew(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was read of the tables, an entry a reading of rows or digests."""
    seen: list[str] = []
    digests, read = sketch_packing._digests, sketch_rows.read_table

    def seen_digests(connection: duckdb.DuckDBPyConnection, table: str) -> object:
        seen.append("digests")
        return digests(connection, table)

    def seen_rows(*arguments: object, **named: object) -> object:
        seen.append("rows")
        return read(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(sketch_packing, "_digests", seen_digests)
    for module in (sketch_rows, sketch_file):
        monkeypatch.setattr(module, "read_table", seen_rows)
    return seen


def asked(scan: Scan, query: QuerySketch = QUERY) -> tuple[object, object]:
    """Rows by weights and by activations."""
    return (
        scan.by_weights(-1, query, "language", EVERYTHING),
        scan.by_activations(-1, query.activations, "language", 1_000, -100.0),
    )


def agrees(index: SketchIndex, connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether packed rows answer as SQL does now."""
    scan = index.scan(connection)
    assert isinstance(scan, PackedScan)
    return asked(scan) == asked(SqlScan(connection))


def settle(path: Path) -> None:
    """Let so much time pass that a later write is certain to be seen."""
    for file in (path, path.with_name(path.name + ".wal")):
        if file.exists():
            before = file.stat().st_mtime
            os.utime(file, (before - 1, before - 1))


def test_the_first_question_of_a_process_is_scanned_in_sql_and_later_ones_are_packed(path: Path) -> None:
    with Registry(path, read_only=True) as registry:
        index = SketchIndex(path)
        assert isinstance(index.scan(registry.connection), SqlScan)
        first = index.scan(registry.connection)
        assert isinstance(first, PackedScan)
        again = index.scan(registry.connection)
        assert isinstance(again, PackedScan) and again.packed is first.packed
        assert agrees(index, registry.connection)
    assert not sketch_file.sketch_file(path).exists()


def changed(statement: str, signs: bytes = b"") -> Callable[[duckdb.DuckDBPyConnection], object]:
    """What runs statements, `$signs` being signs of another sketch."""
    return lambda connection: connection.execute(statement, {"signs": signs} if signs else None)


CHANGES: dict[str, Callable[[duckdb.DuckDBPyConnection], object]] = {
    "a model more": lambda connection: write_sketches(connection, [(9_000, replace(QUERY, component="encoder"))]),
    "a model less": changed(
        "DELETE FROM sketch WHERE model_id = 1007; DELETE FROM activation_sketch WHERE model_id = 1009"
    ),
    "another number": changed("UPDATE sketch SET model_id = 8000 WHERE model_id = 1003"),
    "a row changed in place": changed(
        "UPDATE sketch SET positions = $signs::BLOB::BIT WHERE model_id = 1005", QUERY.positions
    ),
    "activations alone": changed(
        "UPDATE activation_sketch SET signs = $signs::BLOB::BIT WHERE model_id = 1005", QUERY.activations
    ),
    "most of it": changed("DELETE FROM sketch WHERE model_id > 1020"),
    "all of it": changed("DELETE FROM sketch; DELETE FROM activation_sketch"),
    "a row twice": changed("INSERT INTO activation_sketch FROM activation_sketch WHERE model_id = 1005"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("with_file", [False, True])
def test_every_change_of_the_registry_is_in_the_next_answer(
    path: Path, change: str, with_file: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if with_file:
        monkeypatch.setattr(sketch_packing, "FILED", 1)
    with Registry(path) as registry:
        index = SketchIndex(path)
        index.scan(registry.connection)
        assert agrees(index, registry.connection)
        before = asked(index.scan(registry.connection))
        CHANGES[change](registry.connection)
        assert agrees(index, registry.connection)
        assert asked(index.scan(registry.connection)) != before
        write_sketches(registry.connection, [(9_001, QUERY)])
        registry.connection.execute("DELETE FROM sketch WHERE model_id = 1011")
        assert agrees(index, registry.connection)
    with Registry(path, read_only=True) as registry:  # another process has the file alone
        index = SketchIndex(path)
        index.scan(registry.connection)
        assert agrees(index, registry.connection)


def test_names_that_changed_alone_are_found_by_every_process(path: Path, filed: None) -> None:
    def called(name: str) -> list[list[int]]:
        """By the process that stays, and by one that starts."""
        found = []
        with Registry(path, read_only=True) as registry:
            for index in (stays, SketchIndex(path)):
                scan = index.scan(registry.connection)
                assert isinstance(scan, PackedScan) and scan.names
                found.append(scan.names.called([name]))
        return found

    with Registry(path, read_only=True) as registry:
        stays = SketchIndex(path)
        stays.scan(registry.connection)
    assert called("org/late") == [[], []]
    settle(path)
    with Registry(path) as registry:
        registry.connection.execute(
            "INSERT INTO model VALUES (9900, 'hf://org/late', NULL, 'org/late', '', '', '', NULL, NULL, NULL, NULL,"
            " TIMESTAMP '2026-01-01', 0, 0, 0, 0, 0, '', 2)"
        )
    settle(path)
    assert called("org/late") == [[9900], [9900]]
    assert called("org/late") == [[9900], [9900]]  # what was found equal is not the names'


def test_what_another_process_ingests_is_in_the_next_answer(path: Path, make_model: MakeModel, tmp_path: Path) -> None:
    model = make_model("alder")
    with Registry(path, read_only=True) as registry:
        index = SketchIndex(path)
        index.scan(registry.connection)
        assert agrees(index, registry.connection)
    command = [sys.executable, "-m", "forebear.registry.cli", "--registry", str(path), "ingest", str(model)]
    subprocess.run(command, check=True, capture_output=True)
    with Registry(path, read_only=True) as registry:
        ids = [m.model_id for m in registry.models()]
        (mine,) = registered_sketches(registry.connection, ids[-1])
        scan = index.scan(registry.connection)
        assert isinstance(scan, PackedScan)
        assert scan.by_weights(-1, mine, "language", EVERYTHING)[0][0] == ids[-1]


def test_a_registry_put_in_place_of_another_has_its_own_sketches(path: Path, filed: None, tmp_path: Path) -> None:
    with Registry(path, read_only=True) as registry:
        index = SketchIndex(path)
        before = asked(index.scan(registry.connection))
    other = tmp_path / "other.duckdb"
    random = np.random.default_rng(2)
    with Registry(other) as registry:
        write_sketches(registry.connection, [(model, random_sketch(random)) for model in range(1_000, 1_000 + MODELS)])
    os.replace(other, path)
    for found in (index, SketchIndex(path)):
        with Registry(path, read_only=True) as registry:
            assert agrees(found, registry.connection)
            assert asked(found.scan(registry.connection)) != before


def test_a_process_that_starts_takes_the_file_and_reads_no_row(path: Path, filed: None, packed_anew: list[str]) -> None:
    with Registry(path, read_only=True) as registry:
        assert agrees(SketchIndex(path), registry.connection)
        assert packed_anew == ["rows", "rows"]
        assert agrees(SketchIndex(path), registry.connection)
        assert packed_anew == ["rows", "rows"]


def test_a_file_that_was_found_equal_is_taken_at_once_from_then_on(
    path: Path, filed: None, packed_anew: list[str]
) -> None:
    with Registry(path, read_only=True) as registry:
        SketchIndex(path).scan(registry.connection)
        packed_anew.clear()
        os.utime(path, (2, 2))  # as a copy of it has another time
        assert agrees(SketchIndex(path), registry.connection)
        assert packed_anew == ["digests", "digests"]
        assert agrees(SketchIndex(path), registry.connection)
        assert packed_anew == ["digests", "digests"]


def test_a_write_in_the_same_moment_is_not_missed(
    path: Path, packed_anew: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1_000_000_000_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: moment)
    with Registry(path, read_only=True) as registry:
        index = SketchIndex(path)
        os.utime(path, ns=(moment, moment))
        for _ in range(3):
            index.scan(registry.connection)
        assert packed_anew.count("digests") == 2  # of the third: a state of this moment is not relied on
        os.utime(path, ns=(moment - 1_000_000_000, moment - 1_000_000_000))
        index.scan(registry.connection)
        packed_anew.clear()
        index.scan(registry.connection)
        assert packed_anew == []


def cut_off(found: bytes) -> bytes:
    return found[: len(found) // 2]


def other_byte(found: bytes) -> bytes:
    return found[:100] + bytes([found[100] ^ 1]) + found[101:]


@pytest.mark.parametrize("spoilt", [cut_off, other_byte, lambda found: b"", lambda found: bytes(len(found))])
def test_a_spoilt_file_is_made_anew(
    path: Path, filed: None, spoilt: Callable[[bytes], bytes], packed_anew: list[str]
) -> None:
    with Registry(path, read_only=True) as registry:
        SketchIndex(path).scan(registry.connection)
        file = sketch_file.sketch_file(path)
        whole = file.read_bytes()
        file.unlink()
        file.write_bytes(spoilt(whole))
        packed_anew.clear()
        assert agrees(SketchIndex(path), registry.connection)
        assert packed_anew == ["rows", "rows"]
        assert file.read_bytes() == whole


@pytest.mark.parametrize(
    ("array", "entry"),
    [
        ("sketch.words", (1 << 40, "<u8", (54 * MODELS,))),
        ("sketch.words", (65_536, "<u8", (1 << 50,))),
        ("sketch.words", (65_536, "|O", (54 * MODELS,))),
        ("sketch.model", (65_536, "<u4", (3,))),
        ("sketch.component", (65_536, "<u2", (MODELS,))),
        ("sketch.shape", (65_536, "<u4", (MODELS,))),
        ("sketch.sizes", (65_536, "<i8", (1,))),
        ("sketch.filled", (65_536, "<f8", (3,))),
    ],
)
def test_a_forged_head_points_nowhere(
    path: Path, filed: None, array: str, entry: tuple[int, str, tuple[int, ...]]
) -> None:
    with Registry(path, read_only=True) as registry:
        SketchIndex(path).scan(registry.connection)
        file = sketch_file.sketch_file(path)
        head = sketch_file._read_head(file.read_bytes()[:65_536])
        state = sketch_file.open_sketch_file(path)
        assert state is not None
        forged = sketch_file._head(state.state, head["names"], head["placed"] | {array: entry})
        with file.open("r+b") as opened:
            opened.write(forged)
        assert sketch_file.open_sketch_file(path) is None
        assert agrees(SketchIndex(path), registry.connection)


def test_a_file_of_another_duckdb_is_made_anew(
    path: Path, filed: None, monkeypatch: pytest.MonkeyPatch, packed_anew: list[str]
) -> None:
    with Registry(path, read_only=True) as registry:
        SketchIndex(path).scan(registry.connection)
        packed_anew.clear()
        monkeypatch.setattr(duckdb, "__version__", "9.9.9")
        assert agrees(SketchIndex(path), registry.connection)
        assert packed_anew == ["rows", "rows"]


def test_where_no_file_can_be_kept_a_process_holds_the_rows_and_too_many_are_left_to_sql(
    path: Path, filed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: object, **named: object) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(tempfile, "mkstemp", refused)
    with Registry(path, read_only=True) as registry:
        index = SketchIndex(path)
        assert isinstance(index.scan(registry.connection), SqlScan)
        assert agrees(index, registry.connection)
        monkeypatch.setattr(sketch_packing, "MOST_IN_MEMORY", MODELS - 1)
        index = SketchIndex(path)
        for _ in range(3):
            assert isinstance(index.scan(registry.connection), SqlScan)
    assert sorted(p.name for p in path.parent.glob("registry*")) == ["registry.duckdb"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sketch SET positions = '101'::BIT WHERE model_id = 1005",
        "UPDATE sketch SET o_filled = NULL WHERE model_id = 1005",
        "UPDATE sketch SET o_filled = 'nan' WHERE model_id = 1005",
        "UPDATE sketch SET component = repeat('x', 300) WHERE model_id = 1005",
        "INSERT INTO sketch BY NAME SELECT * EXCLUDE (range) REPLACE ('part ' || range AS component)"
        " FROM sketch, range(1001) AS parts (range) WHERE model_id = 1005",
    ],
)
def test_rows_that_no_ingest_writes_are_left_to_sql(path: Path, filed: None, change: str) -> None:
    with Registry(path) as registry:
        registry.connection.execute(change)
        index = SketchIndex(path)
        for _ in range(2):
            assert isinstance(index.scan(registry.connection), SqlScan)
    assert sorted(p.name for p in path.parent.glob("registry*")) == ["registry.duckdb"]


def test_a_catalogue_is_scanned_in_sql() -> None:
    with duckdb.connect() as connection:
        assert isinstance(SketchIndex("ducklake:catalogue").scan(connection), SqlScan)


def test_rows_that_came_one_by_one_stay_in_few_blocks(path: Path) -> None:
    with Registry(path) as registry:
        index = SketchIndex(path)
        random = np.random.default_rng(3)
        for number in range(6):
            write_sketches(registry.connection, [(5_000 + number, random_sketch(random))])
            registry.connection.execute(f"DELETE FROM sketch WHERE model_id = {1_000 + number}")
            index.scan(registry.connection)
        scan = index.scan(registry.connection)
        assert isinstance(scan, PackedScan)
        rows = scan.packed.sketches.rows
        assert len(rows.blocks) == 1 and (rows.component == GONE).sum() == 4  # two were gone before packing
        assert agrees(index, registry.connection)


def test_readers_of_one_registry_share_its_packed_rows(path: Path) -> None:
    with Registry(path, read_only=True) as registry:
        first = registry.reader()
        other = registry.reader()
        first._scan(first.connection)
        scans = [one._scan(one.connection) for one in (first, other, registry)]
        assert all(isinstance(scan, PackedScan) for scan in scans)
        assert len({id(scan.packed) for scan in scans if isinstance(scan, PackedScan)}) == 1
        first.close()
        other.close()


def test_a_private_registry_has_private_sketches(path: Path, filed: None) -> None:
    path.chmod(0o600)
    with Registry(path, read_only=True) as registry:
        SketchIndex(path).scan(registry.connection)
    assert sketch_file.sketch_file(path).stat().st_mode & 0o777 == 0o600
