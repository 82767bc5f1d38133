"""What SQL says once in a macro is what Python says: sizes and z of sketches, kinds, names, corrections, columns."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import duckdb
import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.ingest.fingerprint.gram import COSINES
from forebear.ingest.fingerprint.minhash import PERMUTATIONS
from forebear.ingest.fingerprint.positions import MATRIX_VALUES
from forebear.queries.data.component import Component, components_meet
from forebear.queries.evidence.kinds import KINDS
from forebear.queries.search.all_pairs import near_pairs, sketches_by_kind
from forebear.queries.sql import statement
from forebear.queries.thresholds.significance import SIGNIFICANT_LOG10_E
from forebear.registry import Registry
from forebear.registry.audit.run import AuditOptions
from forebear.registry.store.models import Model

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The connection to an empty registry."""
    with Registry(tmp_path / "registry.duckdb") as registry:
        yield registry.connection


def number(connection: duckdb.DuckDBPyConnection, call: str, *values: object) -> float:
    """What a macro returns."""
    return float(connection.execute(f"SELECT {call}", list(values)).fetchall()[0][0])


def z_of_signs(width: int, roles: int, other_roles: int, first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """(agreeing - disagreeing) / sqrt(n) of the n bits of the roles that either sketch has."""
    counted = width * (roles | other_roles).bit_count()
    apart = int(np.bitwise_count(first ^ second).sum())
    return (counted - 2 * apart) / math.sqrt(max(counted, 1))


def signs(rng: np.random.Generator, width: int, roles: int, count: int) -> NDArray[np.uint8]:
    """Packed random signs, zeros for absent roles."""
    bits = rng.integers(0, 2, (count, width), np.uint8)
    bits[[role for role in range(count) if not roles >> role & 1]] = 0
    return np.packbits(bits)


@pytest.mark.parametrize(
    ("macro", "width", "count"), [("position_z", MATRIX_VALUES, 7), ("gram_z", COSINES, 5)], ids=["positions", "gram"]
)
def test_the_z_of_signs_is_that_of_numpy(empty: duckdb.DuckDBPyConnection, macro: str, width: int, count: int) -> None:
    rng = np.random.default_rng(3)
    for roles, other in [(2**count - 1, 2**count - 1), (1, 2), (0, 0), (0, 1), (0b101, 0b1111 >> 1)]:
        first, second = (signs(rng, width, mask, count) for mask in (roles, other))
        values = (roles, first.tobytes(), other, second.tobytes())
        found = number(empty, f"{macro}(?::UTINYINT, ?::BLOB::BIT, ?::UTINYINT, ?::BLOB::BIT)", *values)
        assert found == pytest.approx(z_of_signs(width, roles, other, first, second), rel=1e-12)


def test_the_z_of_column_sets_is_standard_normal_for_sets_that_share_what_chance_gives(
    empty: duckdb.DuckDBPyConnection,
) -> None:
    rng = np.random.default_rng(4)
    filled, other = (0.3, 0.2), (0.25, 0.1)
    found = []
    for _ in range(400):
        rows = rng.integers(0, 256, (2, 2, PERMUTATIONS), np.uint8)
        for role in (0, 1):
            shared = filled[role] * other[role]
            equal = rng.random(PERMUTATIONS) < shared / (filled[role] + other[role] - shared)
            rows[1, role, equal] = rows[0, role, equal]
        call = "column_z(?::BLOB::BIT, ?, ?, ?::BLOB::BIT, ?, ?)"
        found.append(number(empty, call, rows[0].tobytes(), *filled, rows[1].tobytes(), *other))
    assert abs(np.mean(found)) < 3 / math.sqrt(400)
    assert 0.85 < np.std(found) < 1.15


def test_sketches_of_the_zoo_have_the_same_z_in_numpy_and_in_sql(zoo_registry: Path) -> None:
    with Registry(zoo_registry, read_only=True) as registry:
        connection = registry.connection
        ids = [model.model_id for model in registry.models()]
        table = connection.sql(statement("search/all_sketches"), params={"models": ids}).to_arrow_table()
        rows = connection.execute(
            "SELECT a.model_id, b.model_id, greatest("
            " position_z(a.position_roles, a.positions, b.position_roles, b.positions),"
            " gram_z(a.gram_roles, a.gram, b.gram_roles, b.gram),"
            " column_z(a.column_bits, a.o_filled, a.down_filled, b.column_bits, b.o_filled, b.down_filled))"
            " FROM sketch AS a JOIN sketch AS b ON a.model_id != b.model_id"
            " AND component_kind(a.component) = component_kind(b.component)"
        ).fetchall()
        others = connection.execute(
            "SELECT a.model_id, b.model_id, 32 - bit_count(xor(a.signs, b.signs)) / 16"
            " FROM activation_sketch AS a JOIN activation_sketch AS b ON a.model_id != b.model_id"
        ).fetchall()
    by_sql = {(first, second): z for first, second, z in rows}
    by_activations = {(first, second): z for first, second, z in others}
    compared = 0
    for sketches in sketches_by_kind(table).values():
        for near in near_pairs(sketches, sketches, models=len(ids), nearest=True):
            for query, column, z in zip(near.query, near.column, near.z, strict=True):
                pair = int(sketches.model[query]), int(sketches.model[column])
                largest = max(by_sql[pair], by_activations.get(pair, -np.inf))
                assert z <= largest + 1e-4  # a kind that is left out below its bound may be larger in SQL
                compared += bool(min(abs(z - by_sql[pair]), abs(z - by_activations.get(pair, np.inf))) < 1e-4)
    assert compared > 150


def kind_in_python(name: str) -> str:
    """`Component.kind`, which needs the component's name alone."""
    return str(vars(Component)["kind"].fget(SimpleNamespace(name=name)))


def test_sql_and_python_agree_what_a_component_is_compared_by(empty: duckdb.DuckDBPyConnection) -> None:
    names = ("language", "encoder", "decoder", "vision", "audio", "adapter", "projector", "encoder_2")
    rows = empty.execute("SELECT component_kind(unnest(?))", [list(names)]).fetchall()
    assert [kind for (kind,) in rows] == [kind_in_python(name) for name in names]


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("org/ash", {1, 4}),
        ("hf://org/ash", {1, 4}),
        ("ash", {1, 2, 3, 4}),
        ("file:///m/ash", {2}),
        ("other/ash", {3}),
        ("hf://ash", {2}),
        ("rg/ash", set()),
        ("ASH", {1, 2, 3, 4}),
        ("ash/", {1, 2, 3, 4}),
        ("ash@main", {1, 2, 3, 4}),
        ("models--ash", {1, 2, 3, 4}),
        ("Org/Ash", {1, 4}),
        ("org/ash/", {1, 4}),
        (" org/ash ", {1, 4}),
        ("org/ash@main", {1, 4}),
        ("org/ash@abcdef1", {4}),
        ("org/ash@refs/pr/1", {1, 4}),
        ("https://huggingface.co/org/ash", {1, 4}),
        ("https://huggingface.co/Org/Ash/", {1, 4}),
        ("http://hf.co/org/ash/tree/abcdef1234", {4}),
        ("https://huggingface.co/org/ash/resolve/main/model.safetensors?download=true", {1, 4}),
        ("/root/.cache/huggingface/hub/models--Org--Ash/snapshots/abcdef1234/", {4}),
        ("models--org--ash", {1, 4}),
        ("/m/ash", {2}),
        ("/m/ash/", {2}),
        ("/m/Ash", set()),
        ("./ash", set()),
        ("https://example.org/org/ash", set()),
        ("https://huggingface.co/datasets/org/ash", set()),
        ("", set()),
        ("/", set()),
        (" ", set()),
        ("org/", set()),
        ("file:///m", set()),
    ],
)
def test_a_declared_name_means_a_name_a_uri_or_any_organisation_in_any_spelling(
    empty: duckdb.DuckDBPyConnection, spelled: str, meant: set[int]
) -> None:
    models = [(1, "hf://org/ash", "org/ash"), (2, "file:///m/ash", "ash"), (3, "hf://other/ash", "other/ash")]
    for model, uri, name in [*models, (4, "hf://org/ash", "Org/ash"), (5, "file:///m/elm", "elm")]:
        empty.execute(
            "INSERT INTO model BY NAME SELECT ?::UINTEGER AS model_id, ? AS uri, ? AS name, '' AS state, '' AS content,"
            " '' AS format, now()::TIMESTAMP AS ingested_at, 1 AS tensors, 1 AS parameters, 1 AS bytes_total,"
            " 1 AS bytes_read, 1 AS requests, '{}' AS config",
            [model, uri, name],
        )
    empty.execute("UPDATE model SET revision = 'abcdef1234' WHERE model_id = 4")
    found = empty.execute("FROM named_models($names)", {"names": [spelled, spelled]}).fetchall()
    assert sorted(found) == sorted((spelled, model) for model in meant)


def test_the_correction_of_sql_is_that_of_the_evidence(empty: duckdb.DuckDBPyConnection) -> None:
    for models in (0, 1, 17, 10**6):
        expected = math.log10(len(KINDS)) + math.log10(max(1, models))
        assert number(empty, "evalue_correction(?, ?)", len(KINDS), models) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["stale", "carry_pairs"])
def test_no_bound_of_significance_and_no_number_of_kinds_stands_in_sql(name: str) -> None:
    text = "\n".join(line.partition("--")[0] for line in statement(f"audit/{name}").splitlines())
    assert "log10(3)" not in text and "-3" not in text
    assert ("$kinds" in text) == (name == "stale"), "what is taken over is scaled by the models alone"
    assert AuditOptions().max_log10_e == SIGNIFICANT_LOG10_E


def test_the_columns_of_a_model_are_the_fields_of_its_record(empty: duckdb.DuckDBPyConnection) -> None:
    assert empty.table("model_row").columns == [field.name for field in fields(Model)]


SAID_ONCE = {
    "'encoder', 'decoder'": 1,
    "starts_with(spelled, 'hf://')": 1,
    "position_roles |": 0,
    "- 2 * bit_count(": 1,
}
"""What only the macros of 0008 say, besides the migrations that are older."""


@pytest.mark.parametrize(("words", "times"), SAID_ONCE.items())
def test_no_statement_says_again_what_a_macro_says(words: str, times: int) -> None:
    files = [*(ROOT / "queries").rglob("*.sql"), *(p for p in (ROOT / "schema").glob("*.sql") if p.name >= "0008")]
    assert sum(path.read_text(encoding="utf-8").count(words) for path in files) == times


def test_which_components_meet_is_the_same_in_both(empty: duckdb.DuckDBPyConnection) -> None:
    names = ["language", "encoder", "decoder", "vision", "audio", "denoiser", "adapter", "network", ""]
    pairs = list(itertools.product(names, names))
    met = [empty.execute("SELECT components_meet(?, ?)", pair).fetchall()[0][0] for pair in pairs]
    assert met == [components_meet(*pair) for pair in pairs]
    assert met == [components_meet(second, first) for first, second in pairs]
    assert components_meet("encoder", "audio") and components_meet("encoder", "vision")
    assert not components_meet("vision", "audio") and not components_meet("decoder", "audio")
