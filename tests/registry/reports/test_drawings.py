"""Drawings of trees: what every format says, that hostile names stay text in each, and that large ones stay quick."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from forebear.ingest.text import printable
from forebear.registry import Registry
from forebear.registry.reports.drawings.dot import dot_lines
from forebear.registry.reports.drawings.mermaid import mermaid_lines
from forebear.registry.reports.drawings.newick import newick_lines
from forebear.registry.reports.drawings.outline import outline
from forebear.registry.reports.drawings.page import tree_page
from forebear.registry.reports.trees import TreeReport

from ...cpu import cpu_at_most
from ..audited import Answered, Audited, write_audit

HOSTILE = (
    "<script>alert(1)</script>",
    '"]; n1 -> n1 [label="x',
    "it's (a,b)[&R]; #H1:2",
    "two\nlines\r--> n1",
    "back\\slash\\",
    "right\u202eleft",
    "]]>&amp;{{ 7 * 7 }}",
    '|"x"| click n1 href "javascript:alert(1)"',
)


def report(path: Path, audit: Audited) -> TreeReport:
    with Registry(write_audit(path / "registry.duckdb", audit), read_only=True) as registry:
        return registry.tree()


@pytest.fixture
def hostile(tmp_path: Path) -> TreeReport:
    """A root with a hostile name, told of all others but the last."""
    root, *others = HOSTILE
    answers = [Answered(name, root, direction="ancestor", probability=0.99, by=name) for name in others[:-1]]
    answers += [Answered(others[-1], root, by=others[-1], relation=("<b>made</b>",))]
    answers += [Answered(others[0], others[1], direction="ancestor", probability=0.99, place=0, merged_with="x")]
    sources = {name: f"file:///{name}" for name in HOSTILE}
    return report(tmp_path, Audited(HOSTILE, tuple(answers), declared=((others[0], root),), sources=sources))


@pytest.fixture
def merged(tmp_path: Path) -> TreeReport:
    answers = (
        Answered("a", "root", direction="ancestor", probability=0.99),
        Answered("b", "root", direction="ancestor", probability=0.99),
        Answered("merge", "a", direction="ancestor", probability=0.97, merged_with="b", relation=("merged",)),
        Answered("merge", "b", direction="ancestor", probability=0.97, merged_with="a", relation=("merged",), place=2),
        Answered("kin", "root"),
    )
    return report(tmp_path, Audited(("root", "a", "b", "merge", "kin"), answers))


def test_every_edge_is_on_one_line_and_every_model_in_full_on_one(merged: TreeReport) -> None:
    lines = outline(merged.trees)
    assert sorted(id(line.edge) for line in lines if line.edge) == sorted(id(edge) for edge in merged.trees.edges)
    whole = [merged.node[line.node].name for line in lines if not line.again]
    assert sorted(whole) == sorted(node.name for node in merged.trees.nodes)
    assert [(merged.node[line.node].name, line.depth) for line in lines] == [
        ("root", 0),
        ("a", 1),
        ("merge", 2),
        ("b", 1),
        ("merge", 2),
        ("kin", 1),
    ]


def test_newick_names_a_merge_below_both_parents_and_marks_what_has_no_root(merged: TreeReport) -> None:
    (line,) = newick_lines(merged)
    assert line == "[&U] (('merge'#H1)'a',('merge'#H1)'b','kin'[&directed=0])'root';\n"


def test_undirected_edges_have_no_arrow_in_dot_and_mermaid(merged: TreeReport) -> None:
    ids = {node.name: node.node_id for node in merged.trees.nodes}
    dot = {line.split(" [")[0].strip(): line for line in dot_lines(merged)}
    assert "dir=none" in dot[f"n{ids['root']} -> n{ids['kin']}"]
    assert "dir=none" not in dot[f"n{ids['a']} -> n{ids['merge']}"]
    mermaid = "".join(mermaid_lines(merged))
    assert {f'n{ids["root"]} ---|"finetuned?"| n{ids["kin"]}', f'n{ids["kin"]} ---|"finetuned?"| n{ids["root"]}'} & set(
        line.strip() for line in mermaid.splitlines()
    )
    assert f'n{ids["a"]} -->|"merged"| n{ids["merge"]}' in mermaid


QUOTED = r'"(?:[^"\\]|\\.)*"'
ATTRIBUTES = rf"\[\w+=(?:{QUOTED}|\w+)(?:, \w+=(?:{QUOTED}|\w+))*\]"
DOT = re.compile(rf"digraph forebear \{{|  rankdir.*;|  n\d+ {ATTRIBUTES};|  n\d+ -> n\d+ {ATTRIBUTES};|\}}")
TEXT = r'"(?:[A-Za-z0-9 .,/_:?()-]|#\d+;)*"'
MERMAID = re.compile(rf"flowchart LR|  n\d+\[{TEXT}\]|  n\d+ (?:-->|---|-\.->)\|{TEXT}\| n\d+")


def test_hostile_names_end_no_string_of_dot(hostile: TreeReport) -> None:
    lines = "".join(dot_lines(hostile)).split("\n")[:-1]
    assert all(DOT.fullmatch(line) for line in lines), [line for line in lines if not DOT.fullmatch(line)]
    assert len([line for line in lines if " -> " in line.split("[")[0]]) == len(hostile.trees.edges) + 1


def test_hostile_names_end_no_string_of_mermaid(hostile: TreeReport) -> None:
    lines = "".join(mermaid_lines(hostile)).split("\n")[:-1]
    assert all(MERMAID.fullmatch(line) for line in lines), [line for line in lines if not MERMAID.fullmatch(line)]
    assert len(lines) == 1 + len(HOSTILE) + len(hostile.trees.edges) + 1


def test_hostile_names_end_no_label_of_newick(hostile: TreeReport) -> None:
    (line,) = newick_lines(hostile)
    labels = re.findall(r"'((?:[^']|'')*)'", line)
    assert {label.replace("''", "'") for label in labels} == {printable(name, 1000) for name in HOSTILE}
    shape = re.sub(r"'(?:[^']|'')*'", "x", line)
    assert re.fullmatch(r"\[&U\] (?:[(),x]|#H\d+|\[&directed=0\])+;\n", shape), shape
    assert shape.count("(") == shape.count(")")


class Page(HTMLParser):
    """What a browser would make of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_hostile_names_are_text_in_the_page_and_the_policy_lets_its_own_script_run_alone(hostile: TreeReport) -> None:
    text = tree_page(hostile)
    page = Page(text)
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert "b" not in {tag for tag, _ in page.tags}
    names = {attributes["data-name"] for tag, attributes in page.tags if tag == "g"}
    assert names == {printable(name, 1000) for name in HOSTILE}
    assert not {name for _, attributes in page.tags for name in attributes if name.startswith("on")}
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(a["content"] or "" for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert f"script-src 'sha256-{digest}'" in policy and "default-src 'none'" in policy


def test_the_page_loads_nothing(merged: TreeReport) -> None:
    for _, attributes in Page(tree_page(merged)).tags:
        assert not attributes.keys() & {"src", "srcset", "action", "data", "poster"}
        assert (attributes.get("href") or "data:").startswith("data:")


def test_a_page_of_2000_models_is_made_in_seconds_with_one_group_a_line(tmp_path: Path) -> None:
    names = tuple(f"org/model-{number}" for number in range(2_000))
    answers = tuple(
        Answered(names[n], names[(n - 1) // 3], direction="ancestor", probability=0.99) for n in range(1, len(names))
    )
    found = report(tmp_path, Audited(names, answers))
    with cpu_at_most(10):
        page = Page(tree_page(found))
    assert sum(tag == "g" for tag, _ in page.tags) == len(names)
    assert len(page.tags) < 20 * len(names)


def test_a_chain_of_thousands_is_drawn_without_recursion(tmp_path: Path) -> None:
    names = tuple(f"m{number}" for number in range(3_000))
    answers = tuple(
        Answered(names[n], names[n - 1], direction="ancestor", probability=0.99) for n in range(1, len(names))
    )
    found = report(tmp_path, Audited(names, answers))
    assert max(line.depth for line in outline(found.trees)) == len(names) - 1
    assert "".join(newick_lines(found)).count("(") == len(names) - 1
