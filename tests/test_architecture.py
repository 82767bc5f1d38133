"""The plan of the house, checked on the graph of imports: rooms in one order, no reading in queries/, SQL in files."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {
    "ingest": (
        *("errors", "budget", "versions", "hashing", "text", "storage", "sources", "names", "fingerprint", "adapters"),
        *("metadata", "layouts", "plan", "formats", "reading", "gains", "activations", "checkpoint", "model"),
        *("expected", "refreshing", "whole_model", "model_folders"),
    ),
    "queries": (
        "thresholds",
        "sql",
        "statistics",
        "data",
        "search",
        "evidence",
        "relation",
        "lineage",
        "answers",
        "comparison",
    ),
    "registry": (
        "version",
        "store",
        "exchange",
        "jobs",
        "outputs",
        "reports",
        "cases",
        "pair_lists",
        "audit",
        "registry",
        "temporary",
        "server",
        "cli",
    ),
}
"""Folder -> its rooms: folders, and modules that stand alone. A room imports what stands before it, nothing else."""
ORDER = [(top, room) for top, rooms in ROOMS.items() for room in rooms]
MOST_ROOMS, MOST_MODULES = 10, 12
READING = {"ingest.sources", "ingest.formats", "ingest.checkpoint", "ingest.model", "ingest.refreshing"}
READING |= {"ingest.reading.ranges", "ingest.whole_model", "ingest.expected"}
"""What opens files or HTTP, or asks for bytes of them. The rest of ingest.reading streams what it is handed."""
DOORS = {"os", "io", "pathlib", "shutil", "tempfile", "mmap", "glob", "urllib", "http", "socket", "ssl", "subprocess"}
DOORS |= {"httpx", "requests", "huggingface_hub", "safetensors", "gguf", "gzip", "zipfile", "tarfile"}
"""Libraries by which bytes come in from outside."""
OWN_FILES = {"queries.sql"}
"""Reads the statements that lie beside it."""
STATEMENT = re.compile(
    r"\s*(SELECT|FROM|WITH|VALUES|INSERT|UPDATE|DELETE|MERGE|CREATE|ALTER|DROP|EXPLAIN|DESCRIBE|SUMMARIZE|PRAGMA|COPY"
    r"|CALL|CHECKPOINT|ATTACH|DETACH|USE|SET|RESET|LOAD|INSTALL|BEGIN|COMMIT|ROLLBACK)\b(?!:)"
)
SESSION = {
    "registry.audit.batches": ["SET"],
    "registry.audit.door": ["RESET", "SET"],
    "registry.audit.run": ["SET", "SET"],
    "registry.jobs.standing": ["SET"],
    "registry.store.catalogue": ["ATTACH", "USE"],
    "registry.store.completing": ["SET", "SET"],
    "registry.store.database": ["ATTACH", "ATTACH", "SET", "SET", "SET", "USE", "USE", "USE"],
    "registry.store.lake": ["ATTACH", "DROP", "LOAD", "SET"],
    "registry.store.models": ["SET"],
    "registry.store.sql": ["SET", "SET", "SET", "SET", "SET"],
    "registry.store.transactions": ["BEGIN", "COMMIT", "ROLLBACK", "SET", "SET", "USE", "USE", "USE", "USE"],
}
"""Statements in Python: those that set up a session or a transaction, most with names that no parameter can carry."""


def module(path: Path) -> str:
    """The dotted name below the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(p): p for top in ROOMS for p in sorted((ROOT / top).rglob("*.py"))}


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def imports(name: str) -> Iterator[tuple[str, str]]:
    """What a module imports at run time, anywhere in it: (package or "", dotted name); of ours below the package."""
    package = name.split(".") if MODULES[name].name == "__init__.py" else name.split(".")[:-1]
    checking = {
        inner
        for node in ast.walk(tree(name))
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree(name)):
        if node in checking:
            continue
        if isinstance(node, ast.Import):
            yield from (resolved(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            home = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                target = f"{home}.{alias.name}" if node.level or home.startswith("forebear") else home
                yield ("forebear", ours(target)) if node.level else resolved(target)


def resolved(target: str) -> tuple[str, str]:
    """An absolute import: of ours, or of a library by its first name."""
    first, _, rest = target.partition(".")
    return ("forebear", ours(rest)) if first == "forebear" else ("", first)


def ours(target: str) -> str:
    """The module of ours that a dotted name lies in."""
    while target and target not in MODULES:
        target = target.rpartition(".")[0]
    return target


@cache
def graph() -> dict[str, set[str]]:
    """Module -> modules of ours that it imports."""
    return {name: {to for package, to in imports(name) if package and to and to != name} for name in MODULES}


def room(name: str) -> tuple[str, str]:
    top, _, rest = name.partition(".")
    return top, rest.partition(".")[0]


def cycles_of(edges: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def upwards(edges: dict[str, set[str]]) -> list[str]:
    """Imports of rooms that stand behind the importing one; the doors of the three folders may show any room."""
    return [
        f"{name} imports {to}"
        for name, targets in sorted(edges.items())
        for to in sorted(targets)
        if room(name)[1] and room(to)[1] and ORDER.index(room(to)) > ORDER.index(room(name))
    ]


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert cycles_of(graph()) == []
    assert cycles_of({"a": {"b"}, "b": {"c"}, "c": {"a"}})


def test_every_room_has_its_place_in_the_order() -> None:
    assert {room(name) for name in MODULES if room(name)[1]} == set(ORDER)


def test_no_room_imports_one_that_stands_behind_it() -> None:
    assert upwards(graph()) == []
    assert upwards(
        {"ingest.model": {"queries.data.query"}, "queries.evidence.pair": {"queries.search.candidates"}}
    ) == ["ingest.model imports queries.data.query"]


def test_the_graph_sees_imports_of_every_form() -> None:
    edges = graph()
    assert "ingest.names.naming" in edges["queries.data.component"]  # from ...ingest.names.naming import
    assert "queries.sql" in edges["registry.store.models"]  # a package, by a name in its __init__
    assert "registry.reports.ancestors" in edges["registry.cli.commands.ancestors"]  # inside a function
    assert "queries.answers.records" not in edges["registry.cli.commands.ancestors"]  # for type checkers alone
    assert sum(map(len, edges.values())) > 400


def outside(name: str) -> list[str]:
    """Ways by which a module reads files or HTTP."""
    found = [
        f"imports {to}"
        for package, to in imports(name)
        if (to in DOORS if not package else any(f"{to}.".startswith(f"{place}.") for place in READING))
    ]
    calls = (node.func for node in ast.walk(tree(name)) if isinstance(node, ast.Call))
    return found + [f"calls {call.id}" for call in calls if isinstance(call, ast.Name) and call.id == "open"]


ASKED = [name for name in MODULES if room(name)[0] == "queries" and name not in OWN_FILES]


@pytest.mark.parametrize("name", ASKED)
def test_no_module_of_queries_reads_files_or_http(name: str) -> None:
    assert outside(name) == []


def test_what_reads_files_is_recognised() -> None:
    assert "imports pathlib" in outside("queries.sql")
    assert "imports ingest.sources" in outside("registry.jobs.comparing")


def statements(name: str) -> list[str]:
    """The first words of the SQL statements in a module's strings, docstrings left out, sorted."""
    said = {id(node.value) for node in ast.walk(tree(name)) if isinstance(node, ast.Expr)}
    texts = (node for node in ast.walk(tree(name)) if isinstance(node, ast.Constant) and id(node) not in said)
    found = (STATEMENT.match(node.value) for node in texts if isinstance(node.value, str))
    return sorted(match[1] for match in found if match)


def test_sql_stands_in_sql_files_but_for_what_sets_up_a_session() -> None:
    assert {name: words for name in MODULES if (words := statements(name))} == SESSION


def test_queries_has_few_rooms_and_none_is_crowded() -> None:
    assert len(ROOMS["queries"]) <= MOST_ROOMS
    modules = defaultdict(list)
    for name, path in MODULES.items():
        if path.name != "__init__.py":
            modules[path.parent].append(name)
    assert {
        str(at): listed
        for at, listed in modules.items()
        if at.is_relative_to(ROOT / "queries") and len(listed) > MOST_MODULES
    } == {}
