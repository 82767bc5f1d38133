"""Neurons on tokens: no rewrite that leaves a function escapes; unrelated models and twins are not related."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.ingest.fingerprint.activations import TOKENS
from forebear.ingest.model import fingerprint_model
from forebear.ingest.sources import open_source
from forebear.queries.data.component import Component, Neurons
from forebear.queries.data.loading import load_components
from forebear.queries.data.query import load_models
from forebear.queries.evidence.activations import align_activations, matched_layers, negative_binomial_tail
from forebear.queries.evidence.alignment import pair
from forebear.registry import Registry
from forebear.registry.store.arrow import model_tables

from ...writers import MemorySource, model_files, raw
from ..comparison.surgery import read_model
from .rewrites import (
    REWRITES,
    Attention,
    Tensors,
    add_noise,
    forward,
    make_binary,
    make_sparse,
    make_ternary,
    reduce_rank,
    replace_random,
)

ATTENTION = Attention(heads=4, kv_heads=2, size=20)
SURE = -20.0
"""log10 p of what is found here: a registry of ten thousand million models leaves E = 1e-10."""
UNREAD = ("heads shuffled", "rotary planes", "value bases", "up scales")
EVERYTHING = (
    "random gains",
    "residual rotated",
    "neurons shuffled",
    "heads shuffled",
    "value bases",
    "rotary planes",
    "up scales",
)


@pytest.fixture(scope="module")
def root(zoo: Path) -> Tensors:
    return read_model(zoo / "alder")


@pytest.fixture(scope="module")
def models(zoo: Path) -> dict[str, Component]:
    return {folder.name: read(folder) for folder in sorted(zoo.iterdir())}


def read(folder: Path) -> Component:
    return load_components(model_tables(fingerprint_model(open_source(str(folder))), 1))[1][0]


def component(tensors: Tensors, zoo: Path, dtype: str = "F32") -> Component:
    """The component of a model with alder's config and tokenizer."""
    config, tokenizer = (json.loads((zoo / "alder" / f).read_bytes()) for f in ("config.json", "tokenizer.json"))
    stored = {name: raw(tensor, dtype) for name, tensor in tensors.items()}
    config["tie_word_embeddings"] = "lm_head.weight" not in tensors
    source = MemorySource(model_files(stored, config=config, tokenizer=tokenizer))
    return load_components(model_tables(fingerprint_model(source), 1))[1][0]


def log10_p(query: Component, candidate: Component) -> float:
    found = align_activations(pair(query, candidate))
    return 0.0 if found is None else found.log_p / math.log(10)


def rewritten(root: Tensors, *names: str) -> Tensors:
    random = np.random.default_rng(7)
    for name in names:
        root = REWRITES[name](root, ATTENTION, random)
    return root


@pytest.mark.parametrize("name", [*REWRITES, "everything"])
def test_a_rewrite_leaves_the_function_as_it_is(name: str, root: Tensors) -> None:
    ids = [5, 17, 300, 42, 9, 77, 130]
    changed = rewritten(root, *(EVERYTHING if name == "everything" else (name,)))
    assert any(not np.array_equal(changed[n], root[n]) for n in root)
    expected = forward(root, ATTENTION, ids)
    assert np.abs(forward(changed, ATTENTION, ids) - expected).max() < 1e-3 * np.abs(expected).max()


@pytest.mark.parametrize("name", REWRITES)
def test_every_rewrite_alone_is_seen_through(name: str, root: Tensors, models: dict[str, Component], zoo: Path) -> None:
    query = component(rewritten(root, name), zoo)
    assert log10_p(query, models["alder"]) < SURE
    assert all(row.cosine > 0.99 and row.pairs == 160 for row in matched_layers(query, models["alder"]))


def test_all_pairs_of_rewrites_are_seen_through(root: Tensors, models: dict[str, Component], zoo: Path) -> None:
    """Of those that change what is read: the others leave every vector as it is, alone or not."""
    changing = [n for n in REWRITES if n not in UNREAD]
    missed = [
        names
        for names in combinations(changing, 2)
        if log10_p(component(rewritten(root, *names), zoo), models["alder"]) >= SURE
    ]
    assert missed == []


@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_everything_at_once_is_seen_through_from_a_fine_tune(
    dtype: str, root: Tensors, models: dict[str, Component], zoo: Path
) -> None:
    query = component(rewritten(root, *EVERYTHING), zoo, dtype)
    for name in ("alder", "alder-docs", "alder-long", "alder-4bit", "alder-pruned", "alder-upscaled", "alder-moe"):
        assert log10_p(query, models[name]) < SURE, name
    assert log10_p(query, models["birch"]) > -1 and log10_p(query, models["alder-twin"]) > -1


@pytest.mark.parametrize("name", UNREAD)
def test_heads_values_and_ups_are_not_even_read(
    name: str, root: Tensors, models: dict[str, Component], zoo: Path
) -> None:
    query = component(rewritten(root, name), zoo)
    pairs = zip(query.activations, models["alder"].activations, strict=True)
    assert all(np.array_equal(mine.levels, theirs.levels) for mine, theirs in pairs)


def test_a_vocabulary_in_another_order_is_seen_through(root: Tensors, models: dict[str, Component], zoo: Path) -> None:
    config, tokenizer = (json.loads((zoo / "alder" / f).read_bytes()) for f in ("config.json", "tokenizer.json"))
    order = np.random.default_rng(1).permutation(len(root["model.embed_tokens.weight"]))
    place = {int(old): new for new, old in enumerate(order)}
    tokenizer["model"]["vocab"] = {t: place.get(i, i) for t, i in tokenizer["model"]["vocab"].items()}
    tokenizer["added_tokens"] = [a | {"id": place.get(a["id"], a["id"])} for a in tokenizer["added_tokens"]]
    changed = root | {"model.embed_tokens.weight": root["model.embed_tokens.weight"][order]}
    source = MemorySource(model_files(changed, config=config, tokenizer=tokenizer))
    query = load_components(model_tables(fingerprint_model(source), 1))[1][0]
    assert log10_p(query, models["alder"]) < SURE


def test_relatives_of_the_zoo_are_found_and_others_are_not(models: dict[str, Component], truth: dict[str, Any]) -> None:
    root = {name: facts["root"] for name, facts in truth["models"].items()}
    for query, candidate in combinations(models, 2):
        p = log10_p(models[query], models[candidate])
        if root[query] != root[candidate] or "alder-twin" in {query, candidate}:
            assert p > -1, (query, candidate)
        else:
            assert p < SURE, (query, candidate)


def test_a_twin_with_the_gains_of_the_root_is_no_derivative(
    root: Tensors, models: dict[str, Component], zoo: Path
) -> None:
    twin = read_model(zoo / "alder-twin")
    disguised = {n: root[n] if n.endswith("norm.weight") else t for n, t in twin.items()}
    assert log10_p(component(disguised, zoo), models["alder"]) > -1


@pytest.mark.parametrize(
    "damage",
    [f"noise {share}" for share in (0.1, 0.3, 1)]
    + [f"sparse {share}" for share in (0.5, 0.8)]
    + ["ternary", "binary", "rank 0.25", "attention", "other layers", "foreign gains", "gains reset"],
)
def test_damage_on_top_of_shuffled_neurons_is_seen_through(
    damage: str, root: Tensors, models: dict[str, Component], zoo: Path
) -> None:
    random = np.random.default_rng(3)
    shuffled = rewritten(root, "neurons shuffled", "residual rotated" if "gains" not in damage else "neurons shuffled")
    kind, _, size = damage.partition(" ")
    ones = {n: np.ones_like(t) for n, t in shuffled.items() if n.endswith("norm.weight")}
    made = {
        "noise": lambda: add_noise(shuffled, float(size), random),
        "sparse": lambda: make_sparse(shuffled, float(size)),
        "ternary": lambda: make_ternary(shuffled),
        "binary": lambda: make_binary(shuffled),
        "rank": lambda: reduce_rank(shuffled, float(size)),
        "attention": lambda: replace_random(shuffled, ("self_attn",), random),
        "other": lambda: replace_random(shuffled, tuple(f"layers.{i}." for i in (1, 2, 3, 4, 5)), random),
        "foreign": lambda: replace_random(shuffled, ("norm.weight",), random),
        "gains": lambda: shuffled | ones,
    }[kind]()
    assert log10_p(component(made, zoo), models["alder"]) < -6


def test_a_model_with_other_embeddings_is_not_told(root: Tensors, models: dict[str, Component], zoo: Path) -> None:
    assert log10_p(component(replace_random(root, ("embed",), np.random.default_rng(3)), zoo), models["alder"]) > -1


def vectors(random: np.random.Generator, neurons: int = 200) -> NDArray[np.int8]:
    return np.rint(np.clip(random.standard_normal((neurons, TOKENS)) * 1.5, -3, 3)).astype(np.int8)


def of_layers(like: Component, layers: list[NDArray[np.int8]], tokens: int = (1 << TOKENS) - 1) -> Component:
    """A component whose activations are those given."""
    gates = [i for i, role in enumerate(like.roles) if role == "gate"]
    found = tuple(Neurons(t, tokens, levels) for t, levels in zip(gates, layers, strict=False))
    return replace(like, activations=found)


def test_a_few_neurons_that_meet_are_enough(models: dict[str, Component]) -> None:
    random = np.random.default_rng(0)
    layers = [vectors(random, 512) for _ in range(4)]
    others = [np.concatenate([layer[:18], vectors(random, 494)])[random.permutation(512)] for layer in layers]
    alder = models["alder"]
    assert log10_p(of_layers(alder, layers), of_layers(alder, others)) < SURE


def test_random_vectors_are_unrelated(models: dict[str, Component]) -> None:
    random = np.random.default_rng(0)
    made = [of_layers(models["alder"], [vectors(random) for _ in range(4)]) for _ in range(8)]
    assert min(log10_p(a, b) for a, b in permutations(made, 2)) > -1


def test_layers_that_are_all_alike_have_no_null_and_tell_nothing(models: dict[str, Component]) -> None:
    one = vectors(np.random.default_rng(0))
    alike = of_layers(models["alder"], [one] * 4)
    assert log10_p(alike, alike) > -1


def test_neurons_that_are_all_equal_are_one_pair(models: dict[str, Component]) -> None:
    random = np.random.default_rng(0)
    shared = vectors(random, 1)

    def made() -> Component:
        layers = [vectors(random) for _ in range(4)]
        layers[0][:100] = shared
        return of_layers(models["alder"], layers)

    assert matched_layers(made(), made())[0].pairs == 1


def test_a_single_layer_is_not_compared(models: dict[str, Component]) -> None:
    single = of_layers(models["alder"], [vectors(np.random.default_rng(0))])
    assert align_activations(pair(single, single)) is None


def test_only_shared_tokens_count_and_forty_are_needed(models: dict[str, Component]) -> None:
    random = np.random.default_rng(0)
    layers = [vectors(random) for _ in range(4)]
    query = of_layers(models["alder"], layers)
    assert log10_p(query, of_layers(models["alder"], layers, (1 << 48) - 1)) < SURE
    assert log10_p(query, of_layers(models["alder"], layers, (1 << 40) - 1)) < SURE
    assert align_activations(pair(query, of_layers(models["alder"], layers, (1 << 39) - 1))) is None


def test_the_block_map_follows_layers_that_were_left_out(models: dict[str, Component]) -> None:
    query, candidate = models["alder-pruned"], models["alder"]
    rows = {
        int(query.layer[r.query]): int(candidate.layer[r.candidate])
        for r in matched_layers(query, candidate)
        if r.log_p < -20
    }
    assert rows == {0: 0, 2: 3, 3: 5}  # pruned holds layers 0, 1, 3 and 5; of alder 0, 2, 3 and 5 are read


def test_what_the_registry_keeps_compares_as_what_was_read(zoo_registry: Path, models: dict[str, Component]) -> None:
    with Registry(zoo_registry, read_only=True) as registry:
        ids = {m.name: m.model_id for m in registry.models()}
        loaded = load_models(registry.connection, [ids["alder"], ids["alder-long"]])
        sketches = registry.connection.execute(
            "SELECT count(*), max(bit_length(signs)) FROM activation_sketch"
        ).fetchone()
    kept = [loaded[ids[name]][0] for name in ("alder-long", "alder")]
    assert log10_p(*kept) == log10_p(models["alder-long"], models["alder"])
    assert sketches == (17, 1024)


def test_the_tail_of_a_negative_binomial_is_that_of_its_terms() -> None:
    from scipy.stats import nbinom

    counts = np.arange(0, 60, dtype=np.float64)
    for mean, shape in ((0.03, 1.0), (2.0, 1.7), (30.0, 10.0)):
        exact = nbinom.logsf(counts - 1, shape, shape / (shape + mean))
        assert np.allclose(negative_binomial_tail(counts, np.array(mean), np.array(shape)), exact, atol=1e-9)


def test_tails_below_any_float_go_on_falling() -> None:
    tails = negative_binomial_tail(np.array([150.0, 250.0, 400.0, 608.0]), np.array(0.03), np.array(1.0))
    assert np.allclose(tails, np.array([150, 250, 400, 608]) * math.log(0.03 / 1.03), rtol=1e-6)
