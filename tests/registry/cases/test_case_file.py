"""Case files: what is right is read with its digits, what is wrong is said with its line, and nothing costs much."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebear.ingest.errors import FormatError, SourceError
from forebear.registry.cases.case_file import parse_case, read_case
from forebear.registry.cases.provenance import case_fields
from forebear.registry.cases.shipped import FOLDER, find_case, shipped_cases
from forebear.registry.cases.yaml_nodes import MOST_BYTES

from ...cpu import cpu_at_most

GOOD = """
case: 1
title: A and B
models:
  a: {source: org/a, role: accused}
  b: {source: org/b, role: parent, released: 2025-01-31}
claims:
  - {metric: cosine, models: [a, b], tensors: [norm attention], value: 0.90, layers: {a: [1], b: [2]}}
"""


def parsed(text: str) -> None:
    parse_case(text.encode(), "case.yaml")


def test_a_case_keeps_the_digits_that_were_published() -> None:
    case = parse_case(GOOD.encode(), "case.yaml")
    (claim,) = case.claims
    assert claim.value == "0.90" and claim.layers == {"a": (1,), "b": (2,)} and claim.name == "claim 1"
    assert case.model("b").released == "2025-01-31"


def test_a_case_is_the_same_after_it_was_written_as_json() -> None:
    for one in shipped_cases():
        again = parse_case(json.dumps(case_fields(one.case)).encode(), one.name)
        assert again == one.case


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("", "the file is empty"),
        ("- 1", "a mapping was expected"),
        ("case: 1", "title and models must be given"),
        (GOOD.replace("case: 1", "case: 2"), "format 1"),
        (GOOD.replace("title:", "titel: x\ntitle:"), "did you mean title"),
        (GOOD.replace("role: accused", "role: guilty"), "none of accused"),
        (GOOD.replace("role: accused", "role: derivative"), "a derivative says in `of`"),
        (GOOD.replace("role: accused", "role: derivative, of: c"), "no other model"),
        (GOOD.replace("a: {source", "a-b: {source"), "a label is a letter"),
        (GOOD.replace("2025-01-31", "31.1.2025"), "no date"),
        (GOOD.replace("metric: cosine", "metric: cosin"), "did you mean cosine"),
        (GOOD.replace("models: [a, b]", "models: [a]"), "two different models"),
        (GOOD.replace("models: [a, b]", "models: [a, c]"), "none of a, b"),
        (GOOD.replace("value: 0.90", "value: high"), "no number"),
        (GOOD.replace("value: 0.90", "value: nan"), "no number"),
        (GOOD.replace("value: 0.90", "value: 0.90, tolernace: 1"), "did you mean tolerance"),
        (GOOD.replace("b: [2]}", "b: [2, 3]}"), "side by side"),
        (GOOD.replace("a: [1]", "a: [-1]"), "no whole number"),
        (GOOD.replace("value: 0.90", "value: [0.90]"), "a text was expected"),
        (GOOD.replace("metric: cosine, ", "metric: token_at, "), "token_at is of one model"),
        (GOOD.replace("metric: cosine", "metric: relation").replace("0.90", "copied"), "none of unrelated, related"),
        (GOOD.replace("metric: cosine", "metric: relation, bound: above").replace("0.90", "related"), "said in words"),
        (GOOD.replace("value: 0.90", "value: 0.90, bound: above, tolerance: 0.1"), "judged by the bound"),
        (GOOD.replace("metric: cosine", "metric: shared_share, of: c"), "none of a, b"),
        (GOOD + "title: again\n", "title stands twice"),
        (GOOD.replace("{source: org/a", "&x {source: org/a") + "notes: [*x]\n", "anchors and aliases"),
        (GOOD + "---\ncase: 1\n", "a second document"),
        ("[" * 40 + "]" * 40, "nested more than"),
        ("a: [unclosed", "no YAML"),
        ("? [a, b]\n: 1\n", "no text"),
        ("case: !!python/object/apply:os.system ['true']", "title and models must be given"),
        ("x: \x07", "no YAML"),
    ],
)
def test_what_is_wrong_is_said(wrong: str, said: str) -> None:
    with pytest.raises(FormatError, match=r"case\.yaml") as error:
        parsed(wrong)
    assert said in str(error.value)


def test_an_error_names_the_line() -> None:
    with pytest.raises(FormatError, match=r"case.yaml, line 5: models.a.role"):
        parsed(GOOD.replace("role: accused", "role: guilty"))


def test_bombs_are_refused_before_they_go_off() -> None:
    laughs = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    with cpu_at_most(10):
        for bomb in (laughs, "- " * 400 + "x", "[" * 100_000, "{" * 100_000, "a: " + "[1," * 60_000 + "]"):
            with pytest.raises(FormatError):
                parsed(bomb)
        with pytest.raises(FormatError, match="the limit for a case"):
            parse_case(b"#" * (MOST_BYTES + 1), "case.yaml")
        with pytest.raises(FormatError, match="more than 50000 values"):
            parsed("notes: [" + "1, " * 60_000 + "1]")


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(FormatError, match="not UTF-8 at byte 7"):
        parse_case(b"title: \xff", "case.yaml")


@given(st.binary(max_size=300) | st.text(alphabet="&*!|>{}[],:#-? \n'\"abc123", max_size=120).map(str.encode))
def test_no_bytes_give_anything_but_a_case_or_an_error_of_ours(data: bytes) -> None:
    with suppress(FormatError):
        parse_case(data, "case.yaml")


def test_a_source_beside_the_file_is_found_from_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(GOOD.replace("source: org/a", "source: ./a"), encoding="utf-8")
    assert read_case(path).model("a").source == str(tmp_path / "a")


def test_shipped_cases_are_found_by_name_and_have_sources_for_their_claims() -> None:
    names = [one.name for one in shipped_cases()]
    assert {"solar-glm", "national-models", "yi-llama", "rio-nex", "llama3v-minicpm", "pangu-qwen"} <= set(names)
    assert {"rakuten-deepseek", "llama-3.2", "stripedhyena-mistral", "pythia", "zoo"} <= set(names)
    founding = find_case("solar-glm")
    assert len(founding.claims) > 100 and all(claim.source for claim in founding.claims)
    assert founding.of_role("control") and founding.model("intellect").of == "glm"
    with pytest.raises(SourceError, match="did you mean solar-glm"):
        find_case("solar-gml")


def test_every_case_but_the_zoo_names_sources_of_the_hub_and_a_control() -> None:
    for one in shipped_cases():
        assert one.name == "zoo" or all(model.source.startswith("hf://") for model in one.case.models)
        assert one.case.of_role("control"), one.name
    assert any(not model.confirmed for one in shipped_cases() for model in one.case.models)
    assert (FOLDER / "solar-glm.yaml").exists()
