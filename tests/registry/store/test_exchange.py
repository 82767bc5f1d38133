"""A registry goes to Parquet and comes back as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forebear.registry import FormatError, Registry, RegistryError

from ..conftest import MakeModel, Run


@pytest.fixture
def filled(tmp_path: Path, make_model: MakeModel) -> Path:
    path = tmp_path / "filled.duckdb"
    with Registry(path) as registry:
        registry.ingest(*(make_model(name, seed) for seed, name in enumerate(("ash", "beech", "cedar"))))
        registry.remove("beech")
    return path


def contents(path: Path) -> dict[str, list[str]]:
    with Registry(path, read_only=True) as registry:
        names = [n for (n,) in registry.connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {name: sorted(repr(row) for row in registry.connection.table(name).fetchall()) for name in names}


def test_a_new_registry_becomes_equal_to_the_exported_one(filled: Path, tmp_path: Path) -> None:
    with Registry(filled, read_only=True) as registry:
        exported = registry.export(tmp_path / "out")
    with Registry(tmp_path / "back.duckdb") as registry:
        imported = registry.import_(tmp_path / "out")
    assert (exported.models, imported.models, imported.unchanged, imported.left) == (2, 2, 0, ())
    before, after = contents(filled), contents(tmp_path / "back.duckdb")
    del before["migration"], after["migration"]  # when they were applied differs
    assert before == after


def test_ids_go_on_after_the_imported_ones(filled: Path, tmp_path: Path, make_model: MakeModel) -> None:
    with Registry(filled, read_only=True) as registry:
        registry.export(tmp_path / "out")
    with Registry(tmp_path / "back.duckdb") as registry:
        registry.import_(tmp_path / "out")
        registry.ingest(make_model("dogwood", 9))
        assert [m.model_id for m in registry.models()] == [1, 3, 4]


def test_what_is_there_already_stays_and_the_rest_gets_new_ids(
    filled: Path, tmp_path: Path, make_model: MakeModel
) -> None:
    with Registry(filled, read_only=True) as registry:
        registry.export(tmp_path / "out")
        expected = registry.ancestors("cedar").components
    with Registry(tmp_path / "other.duckdb") as registry:
        registry.ingest(make_model("elm", 7), tmp_path / "ash")
        imported = registry.import_(tmp_path / "out")
        assert (imported.models, imported.unchanged) == (1, 1)
        assert {m.name: m.model_id for m in registry.models()} == {"elm": 1, "ash": 2, "cedar": 3}
        found = registry.ancestors("cedar").components
        assert [a.name for a in found[0].ancestors] == ["ash", "elm"] or [a.name for a in found[0].ancestors] == [
            "elm",
            "ash",
        ]
        assert [a.identity for a in found[0].ancestors if a.name == "ash"] == [
            a.identity for a in expected[0].ancestors if a.name == "ash"
        ]
        again = registry.import_(tmp_path / "out")
        assert (again.models, again.unchanged, again.rows) == (0, 2, 0)


def test_other_engines_read_the_parts(filled: Path, tmp_path: Path) -> None:
    with Registry(filled, read_only=True) as registry:
        registry.export(tmp_path / "out")
    sketches = pq.read_table(tmp_path / "out" / "sketch" / "block=000000" / "part.parquet")
    assert sketches.schema.field("positions").type == pa.binary()
    assert {len(value) for value in sketches["positions"].to_pylist()} == {7 * 256 // 8}
    rows = duckdb.read_parquet(f"{tmp_path}/out/tensor/*/*.parquet").fetchall()
    assert len(rows) == json.loads((tmp_path / "out" / "manifest.json").read_text())["rows"]["tensor"]


def test_an_export_never_overwrites(filled: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with Registry(filled, read_only=True) as registry, pytest.raises(RegistryError, match="not empty"):
        registry.export(tmp_path / "out")
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"


def test_an_export_removes_only_what_it_made(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "out.partial" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("keep")
    before = set(tmp_path.iterdir())
    with Registry(filled, read_only=True) as registry:
        with monkeypatch.context() as patched:
            patched.setattr(pq.ParquetWriter, "write_batch", full_disk)
            with pytest.raises(OSError, match="No space"):
                registry.export(tmp_path / "out")
        assert set(tmp_path.iterdir()) == before
        registry.export(tmp_path / "out")
    assert mine.read_text() == "keep"


def full_disk(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.fixture
def exported(filled: Path, tmp_path: Path) -> Path:
    with Registry(filled, read_only=True) as registry:
        registry.export(tmp_path / "out")
    return tmp_path / "out"


def refused(folder: Path, registry: Path, error: type[Exception], match: str) -> None:
    with Registry(registry) as opened:
        with pytest.raises(error, match=match):
            opened.import_(folder)
        assert opened.models() == []


def test_a_missing_part_imports_nothing(exported: Path, tmp_path: Path) -> None:
    (exported / "positions" / "block=000000" / "part.parquet").unlink()
    refused(exported, tmp_path / "back.duckdb", FormatError, "a part is missing")


def test_a_broken_part_imports_nothing(exported: Path, tmp_path: Path) -> None:
    part = exported / "tensor" / "block=000000" / "part.parquet"
    part.write_bytes(part.read_bytes()[:-100])
    refused(exported, tmp_path / "back.duckdb", FormatError, "not what `forebear export` writes")


def test_a_part_with_other_columns_imports_nothing(exported: Path, tmp_path: Path) -> None:
    part = exported / "tensor" / "block=000000" / "part.parquet"
    pq.write_table(pq.ParquetFile(part).read().drop_columns(["hash"]), part)
    refused(exported, tmp_path / "back.duckdb", FormatError, "columns")


def rewritten(folder: Path, table: str, column: str, change: Callable[[pa.ChunkedArray], pa.Array]) -> None:
    """One column of an exported table, changed as a stranger could."""
    part = folder / table / "block=000000" / "part.parquet"
    rows = pq.ParquetFile(part).read()
    pq.write_table(rows.set_column(rows.column_names.index(column), column, change(rows[column])), part)


def with_first(value: object) -> Callable[[pa.ChunkedArray], pa.Array]:
    return lambda column: pa.array([value, *column.to_pylist()[1:]], column.type)


@pytest.mark.parametrize(
    ("table", "column", "change", "reason"),
    [
        ("model", "model_id", lambda c: pa.array(["a"] * len(c)), "model_id is VARCHAR"),
        ("model", "uri", lambda c: pa.array(range(len(c))), "uri is BIGINT"),
        ("model", "model_id", with_first(4_000_000_000), "over the limit of 10000000"),
        ("model", "model_id", with_first(None), "without a model_id"),
        ("tensor", "model_id", with_first(None), "without a model_id"),
        ("tensor", "mean", with_first(float("inf")), "mean holds values that are no numbers"),
        ("tensor", "layer", with_first(65535), "layer 65535 is over the limit of 65534"),
        ("positions", "value", with_first([float("nan")] * 256), "no numbers"),
        ("positions", "value", with_first([None] * 256), "no numbers"),
        ("positions", "value", lambda c: pa.array([v[:5] for v in c.to_pylist()], pa.list_(pa.float32())), "length 5"),
    ],
)
def test_a_forged_column_imports_nothing(
    exported: Path,
    tmp_path: Path,
    table: str,
    column: str,
    change: Callable[[pa.ChunkedArray], pa.Array],
    reason: str,
) -> None:
    rewritten(exported, table, column, change)
    refused(exported, tmp_path / "back.duckdb", FormatError, reason)


def test_rows_beyond_the_manifest_are_refused_before_they_are_read(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = exported / "skipped_tensor" / "block=000000" / "part.parquet"
    part.parent.mkdir(parents=True)
    count = 100_000
    columns = {"model_id": pa.array([1] * count, pa.uint32()), "parameters": pa.array([1] * count, pa.uint64())}
    columns |= {name: pa.array(["x"] * count) for name in ("name", "reason", "component")}
    pq.write_table(pa.table(columns), part)
    monkeypatch.delattr(pq.ParquetFile, "iter_batches")
    refused(exported, tmp_path / "back.duckdb", FormatError, "its manifest says")


def test_lists_of_the_right_length_stand_for_arrays(exported: Path, tmp_path: Path) -> None:
    rewritten(exported, "positions", "value", lambda c: pa.array(c.to_pylist(), pa.list_(pa.float32())))
    with Registry(tmp_path / "back.duckdb") as registry:
        assert registry.import_(exported).models == 2


@pytest.mark.parametrize(
    ("table", "column", "value", "reason"),
    [
        ("tensor", "shape", [1 << 63, 1 << 63], "was altered"),
        ("tensor", "shape", [], "none was sampled"),
        ("tensor", "sampled", 0, "none was sampled"),
        ("sketch", "component", "x'; DROP", "ingest it again"),
    ],
)
def test_questions_to_forged_rows_are_errors(
    exported: Path, tmp_path: Path, table: str, column: str, value: object, reason: str
) -> None:
    rewritten(exported, table, column, lambda c: pa.array([value] * len(c), c.type))
    with Registry(tmp_path / "back.duckdb") as registry:
        registry.import_(exported)
        with pytest.raises(RegistryError, match=reason):
            registry.ancestors("cedar")


def test_a_flipped_byte_in_a_part_imports_nothing(exported: Path, tmp_path: Path) -> None:
    part = exported / "positions" / "block=000000" / "part.parquet"
    data = bytearray(part.read_bytes())
    data[60] ^= 0xFF
    part.write_bytes(data)
    refused(exported, tmp_path / "back.duckdb", FormatError, "not what `forebear export` writes|no numbers")


@pytest.mark.parametrize(
    "linked", ["setting/part.parquet", "tensor/block=000000/part.parquet", "manifest.json", "model"]
)
def test_a_link_among_the_files_of_an_export_is_never_followed(exported: Path, tmp_path: Path, linked: str) -> None:
    (exported / linked).rename(tmp_path / "elsewhere")
    (exported / linked).symlink_to(tmp_path / "elsewhere")
    refused(exported, tmp_path / "back.duckdb", FormatError, "a link; put the file itself there")


def test_other_fingerprints_are_never_mixed(exported: Path, tmp_path: Path) -> None:
    part = exported / "setting" / "part.parquet"
    table = pq.ParquetFile(part).read()
    values = ["999" if n == "fingerprint_version" else v for n, v in zip(*table.to_pydict().values(), strict=True)]
    pq.write_table(table.set_column(1, "value", pa.array(values)), part)
    refused(exported, tmp_path / "back.duckdb", RegistryError, "999")


def test_an_export_of_another_schema_is_refused(exported: Path, tmp_path: Path) -> None:
    manifest = json.loads((exported / "manifest.json").read_text())
    manifest["migrations"].append("9999_future")
    (exported / "manifest.json").write_text(json.dumps(manifest))
    refused(exported, tmp_path / "back.duckdb", RegistryError, "9999_future")


def test_a_folder_without_a_manifest_is_no_export(tmp_path: Path) -> None:
    refused(tmp_path, tmp_path / "back.duckdb", RegistryError, "no manifest")


def test_the_commands_say_what_they_did(run: Run, filled: Path, tmp_path: Path) -> None:
    out = run("export", tmp_path / "out", "--registry", filled)
    assert (out.code, out.out) == (0, "") and "2 models" in out.err
    back = run("import", tmp_path / "out", "--registry", tmp_path / "back.duckdb", "--format", "json")
    assert back.code == 0
    assert json.loads(back.out)["imported"]["models"] == 2
