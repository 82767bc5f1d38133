"""The benchmark of rewrites: its cases change weights and not functions, and the original of a rewrite stands first."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.rewrites.cases import (
    VOCABULARY_ORDER,
    Checkpoint,
    damage,
    read_checkpoint,
    rewrites,
    shuffle_vocabulary,
)
from benchmarks.rewrites.run import asked, computes_the_same
from forebear.registry import Registry
from tests.queries.evidence.rewrites import EMBEDDING

CASES = {case.name: case for case in rewrites()}


@pytest.fixture(scope="module")
def roots(zoo: Path) -> dict[str, Checkpoint]:
    return {name: read_checkpoint(zoo / name) for name in ("alder", "cedar")}


def test_there_are_all_rewrites_pairs_and_triples() -> None:
    assert Counter(case.group for case in rewrites()) == {"rewrite": 12, "pair": 66, "triple": 220, "all at once": 1}
    assert len({case.name for case in damage()}) == 17


@pytest.mark.parametrize("name", [case.name for case in rewrites() if case.group == "rewrite"])
def test_a_rewrite_of_qwen_with_its_biases_leaves_the_function_as_it_is(
    name: str, roots: dict[str, Checkpoint]
) -> None:
    root = roots["cedar"]
    made = CASES[name].change(root, np.random.default_rng(3))
    assert any(not np.array_equal(made.tensors[n], t) for n, t in root.tensors.items())
    assert computes_the_same(root, made, CASES[name])


def test_a_shuffled_vocabulary_has_every_row_under_its_token(roots: dict[str, Checkpoint]) -> None:
    root = roots["alder"]
    made = shuffle_vocabulary(root, np.random.default_rng(3))
    before, after = (one.tokenizer["model"]["vocab"] for one in (root, made))  # type: ignore[index]
    assert before != after and VOCABULARY_ORDER in CASES
    for token in list(before)[::37]:
        np.testing.assert_array_equal(root.tensors[EMBEDDING][before[token]], made.tensors[EMBEDDING][after[token]])


@pytest.mark.parametrize(
    "name", ["random gains", "residual signs", "residual rotated + heads shuffled", "random gains + heads shuffled"]
)
def test_the_original_stands_before_its_descendants_whatever_else_matches_by_chance(
    name: str, zoo_registry: Path, roots: dict[str, Checkpoint]
) -> None:
    made = CASES[name].change(roots["alder"], np.random.default_rng([7, 0]))
    with Registry(zoo_registry, read_only=True) as registry:
        found = asked(registry, "alder", CASES[name], made)
    assert (found.verdict, found.rank) == ("related", 1) and found.right
