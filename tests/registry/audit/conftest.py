"""Registries that an audit may write to, and what tests ask of its report."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forebear.registry import AuditReport, Registry

Row = dict[str, Any]


@pytest.fixture
def zoo_copy(zoo_registry: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(zoo_registry, tmp_path / "zoo.duckdb"))


@pytest.fixture
def registry(zoo_copy: Path) -> Iterator[Registry]:
    with Registry(zoo_copy) as opened:
        yield opened


def found(report: AuditReport, **wanted: object) -> list[Row]:
    rows: list[Row] = report.table.to_pylist()
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def names(rows: list[Row]) -> set[tuple[str, str]]:
    return {(row["query"], row["relative"]) for row in rows}


def declare(registry: Registry, model: str, parent: str, relation: str | None = None) -> None:
    registry.connection.execute(
        "INSERT INTO declared_parent VALUES (?, ?, 'card', ?)", [registry.model(model).model_id, parent, relation]
    )


def license_as(registry: Registry, model: str, licence: str | None) -> None:
    registry.connection.execute("UPDATE model SET license = ? WHERE name = ?", [licence, model])
