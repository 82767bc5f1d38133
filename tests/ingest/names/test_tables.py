"""Tables of name patterns: what a pattern stands for, and which line of a table a name ends with."""

from __future__ import annotations

import pytest

from forebear.ingest.names import architectures
from forebear.ingest.names.tables import NameTable, alternatives, suffixes


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("q", ["q"]),
        ("a|b", ["a", "b"]),
        (r"(a|b)\.c", [r"a\.c", r"b\.c"]),
        (r"x(\.(y|z))?", [r"x\.y", r"x\.z", "x"]),
        (r"lora_.*", ["lora_.*"]),
    ],
)
def test_a_pattern_stands_for_all_its_alternatives(pattern: str, names: list[str]) -> None:
    assert alternatives(pattern) == names


@pytest.mark.parametrize("pattern", ["a)b", "[ab]", "a{2}", "^a", "a+"])
def test_what_a_table_cannot_write_out_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError):
        alternatives(pattern)


def test_the_first_line_wins_whatever_the_length_of_what_matches() -> None:
    table = NameTable(["c", r"b\.c", r"a\d+"])
    assert table.ending("x.b.c") == 0 and table.ending("a12") == 2
    assert table.ending("bc") is None and table.ending("b.c.d") is None
    assert table.within("x.b.c.y") == 0 and table.within("") is None


def test_only_the_end_of_a_long_name_is_looked_at() -> None:
    assert len(suffixes("a." * 1000)) == 8
    assert all(len(s) <= 160 for s in suffixes("a" * 10_000))


def test_every_line_of_the_tables_can_be_reached() -> None:
    """A line whose every name stands in an earlier line is dead."""
    for table in (architectures.ROLES, architectures.NORMS, architectures.COMPONENTS):
        seen: set[str] = set()
        for pattern, *_ in table:
            names = set(alternatives(pattern))
            assert names - seen, pattern
            seen |= names
