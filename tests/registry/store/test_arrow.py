"""What strangers' names, configs and shapes become in the registry's rows: nothing that a query could not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from forebear.queries.sql import statement
from forebear.registry import Registry

from ...writers import llama, model_files, write_files

TENSORS = llama()
LAST = {name.replace("layers.1.", "layers.99999."): values for name, values in TENSORS.items()}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry.duckdb")


def test_a_layer_of_any_number_leaves_the_questions_of_sql_answered(tmp_path: Path, registry: Registry) -> None:
    """One more than the highest number has to fit in the column's 16 bits."""
    for name, tensors in (("plain", TENSORS), ("high", LAST)):
        write_files(tmp_path / name, model_files(tensors))
    with registry:
        registry.ingest(tmp_path / "plain", tmp_path / "high")
        ask = registry.connection.execute
        assert ask("SELECT max(layer) FROM tensor").fetchall() == [(65534,)]
        assert ask("SELECT name FROM ancestors('plain')").fetchall() == [("high",)]


def test_a_config_with_half_a_character_is_json_for_duckdb_too(tmp_path: Path, registry: Registry) -> None:
    files = model_files(TENSORS) | {"config.json": b'{"model_type": "llama", "note": "\\ud800 \\ud83d\\ude00 \\u00e9"}'}
    write_files(tmp_path / "odd", files)
    with registry:
        registry.ingest(tmp_path / "odd")
        ((note,),) = registry.connection.execute("SELECT config::JSON->>'note' FROM model").fetchall()
    assert note == "? \U0001f600 é"


def test_more_parameters_than_64_bits_count_are_shown(tmp_path: Path, registry: Registry) -> None:
    write_files(tmp_path / "one", model_files(TENSORS))
    with registry:
        registry.ingest(tmp_path / "one")
        registry.connection.execute("UPDATE tensor SET represents = 18446744073709551615")
        rows = registry.connection.execute(statement("show/components"), {"model_id": 1}).fetchall()
        assert (1 << 64) - 1 in rows[0]
