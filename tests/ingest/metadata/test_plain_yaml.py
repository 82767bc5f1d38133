"""YAML of strangers: what is read, what is refused, and how little of a hostile text is looked at."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from forebear.ingest.metadata.plain_yaml import DEEPEST, MOST_NODES, BracketBound, document, documents


def test_what_is_read_is_text_lists_and_mappings_alone() -> None:
    assert document("a: 1\nb: [true, ~, 2001-99-99]\nc: !!int x") == {
        "a": "1",
        "b": ["true", "~", "2001-99-99"],
        "c": "x",
    }
    assert document("") is None
    assert list(documents("a: 1\n---\n- 2")) == [{"a": "1"}, ["2"]]


def test_a_document_is_one_document() -> None:
    with pytest.raises(yaml.YAMLError, match="more than one document"):
        document("a: 1\n---\na: 2")


def test_an_alias_is_one_object_or_is_refused() -> None:
    text = "a: &a [x]\nb: *a"
    found = document(text, aliases=True)
    assert isinstance(found, dict) and found["a"] is found["b"]
    with pytest.raises(yaml.YAMLError, match="alias"):
        document(text)


def _brackets(depth: int) -> str:
    return "[" * depth + "]" * depth


def _lists(depth: int) -> str:
    return "- " * depth + "x"


def _mappings(depth: int) -> str:
    return "\n".join(" " * i + "a:" for i in range(depth))


@pytest.mark.parametrize("nested", [_brackets, _lists, _mappings])
def test_what_is_nested_too_deeply_is_refused(nested: Callable[[int], str]) -> None:
    document(nested(DEEPEST - 1))
    for depth in (DEEPEST + 1, 5_000):
        with pytest.raises(yaml.YAMLError, match=str(DEEPEST)):
            document(nested(depth))


def test_too_many_values_are_refused() -> None:
    document("- x\n" * (MOST_NODES - 1))
    with pytest.raises(yaml.YAMLError, match=str(MOST_NODES)):
        document("- x\n" * MOST_NODES)


@pytest.mark.parametrize("text", ["[" * 5_000, "{a: " * 5_000, "{[" * 5_000])
def test_open_brackets_are_refused_before_each_token_looks_at_all_of_them(text: str) -> None:
    loader = BracketBound(text)
    with pytest.raises(yaml.MarkedYAMLError, match="line 1"):
        while loader.check_token():
            loader.get_token()  # type: ignore[no-untyped-call]
    assert loader.index < 5 * DEEPEST
