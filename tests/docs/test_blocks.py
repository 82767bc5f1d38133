"""The runner of pages finds what is wrong, and puts right what is old."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .blocks import blocks, shown, written
from .running import run_page
from .session import Failed, Session
from .varying import placed, settled

PAGE = """# A page

```console
$ forebear list --format csv
name,old
$ echo one; echo two
one
...
```

```python
print(1 + 1)
```

```text
3
```
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with Session(tmp_path_factory.mktemp("blocks") / "checkout") as opened:
        yield opened


def page(folder: Path, text: str) -> Path:
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_page_is_taken_apart_and_put_together_again() -> None:
    found = blocks(PAGE)
    assert [block.language for block in found] == ["console", "python", "text"]
    assert [(c.text, c.expected) for c in found[0].commands] == [
        ("forebear list --format csv", ("name,old",)),
        ("echo one; echo two", ("one", "...")),
    ]
    assert written(PAGE, [(block, block.lines) for block in found]) == PAGE


def test_a_fence_that_does_not_end_and_a_block_without_a_command_are_errors() -> None:
    with pytest.raises(ValueError, match="line 1: a fence that does not end"):
        blocks("```python\nprint(1)\n")
    with pytest.raises(ValueError, match="begins with"):
        _ = blocks("```console\nforebear list\n```\n")[0].commands


def test_old_output_is_found_and_written_anew(tmp_path: Path, session: Session) -> None:
    path = page(tmp_path, PAGE)
    done = run_page(path, session)
    assert len(done.differences) == 2
    assert "name,old" not in done.text and "\nalder-docs," in done.text
    assert "one\n...\n" in done.text and "two" not in done.text.split("...")[1]
    assert "```text\n2\n```" in done.text
    path.write_text(done.text, encoding="utf-8")
    again = run_page(path, session)
    assert (again.differences, again.text) == ((), done.text)


def test_a_command_that_fails_ends_the_page_unless_the_page_asks_for_its_exit_code(
    tmp_path: Path, session: Session
) -> None:
    with pytest.raises(Failed, match="exit code 1"):
        run_page(page(tmp_path, "```console\n$ forebear show nothing\n```\n"), session)
    done = run_page(page(tmp_path, "```console\n$ forebear show nothing\n$ echo $?\n```\n"), session)
    assert done.text.endswith("$ echo $?\n1\n```\n") and "forebear: error: " in done.text


def test_every_page_begins_with_the_same_registry(tmp_path: Path, session: Session) -> None:
    commands = ("forebear remove birch --quiet", "forebear sql -q 'SELECT count(*) n FROM model' --format csv")
    one = "```console\n" + "".join(f"$ {command}\n" for command in commands) + "```\n"
    first, second = (run_page(page(tmp_path, one), session).text for _ in range(2))
    assert first == second and "\nn\n16\n" in first


def test_sql_and_python_that_fail_are_failures(tmp_path: Path, session: Session) -> None:
    with pytest.raises(Exception, match="no_such_table"):
        run_page(page(tmp_path, "```sql\nFROM no_such_table;\n```\n"), session)
    with pytest.raises(ZeroDivisionError):
        run_page(page(tmp_path, "```python\n1 / 0\n```\n"), session)


def test_a_change_of_the_package_must_fit_it(tmp_path: Path, session: Session) -> None:
    text = "<!-- edit: ingest/formats/__init__.py -->\n```diff\n-nothing like this\n+else\n```\n"
    with pytest.raises(AssertionError, match="holds 0 times"):
        run_page(page(tmp_path, text), session)


def test_seconds_and_dates_vary_and_nothing_else_does() -> None:
    assert settled(["17 ingested; 8.7 MB read in 1.9 s"]) == settled(["17 ingested; 8.7 MB read in 22 s"])
    assert settled(["17 ingested; 8.7 MB read in 1.9 s"]) != settled(["17 ingested; 8.8 MB read in 1.9 s"])
    assert settled(["ingested  2026-11-28 04:09:37 UTC"]) == settled(["ingested  2027-01-02 14:00:00 UTC"])
    table = ["status  tensors   seconds", "─────", "ingested     56      0.05"]
    assert settled(table) == settled([*table[:2], "ingested     56     12.31"])
    assert settled(table) != settled([*table[:2], "ingested     57      0.05"])
    assert settled(["rank  0.996"]) != settled(["rank  0.997"])


def test_places_of_this_machine_get_the_names_of_the_page_and_rules_their_length() -> None:
    printed = "name    source\n" + "─" * 26 + "\nalder   /tmp/a/very/long/x\n"
    assert placed(printed, {"/tmp/a/very/long": "/you"}) == ["name    source", "─" * 14, "alder   /you/x"]


def test_of_output_that_is_cut_as_many_lines_stay_as_before() -> None:
    assert shown(["a", "b", "..."], ["1", "2", "3"]) == ("1", "2", "...")
    assert shown(["a"], ["1", "2"]) == ("1", "2")


def test_the_last_digits_of_a_number_in_full_depend_on_the_processor() -> None:
    assert settled(["positions,-23550.09659313595,0.25"]) == settled(["positions,-23550.096593135982,0.25"])


def test_the_first_nine_digits_of_a_number_do_not_vary() -> None:
    assert settled(["positions,-23550.09659313595"]) != settled(["positions,-23550.09669313595"])
    assert settled(["identity 0.25"]) != settled(["identity 0.26"])
