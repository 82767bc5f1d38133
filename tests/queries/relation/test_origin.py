"""Derived or born alike, on pairs of the bundled zoo: gains and angles where they agree, and where they do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from forebear.queries.data.query import load_models
from forebear.queries.evidence.pair import PairEvidence, compare
from forebear.queries.relation.flags import relate
from forebear.queries.relation.origin import origin_of
from forebear.registry import Registry

from ..components import base, component

Pair = Callable[[str, str], PairEvidence]


@pytest.fixture(scope="module")
def pair(zoo_registry: Path) -> Iterator[Pair]:
    with Registry(zoo_registry, read_only=True) as registry:
        ids = {m.name: m.model_id for m in registry.models()}
        loaded = load_models(registry.connection, list(ids.values()))
        yield lambda query, candidate: compare(loaded[ids[query]][0], loaded[ids[candidate]][0], len(ids))


@pytest.fixture(scope="module")
def without_neurons(zoo_registry: Path) -> Iterator[Pair]:
    """Pairs of models of which no activations are kept, as of those that were ingested before there were any."""
    with Registry(zoo_registry, read_only=True) as registry:
        ids = {m.name: m.model_id for m in registry.models()}
        loaded = load_models(registry.connection, list(ids.values()))
        bare = {model: replace(found[0], activations=()) for model, found in loaded.items()}
        yield lambda query, candidate: compare(bare[ids[query]], bare[ids[candidate]], len(ids))


def with_gains(evidence: PairEvidence, correlation: float) -> PairEvidence:
    return replace(evidence, gains=replace(evidence.gains, correlation=correlation, equal=False))


def test_neurons_tell_a_derivation_and_a_twin_whatever_their_gains_are(pair: Pair) -> None:
    long, twin = pair("alder-long", "alder"), pair("alder-twin", "alder")
    assert origin_of(long)[0] == "derivation" and "neurons do the same" in origin_of(long)[1]
    assert origin_of(twin)[0] == "shared_initialisation" and "no neurons" in origin_of(twin)[1]
    assert origin_of(with_gains(twin, 1.0)) == origin_of(twin), "gains can be forged"
    assert origin_of(with_gains(long, 0.0)) == origin_of(long), "and made random"


@pytest.mark.parametrize(("identity", "origin"), [(0.14, "undetermined"), (0.36, "shared_initialisation")])
def test_weights_less_alike_than_those_of_twins_are_not_said_to_share_an_initialisation(
    pair: Pair, identity: float, origin: str
) -> None:
    twin = pair("alder-twin", "alder")
    less = twin.match.similarity * identity / twin.match.identity
    far = replace(twin, match=replace(twin.match, similarity=less))
    found = origin_of(far)
    assert found[0] == origin and f"weights correlate at {identity}" in found[1]
    assert relate(far).flags == (() if origin == "undetermined" else (origin,)), (
        "nothing is said of what was done to it"
    )


def test_a_long_continued_pretraining_keeps_gains_and_angles(without_neurons: Pair) -> None:
    origin, reason = origin_of(without_neurons("alder-long", "alder"))
    assert origin == "derivation" and "gains" in reason


def test_a_twin_keeps_neither(without_neurons: Pair) -> None:
    assert origin_of(without_neurons("alder-twin", "alder"))[0] == "shared_initialisation"


def test_gains_that_agree_do_not_make_a_twin_a_derivative(without_neurons: Pair) -> None:
    twin = without_neurons("alder-twin", "alder")
    origin, reason = origin_of(with_gains(twin, twin.match.identity))
    assert origin == "undetermined" and "angles between rows" in reason


def test_gains_in_between_leave_the_word_to_the_angles(without_neurons: Pair) -> None:
    twin, long = without_neurons("alder-twin", "alder"), without_neurons("alder-long", "alder")
    assert origin_of(with_gains(twin, 0.7 * twin.match.identity))[0] == "shared_initialisation"
    assert origin_of(with_gains(long, 0.7 * long.match.identity))[0] == "undetermined"


def test_gains_say_nothing_where_the_ffn_alone_was_taken_over() -> None:
    ffn = {"gate", "up", "down"}
    mixed = tuple(own if own.role not in ffn else taken for own, taken in zip(base(2), base(1), strict=True))
    evidence = compare(component(mixed), component(base(1), 2), 10)
    assert abs(evidence.gains.correlation) < 0.1, "the norms came with the attention"
    assert origin_of(evidence) == ("derivation", "weights correlate at 1.00")
