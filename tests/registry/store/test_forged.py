"""Strangers' registries and exports, made at random: no file outside is read, no crash, no ancestor that is none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from forebear.ingest.errors import ForebearError
from forebear.registry import Registry

from .forged import SECRET, Asked, ask_all, forge_export, forge_file

ZOO = Path(__file__).parents[2] / "zoo" / "models"
EXAMPLES = int(os.environ.get("FOREBEAR_FORGED", "6"))
QUERY = ZOO / "cedar"
"""Related to nothing in the registries that are forged."""
seeds = st.integers(0, (1 << 32) - 1)
often = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=EXAMPLES <= 6,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of a registry, its export, and a secret beside them."""
    folder = tmp_path_factory.mktemp("good")
    (folder / "secret").write_text(SECRET)
    pq.write_table(pa.table({"model_id": pa.array([1], pa.uint32()), "content": [SECRET]}), folder / "secret.parquet")
    with Registry(folder / "good.duckdb") as registry:
        registry.ingest(*(ZOO / name for name in ("alder", "alder-docs", "birch")))
        registry.export(folder / "export")
    yield folder


def blameless(asked: Asked) -> None:
    """Nothing of the host was read, and no model was called the ancestor of one that is related to none."""
    assert SECRET not in asked.said
    assert "derived" not in asked.verdicts


@given(seed=seeds, read_only=st.booleans())
@often
def test_a_forged_registry_reads_nothing_crashes_nothing_and_makes_no_ancestor(
    good: Path, tmp_path_factory: pytest.TempPathFactory, seed: int, read_only: bool
) -> None:
    path = tmp_path_factory.mktemp("forged") / "theirs.duckdb"
    note(f"changes: {forge_file(seed, good / 'good.duckdb', path, good / 'secret')}")
    blameless(ask_all(path, QUERY, read_only=read_only))


@given(seed=seeds)
@often
def test_a_forged_export_reads_nothing_crashes_nothing_and_makes_no_ancestor(
    good: Path, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("forged")
    note(f"changes: {forge_export(seed, good / 'export', folder / 'export', good / 'secret')}")
    with Registry(folder / "mine.duckdb") as registry:
        try:
            registry.import_(folder / "export")
        except ForebearError as error:
            assert SECRET not in str(error)
            assert registry.models() == []
            return
    blameless(ask_all(folder / "mine.duckdb", QUERY, read_only=False))
