"""Names by keys are those that SQL finds, whatever was written to the registry since; what is declared is exact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from forebear.queries.data.query import Query
from forebear.queries.search.declared import declared_kin
from forebear.queries.search.names import KeyedNames, SqlNames
from forebear.registry import Registry
from forebear.registry.store import name_keys
from forebear.registry.store.file_state import State
from forebear.registry.store.name_keys import NameKeys, mend_name_keys, read_name_keys
from forebear.registry.store.sketch_file import open_sketch_file, write_sketch_file

NAMES = (
    "org/base",
    "base",
    "Other/Base",
    "org/child",
    "org/baseline",
    "org/a_b",
    "org/axb",
    "/models/base",
    "org/100%",
)
SPELLED = (
    "org/base",
    "hf://Org/Base@main",
    "https://huggingface.co/other/base/tree/main",
    "/home/x/.cache/huggingface/hub/models--org--base",
    "base",
    "BASE/",
    "/models/base",
    "org/a_b",
    "org/100%",
    "nobody",
    "/",
    "",
)


def put(connection: duckdb.DuckDBPyConnection, model_id: int, name: str, *parents: str, content: str = "") -> None:
    uri = f"file://{name}" if name.startswith("/") else f"hf://{name}"
    connection.execute(
        "INSERT INTO model VALUES ($id, $uri, NULL, $name, '', $content, '', NULL, NULL, NULL, NULL,"
        " TIMESTAMP '2026-01-01', 0, 0, 0, 0, 0, '', 2)",
        {"id": model_id, "name": name, "uri": uri, "content": content},
    )
    for parent in parents:
        connection.execute("INSERT INTO declared_parent VALUES ($id, $p, 'card', NULL)", {"id": model_id, "p": parent})


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with Registry(tmp_path / "registry.duckdb") as registry:
        for model_id, name in enumerate(NAMES, 1):
            put(
                registry.connection,
                model_id,
                name,
                *SPELLED[model_id % 4 : model_id % 5 + 3],
                content=f"c{model_id % 3}",
            )
        yield registry.connection


def found(names: SqlNames | KeyedNames) -> dict[str, list[int]]:
    """What all questions find."""
    answers = {"": names.called(SPELLED)} | {f"called {text}": names.called([text]) for text in SPELLED}
    answers |= {f"declaring {text}": names.declaring([text]) for text in SPELLED}
    return answers | {f"holding {content}": names.holding(content) for content in ("c0", "c1", "c2", "c9")}


def test_keys_find_what_sql_finds(connection: duckdb.DuckDBPyConnection) -> None:
    in_sql = found(SqlNames(connection))
    assert found(KeyedNames(connection, read_name_keys(connection).keys)) == in_sql
    assert in_sql["called org/base"] == [1, 2, 3, 8] and in_sql["called nobody"] == in_sql["called /"] == []
    assert in_sql["called org/a_b"] == [6] and in_sql["holding c1"] == [1, 4, 7] and in_sql["declaring base"]
    assert SqlNames(connection).called([]) == KeyedNames(connection, name_keys.NO_KEYS.keys).called([]) == []


CHANGES = {
    "a model more": "INSERT INTO model SELECT 90, * EXCLUDE model_id FROM model WHERE model_id = 1",
    "a parent more": "INSERT INTO declared_parent VALUES (4, 'org/base', 'card', NULL)",
    "a model and its parents under another number": (
        "UPDATE model SET model_id = 91 WHERE model_id = 2; UPDATE declared_parent SET model_id = 91 WHERE model_id = 2"
    ),
    "another name": "UPDATE model SET name = 'org/new', uri = 'hf://org/base' WHERE model_id = 4",
    "another content": "UPDATE model SET content = 'c9' WHERE model_id = 5",
    "nothing": "SELECT 1",
}


@pytest.mark.parametrize("few", [0.0, 1.1], ids=["read again", "mended"])
@pytest.mark.parametrize("change", CHANGES)
def test_keys_are_those_of_the_registry_as_it_is(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, change: str, few: float
) -> None:
    held = read_name_keys(connection)
    monkeypatch.setattr(name_keys, "_MOST_CHANGED", few)
    connection.execute(CHANGES[change]).fetchall()
    mended = mend_name_keys(connection, held)
    assert (mended is held) == (change == "nothing")
    in_sql, by_keys = found(SqlNames(connection)), found(KeyedNames(connection, mended.keys))
    assert all(set(by_keys[question]) >= set(models) for question, models in in_sql.items())
    assert few or by_keys == in_sql
    assert mend_name_keys(connection, mended) is mended


def test_what_is_gone_is_declared_by_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    keys = read_name_keys(connection).keys
    query = Query(4, ("org/child", "hf://org/child"), ("org/base", "base@1234567"), (), ())
    before = declared_kin(connection, SqlNames(connection), query)
    assert declared_kin(connection, KeyedNames(connection, keys), query) == before and before[1] == (True, False)
    connection.execute("DELETE FROM model WHERE model_id < 3; DELETE FROM declared_parent WHERE model_id < 3")
    after = declared_kin(connection, KeyedNames(connection, keys), query)
    assert after == declared_kin(connection, SqlNames(connection), query) and 1 not in after
    assert declared_kin(connection, SqlNames(connection), replace(query, declared=(), own=())) == {}


def test_what_is_written_while_keys_are_read_is_found_later(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = name_keys._keys

    def overtaken(*asked: Any) -> Any:
        found = read(*asked)
        put(connection, 70, "org/overtaken")
        return found

    with monkeypatch.context() as patched:
        patched.setattr(name_keys, "_keys", overtaken)
        held = read_name_keys(connection)
    assert KeyedNames(connection, held.keys).called(["org/overtaken"]) == []
    assert KeyedNames(connection, mend_name_keys(connection, held).keys).called(["org/overtaken"]) == [70]


def test_keys_are_kept_in_the_file(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "registry.duckdb"
    write_sketch_file(connection, path, State((1, 1), (0, 0)))
    kept = open_sketch_file(path)
    assert kept
    assert found(KeyedNames(connection, kept.packing.names.keys)) == found(SqlNames(connection))
    assert mend_name_keys(connection, kept.packing.names) is kept.packing.names


def test_one_key_of_many_models_leads_to_all() -> None:
    random = np.random.default_rng(0)
    key = random.integers(0, 50, 1_000).astype(np.uint64)
    model = random.integers(0, 900, 1_000).astype(np.uint32)
    keys = NameKeys.of(key, model, key).keys
    for wanted in ([], [3], [3, 3, 7], [60]):
        assert keys.of(wanted) == sorted({int(m) for k, m in zip(key, model, strict=True) if int(k) in wanted})
