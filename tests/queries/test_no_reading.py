"""Questions are answered from values: nothing in `queries/` opens a source, and what opens one stands elsewhere."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "queries").rglob("*.py"))
OPENERS = (
    "ingest.checkpoint",
    "ingest.formats",
    "ingest.model",
    "ingest.reading.ranges",
    "ingest.whole_model",
    "ingest.sources",
    "registry",
)
"""Modules and rooms that open files or ask a network, or that import what does."""
READING = {"open", "read_bytes", "read_text", "urlopen", "whole_model", "paired_reader", "open_source"}


def imports(path: Path) -> set[str]:
    """The modules that one imports, from the top of the package: `ingest.names.naming`."""
    package = path.relative_to(ROOT).parent.parts
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*above, *(node.module or "").split("."))).strip(".")
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def calls(path: Path) -> set[str]:
    """The names of the functions and methods that a module calls."""
    functions = [n.func for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
    return {f.id for f in functions if isinstance(f, ast.Name)} | {
        f.attr for f in functions if isinstance(f, ast.Attribute)
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_module_of_queries_imports_what_opens_a_source(path: Path) -> None:
    opened = {name for name in imports(path) for o in OPENERS if name == o or name.startswith(f"{o}.")}
    assert not opened


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_module_of_queries_opens_a_file_but_the_loader_of_its_statements(path: Path) -> None:
    if path.relative_to(ROOT).as_posix() == "queries/sql/__init__.py":
        assert "read_text" in calls(path)
    else:
        assert not calls(path) & READING


def test_the_walk_sees_what_a_module_imports() -> None:
    found = imports(ROOT / "registry" / "jobs" / "whole.py")
    assert {"ingest.whole_model", "ingest.sources.Source"} <= found
