"""What is read for activations and what is kept: few bytes, the same vectors in every basis, nothing of bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebear.ingest.activations import NEURONS, ROWS_A_LAYER, ActivationPlan, plan_activations
from forebear.ingest.fingerprint.activation_sketch import SKETCH_BYTES, activation_sketch
from forebear.ingest.fingerprint.activations import (
    CHARACTERS,
    FEW_TOKENS,
    TOKENS,
    VECTOR_BYTES,
    Levels,
    neuron_vectors,
    pack,
    token_inputs,
    unpack,
)
from forebear.ingest.metadata.tokenizer import Tokenizer, Vocabulary
from forebear.ingest.model import ModelFingerprint, fingerprint_model, iter_problems
from forebear.ingest.names.naming import name_tensors
from forebear.ingest.storage.logical import LogicalTensor

from ..writers import Floats, MemorySource, llama, llama_config, model_files, tokenizer_json, words
from .test_plan import experts, large_llama, planned, tensor

LETTERS = {chr(code): code - 33 for code in range(33, 127)}
BYTE_LEVEL = LETTERS | {f"Ġw{i}": 94 + i for i in range(31_000)}


def plans(tensors: list[LogicalTensor], vocabulary: Vocabulary | None = None) -> tuple[ActivationPlan, ...]:
    return plan_activations(name_tensors(tensors, {}), vocabulary or Tokenizer("BPE", BYTE_LEVEL).vocabulary())


def test_the_characters_are_those_that_an_uncased_vocabulary_has() -> None:
    assert len(CHARACTERS) == len(set(CHARACTERS)) == TOKENS == 64
    assert CHARACTERS == "".join(sorted(CHARACTERS)) == CHARACTERS.lower()


def test_a_large_model_stays_below_half_a_percent_in_few_reads() -> None:
    tensors = large_llama()
    (plan,) = plans(tensors)
    total = 2 * sum(t.parameters for t in tensors)
    assert (plan.bytes + planned(tensors).bytes) / total < 0.0045
    assert len(plan.embedding.ranges) < 8 and all(len(m.ranges) == 1 for m in plan.matrices)


def test_four_layers_are_read_the_first_and_the_last_among_them() -> None:
    (plan,) = plans(large_llama())
    assert [m.named.place.layer for m in plan.matrices] == [0, 10, 21, 31]
    assert {(m.named.place.role, m.rows) for m in plan.matrices} == {("gate", tuple(range(NEURONS)))}


def test_of_routed_experts_the_first_is_read_and_the_router_whole() -> None:
    embedding = tensor("model.embed_tokens.weight", 32_000, 32)
    routers = [tensor(f"model.layers.{layer}.mlp.gate.weight", 16, 32) for layer in range(6)]
    (plan,) = plans([embedding, *experts(6, 16), *routers])
    found = [(m.named.place.layer, m.named.place.role, m.named.place.expert, len(m.rows)) for m in plan.matrices]
    assert found[:2] == [(0, "gate", 0, 64), (0, "router", None, 16)]
    assert len(found) == 8


def test_what_is_kept_of_any_model_is_below_sixty_kilobytes() -> None:
    embedding = tensor("model.embed_tokens.weight", 32_000, 32)
    layers = [
        tensor(f"model.layers.{i}.mlp.experts.0.{p}_proj.weight", 900, 32) for i in range(9) for p in ("gate", "up")
    ]
    routers = [tensor(f"model.layers.{i}.mlp.gate.weight", 512, 32) for i in range(9)]
    (plan,) = plans([embedding, *layers, *routers])
    rows = sum(len(m.rows) for m in plan.matrices)
    assert rows == 4 * ROWS_A_LAYER and rows * VECTOR_BYTES < 60_000


def test_the_up_matrix_stands_for_a_gate_that_is_not_there() -> None:
    tensors = [tensor("wte.weight", 32_000, 64), *(tensor(f"h.{i}.mlp.fc_in.weight", 256, 64) for i in range(5))]
    (plan,) = plans(tensors)
    assert {m.named.place.role for m in plan.matrices} == {"up"}


@pytest.mark.parametrize(
    "vocabulary",
    [{}, words(32_000), {c: i for i, c in enumerate(CHARACTERS[: FEW_TOKENS - 1])}],
    ids=["none", "words only", "39 characters"],
)
def test_a_model_without_the_characters_has_no_activations(vocabulary: dict[str, int]) -> None:
    assert plans(large_llama(), Tokenizer("BPE", vocabulary).vocabulary()) == ()


def test_an_embedding_of_another_width_is_no_input_of_the_layers() -> None:
    tensors = [tensor("model.embed_tokens.weight", 32_000, 128), *large_llama()[2:]]
    assert plans(tensors) == ()


@pytest.mark.parametrize("shared", ["shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"])
def test_both_sides_of_an_encoder_decoder_read_the_embedding_that_is_there(shared: str) -> None:
    layers = [
        tensor(f"{side}.block.{layer}.layer.2.DenseReluDense.wi.weight", 512, 64)
        for side in ("encoder", "decoder")
        for layer in range(4)
    ]
    found = plans([tensor(shared, 32_000, 64), *layers])
    assert {plan.embedding.named.tensor.name for plan in found} == {shared}
    assert [len(plan.matrices) for plan in found] == [4, 4]


def test_a_byte_token_of_sentencepiece_is_not_taken_for_the_character() -> None:
    pieces = {f"<0x{code:02X}>": code for code in range(256)} | {f"▁w{i}": 300 + i for i in range(900)}
    pieces |= {c: 2000 + i for i, c in enumerate(CHARACTERS)}
    (plan,) = plans(large_llama(), Tokenizer("SentencePiece", pieces).vocabulary())
    assert plan.embedding.rows == tuple(range(2000, 2000 + TOKENS))
    assert plan.present.tolist() == list(range(TOKENS))


@given(st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_vectors_come_back_from_24_bytes_each(neurons: int, seed: int) -> None:
    levels = np.random.default_rng(seed).integers(-3, 4, (neurons, TOKENS)).astype(np.int8)
    assert len(pack(levels)) == 24 * neurons
    assert np.array_equal(unpack(pack(levels)), levels)


@given(st.binary(max_size=200))
def test_any_bytes_are_vectors(data: bytes) -> None:
    found = unpack(data)
    assert found.shape == (len(data) // 24, TOKENS) and (not found.size or np.abs(found).max() <= 3)


def vectors(rows: Floats, weights: Floats, gain: Floats | None = None, *, layer_norm: bool = False) -> Levels:
    tokens = token_inputs(np.arange(len(rows)), rows, layer_norm=layer_norm)
    assert tokens is not None
    return neuron_vectors(tokens, weights, gain)


def random_layer(width: int = 128, neurons: int = 300) -> tuple[Floats, Floats, Floats]:
    """Embedding rows with a direction that all share, weights, and gains."""
    random = np.random.default_rng(2)
    rows = random.standard_normal((TOKENS, width)) + random.exponential(1, (TOKENS, 1)) * random.standard_normal(width)
    weights, gain = random.standard_normal((neurons, width)), random.uniform(0.2, 3, width)
    return rows.astype(np.float32), weights.astype(np.float32), gain.astype(np.float32)


def agree(first: Levels, second: Levels) -> bool:
    """Equal but for values at the edge between two levels."""
    return bool(np.mean(first != second) < 1e-3 and np.abs(first - second).max() <= 1)


def test_a_rotation_of_the_stream_with_gains_folded_changes_no_vector() -> None:
    rows, weights, gain = random_layer()
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((128, 128)))[0].astype(np.float32)
    turned = ((weights * gain) @ turn).astype(np.float32)
    assert agree(vectors(rows, weights, gain), vectors((rows @ turn).astype(np.float32), turned))
    assert not agree(vectors(rows, weights, gain), vectors(rows, turned))


def test_random_gains_and_the_size_of_weights_and_of_embeddings_change_no_vector() -> None:
    rows, weights, gain = random_layer()
    factor = np.random.default_rng(0).uniform(0.1, 5, 128).astype(np.float32)
    assert agree(vectors(rows, weights, gain), vectors(7 * rows, 3 * weights / factor, gain * factor))


def test_a_layer_norm_turned_into_an_rms_norm_changes_no_vector() -> None:
    rows, weights, gain = random_layer()
    folded = weights * gain
    without_mean = folded - folded.mean(axis=1, keepdims=True)
    moved = (rows - rows.mean(axis=1, keepdims=True)).astype(np.float32)
    assert agree(vectors(rows + 5, weights, gain, layer_norm=True), vectors(moved, without_mean))


def test_values_that_are_no_numbers_and_constants_make_no_vector() -> None:
    rows, weights, _ = random_layer()
    clean = vectors(rows, weights)
    weights[0], weights[1] = np.nan, 0
    found = vectors(rows, weights)
    assert not found[:2].any() and np.array_equal(found[2:], clean[2:])


def test_rows_that_are_zero_are_tokens_that_are_not_there() -> None:
    rows, weights, _ = random_layer()
    rows[:4] = 0
    tokens = token_inputs(np.arange(TOKENS), rows, layer_norm=False)
    assert tokens is not None and tokens.mask == (1 << TOKENS) - 1 - 0b1111
    assert not neuron_vectors(tokens, weights, None)[:, :4].any()
    rows[: TOKENS - FEW_TOKENS + 1] = 0
    assert token_inputs(np.arange(TOKENS), rows, layer_norm=False) is None


def agreement(first: bytes, second: bytes) -> float:
    """Agreeing bits of two sketches, in standard deviations of random ones."""
    bits = np.unpackbits(np.frombuffer(first, np.uint8) ^ np.frombuffer(second, np.uint8))
    return float((len(bits) - 2 * bits.sum()) / np.sqrt(len(bits)))


def test_a_sketch_knows_a_layer_by_other_neurons_of_it() -> None:
    random = np.random.default_rng(4)

    def population() -> Floats:
        basis = np.linalg.qr(random.standard_normal((TOKENS, TOKENS)))[0] * np.geomspace(0.5, 2, TOKENS)
        return basis.astype(np.float32)

    def sample(of: Floats) -> Levels:
        return np.rint(np.clip(random.standard_normal((512, TOKENS)) @ of.T, -3, 3)).astype(np.int8)

    layers, others = [population() for _ in range(4)], [population() for _ in range(4)]
    first, second, other = (activation_sketch([sample(p) for p in found]) for found in (layers, layers, others))
    assert len(first) == SKETCH_BYTES
    assert agreement(first, second) > 10 and abs(agreement(first, other)) < 5


def fingerprint(budget: int | None = None) -> ModelFingerprint:
    tensors = llama(vocab=200, layers=5)
    tokenizer = tokenizer_json(LETTERS | {f"Ġw{i}": 94 + i for i in range(100)})
    files = model_files(tensors, config=llama_config(tensors), tokenizer=tokenizer)
    return fingerprint_model(MemorySource(files), budget=budget)


def test_a_model_keeps_vectors_of_four_layers_and_a_sketch() -> None:
    found = fingerprint().activations
    assert [(layer.named.place.layer, layer.levels.shape) for layer in found.layers] == [
        (layer, (128, TOKENS)) for layer in (0, 1, 3, 4)
    ]
    assert [(s.component, len(s.signs)) for s in found.sketches] == [("language", SKETCH_BYTES)]


def test_a_budget_leaves_activations_out_first_and_says_so() -> None:
    whole = fingerprint()
    cut = fingerprint(budget=whole.bytes_read // 2)
    assert not cut.activations.layers and cut.state != whole.state
    assert any("activations are not read" in problem for problem in iter_problems(cut))
    assert len(cut.tensors) == len(whole.tensors)
    assert fingerprint(budget=10 * whole.bytes_read).activations.layers
