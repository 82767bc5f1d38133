"""Editions of the zoo: what differs between them, and what the first must stay."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "zoo" / "editions.py"


@pytest.fixture(scope="module")
def editions() -> ModuleType:
    """The module alone: all others of the generator need torch."""
    spec = importlib.util.spec_from_file_location("zoo_editions", PATH)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_first_edition_has_the_names_seeds_texts_and_layers_that_it_was_made_with(editions: ModuleType) -> None:
    assert [editions.name_of(name, 1) for name in editions.OTHER_NAMES] == list(editions.OTHER_NAMES)
    assert editions.stranger_name("base", 7, 1) == "stranger-base-07"
    assert editions.seed_of("oak-docs") == 1784269480
    assert editions.initial_seed(3, "yew", 1) == 3
    assert all(editions.keeps("source", number, 1) for number in range(100))
    assert [editions.dropped_layers(layers, 1) for layers in (4, 6, 10)] == [{1, 2}, {1, 4}, {1, 8}]


def test_no_name_and_no_seed_of_one_edition_is_in_another(editions: ModuleType) -> None:
    names = [editions.name_of(name, edition) for edition in range(1, 6) for name in editions.OTHER_NAMES]
    names += [editions.stranger_name("base", number, edition) for edition in range(1, 6) for number in range(32)]
    assert len({*names}) == len(names)
    assert len({editions.seed_of(name) for name in names}) == len(names)
    assert editions.initial_seed(1, "acacia2", 2) != editions.initial_seed(1, "acacia3", 3)


def test_other_editions_lack_a_third_of_the_texts_each_another_one(editions: ModuleType) -> None:
    kept = [{n for n in range(3000) if editions.keeps("docs", n, edition)} for edition in (2, 3)]
    assert all(1900 < len(some) < 2100 for some in kept)
    assert 1200 < len(kept[0] & kept[1]) < 1450


@pytest.mark.parametrize("layers", [4, 5, 6, 10])
def test_two_layers_in_the_middle_are_dropped_in_every_edition(editions: ModuleType, layers: int) -> None:
    for edition in range(1, 20):
        dropped = editions.dropped_layers(layers, edition)
        assert len(dropped) == 2 and dropped <= set(range(1, layers - 1))
