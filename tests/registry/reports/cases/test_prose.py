"""The languages of a page say the same: one key each, with the same figures; and nothing is left in the other one."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

from forebear.registry.reports.cases.prose import LANGUAGES, Words
from forebear.registry.reports.cases.values import evalue_said

FOLDER = Path(__file__).parents[4] / "registry" / "reports" / "cases"


def figures(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_every_sentence_has_its_counterpart_with_the_same_figures(language: str) -> None:
    english, other = LANGUAGES["en"], LANGUAGES[language]
    assert list(english) == list(other)
    for key, sentence in english.items():
        allowed = {"first"} if key == "direction_first" else {"second"} if key == "direction_second" else set()
        assert figures(sentence) | allowed == figures(other[key]) | allowed, key


def test_korean_is_written_in_korean() -> None:
    plain = {"evalue", "id", "sha256", "expected_none"}
    for key, sentence in LANGUAGES["ko"].items():
        assert key in plain or any("가" <= c <= "힣" for c in sentence), key


def test_every_sentence_is_used_and_every_used_one_is_there() -> None:
    """Keys in words(...) calls, those made of a role or a verdict counted by how they begin."""
    used: set[str] = set()
    begun: set[str] = set()
    for path in FOLDER.glob("*.py"):
        if path.name.startswith("prose"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                used.add(node.value)
            if isinstance(node, ast.JoinedStr) and isinstance(first := node.values[0], ast.Constant):
                begun.add(str(first.value))
    page = (FOLDER / "case.html").read_text(encoding="utf-8")
    command = (FOLDER.parents[1] / "cli" / "commands" / "case.py").read_text(encoding="utf-8")
    ends = ("_title", "_shows", "_null")
    spare = [
        key
        for key in LANGUAGES["en"]
        if key not in used
        and f'words("{key}"' not in page + command
        and not any(len(begin) > 3 and key.startswith(begin) for begin in begun)
        and not (key.endswith(ends) and key.partition("_")[0] in {"same", "mixed", "within"})
    ]
    assert spare == []


def test_a_sentence_without_its_figure_is_an_error() -> None:
    with pytest.raises(KeyError):
        Words("en")("high_ids")
    with pytest.raises(KeyError):
        Words("en")("no such key")


def test_a_count_of_one_reads_as_well_as_any_other() -> None:
    said = Words("en")("claims_text", count=1, reproduced=1, contradicted=0, unchecked=0)
    assert said == "Published figures: 1, of which reproduced 1, contradicted 0, not checkable 0."
    sentences = [text for text in LANGUAGES["en"].values() if "{count}" in text]
    plural = [text for text in sentences if re.search(r"\{count\} (more )?(pairs|published|rows)", text)]
    assert plural == [LANGUAGES["en"]["more_pairs"], LANGUAGES["en"]["from_controls"]]


def test_an_evalue_below_what_is_shown_is_less_than_and_never_equal_to_it() -> None:
    assert (evalue_said(-8163), evalue_said(-5)) == ("< 1e-300", "= 1e-05")
    assert all("E = {evalue}" not in text for words in LANGUAGES.values() for text in words.values())
