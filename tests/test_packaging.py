"""What a wheel carries: every sub-package by name, every SQL file found through the package."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from forebear.queries.sql import statement
from forebear.registry.store.database import migrations

ROOT = Path(__file__).parent.parent
SQL_FOLDERS = {f"forebear.queries.sql.{p.name}" for p in (ROOT / "queries" / "sql").iterdir() if any(p.glob("*.sql"))}
QUESTIONS = sorted(
    p.relative_to(ROOT / "queries" / "sql").with_suffix("").as_posix() for p in (ROOT / "queries").rglob("*.sql")
)


def settings() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_package_is_listed() -> None:
    found = {
        ".".join(("forebear", *init.parent.relative_to(ROOT).parts))
        for top in ("registry", "ingest", "queries")
        for init in (ROOT / top).rglob("__init__.py")
    }
    assert sorted(found | SQL_FOLDERS | {"forebear", "forebear.schema", "forebear.tests.zoo"}) == sorted(
        settings()["tool"]["setuptools"]["packages"]
    )


def test_no_module_lies_in_a_folder_that_is_no_package() -> None:
    for top in ("registry", "ingest", "queries"):
        for module in (ROOT / top).rglob("*.py"):
            assert (module.parent / "__init__.py").exists(), module


def test_schema_holds_sql_only() -> None:
    assert {p.suffix for p in (ROOT / "schema").iterdir() if p.name != "__pycache__"} == {".sql"}


def test_every_package_is_typed() -> None:
    assert all((ROOT / top / "py.typed").exists() for top in ("registry", "ingest", "queries"))


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_is_found_through_the_package(name: str) -> None:
    text = (ROOT / "queries" / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    assert statement(name) == text


def test_every_question_lies_in_a_package_that_carries_it() -> None:
    packages = settings()["tool"]["setuptools"]["packages"]
    folders = {Path("queries", "sql", name).parent for name in QUESTIONS}
    assert {".".join(("forebear", *folder.parts)) for folder in folders} <= set(packages)


def test_every_migration_is_found_through_the_package() -> None:
    found = migrations()
    assert [name for _, name, _ in found] == sorted(p.stem for p in (ROOT / "schema").glob("*.sql"))
    versions = [version for version, _, _ in found]
    assert versions == list(range(1, len(versions) + 1))


TEMPLATES = ("report.html", "comparison.html", "tables.html", "tokenizer.html", "full.html", "report.css")


def test_package_data_names_every_template_of_the_report() -> None:
    folder = ROOT / "registry" / "reports" / "html"
    found = sorted(path.name for path in folder.iterdir() if path.suffix in {".html", ".css"})
    assert found == sorted(TEMPLATES)
    patterns = settings()["tool"]["setuptools"]["package-data"]
    mine = [p for name, listed in patterns.items() if name in {"*", "forebear.registry.reports.html"} for p in listed]
    assert all(any(fnmatch(name, pattern) for pattern in mine) for name in found)


def test_the_wheel_carries_what_the_package_reads(tmp_path: Path) -> None:
    """Built by setuptools itself, from a copy without the zoo's models: seconds, and nothing is downloaded."""
    pytest.importorskip("setuptools", minversion="69")
    copy = tmp_path / "copy"
    left = shutil.ignore_patterns(".*", "build", "dist", "benchmarks", "docs", "__pycache__", "*.egg-info")

    def ignored(folder: str, names: list[str]) -> set[str]:
        return left(folder, names) | ({"models"} if folder == str(ROOT / "tests" / "zoo") else set())

    shutil.copytree(ROOT, copy, ignore=ignored)
    (copy / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "forebear.1", copy / "docs")
    code = "from setuptools import build_meta; print(build_meta.build_wheel('wheel'))"
    built = subprocess.run([sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = (copy / "wheel").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"forebear/registry/reports/html/{name}" for name in TEMPLATES} <= names
    assert {f"forebear/registry/reports/drawings/{name}" for name in ("tree.html", "tree.js")} <= names
    server = ROOT / "registry" / "server"
    pages = {
        path.relative_to(ROOT).as_posix() for part in ("templates", "static") for path in (server / part).iterdir()
    }
    assert len(pages) > 15 and {f"forebear/{path}" for path in pages} <= names
    lists = {path.relative_to(ROOT).as_posix() for path in (ROOT / "registry").rglob("*.yaml")}
    assert len(lists) > 15 and {f"forebear/{path}" for path in lists} <= names
    assert any(name.endswith(".data/data/share/man/man1/forebear.1") for name in names)
    for folder in ("queries", "schema"):
        found = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.sql")}
        assert {f"forebear/{path}" for path in found} <= names
    assert "forebear/queries/comparison/records/whole.py" in names and "forebear/registry/py.typed" in names


def test_package_data_names_sql_and_the_zoo() -> None:
    data = settings()["tool"]["setuptools"]["package-data"]
    assert "*.sql" in data["*"] and "models/*/*" in data["forebear.tests.zoo"]
    assert any((ROOT / "tests" / "zoo" / "models").glob("*/*.safetensors"))
