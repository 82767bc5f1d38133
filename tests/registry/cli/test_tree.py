"""`forebear tree` and its formats, `forebear descendants` and `forebear parts`: the contracts and what people read."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from html import unescape
from pathlib import Path

import pytest

from ..audited import Answered, Audited, write_audit
from ..conftest import Run

NODE = ["name", "source", "inferred", "family", "copies"]
EDGE = [
    *("child", "parent", "directed", "relation", "by", "log10_evalue", "components", "drawn", "family"),
    *("child_source", "parent_source"),
]
PART = ["component", "block", "model", "model_block", "identity", "log10_evalue", "share", "source"]


@pytest.fixture
def _audited(registry_path: Path) -> Path:
    answers = (
        Answered("a", "root", direction="ancestor", probability=0.99),
        Answered("b", "root", direction="ancestor", probability=0.99),
        Answered("merge", "a", direction="ancestor", probability=0.97, merged_with="b", relation=("merged",)),
        Answered("merge", "b", direction="ancestor", probability=0.97, merged_with="a", relation=("merged",), place=2),
        Answered("kin", "root"),
    )
    return write_audit(registry_path, Audited(("root", "a", "b", "merge", "kin"), answers, declared=(("kin", "far"),)))


@pytest.mark.usefixtures("_audited")
def test_the_table_is_indented_text_and_marks_what_is_not_told(run: Run) -> None:
    ran = run("tree")
    assert ran.code == 0
    assert [line[:17].rstrip() for line in ran.out.splitlines()[3:9]] == [
        "root",
        "├─> a",
        "│   └─> merge",
        "├─> b",
        "│   └─> merge (*)",
        "└── kin",
    ]
    assert "finetuned?" in ran.out.splitlines()[8]
    assert "declared only" in ran.out and "contradicted" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "4 edges of told direction, 1 of unknown; audit run 1" in ran.err


@pytest.mark.usefixtures("_audited")
def test_json_and_csv_have_the_keys_of_the_contract(run: Run) -> None:
    document = json.loads(run("tree", "--format", "json").out)
    assert list(document) == ["schema_version", "run", "nodes", "edges", "declared"]
    assert [list(node) for node in document["nodes"]] == [NODE] * 5
    assert [list(edge) for edge in document["edges"]] == [EDGE] * 5
    assert all(edge["by"] for edge in document["edges"])
    rows = list(csv.DictReader(io.StringIO(run("tree", "--format", "csv").out)))
    assert list(rows[0]) == EDGE
    assert len(rows) == 5


@pytest.mark.usefixtures("_audited")
@pytest.mark.parametrize(
    ("ending", "begins"), [("dot", "digraph"), ("mmd", "flowchart"), ("nwk", "[&U] ("), ("html", "<!doctype html>")]
)
def test_the_ending_of_a_file_decides_the_drawing(run: Run, tmp_path: Path, ending: str, begins: str) -> None:
    assert run("tree", "-o", tmp_path / f"tree.{ending}").code == 0
    assert (tmp_path / f"tree.{ending}").read_text(encoding="utf-8").startswith(begins)


@pytest.mark.usefixtures("_audited")
def test_drawings_are_formats_of_graphs_alone(run: Run) -> None:
    assert run("tree", "--format", "newick").out.endswith("'root';\n")
    ran = run("list", "--format", "newick")
    assert ran.code == 2
    assert "is no format" in ran.err


def test_a_registry_that_was_never_audited_says_what_to_run(run: Run, zoo_registry: Path) -> None:
    ran = run("tree", "--registry", zoo_registry)
    assert ran.code == 1
    assert "forebear audit" in ran.err


@pytest.mark.usefixtures("_audited")
def test_a_filter_that_is_none_is_an_error_of_usage(run: Run) -> None:
    assert run("tree", "colour=red").code == 2
    assert run("tree", "nothing-has-this-name").code == 1


def test_the_edges_can_be_asked_in_sql(run: Run, _audited: Path) -> None:
    ran = run("sql", "FROM tree_edges SELECT child, parent, directed ORDER BY ALL", "--format", "csv", "--quiet")
    assert ran.out.splitlines() == [
        "child,parent,directed",
        "a,root,true",
        "b,root,true",
        "kin,root,false",
        "merge,a,true",
        "merge,b,true",
    ]


def test_descendants_have_the_shape_of_ancestors(run: Run, zoo_registry: Path) -> None:
    asked = ("alder-docs", "-k", "2", "--registry", zoo_registry, "--format", "json")
    up, down = (json.loads(run(command, *asked).out) for command in ("ancestors", "descendants"))
    assert [key.replace("descendants", "ancestors") for key in down] == list(up)
    keys = [list(row) for row in down["descendants"]]
    assert [[key.replace("descendant_", "ancestor_") for key in row] for row in keys] == [list(up["ancestors"][0])] * 2
    assert list(down["descendants"][0]["blocks"][0]) == ["query", "descendant", "log10_p", "identity"]


def test_parts_have_the_keys_of_the_contract(run: Run, zoo_registry: Path) -> None:
    asked = ("parts", "alder-pruned", "--registry", zoo_registry)
    document = json.loads(run(*asked, "--format", "json").out)
    assert list(document) == ["schema_version", "query", "parts", "summary"]
    assert [list(part) for part in document["parts"]] == [PART] * 5
    assert document["summary"] == [
        {"component": "language", "model": "alder", "source": document["parts"][0]["source"], "share": 1.0}
    ]
    assert "language.2    alder  language.3 " in run(*asked).out


def test_models_of_one_name_are_told_apart_by_their_source_in_every_drawing_and_sentence(
    run: Run, zoo: Path, tmp_path: Path, registry_path: Path
) -> None:
    for place, model in (("o1", "alder-docs"), ("o2", "alder-tests")):
        shutil.copytree(zoo / model, tmp_path / place / "same")
    assert run("ingest", tmp_path / "o1" / "same", tmp_path / "o2" / "same", zoo / "alder", "--quiet").code == 0
    assert run("audit", "--quiet").code == 0
    sources = [(tmp_path / place / "same").as_uri() for place in ("o1", "o2")]
    for form in ("table", "mermaid", "newick", "dot", "html"):
        drawn = run("tree", "--format", form, "--quiet").out
        name = "" if form == "table" else "same "  # a table may break the line between the two
        assert all(f"{name}({source})" in unescape(re.sub(r"#(\d+);", _letter, drawn)) for source in sources), form
        assert "alder (" not in drawn
    said = json.loads(run("ancestors", "alder", "--format", "json").out)
    assert f"of one lineage with same ({sources[0]}) (and 1 more)" in said["components"][0]["sentence"]
    assert {row["name"] for row in said["ancestors"]} == {"same"}
    other = json.loads(run("ancestors", sources[1], "--format", "json").out)
    first = next(row for row in other["ancestors"] if row["name"] == "same")
    assert first["source"] == sources[0]


def _letter(code: re.Match[str]) -> str:
    return chr(int(code[1]))
