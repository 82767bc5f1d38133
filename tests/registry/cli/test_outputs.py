"""Formats of output: what each holds, how one is chosen, and that a new one needs a file and a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import IO

import pyarrow.parquet as pq
import pytest

from forebear.registry.cli.outputs import OUTPUTS, OutputFormat, format_of
from forebear.registry.cli.outputs.result import Result, Row, Table

from ..conftest import MakeModel, Run


def toy_lines(result: Result, stream: IO[str]) -> Iterator[str]:
    """A format of this test's own: the names and ranks of rows."""
    for row in result.rows:
        yield f"toy {row['rank']} {row['name']}\n"


def toy_row(row: Row, first: bool) -> Iterator[str]:
    yield f"{'first' if first else 'next'} {row['name']}\n"


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> OutputFormat:
    """The format, in the table of formats for the time of a test."""
    made = OutputFormat("toy", (".toy",), text=toy_lines, row=toy_row)
    monkeypatch.setitem(OUTPUTS, made.name, made)
    return made


def test_a_new_format_is_one_line_in_the_table(
    run: Run, make_model: MakeModel, tmp_path: Path, toy: OutputFormat
) -> None:
    ingested = run("ingest", make_model("a"), make_model("b", 1), make_model("c", 2), "--format", "toy")
    assert ingested.out == "first a\nnext b\nnext c\n"
    ran = run("ancestors", "a", "--format", "toy")
    assert (ran.code, len(ran.out.splitlines())) == (0, 2)
    assert sorted(line.split()[-1] for line in ran.out.splitlines()) == ["b", "c"]
    run("ancestors", "a", "-o", tmp_path / "found.toy")
    assert (tmp_path / "found.toy").read_text(encoding="utf-8") == ran.out


def test_an_unknown_format_is_a_usage_error_that_names_those_there_are(run: Run) -> None:
    ran = run("list", "--format", "toy")
    assert (ran.code, ran.out) == (2, "")
    assert all(name in ran.err for name in OUTPUTS)


@pytest.mark.parametrize("name", list(OUTPUTS))
def test_every_format_has_text_or_bytes_and_an_ending_that_names_it(name: str) -> None:
    output = OUTPUTS[name]
    assert (output.text is None) != (output.data is None)
    assert output.name == name and output.endings
    for ending in output.endings:
        assert format_of(Path(f"found{ending.upper()}")) is output


def test_a_file_without_a_known_ending_and_stdout_get_the_table() -> None:
    assert format_of(Path("found.xyz")) is format_of(None) is OUTPUTS["table"]


@pytest.mark.parametrize(
    ("command", "file", "form"),
    [
        (("ancestors", "a"), "found.sarif", "sarif"),
        (("ancestors", "a"), "FOUND.SARIF", "sarif"),
        (("list",), "found.cdx.json", "cyclonedx"),
        (("bom", "a"), "found.csv", "csv"),
        (("audit",), "found.dot", "dot"),
    ],
)
def test_the_ending_of_another_commands_format_is_an_error_and_no_file_of_another_kind(
    run: Run, tmp_path: Path, command: tuple[str, ...], file: str, form: str
) -> None:
    ran = run(*command, "-o", tmp_path / file)
    assert (ran.code, (tmp_path / file).exists()) == (2, False)
    assert f"would be {form}, which this command does not write" in " ".join(ran.err.replace("│", "").split())


def test_the_option_decides_over_the_ending(run: Run, make_model: MakeModel, tmp_path: Path) -> None:
    run("ingest", make_model("a"))
    for name, options in (
        ("found.csv", ("--format", "JSON")),
        ("found.json", ()),
        ("found.sarif", ("--format", "json")),  # another command's
    ):
        assert run("list", "-o", tmp_path / name, *options).code == 0
        assert json.loads((tmp_path / name).read_text(encoding="utf-8"))["models"][0]["name"] == "a"


def test_parquet_holds_the_rows_with_their_types(run: Run, make_model: MakeModel, tmp_path: Path) -> None:
    run("ingest", make_model("a"), make_model("b", 1))
    run("ancestors", "a", "-o", tmp_path / "ancestors.parquet")
    run("sql", "SELECT name, 1.5::DOUBLE AS x, DATE '2026-01-02' AS day FROM model", "-o", tmp_path / "sql.parquet")
    rows = [json.loads(line) for line in run("ancestors", "a", "--format", "jsonl").out.splitlines()]
    found = pq.read_table(tmp_path / "ancestors.parquet").to_pylist()
    assert found == [{key: value for key, value in row.items() if key != "blocks"} for row in rows]
    types = {field.name: str(field.type) for field in pq.read_schema(tmp_path / "sql.parquet")}
    assert types == {"name": "string", "x": "double", "day": "date32[day]"}


def test_bytes_never_reach_a_terminal_and_rows_that_do_not_fit_say_so(run: Run, tmp_path: Path) -> None:
    ran = run("list", "--format", "parquet")
    assert (ran.code, ran.out) == (2, "")
    assert "name a file with -o" in ran.err
    with pytest.raises(Exception, match="do not fit into Parquet"):
        assert OUTPUTS["parquet"].data is not None
        OUTPUTS["parquet"].data(Result({}, [{"a": 1}, {"a": "x"}], ()))


class Cells(HTMLParser):
    """The cells of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag in {"td", "th"}:
            self.found.append("")

    def handle_data(self, data: str) -> None:
        if self.lasttag in {"td", "th"} and data.strip():
            self.found[-1] += data


HOSTILE = "<script>alert(1)</script> | [x](y) `z` *b*"
RESULT = Result({}, (), [Table(("name", "n"), [[HOSTILE, "7"]], (1,), [HOSTILE])])


def printed(name: str, result: Result, tmp_path: Path) -> str:
    text = OUTPUTS[name].text
    assert text is not None
    with (tmp_path / "stream").open("w") as stream:
        return "".join(text(result, stream))


def test_html_shows_the_tables_and_a_name_is_no_markup(tmp_path: Path) -> None:
    page = Cells(printed("html", RESULT, tmp_path))
    assert page.found == ["name", "n", HOSTILE, "7"]
    assert "script" not in page.tags


def test_markdown_shows_the_tables_and_a_name_is_no_markup(tmp_path: Path) -> None:
    text = printed("md", RESULT, tmp_path)
    above, _, head, rule, row = text.splitlines()
    assert (head, rule) == ("| name | n |", "| --- | --: |")
    assert len(re.findall(r"(?<!\\)\|", row)) == 3
    for line in (above, row):
        assert not re.search(r"(?<!\\)[<>\[`*]", line)


def test_what_only_says_itself_to_people_is_a_table_elsewhere(run: Run, make_model: MakeModel) -> None:
    run("ingest", make_model("a"), make_model("b", 1))
    assert run("remove", "a").out == ""
    text = run("remove", "b", "--format", "md").out
    assert text.startswith("| name | source |") and "| b | file://" in text


def test_the_report_of_a_comparison_is_its_html(run: Run, make_model: MakeModel, tmp_path: Path) -> None:
    one, other = make_model("a"), make_model("b", 1)
    run("ingest", one)
    run("compare", "a", other, "-o", tmp_path / "found.html")
    assert "data:image/" in (tmp_path / "found.html").read_text(encoding="utf-8")


def test_the_log_is_on_stderr_alone_and_says_more_when_asked_twice(run: Run, make_model: MakeModel) -> None:
    model = make_model("a")
    silent = run("ingest", model, "--format", "csv")
    assert "registry." not in silent.err
    run("ingest", make_model("b", 1), "-v")
    asked = run("ancestors", "a", "--format", "json")
    for flags in (("-v",), ("-vv",), ("--verbose", "--verbose")):
        ran = run("ancestors", "a", "--format", "json", *flags)
        assert ran.out == asked.out
        assert "1 candidates of 1 models by sketch" in ran.err
        assert ("opened to read" in ran.err) == (len(flags) > 1 or flags == ("-vv",))
    assert "candidates" not in run("ancestors", "a").err
    again = run("ingest", model, model.parent / "nothing", "-v", "--quiet")
    assert "a: unchanged since it was registered" in again.err and "nothing: failed: " in again.err
