"""Registries that released versions wrote open here, and measure what those versions measured.

`versions/VERSION.duckdb.gz` was made by that version: `forebear ingest alder alder-docs alder-merge cedar` in a folder
of these four bundled models, then `forebear audit`. `versions/VERSION.json` holds what it said then: the ancestors of
each model, the findings of the audit, and `FROM ancestors('alder-docs')`.
"""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest

from forebear.ingest.errors import RegistryError
from forebear.registry import Registry
from forebear.registry.reports.ancestors import ancestor_rows
from forebear.registry.reports.numbers import plain
from forebear.registry.store.database import migrations

FOLDER = Path(__file__).parent / "versions"
VERSIONS = sorted(path.name.removesuffix(".duckdb.gz") for path in FOLDER.glob("*.duckdb.gz"))


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """A released version."""
    return str(request.param)


@pytest.fixture
def old(version: str, tmp_path: Path) -> Path:
    """The registry that it wrote."""
    path = tmp_path / "old.duckdb"
    path.write_bytes(gzip.decompress((FOLDER / f"{version}.duckdb.gz").read_bytes()))
    return path


@pytest.fixture
def said(version: str) -> dict[str, Any]:
    """What that version answered."""
    found: dict[str, Any] = json.loads((FOLDER / f"{version}.json").read_text(encoding="utf-8"))
    return found


def near(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose numbers may differ in the last digits: libraries add in another order."""
    return {k: pytest.approx(v, rel=1e-6, abs=1e-9) if isinstance(v, float) else v for k, v in row.items()}


def test_there_is_a_registry_of_the_first_release() -> None:
    assert "0.1.0" in VERSIONS


MEASURED = ("identity", "distance")
ONE_MORE_KIND = math.log10(4 / 3)
"""What every E-value grew by when activations became a kind to be corrected for."""
CORRECTED = {
    ("alder", "cedar"): -0.48522738593055476,
    ("alder-docs", "cedar"): -0.45076513371652577,
    ("alder-merge", "cedar"): -0.423196387775616,
    ("cedar", "alder"): -1.0595515818651546,
    ("cedar", "alder-docs"): -0.9221923548630859,
    ("cedar", "alder-merge"): -0.7863758237680463,
}
"""log10 E-values of cedar, which is related to none, by gram: its null takes the middle of magnitudes out of models of
four layers too now, the choice of a block is corrected by Sidak, and what is not significant pays for what unrelated
models were seen to do (it was 3 or nearly)."""


def test_an_old_registry_measures_after_migration_what_it_did(old: Path, said: dict[str, Any]) -> None:
    """Ranks and verdicts follow rules that changed with 0.2, and coverage counts more; what was measured did not."""
    with Registry(old) as registry:
        assert [model.name for model in registry.models()] == list(said["answers"])
        for name, answer in said["answers"].items():
            now = {row["name"]: row for row in ancestor_rows(registry.ancestors(name))}
            before = {row["name"]: row for row in answer["ancestors"]}
            assert now.keys() == before.keys()
            for other, row in before.items():
                assert {k: plain(now[other][k]) for k in MEASURED} == near({k: row[k] for k in MEASURED}), other
                assert 0 <= float(str(now[other]["coverage"])) <= row["coverage"] + 1e-9, "what was left out counts now"
                grown = min(row["log10_evalue"] + ONE_MORE_KIND, math.log10(len(before)))
                expected = CORRECTED.get((name, other), grown)
                assert now[other]["log10_evalue"] == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_the_audits_of_an_old_registry_are_kept_and_a_new_one_takes_nothing_over(
    old: Path, said: dict[str, Any]
) -> None:
    """Their pairs were judged by rules that are no longer held."""
    with Registry(old) as registry:
        before, after = registry.audit_report(1), registry.audit()
        rows = [{key: row[key] for key in said["findings"][0]} for row in before.table.to_pylist()]
        assert rows == [near(row) for row in said["findings"]]
        assert after.run.carried == 0 and after.run.evaluated == before.run.evaluated


def test_the_macros_of_an_old_registry_rank_as_they_did(old: Path, said: dict[str, Any]) -> None:
    """Sketches are as they were; identities count embeddings too and cut outliers, as those of the command do."""
    with Registry(old) as registry:
        found = registry.connection.sql("FROM ancestors('alder-docs')").to_arrow_table().to_pylist()
        kept = ("rank", "name", "source", "component", "position_z", "gram_z", "declared")
        assert [{k: row[k] for k in kept} for row in found] == [near({k: row[k] for k in kept}) for row in said["sql"]]
        assert [row["identity"] for row in found] == pytest.approx([row["identity"] for row in said["sql"]], abs=0.01)


def test_an_old_registry_that_is_only_read_says_what_to_do_and_stays_as_it_is(old: Path) -> None:
    before = old.read_bytes()
    with pytest.raises(RegistryError, match="open it once for writing"):
        Registry(old, read_only=True)
    assert old.read_bytes() == before
    Registry(old).close()
    with Registry(old, read_only=True) as registry:
        applied = registry.connection.execute("SELECT name FROM migration ORDER BY version").fetchall()
    assert [name for (name,) in applied] == [name for _, name, _ in migrations()]
