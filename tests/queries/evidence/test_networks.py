"""Networks without layers: relatives are found, and unrelated ones stay apart whatever structure they share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations, pairwise, permutations
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.ingest.fingerprint.positions import kernel_shape
from forebear.ingest.model import fingerprint_model
from forebear.queries.comparison.pair.verdict import judge
from forebear.queries.data.component import Component
from forebear.queries.evidence.pair import compare
from forebear.queries.relation.adapters import relation_of
from forebear.queries.relation.coverage import coverage_of
from forebear.queries.statistics.networks import all_but_best, log_bound, signed_z, taps_of, without_tap_means
from forebear.queries.thresholds.significance import SIGNIFICANT_LOG10_E
from forebear.registry import Registry
from forebear.registry.jobs.question import unregistered_query

from ...writers import MemorySource, model_files, tokenizer_json, words

Weights = dict[str, NDArray[np.float32]]
Random = np.random.Generator
PAIRS = 24
"""Networks of a family: 276 pairs, in both directions."""


class Load(Protocol):
    """Makes the only component that ingest makes of weights."""

    def __call__(self, weights: Weights, *, vocabulary: int = 0) -> Component: ...


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    with Registry(tmp_path_factory.mktemp("networks") / "registry.duckdb") as registry:

        def load(weights: Weights, *, vocabulary: int = 0) -> Component:
            tokenizer = tokenizer_json(words(vocabulary)) if vocabulary else None
            files = model_files(weights, config={"vocab_size": 96}, tokenizer=tokenizer)
            (component,) = unregistered_query(registry.connection, fingerprint_model(MemorySource(files))).components
            return component

        yield load


def fourier() -> NDArray[np.float32]:
    """The basis of a short-time Fourier transform, as audio models hold it: the same in all of them."""
    n, k = np.meshgrid(np.arange(128), np.arange(65))
    angle = 2 * np.pi * n * k / 128
    return (np.concatenate([np.cos(angle), -np.sin(angle)]) * np.hanning(128)).astype(np.float32)[:, None, :]


def smooth(random: Random, *shape: int) -> NDArray[np.float32]:
    """Kernels whose taps are alike, around a pattern that every network of the family has."""
    taps = shape[2:]
    own = random.normal(size=(*shape[:2], *(1 for _ in taps)))
    centre = np.zeros(taps)
    centre[tuple(n // 2 for n in taps)] = 3
    return (own + 0.3 * random.normal(size=shape) + centre).astype(np.float32)


def perceptron(random: Random) -> Weights:
    """Six layers; the first one's inputs matter unequally and alike in every network, as pixels do."""
    sizes = (784, 96, 96, 64, 64, 48, 10)
    made = {f"fc{i}.weight": random.normal(size=(b, a)) for i, (a, b) in enumerate(pairwise(sizes))}
    made["fc0.weight"] *= np.hanning(784)
    made |= {f"fc{i}.bias": random.normal(size=b) for i, b in enumerate(sizes[1:])}
    return {name: value.astype(np.float32) for name, value in made.items()}


def convolutions(random: Random) -> Weights:
    """Smooth kernels, two of which are the first of equal size, and a classifier."""
    sizes = [(32, 3, 5, 5), *[(32, 32, 3, 3)] * 3, (64, 32, 3, 3), *[(64, 64, 3, 3)] * 3]
    made = {f"conv{i}.weight": smooth(random, *size) for i, size in enumerate(sizes)}
    return made | {"fc.weight": random.normal(size=(10, 64)).astype(np.float32)}


def depthwise(random: Random) -> Weights:
    """Depthwise kernels, of one sign at their centre, and mixtures of channels."""
    made = {}
    for i in range(8):
        made[f"deep{i}.weight"] = smooth(random, 48, 1, 3, 3)
        made[f"wide{i}.weight"] = random.normal(size=(48, 48, 1, 1)).astype(np.float32)
    return made


def recurrent(random: Random) -> Weights:
    """Two fixed transforms, as of 16 and 8 kHz, and a recurrent cell: most of what is equal is no relation."""
    made = {"stft.basis": fourier(), "stft_8k.basis": fourier()[:, :, ::2].copy()}
    for i in range(2):
        made |= {
            f"encoder{i}.weight": smooth(random, 64, 65, 3),
            f"rnn{i}.weight_ih": random.normal(size=(256, 64)).astype(np.float32),
            f"rnn{i}.weight_hh": random.normal(size=(256, 64)).astype(np.float32),
        }
    return made


def rows(random: Random) -> Weights:
    """A static embedding: rows of tokens, all of them along one direction, and nothing else."""
    common = random.normal(size=64)
    made = random.normal(size=(96, 64)) + np.linspace(0, 4, 96)[:, None] * common
    return {"embeddings.weight": made.astype(np.float32), "embedding.weight": made.astype(np.float32)}


Family = Callable[[Random], Weights]
FAMILIES: tuple[Family, ...] = (perceptron, convolutions, depthwise, recurrent)


def moved(weights: Weights, share: float, seed: int) -> Weights:
    """Every tensor moved by a share of its own spread, as a fine-tune does."""
    random = np.random.default_rng(seed)
    return {
        name: (value + share * value.std() * random.normal(size=value.shape)).astype(np.float32)
        for name, value in weights.items()
    }


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_no_unrelated_networks_look_related(loaded: Load, family: Family) -> None:
    many = [loaded(family(np.random.default_rng(seed))) for seed in range(PAIRS)]
    found = [compare(*pair, 1).log10_evalue for pair in permutations(many, 2)]
    assert min(found) > SIGNIFICANT_LOG10_E
    assert np.mean(np.array(found) <= -1) <= 0.1


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
@pytest.mark.parametrize(("share", "flag"), [(0.0, "identical"), (0.02, "finetuned"), (0.5, "finetuned")])
def test_a_copy_and_a_fine_tune_of_a_network_are_found(loaded: Load, family: Family, share: float, flag: str) -> None:
    parent = family(np.random.default_rng(7))
    child = parent if not share else moved(parent, share, 8)
    evidence = compare(loaded(child), loaded(parent), 1000)
    assert evidence.significant and flag in relation_of(evidence).flags
    assert coverage_of(evidence).matched > (0.9 if share < 0.1 else 0.7)


def test_matrices_are_found_under_other_names_and_in_another_order(loaded: Load) -> None:
    parent = convolutions(np.random.default_rng(1))
    renamed = {f"onnx::Conv_{100 - i}": value for i, value in enumerate(parent.values())}
    evidence = compare(loaded(renamed), loaded(parent), 1000)
    assert evidence.significant and evidence.match.identity > 0.999 and "identical" in relation_of(evidence).flags


def test_an_answer_of_unrelated_says_that_reordered_channels_of_a_network_are_not_recognised(loaded: Load) -> None:
    weights = convolutions(np.random.default_rng(1))
    random = np.random.default_rng(2)
    reordered = {name: value[random.permutation(len(value))] for name, value in weights.items()}
    found = judge(compare(loaded(reordered), loaded(weights), 1))
    assert found.verdict == "unrelated" and "channels in another order would not be recognised" in found.reason


def test_a_network_that_holds_another_and_more_says_that_matrices_were_added(loaded: Load) -> None:
    part = convolutions(np.random.default_rng(1))
    whole = part | {f"second.{name}": value for name, value in perceptron(np.random.default_rng(2)).items()}
    assert relation_of(compare(loaded(whole), loaded(part), 1)).flags == ("matrices_added",)
    assert relation_of(compare(loaded(part), loaded(whole), 1)).flags == ("matrices_removed",)


def test_static_embeddings_are_compared_by_token_or_by_row_number(loaded: Load) -> None:
    def one(seed: int) -> Weights:
        return {"embedding.weight": rows(np.random.default_rng(seed))["embedding.weight"]}

    for vocabulary in (96, 0):
        many = [loaded(one(seed), vocabulary=vocabulary) for seed in range(PAIRS)]
        found = [compare(*pair, 1).log10_evalue for pair in combinations(many, 2)]
        assert all(component.tokens for component in many) and min(found) > SIGNIFICANT_LOG10_E
        child = compare(loaded(moved(one(3), 0.1, 5), vocabulary=vocabulary), many[3], 1000)
        assert child.significant and coverage_of(child).matched == pytest.approx(1.0)
    assert not compare(loaded(one(3)), loaded(one(3), vocabulary=96), 1).log10_p, "a number is not a token"


def test_nothing_can_be_said_of_fewer_than_four_equal_matrices(loaded: Load) -> None:
    random = np.random.default_rng(1)
    few = {f"fc{i}.weight": random.normal(size=(32, 32)).astype(np.float32) for i in range(3)}
    evidence = compare(loaded(few), loaded(few), 1)
    assert not evidence.significant and coverage_of(evidence).without_match == 1.0


def test_the_bound_holds_for_heavy_tails_and_unequal_sizes() -> None:
    random = np.random.default_rng(1)
    scale = random.pareto(1.0, 256)
    first, second = (random.standard_t(2, (200, 256)) * scale for _ in range(2))
    log_p = log_bound(signed_z(first, second, None)).ravel()
    for level in (0.1, 0.01, 0.001):
        assert np.mean(log_p <= np.log(level)) <= level


def test_taps_of_one_slice_count_as_one_draw() -> None:
    random = np.random.default_rng(1)
    taps = taps_of((16, 1, 3, 3), 144)
    assert taps is not None and taps.slice.max() == 15 and taps_of((16, 144), 256) is None
    first, second = (np.repeat(random.normal(size=(200, 16)), 9, axis=1) for _ in range(2))
    apart = log_bound(signed_z(first, second, taps)).ravel()
    assert np.mean(apart <= np.log(0.001)) <= 0.001
    assert np.mean(log_bound(signed_z(first, second, None)).ravel() <= np.log(0.001)) > 0.01, "what slices are for"


def test_what_every_kernel_has_at_its_centre_is_taken_out() -> None:
    taps = taps_of((16, 1, 3, 3), 144)
    assert taps is not None
    values = (taps.tap == 4).astype(np.float32)[None, :] + np.float32(0.1)
    assert np.allclose(without_tap_means(values, taps), 0) and np.array_equal(without_tap_means(values, None), values)


def test_the_likeliest_matrices_are_left_out() -> None:
    assert all_but_best(np.array([-90.0, -80.0, -70.0])) == 0
    assert all_but_best(np.array([-90.0, -80.0, -70.0, -20.0])) == pytest.approx(-20.0)
    assert all_but_best(np.concatenate([np.full(4, -90.0), np.full(12, -0.5)])) > np.log(0.5)


def test_a_kernel_of_one_row_is_that_of_one_dimension() -> None:
    assert kernel_shape((8, 4, 1, 3)) == kernel_shape((8, 4, 3)) != kernel_shape((8, 4, 3, 3))
