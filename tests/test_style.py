"""The house's limits, checked on the syntax tree; and the examples in docstrings, run."""

from __future__ import annotations

import ast
import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("registry", "ingest", "queries")
TOPS = (*PACKAGES, "tests", "benchmarks")
MODULES = sorted(p for top in TOPS for p in (ROOT / top).rglob("*.py") if "__pycache__" not in p.parts)
SHIPPED = [p for p in MODULES if p.relative_to(ROOT).parts[0] in PACKAGES]
UNSAFE = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "torch", "transformers"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def imported(path: Path) -> set[str]:
    """The top-level names that a module imports, anywhere in it."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_module_is_longer_than_500_lines_and_no_function_than_80(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in nodes(path)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno
    }
    assert {n: lines for n, lines in long.items() if lines > 80} == {}


OUTERMOST = {
    "registry/cli/errors.py": 1,
    "registry/jobs/ingesting.py": 1,
    "ingest/sources/hub_guard.py": 1,
    "tests/fuzz/run.py": 1,
}
"""Where the command line turns whatever is left into a message and an exit code, where a batch turns whatever one
source raises into that source's outcome, where a thread hands what it met to the one that waits and raises it,
and where the fuzzer counts an error that is none of forebear's as a fault."""


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """Whether a handler is bare, catches Exception, or catches BaseException without raising it again."""
    caught = {n.id for n in ast.walk(handler.type) if isinstance(n, ast.Name)} if handler.type else {"BaseException"}
    last = handler.body[-1]
    again = isinstance(last, ast.Raise) and last.exc is None  # the rollback of a transaction
    return "Exception" in caught or ("BaseException" in caught and not again)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_handler_catches_everything(path: Path) -> None:
    found = [n.lineno for n in nodes(path) if isinstance(n, ast.ExceptHandler) and catches_everything(n)]
    assert len(found) <= OUTERMOST.get(name(path), 0), found


@pytest.mark.parametrize("path", SHIPPED, ids=name)
def test_nothing_that_is_shipped_can_unpickle_or_needs_torch(path: Path) -> None:
    assert not imported(path) & UNSAFE


@pytest.mark.parametrize("path", SHIPPED, ids=name)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_fingerprints_know_nothing_of_files_and_readers_nothing_of_formats() -> None:
    for path in (ROOT / "ingest" / "fingerprint").glob("*.py"):
        assert not imported(path) & {"os", "pathlib", "io", "safetensors", "duckdb"}
    assert "formats" not in (ROOT / "ingest" / "storage" / "reader.py").read_text(encoding="utf-8")


def test_the_examples_in_docstrings_are_true() -> None:
    for path in SHIPPED:
        if ">>>" in path.read_text(encoding="utf-8"):
            module = importlib.import_module(".".join(("forebear", *path.relative_to(ROOT).with_suffix("").parts)))
            found = doctest.testmod(module)
            assert found.attempted and not found.failed, name(path)
