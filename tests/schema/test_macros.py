"""The SQL macros answer without Python, and strangers have nothing in common there either."""

from __future__ import annotations

from pathlib import Path

import duckdb


def test_the_macros_rank_the_family_first_and_strangers_match_nothing(zoo_registry: Path) -> None:
    with duckdb.connect(str(zoo_registry), read_only=True) as connection:
        family = connection.execute("SELECT name, coverage FROM ancestors('alder-docs', k := 5)").fetchall()
        assert len(family) == 5 and all(name.startswith("alder") and 0.89 < coverage < 0.9 for name, coverage in family)
        strangers = connection.execute("SELECT identity, coverage FROM ancestors('cedar', k := 5)").fetchall()
        assert strangers and all(abs(identity) < 0.1 and coverage < 0.05 for identity, coverage in strangers)
        nearest = connection.execute("SELECT name FROM neighbors('alder-rotated', k := 3)").fetchall()
        assert all(name.startswith("alder") for (name,) in nearest)
        assert connection.execute("SELECT count(*) FROM undeclared_ancestors").fetchall()[0][0] > 0
        declared = connection.execute("SELECT parent FROM declared_parents WHERE name = 'alder-docs'").fetchall()
        assert declared == [("alder",)]
