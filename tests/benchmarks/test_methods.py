"""The plain implementations of published methods, on tiny models whose answers are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.peers.methods import AnyMethod, awm, bit_distance, cosines, csu, ghost_spec, huref, mdir, std_profile
from benchmarks.peers.scoring import METHODS
from benchmarks.peers.weights import Key, Matrix, Weights, read_weights

from ..writers import model_files, tokenizer_json, words, write_files

HIDDEN, FFN, LAYERS, HEADS, SIZE, VOCAB = 24, 40, 4, 3, 8, 90
READERS, WRITERS = ("q", "k", "v", "gate", "up"), ("o", "down")


def model(seed: int) -> Weights:
    random = np.random.default_rng(seed)

    def draw(*shape: int) -> Matrix:
        return random.standard_normal(shape).astype(np.float32)

    tensors: dict[Key, Matrix] = {(-1, -1, "embed", ""): draw(VOCAB, HIDDEN)}
    for layer in range(LAYERS):
        spread = np.float32(random.uniform(0.5, 2))
        wide = HEADS * SIZE
        tensors |= {(layer, -1, role, ""): spread * draw(wide, HIDDEN) for role in "qkv"}
        tensors[layer, -1, "o", ""] = spread * draw(HIDDEN, wide)
        tensors |= {(layer, -1, role, ""): draw(FFN, HIDDEN) for role in ("gate", "up")}
        tensors[layer, -1, "down", ""] = draw(HIDDEN, FFN)
        tensors[layer, -1, "norm", "attention"] = 1 + 0.05 * draw(HIDDEN)
    return Weights(f"model{seed}", tensors, HEADS, HEADS, {f"token{i}": i for i in range(VOCAB)}, 0)


def rebased(weights: Weights, turn: NDArray[np.float32]) -> Weights:
    """The residual stream in another basis; gains are left out, as they do not commute with it."""
    result: dict[Key, Matrix] = {}
    for key, tensor in weights.tensors.items():
        if key[2] in READERS or key[2] == "embed":
            result[key] = tensor @ turn.T
        elif key[2] in WRITERS:
            result[key] = turn @ tensor
    return replace(weights, tensors=result)


def changed(weights: Weights, tensors: Mapping[Key, Matrix]) -> Weights:
    return replace(weights, tensors={**weights.tensors, **tensors})


def score(method: AnyMethod, first: Weights, second: Weights) -> float:
    return method.score(method.prepare(first), method.prepare(second))


def signed_permutation(seed: int) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    turn = np.eye(HIDDEN, dtype=np.float32)[random.permutation(HIDDEN)]
    return np.asarray(turn * random.choice([-1, 1], HIDDEN).astype(np.float32), np.float32)


def rotation(size: int, seed: int) -> NDArray[np.float32]:
    return np.asarray(np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))[0], np.float32)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_every_method_scores_a_copy_above_a_stranger(method: AnyMethod) -> None:
    first, second = model(1), model(2)
    assert score(method, first, first) > score(method, first, second)
    # AWM flips the signs of the first model's dimensions, and its centring depends on them
    assert score(method, first, second) == pytest.approx(score(method, second, first), rel=1e-5, abs=0.01)


@pytest.mark.parametrize("method", [awm.METHOD, huref.METHOD, std_profile.METHOD, cosines.RAW, cosines.CENTRED])
def test_methods_that_end_at_one_give_a_copy_one(method: AnyMethod) -> None:
    assert score(method, model(1), model(1)) == pytest.approx(1, abs=1e-5)


def test_awm_sees_through_signed_permutations_and_turned_heads() -> None:
    base = model(1)
    hidden = rebased(base, signed_permutation(3))
    turned = {key: rotation(HIDDEN, 9) @ t for key, t in hidden.tensors.items() if key[2] in {"q", "k"}}
    assert score(awm.METHOD, base, changed(hidden, turned)) == pytest.approx(1, abs=1e-4)
    assert score(awm.METHOD, base, rebased(base, rotation(HIDDEN, 4))) < 0.5


def test_awm_is_near_zero_between_strangers_and_unbiased() -> None:
    values = [score(awm.METHOD, model(seed), model(seed + 100)) for seed in range(12)]
    assert np.mean(values) < 0.05


def test_huref_sees_through_a_rotated_residual_stream() -> None:
    base = model(1)
    assert score(huref.METHOD, base, rebased(base, rotation(HIDDEN, 4))) == pytest.approx(1, abs=1e-4)
    assert abs(score(huref.METHOD, base, model(2))) < 0.3


def test_csu_has_a_tiny_p_value_for_a_copy_and_none_for_shuffled_rows() -> None:
    base = model(1)
    order = np.random.default_rng(5).permutation(FFN)
    shuffled = changed(base, {key: t[order] for key, t in base.tensors.items() if key[2] == "up"})
    other, ups = model(3).tensors, [key for key in base.tensors if key[2] == "up"]
    noisy = changed(base, {key: np.asarray(base.tensors[key] + 0.3 * other[key], np.float32) for key in ups})
    assert score(csu.METHOD, base, noisy) > 50
    assert score(csu.METHOD, base, shuffled) < 3


def test_bit_distance_counts_the_bits_of_bfloat16() -> None:
    base = model(1)
    negated = replace(base, tensors={key: -tensor for key, tensor in base.tensors.items()})
    assert score(bit_distance.METHOD, base, base) == 0
    assert score(bit_distance.METHOD, base, negated) == -1


def test_the_cosine_of_norm_gains_is_high_between_strangers() -> None:
    assert score(cosines.GAINS, model(1), model(2)) > 0.99
    assert abs(score(cosines.CENTRED, model(1), model(2))) < 0.1


def test_ghost_spec_sees_through_a_rotated_stream_and_shuffled_heads_and_left_out_layers() -> None:
    base = model(1)
    assert score(ghost_spec.METHOD, base, rebased(base, rotation(HIDDEN, 4))) == pytest.approx(0, abs=1e-9)
    order = np.arange(HEADS * SIZE).reshape(HEADS, SIZE)[[2, 0, 1]].ravel()
    shuffled = {k: t[order] if k[2] in "qkv" else t[:, order] for k, t in base.tensors.items() if k[2] in "qkvo"}
    assert score(ghost_spec.METHOD, base, changed(base, shuffled)) == pytest.approx(0, abs=1e-9)
    kept = {(2 if k[0] == 3 else k[0], *k[1:]): t for k, t in base.tensors.items() if k[0] != 2}
    assert score(ghost_spec.METHOD, replace(base, tensors=kept), base) == pytest.approx(0, abs=1e-9)
    assert score(ghost_spec.METHOD, base, model(2)) < -1e-4


def test_mdir_finds_permuted_dimensions_and_not_rotated_ones_nor_strangers() -> None:
    base = model(1)
    permuted = rebased(base, np.abs(signed_permutation(3)))
    assert score(mdir.METHOD, base, permuted) > 100
    assert score(mdir.METHOD, base, rebased(base, rotation(HIDDEN, 4))) < 2
    assert max(score(mdir.METHOD, base, model(seed)) for seed in range(2, 30)) < 2


def test_the_rate_of_mdir_is_that_of_traces_of_random_rotations() -> None:
    n, x = 6, 0.4  # a trace is nearly a standard normal, P(tr >= n x) <= exp(-(n x)^2 / 2) = 0.056
    traces = [
        np.trace(rotation(n, seed) * np.sign(np.random.default_rng(seed).standard_normal(n))) for seed in range(4000)
    ]
    share = np.mean(np.array(traces) >= n * x)
    assert 0.0005 < share <= np.exp(-n * n * mdir.rate(x))
    assert mdir.rate(0.5 - 1e-9) == pytest.approx(mdir.rate(0.5 + 1e-9), abs=1e-8)
    assert mdir.rate(-1) == 0 and np.isfinite(mdir.rate(1))


def test_what_shares_no_shape_cannot_be_compared() -> None:
    likewise = (ghost_spec.METHOD, mdir.METHOD)
    narrow = Weights("narrow", {(0, -1, "up", ""): np.ones((4, 3), np.float32)}, 1, 1, {}, 0)
    for method in (
        csu.METHOD,
        bit_distance.METHOD,
        cosines.RAW,
        awm.METHOD,
        huref.METHOD,
        std_profile.METHOD,
        *likewise,
    ):
        assert np.isnan(score(method, model(1), narrow)), method.name


def test_fused_matrices_of_gpt2_are_split_and_turned(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    fused = random.standard_normal((6, 18)).astype(np.float32)
    up = random.standard_normal((6, 10)).astype(np.float32)
    tensors = {
        "transformer.wte.weight": random.standard_normal((30, 6)).astype(np.float32),
        "transformer.h.0.attn.c_attn.weight": fused,
        "transformer.h.0.mlp.c_fc.weight": up,
    }
    config = {"model_type": "gpt2", "num_attention_heads": 2}
    files = model_files(tensors, config=config, tokenizer=tokenizer_json(words(30), specials={"<|end|>": 30}))
    found = read_weights(write_files(tmp_path / "small", files))
    assert np.array_equal(found.tensors[0, -1, "k", ""], fused[:, 6:12].T)
    assert np.array_equal(found.tensors[0, -1, "up", ""], up.T)
    assert found.embedding is not None and found.embedding.shape == (30, 6)
    assert found.layers == 1
