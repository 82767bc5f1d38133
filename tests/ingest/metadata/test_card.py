"""What a model declares: parents from its card and config; hostile YAML declares nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebear.ingest.errors import FormatError
from forebear.ingest.metadata.card import Card, DeclaredParent, read_card, read_config, text_config

from ...cpu import cpu_at_most
from ...writers import MemorySource


def card(front: str, config: dict[str, object] | None = None, name: str = "me") -> Card:
    return read_card(MemorySource({"README.md": f"---\n{front}\n---\n# Text\n".encode()}, name), config or {})


def names(found: Card) -> list[str]:
    return [p.parent for p in found.parents]


def test_one_parent_is_a_string_several_are_a_list() -> None:
    assert card("base_model: org/parent").parents == (DeclaredParent("org/parent", "card"),)
    assert names(card("base_model:\n- org/one\n- org/two")) == ["org/one", "org/two"]
    assert names(card("base_model: [a/b]")) == ["a/b"]


def test_the_card_says_how_the_relation_is_called_and_the_licence() -> None:
    found = card("base_model: a/b\nbase_model_relation: quantized\nlicense: apache-2.0")
    assert found == Card((DeclaredParent("a/b", "card", "quantized"),), "apache-2.0")
    assert card("license: other\nlicense_name: mrl").license == "mrl"
    assert card("license: other").license == "other"
    assert card("license: mit\nlicense_name: mrl").license == "mit"
    assert card("license: null\nbase_model_relation: ~") == Card()


@pytest.mark.parametrize(
    "front", ["base_model:", "base_model: null", "base_model: ~", "base_model: ''", "base_model: []", "tags: [x]"]
)
def test_an_empty_field_declares_nothing(front: str) -> None:
    assert card(front) == Card()


def test_config_fields_declare_parents_once() -> None:
    config: dict[str, object] = {
        "_name_or_path": "org/parent",
        "base_model": "other/one",
        "base_model_name_or_path": ["org/parent"],
    }
    assert [(p.parent, p.origin) for p in card("base_model: org/parent", config).parents] == [
        ("org/parent", "card"),
        ("other/one", "config"),
    ]


@pytest.mark.parametrize("path", ["me", "/data/me", "/data/me/", "org/me", ""])
def test_a_model_is_not_its_own_parent(path: str) -> None:
    assert card("", {"_name_or_path": path}).parents == ()


def test_a_model_without_a_card_declares_what_its_config_does() -> None:
    assert names(read_card(MemorySource({}), {"_name_or_path": "a/b"})) == ["a/b"]
    assert names(read_card(MemorySource({"README.md": b"# no front matter\n---\nbase_model: a/b\n---"}), {})) == []


def test_declared_names_can_be_printed() -> None:
    assert names(card('base_model: "a\\u202eb\\e[2J"'))[0].isprintable()


def test_no_more_than_64_parents_are_kept() -> None:
    assert len(names(card("base_model:\n" + "\n".join(f"- org/m{i}" for i in range(200))))) == 64


HOSTILE = [
    "a: [",
    "a: b: c",
    "- just\n- a list",
    "text",
    "base_model: !!python/object/apply:os.system ['echo hacked']",
    "? [a, b]\n: c",
    "a: !!int ''",
    "a: !!float ''",
    "a: !!bool nonsense",
    "a: !!timestamp nonsense",
    "a: 2001-99-99",
    "a: 0001-01-01T00:00:00+23:59",
    "a: !!binary \u00e9",
    "a: &a [*a]",
    "base_model: &a [*a, *a]",
    "a: *missing",
    "a: \x00",
    "\t",
    "[" * 5000,
    "{a: " * 3000,
    "a: " + "9" * 10_000,
    "base_model: {x: y}",
    "base_model: 7",
    "base_model: [1, null, {a: b}, [c]]",
    "license: [a]",
    "\n".join(["l0: &l0 [x, x]", *(f"l{i}: &l{i} [*l{i - 1}, *l{i - 1}]" for i in range(1, 60))]),
    "\n".join(["l0: &l0 {k: v}", *(f"l{i}: &l{i} {{<<: [*l{i - 1}, *l{i - 1}]}}" for i in range(1, 60))]),
]


@pytest.mark.parametrize("front", HOSTILE, ids=lambda front: repr(front[:30]))
def test_hostile_yaml_declares_nothing_and_takes_no_time(front: str) -> None:
    with cpu_at_most(2):
        found = card(front)
    assert all(isinstance(p.parent, str) for p in found.parents)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_as_front_matter_is_read(text: str) -> None:
    card(text.encode("utf-8", "replace").decode())


def test_a_card_that_is_not_text_declares_nothing() -> None:
    assert read_card(MemorySource({"README.md": b"---\n\xff\xfe\n---\n"}), {}) == Card()


@pytest.mark.parametrize("text", ["{", "[]", "3", "", "[" * 200_000])
def test_a_config_that_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match=r"config\.json"):
        read_config(MemorySource({"config.json": text.encode()}))


def test_a_missing_config_is_an_empty_one() -> None:
    assert read_config(MemorySource({})) == {}
    assert read_config(MemorySource({"config.json": json.dumps({"a": 1}).encode()})) == {"a": 1}


def test_a_config_past_its_limit_is_not_read() -> None:
    with pytest.raises(FormatError, match="the limit for it is"):
        read_config(MemorySource({"config.json": b"{}" + b" " * (5 << 20)}))


def test_the_language_part_of_a_nested_config_wins() -> None:
    nested = text_config({"vocab_size": 1, "model_type": "llava", "text_config": {"vocab_size": 2}})
    assert (nested["vocab_size"], nested["model_type"]) == (2, "llava")
    assert text_config({"vocab_size": 1})["vocab_size"] == 1
