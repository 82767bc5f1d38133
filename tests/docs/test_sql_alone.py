"""Every query that docs/sql.md shows runs in DuckDB alone, in a process that never loads forebear."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from .blocks import ROOT, blocks

PAGE = ROOT / "docs" / "sql.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the wheel has no docs")
RUN = """
import json, sys
import duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
found = []
for query in json.load(sys.stdin):
    relation = connection.execute(query)
    found.append([len(relation.description), len(relation.fetchall())])
print(json.dumps({"found": found, "forebear": [name for name in sys.modules if name.startswith("forebear")]}))
"""


def queries() -> list[str]:
    """Those of the blocks of SQL, and those that the console blocks hand to `forebear sql`."""
    found = []
    for block in blocks(PAGE.read_text(encoding="utf-8")):
        if block.language == "sql":
            lines = [line.split("--")[0].strip() for line in block.lines]
            found += [query.strip() for query in " ".join(lines).split(";") if query.strip()]
        elif block.language == "console":
            words = [shlex.split(command.text) for command in block.commands]
            found += [one[-1] for one in words if one[:2] == ["forebear", "sql"]]
    return found


def test_every_query_of_the_page_runs_in_duckdb_alone(zoo_registry: Path) -> None:
    asked = queries()
    assert len(asked) >= 12 and all(query.split()[0] in {"FROM", "SELECT"} for query in asked)
    ran = subprocess.run(
        [sys.executable, "-c", RUN, str(zoo_registry)], input=json.dumps(asked), capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout)
    assert answer["forebear"] == []
    rows = dict(zip(asked, answer["found"], strict=True))
    assert rows["FROM public.ancestors('alder-docs', k := 5)"][1] == 5
    assert all(columns > 0 for columns, _ in rows.values())


def test_the_queries_of_the_page_name_every_view_of_the_stable_layer() -> None:
    golden = (ROOT / "tests" / "schema" / "public_columns.txt").read_text(encoding="utf-8").splitlines()
    page = PAGE.read_text(encoding="utf-8")
    assert {view for line in golden if f"`{(view := line.split('.')[0])}`" not in page} == set()
