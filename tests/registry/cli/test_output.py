"""What reaches a terminal, a pipe and a file."""

from __future__ import annotations

import io
import json
import math
import os
import pty
import re
import shutil
import subprocess
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from forebear.registry.cli.output import Output
from forebear.registry.cli.outputs import OUTPUTS
from forebear.registry.cli.outputs.result import Result, Table
from forebear.registry.reports.numbers import evalue, parameters, plain, share, size

from ..conftest import COMMAND, MakeModel, Run

HOSTILE = "evil\x1b]0;owned\x07\x1b[2J\x9b31m\u202etxt.[bold]x[red]:smile:"


@pytest.mark.parametrize(
    ("log10", "text"),
    [
        (-312.0, "<1e-300"),
        (-8163.2, "<1e-300"),
        (math.log10(3e-5), "3e-05"),
        (math.log10(0.2), "0.2"),
        (math.log10(16), "16"),
        (math.log10(0.999), "1"),
        (math.log10(1234), "1200"),
        (math.log10(99.6), "100"),
        (0.0, "1"),
        (-299.99999999, "1e-300"),
        (-300.0, "1e-300"),
        (-300.0000001, "<1e-300"),
        (-math.inf, "<1e-300"),
        (math.nan, "?"),
    ],
)
def test_e_values_are_read_as_people_read_them(log10: float, text: str) -> None:
    assert evalue(log10) == text


def test_shares_never_claim_all_or_nothing_falsely() -> None:
    assert [share(x) for x in (0.0, 0.001, 0.27, 0.994, 0.9992, 1.0)] == [
        "0 %",
        "<1 %",
        "27 %",
        "99 %",
        ">99 %",
        "100 %",
    ]


def test_sizes_have_decimal_prefixes() -> None:
    assert [size(x) for x in (0, 999, 1000, 494_624, 13_500_000_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "494.6 kB",
        "13.5 GB",
    ]
    assert [parameters(x) for x in (12, 387_600, 134_000_000, 6_738_000_000)] == ["12", "387.6k", "134.0M", "6.7B"]


def test_values_become_what_json_can_hold() -> None:
    assert plain([np.float32(0.5), np.bool_(True), np.int64(3)]) == [0.5, True, 3]
    value = {"a": (1, math.nan), "b": [math.inf, Decimal("NaN")], "c": Decimal("1.25"), 4: {"d": Decimal(10**30)}}
    assert plain(value) == {"a": [1, None], "b": [None, None], "c": 1.25, "4": {"d": 10**30}}


def written(result: Result, form: str, path: Path) -> str:
    Output(OUTPUTS[form], path).write(result)
    return path.read_text(encoding="utf-8")


def test_a_table_in_a_file_is_as_wide_as_its_cells(tmp_path: Path) -> None:
    long = "x" * 500
    text = written(Result({}, (), [Table(("a", "b"), [[long, "end"]], (), ["above " * 100])]), "table", tmp_path / "t")
    assert f"{long}  end" in text
    assert text.splitlines()[0] == ("above " * 100).rstrip()
    assert "\x1b" not in text


def test_a_table_in_a_file_is_without_what_it_can_do_without_and_other_formats_have_it(tmp_path: Path) -> None:
    table = Table(("a", "b", "c"), [["one " * 19, "two", "three"]], (2,), (), spare=(1,))
    found = {form: written(Result({}, (), [table]), form, tmp_path / "t") for form in ("table", "md", "html")}
    assert found["table"].splitlines()[0].split() == ["a", "c"] and "two" not in found["table"]
    assert "  | two | three |" in found["md"] and "<td>two</td>" in found["html"]


def columns_of(table: Table, tmp_path: Path) -> list[str]:
    return written(Result({}, (), [table]), "table", tmp_path / "t").splitlines()


def test_texts_wrap_between_words_into_the_width_that_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(("name", "n", "words"), [["alder", "1234567", "many " * 40]], (1,))
    for said, width in (("", 80), ("40", 40), ("no number", 80), ("100", 100)):
        monkeypatch.setenv("COLUMNS", said)
        lines = columns_of(table, tmp_path)
        assert width - 5 <= max(map(len, lines)) <= width
        assert " ".join(lines).count("many") == 40
        assert lines[2].startswith("alder  1234567  many many")


def test_one_blank_stands_between_columns_where_that_makes_a_table_fit(tmp_path: Path) -> None:
    for width, between in ((35, "  "), (36, " "), (37, "  ")):
        lines = columns_of(Table(("first", "second"), [["a" * width, "b" * 43]], (0, 1)), tmp_path)
        assert lines[-1] == "a" * width + between + "b" * 43


def test_a_table_that_may_be_tall_and_is_too_wide_shows_a_column_a_line(tmp_path: Path) -> None:
    table = Table(("first", "second"), [["1" * 50, "2" * 50], ["3", "4"]], (0, 1), tall=True)
    lines = columns_of(table, tmp_path)
    assert lines[0] == "row 1" and lines[2:5] == ["first   " + "1" * 50, "second  " + "2" * 50, "row 2"]
    assert lines[6:] == ["first   3", "second  4"]
    table = Table(("first", "second"), [["1" * 30, "2" * 30]], (0, 1), tall=True)
    assert columns_of(table, tmp_path)[-1] == "1" * 30 + "  " + "2" * 30


def test_a_path_stays_whole_in_a_file_and_firm_columns_do_not_wrap(tmp_path: Path) -> None:
    path = "file:///" + "a" * 90
    lines = columns_of(Table(("two words", "b c"), [["x y", path]], (), (), firm=(0,)), tmp_path)
    assert path in lines[2] and lines[0].startswith("two words  b c")


def test_no_figure_is_printed_as_minus_zero() -> None:
    """Fixed digits are asked for with `z`, which takes the sign of a rounded zero away."""
    assert f"{-0.0001:z.3f}" == "0.000"
    root = Path(__file__).parents[3]
    for folder in ("registry", "queries"):
        for path in (root / folder).rglob("*.py"):
            assert re.findall(r":\.[2-4]f\}", path.read_text(encoding="utf-8")) == [], path.name


@pytest.mark.parametrize(
    "arguments", [("list",), ("ancestors", "alder-docs"), ("audit",), ("compare", "alder", "alder-docs")]
)
def test_the_tables_of_commands_fit_into_80_columns(
    run: Run, zoo_registry: Path, tmp_path: Path, arguments: tuple[object, ...]
) -> None:
    copied = shutil.copy(zoo_registry, tmp_path / "zoo.duckdb")
    lines = run(*arguments, "--registry", copied).out.splitlines()
    tables = "\n".join(lines).split("\n\n")
    wide = [line for table in tables if "─" in table for line in table[: table.index("─")].splitlines()[-1:]]
    rows = [line for table in tables if "─" in table for line in table[table.rindex("─") :].splitlines()[1:]]
    assert wide and rows and max(map(len, wide + rows)) <= 80


def test_csv_quotes_and_flattens(tmp_path: Path) -> None:
    rows = [{"a": 'x,"y"', "b": ["p", "q"], "c": [{"z": 1}], "d": None, "e": True, "f": "two\nlines"}]
    assert written(Result({}, rows, ()), "csv", tmp_path / "t") == (
        'a,b,c,d,e,f\n"x,""y""",p;q,"[{""z"": 1}]",,true,two\\nlines\n'
    )


def terminal(arguments: Sequence[object], registry: Path, *, columns: int = 80) -> str:
    """What a command prints when stdout and stderr are a terminal."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "FOREBEAR_REGISTRY": str(registry), "COLUMNS": str(columns), "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    command = [*COMMAND, *map(str, arguments)]
    with subprocess.Popen(command, stdout=follower, stderr=follower, stdin=follower, env=environment):
        os.close(follower)
        found = io.BytesIO()
        while chunk := _read(leader):
            found.write(chunk)
    os.close(leader)
    return found.getvalue().decode()


def _read(leader: int) -> bytes:
    try:
        return os.read(leader, 65_536)
    except OSError:  # how Linux ends a terminal whose other side is closed
        return b""


def test_a_terminal_gets_colour_and_loses_nothing(zoo_registry: Path) -> None:
    text = terminal(["list"], zoo_registry, columns=200)
    assert "\x1b[1m" in text
    assert "elm-in-alder-norms" in text
    narrow = terminal(["sql", "SELECT repeat('x', 300) AS a, 'end' AS b"], zoo_registry)
    assert narrow.count("x") == 300
    assert max(map(len, narrow.splitlines())) <= 80 + len("\x1b[1m\x1b[0m") * 4


def test_a_terminal_gets_progress_and_a_pipe_does_not(make_model: MakeModel, registry_path: Path, run: Run) -> None:
    assert "1/1" in terminal(["ingest", make_model("a")], registry_path)
    ran = run("ingest", make_model("b", 1))
    assert "\x1b" not in ran.out + ran.err
    assert "1/1" not in ran.err
    assert "2/2" not in terminal(["ingest", "--quiet", make_model("c", 2), make_model("d", 3)], registry_path)


@pytest.fixture
def hostile(make_model: MakeModel) -> Path:
    """A model whose folder, tensor and architecture have names that would drive a terminal."""
    return make_model(HOSTILE)


def _dangerous(text: str) -> set[str]:
    return {c for c in text if (ord(c) < 32 and c not in "\n\r") or 127 <= ord(c) < 160 or c == "\u202e"}


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "html", "md"])
def test_names_of_strangers_do_not_drive_the_terminal(run: Run, hostile: Path, form: str) -> None:
    config = json.loads((hostile / "config.json").read_text())
    (hostile / "config.json").write_text(json.dumps(config | {"architectures": [HOSTILE]}))
    (hostile / "README.md").write_text(f"---\nbase_model: {json.dumps(HOSTILE)}\nlicense: {json.dumps(HOSTILE)}\n---\n")
    source = hostile.as_uri()
    for command in (
        ["ingest", hostile],
        ["ingest", hostile / "missing"],
        ["list"],
        ["show", source],
        ["ancestors", source],
        ["ancestors", HOSTILE],
        ["sql", "SELECT name, chr(27) || '[2J' AS \"\x1b[2J\" FROM model"],
        ["sql", "SELECT '\x1b[2J\u202e' FROM nothing"],
        ["remove", source],
    ):
        ran = run(*command, "--format", form)
        assert not _dangerous(ran.out), command
        assert not _dangerous(ran.err), command
        assert "Traceback" not in ran.err


def test_markup_in_a_name_is_text(run: Run, hostile: Path) -> None:
    run("ingest", hostile)
    assert "[bold]x[red]:smile:" in run("list").out


def test_a_name_on_a_terminal_is_escaped_too(hostile: Path, registry_path: Path) -> None:
    text = terminal(["ingest", hostile], registry_path) + terminal(["list"], registry_path)
    for sequence in ("\x1b]0;owned", "\x1b[2J", "\x9b31m", "\u202e"):
        assert sequence not in text


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("alder", "alder"),
        ("a=1", "a=1"),
        (-1.5, "-1.5"),
        (["=1", "b"], "'=1;b"),
    ],
)
def test_safe_csv_quotes_what_a_spreadsheet_would_run_and_leaves_numbers(text: object, cell: str) -> None:
    form = Output.chosen(OUTPUTS["csv"], None, True, safe_csv=True).form
    assert form.row is not None and form.text is not None
    assert list(form.row({"=name": text}, True)) == ["'=name\n", f"{cell}\n"]
    plain_form = OUTPUTS["csv"].row
    assert plain_form is not None
    assert next(iter(plain_form({"=name": 1}, True))) == "=name\n"


def test_safe_csv_is_refused_where_the_format_is_another(run: Run, tmp_path: Path) -> None:
    assert run("list", "--safe-csv", "--registry", tmp_path / "none.duckdb").code == 2


def test_a_result_without_a_table_shows_values_as_people_write_them() -> None:
    row = {"name": "a", "parent": None, "by": ["marks", "dates"], "none": [], "share": 0.12345678901}
    (table,) = Result({}, [row], ()).shown
    assert table.cells == [["a", "", "marks, dates", "", "0.123457"]]
