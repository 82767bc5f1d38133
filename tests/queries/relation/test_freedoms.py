"""Which freedoms a rewrite used is told from what is left of it, and what leaves no trace is not told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from forebear.ingest.model import fingerprint_model
from forebear.ingest.sources import open_source
from forebear.queries.data.component import Component
from forebear.queries.data.loading import load_components
from forebear.queries.evidence.pair import compare
from forebear.queries.relation.flags import Relation, relate
from forebear.registry.store.arrow import model_tables

from ...writers import MemorySource, model_files, raw
from ..comparison.surgery import read_model
from ..evidence.rewrites import REWRITES, Attention, Tensors

ATTENTION = Attention(heads=4, kv_heads=2, size=20)
CHANGED = {
    "random gains": {"gains": "multiplied by factors"},
    "folded gains": {"gains": "set to one number"},
    "residual permuted": {"residual basis": "in another order"},
    "residual signs": {"residual basis": "with other signs"},
    "residual rotated": {
        "residual basis": "turned, or in an order that training has hidden",
        "gains": "set to one number",
    },
    "residual Hadamard": {
        "residual basis": "turned, or in an order that training has hidden",
        "gains": "set to one number",
    },
    "neurons shuffled": {"neurons": "in another order (634 of 640 pairs stand elsewhere)"},
    "heads shuffled": {"heads": "in another order"},
    "up scales": {"up scales": "multiplied by factors"},
}
"""Rewrite -> what of it is told. Turned planes and bases look like rows that were replaced: they are not told."""


@pytest.fixture(scope="module")
def root(zoo: Path) -> Tensors:
    return read_model(zoo / "alder")


@pytest.fixture(scope="module")
def candidates(zoo: Path) -> dict[str, Component]:
    names = ("alder", "alder-docs", "alder-long")
    return {n: components(fingerprint_model(open_source(str(zoo / n)))) for n in names}


def components(made: object) -> Component:
    return load_components(model_tables(made, 1))[1][0]  # type: ignore[arg-type]


def related(zoo: Path, root: Tensors, candidate: Component, *rewrites: str) -> Relation:
    """The relation of alder, rewritten, to a candidate."""
    random = np.random.default_rng(7)
    for name in rewrites:
        root = REWRITES[name](root, ATTENTION, random)
    config, tokenizer = (json.loads((zoo / "alder" / f).read_bytes()) for f in ("config.json", "tokenizer.json"))
    config["tie_word_embeddings"] = "lm_head.weight" not in root
    stored = {name: raw(tensor, "F32") for name, tensor in root.items()}
    query = components(fingerprint_model(MemorySource(model_files(stored, config=config, tokenizer=tokenizer))))
    return relate(compare(query, candidate, 100))


def changed(relation: Relation) -> dict[str, str]:
    return {one.what: one.found for one in relation.freedoms if one.state == "changed"}


@pytest.mark.parametrize("name", CHANGED)
def test_the_freedom_that_a_rewrite_used_is_told_and_no_other(
    name: str, zoo: Path, root: Tensors, candidates: dict[str, Component]
) -> None:
    relation = related(zoo, root, candidates["alder"], name)
    assert changed(relation) == CHANGED[name]
    assert "basis_changed" in relation.flags
    assert all(f"{what} {found}" in relation.reason for what, found in CHANGED[name].items())


@pytest.mark.parametrize("name", ["rotary planes", "value bases"])
def test_rows_that_were_turned_inside_of_heads_are_not_told_from_replaced_ones(
    name: str, zoo: Path, root: Tensors, candidates: dict[str, Component]
) -> None:
    relation = related(zoo, root, candidates["alder"], name)
    assert changed(relation) == {}
    unclear = {one.what for one in relation.freedoms if one.state == "unclear"}
    assert unclear <= {name} and not any("rewritten" in part for part in relation.reason.split("; "))


def test_everything_at_once_names_all_that_leaves_a_trace(
    zoo: Path, root: Tensors, candidates: dict[str, Component]
) -> None:
    everything = ("random gains", "residual rotated", "neurons shuffled", "heads shuffled", "value bases", "up scales")
    for candidate in ("alder", "alder-docs", "alder-long"):
        found = changed(related(zoo, root, candidates[candidate], *everything))
        assert set(found) == {"residual basis", "neurons", "gains", "up scales"}, candidate


def test_descendants_that_were_trained_alone_used_none(
    zoo: Path, root: Tensors, candidates: dict[str, Component]
) -> None:
    for name in ("alder-docs", "alder-long"):
        relation = related(zoo, root, candidates[name])
        assert relation.freedoms == () and "basis_changed" not in relation.flags
