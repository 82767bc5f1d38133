"""Declared recipes: what mergekit writes is read, from its file and from cards; hostile YAML declares nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebear.ingest.metadata.card import Card, DeclaredParent, read_card
from forebear.ingest.metadata.merge_config import SEVERAL_STAGES, DeclaredWeight, parsed

from ...cpu import cpu_at_most
from ...writers import MemorySource

LINEAR = """merge_method: linear
models:
- model: org/one
  parameters: {weight: 0.6}
- model: org/two
  parameters: {weight: 0.4}
"""


def card(files: dict[str, bytes]) -> Card:
    return read_card(MemorySource(files, "me"), {})


def weights(text: str) -> dict[str, float | None]:
    recipe = parsed("card", text)
    assert recipe is not None
    return {parent.parent: parent.weight for parent in recipe.parents}


def test_the_file_that_mergekit_writes_is_read_and_its_parents_are_declared() -> None:
    found = card({"mergekit_config.yml": LINEAR.encode()})
    (recipe,) = found.recipes
    assert (recipe.origin, recipe.method, recipe.base, recipe.config) == (
        "mergekit_config.yml",
        "linear",
        None,
        LINEAR.rstrip("\n"),
    )
    assert recipe.parents == (DeclaredWeight("org/one", 0.6), DeclaredWeight("org/two", 0.4))
    assert found.parents == (
        DeclaredParent("org/one", "mergekit_config.yml", "merge"),
        DeclaredParent("org/two", "mergekit_config.yml", "merge"),
    )


def test_yaml_of_a_card_counts_once_where_the_file_says_the_same() -> None:
    readme = f"# Merge\n```python\nmerge_method = 1\n```\n```yaml\n{LINEAR}```\n".encode()
    assert [recipe.origin for recipe in card({"README.md": readme}).recipes] == ["card"]
    assert [r.origin for r in card({"README.md": readme, "mergekit_config.yml": LINEAR.encode()}).recipes] == [
        "mergekit_config.yml"
    ]
    other = readme.replace(b"0.6", b"0.7")
    assert [r.origin for r in card({"README.md": other, "mergekit_config.yml": LINEAR.encode()}).recipes] == [
        "mergekit_config.yml",
        "card",
    ]


def test_slerp_gives_its_base_the_rest_and_gradients_their_mean() -> None:
    head = "merge_method: slerp\nbase_model: a\nmodels: [{model: a}, {model: b}]\n"
    assert weights(head + "parameters: {t: 0.3}") == {"a": 0.7, "b": 0.3}
    assert weights(head + "parameters: {t: [0, 1, 1]}") == {"a": 0.25, "b": 0.75}
    assert weights(head + "parameters: {t: [{filter: mlp, value: 0.2}, {value: 0.5}]}") == {"a": None, "b": None}
    sliced = "merge_method: slerp\nbase_model: a\nslices:\n- sources: [{model: a}, {model: b, layer_range: [0, 4]}]\n"
    assert weights(sliced + "parameters: {t: 0.25}") == {"a": 0.75, "b": 0.25}


def test_changes_leave_the_base_out_and_take_the_scale_in() -> None:
    text = "merge_method: ties\nbase_model: {model: {path: base}}\n"
    text += "models: [{model: base}, {model: b@v1+lora, parameters: {weight: 0.5}}]\n"
    assert weights(text + "parameters: {lambda: 0.5}") == {"b@v1": 0.25}


def test_layers_that_are_copied_weigh_their_share() -> None:
    text = "merge_method: passthrough\nslices:\n- sources: [{model: a, layer_range: [0, 3]}]\n"
    text += "- sources: [{model: b, layer_range: [2, 3]}]"
    assert weights(text) == {"a": 0.75, "b": 0.25}


def test_experts_and_stages_are_said() -> None:
    moe = parsed("f", "base_model: a\nexperts: [{source_model: a}, {source_model: b}, {source_model: a}]")
    assert moe is not None and (moe.method, [p.parent for p in moe.parents]) == ("moe", ["a", "b"])
    stages = parsed("f", f"name: x\n{LINEAR}---\n{LINEAR}")
    assert stages is not None and (stages.method, stages.parents) == (SEVERAL_STAGES, ())


HOSTILE = [
    "a: [",
    "- 1",
    "merge_method: [x]",
    "merge_method: ''",
    "!!python/object/apply:os.system ['false']",
    "merge_method: linear\nx: &a [1]\ny: *a",
    "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nmerge_method: linear",
    "[" * 20_000,
    "{a: " * 5_000,
    "merge_method: linear\nmodels: [" + "x," * 30_000 + "]",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_configuration_declares_nothing_and_takes_no_time(text: str) -> None:
    with cpu_at_most(5):
        assert card({"mergekit_config.yml": text.encode()}).recipes == ()


def test_a_file_that_is_too_long_declares_nothing_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    assert card({"mergekit_config.yml": LINEAR.encode() + b"#" * (64 << 10)}).recipes == ()
    assert "what it declares is not read" in caplog.text


def test_names_and_numbers_of_strangers_can_be_printed_and_counted() -> None:
    text = 'merge_method: linear\nmodels: [{model: "a\\e[2J", parameters: {weight: .nan}}, '
    text += "{model: b, parameters: {weight: 1e99}}]"
    assert weights(text) == {"a\\x1b[2J": None, "b": None}
    recipe = parsed("card", "merge_method: linear\n# \u202e\n")
    assert recipe is not None and all(line.isprintable() for line in recipe.config.splitlines())


YAML = st.text(alphabet="ab:-[]{}&*!|>'\"\n \t,0.", max_size=200)


@settings(deadline=None, max_examples=100)
@given(YAML)
def test_any_text_is_read_or_left(text: str) -> None:
    recipe = parsed("card", "merge_method: linear\nbase_model: x\n" + text)
    assert recipe is None or recipe.origin == "card"
