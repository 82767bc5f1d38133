"""All weights of two models: the zoo, models whose neurons and hidden units were shuffled, 200 pairs of strangers."""

from __future__ import annotations

import json
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy.stats import kstest

from forebear.ingest.reading import stream as streams
from forebear.ingest.sources import open_source
from forebear.queries.comparison.records.whole import FullComparison
from forebear.queries.statistics.metrics import metrics
from forebear.registry.jobs.whole import weights_of

from ....writers import Floats, MemorySource, llama_config, model_files, raw, tokenizer_json

assert ml_dtypes  # numpy learns bfloat16, which safetensors asks for
HIDDEN, FFN, LAYERS, TOKENS = 32, 48, 2, 96


def structured(seed: int) -> dict[str, Floats]:
    """A tiny model as training leaves them: heavy tails, directions that all layers share, a few outlier dimensions,
    and an embedding along whose first direction every model has its tokens in the same order.
    """
    random = np.random.default_rng([23, seed])
    shared = random.standard_t(3, (3, HIDDEN))
    outliers = np.exp(random.normal(0, 0.5, HIDDEN))

    def reading(rows: int) -> Floats:
        own = random.standard_t(4, (rows, HIDDEN)) + random.standard_t(4, (rows, 3)) @ shared * 0.3
        return (0.02 * own * outliers).astype(np.float32)

    frequency = np.log(np.arange(2, TOKENS + 2))[:, None]
    embedding = (reading(TOKENS) + 0.05 * frequency * random.standard_normal(HIDDEN)).astype(np.float32)
    tensors = {"model.embed_tokens.weight": embedding}
    for layer in range(LAYERS):
        at = f"model.layers.{layer}"
        tensors |= {
            f"{at}.input_layernorm.weight": random.normal(1, 0.1, HIDDEN).astype(np.float32),
            f"{at}.self_attn.q_proj.weight": reading(HIDDEN),
            f"{at}.self_attn.k_proj.weight": reading(HIDDEN // 2),
            f"{at}.self_attn.v_proj.weight": reading(HIDDEN // 2),
            f"{at}.self_attn.o_proj.weight": reading(HIDDEN).T.copy(),
            f"{at}.mlp.gate_proj.weight": reading(FFN),
            f"{at}.mlp.up_proj.weight": reading(FFN),
            f"{at}.mlp.down_proj.weight": reading(FFN).T.copy(),
        }
    return tensors


def source(tensors: dict[str, Floats]) -> MemorySource:
    vocabulary = {f"Ġw{i}": i for i in range(len(tensors["model.embed_tokens.weight"]))}
    tied = {n: raw(t, "BF16") for n, t in tensors.items()}
    return MemorySource(model_files(tied, config=llama_config(tensors), tokenizer=tokenizer_json(vocabulary)))


def noisy(tensors: dict[str, Floats], seed: int = 0, size: float = 0.3) -> dict[str, Floats]:
    """A fine-tune: every matrix with noise of a relative size."""
    random = np.random.default_rng(seed)
    return {
        n: (t + size * t.std() * random.standard_normal(t.shape)).astype(np.float32) if t.ndim > 1 else t
        for n, t in tensors.items()
    }


def zoo_tensors(zoo: Path, name: str) -> dict[str, Floats]:
    return {n: t.astype(np.float32) for n, t in load_file(zoo / name / "model.safetensors").items()}


def zoo_source(zoo: Path, name: str, tensors: dict[str, Floats]) -> MemorySource:
    """A model of the zoo with other weights."""
    files = {f: (zoo / name / f).read_bytes() for f in ("config.json", "tokenizer.json")}
    config = json.loads(files["config.json"])
    return MemorySource(model_files(tensors, config=config) | {"tokenizer.json": files["tokenizer.json"]})


def hidden_units_shuffled(tensors: dict[str, Floats], seed: int = 0) -> dict[str, Floats]:
    """The same function with the residual stream permuted and its signs flipped, q and k turned by one rotation of
    their outputs each, and neurons in another order.
    """
    random = np.random.default_rng(seed)
    hidden = tensors["model.norm.weight"].size if "model.norm.weight" in tensors else HIDDEN
    order, signs = random.permutation(hidden), random.choice([-1, 1], hidden).astype(np.float32)
    found = {}
    orders: dict[str, np.ndarray] = {}
    for name, tensor in tensors.items():
        if tensor.ndim == 1:
            found[name] = tensor[order]
        elif "o_proj" in name or "down_proj" in name:
            found[name] = tensor[order] * signs[:, None]
        else:
            found[name] = tensor[:, order] * signs
        if "q_proj" in name or "k_proj" in name:
            turn = np.linalg.qr(random.standard_normal((len(tensor), len(tensor))))[0]
            found[name] = (turn @ found[name]).astype(np.float32)
        if ".mlp." in name:
            neurons = orders.setdefault(name.split(".mlp.")[0], random.permutation(max(tensor.shape)))
            found[name] = found[name][:, neurons] if "down_proj" in name else found[name][neurons]
    return found


def significant(found: FullComparison) -> tuple[bool, bool]:
    """Whether the test of neurons and the test of attention say that the models are related."""
    assert found.neurons.log10_p is not None
    return found.neurons.log10_p < -6, (found.attention.log10_p or 0) <= -3 + 1e-9 and (found.attention.z or 0) > 5


def one_attention(found: FullComparison) -> bool:
    """Whether the attention is the same after an assignment, which gives no p-value: by CKA alone."""
    test = found.attention
    assert test.basis == "assignment" and test.log10_p is None and "no p-value" in test.reading
    return (test.mean_cka or 0) > 0.9 and (test.mean_cka or 0) - (test.mean_apart or 0) > 0.3


DERIVATIVES = ["alder-docs", "alder-docs-tests", "alder-long", "alder-vocabulary", "alder-merge", "alder-4bit",
               "alder-permuted", "alder-pruned", "alder-upscaled", "alder-moe", "alder-tests"]  # fmt: skip


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_of_the_zoo_are_significant_in_both_tests(zoo: Path, name: str) -> None:
    found = weights_of(open_source(str(zoo / "alder")), open_source(str(zoo / name)))
    assert significant(found) == (True, True)


@pytest.mark.parametrize("name", ["birch", "elm-in-alder-norms"])
def test_strangers_of_one_tokenizer_and_corpus_are_significant_in_neither(zoo: Path, name: str) -> None:
    found = weights_of(open_source(str(zoo / "alder")), open_source(str(zoo / name)))
    assert found.alignment is not None and not found.alignment.determined
    assert found.attention.basis == "identity" and found.alignment_reason
    assert found.neurons.log10_p is not None and found.neurons.log10_p > -3
    assert found.attention.log10_p is not None and found.attention.log10_p > -2.5


def test_strangers_of_other_width_cannot_be_tested_and_the_report_says_why(zoo: Path) -> None:
    found = weights_of(open_source(str(zoo / "alder")), open_source(str(zoo / "cedar")))
    assert found.neurons.log10_p is None and "widths differ" in (found.neurons.reason or "")
    assert found.attention.log10_p is None and "widths differ" in (found.attention.reason or "")


def test_shuffled_neurons_are_found_and_no_value_of_them_stands_where_it_stood(zoo: Path) -> None:
    found = weights_of(open_source(str(zoo / "alder")), open_source(str(zoo / "alder-permuted")))
    gates = [t for t in found.tensors if t.role == "gate"]
    assert all(abs(t.metrics.centred_cosine) < 0.2 and not t.values_equal for t in gates)
    assert all(layer.agreement == 1 for layer in found.neurons.layers)


def test_shuffled_hidden_units_and_turned_heads_are_found_by_the_alignment(zoo: Path) -> None:
    shuffled = hidden_units_shuffled(zoo_tensors(zoo, "alder-docs"))
    found = weights_of(open_source(str(zoo / "alder")), zoo_source(zoo, "alder", shuffled))
    assert found.alignment is not None and found.alignment.determined and found.alignment.identity_share < 0.1
    assert found.attention.basis == found.neurons.basis == "assignment"
    assert significant(found)[0] and one_attention(found)


def test_hidden_units_shuffled_and_cut_are_found(zoo: Path) -> None:
    tensors = hidden_units_shuffled(zoo_tensors(zoo, "alder"))
    cut = {
        n: t[:48] if t.ndim == 1 or "o_proj" in n or "down_proj" in n else t[:, :48]
        for n, t in tensors.items()
    }  # fmt: skip
    for sides in ((open_source(str(zoo / "alder")), zoo_source(zoo, "alder", cut)),
                  (zoo_source(zoo, "alder", cut), open_source(str(zoo / "alder")))):  # fmt: skip
        found = weights_of(*sides)
        assert found.attention.dimensions == 48
        assert significant(found)[0] and one_attention(found)


@pytest.mark.parametrize("replaced", ["noise", "a stranger's"])
def test_with_replaced_embeddings_equal_numbers_are_equal_dimensions(zoo: Path, replaced: str) -> None:
    tensors = zoo_tensors(zoo, "alder-docs")
    embedding = zoo_tensors(zoo, "birch")["model.embed_tokens.weight"]
    if replaced == "noise":
        embedding = np.random.default_rng(0).normal(0, 0.02, embedding.shape).astype(np.float32)
    found = weights_of(
        open_source(str(zoo / "alder")), zoo_source(zoo, "alder", tensors | {"model.embed_tokens.weight": embedding})
    )
    assert found.alignment is not None and not found.alignment.determined and found.attention.basis == "identity"
    assert significant(found) == (True, True)


def test_p_values_of_both_tests_are_uniform_over_200_pairs_of_strangers() -> None:
    neurons, attention = [], []
    for seed in range(200):
        found = weights_of(source(structured(2 * seed)), source(structured(2 * seed + 1)))
        assert found.neurons.log10_p is not None and found.attention.log10_p is not None
        neurons.append(10**found.neurons.log10_p)
        attention.append(10**found.attention.log10_p)
    assert kstest(neurons, "uniform").pvalue > 0.01
    assert kstest(attention, "uniform").pvalue > 0.01


def test_the_same_tiny_models_are_found_when_they_are_related() -> None:
    tensors = structured(1)
    assert significant(weights_of(source(tensors), source(noisy(tensors)))) == (True, True)
    found = weights_of(source(tensors), source(hidden_units_shuffled(noisy(tensors, size=0.15))))
    assert significant(found)[0] and one_attention(found)


def test_the_figures_of_every_tensor_are_those_of_numpy(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCK", 5_000)
    a, b = zoo_tensors(zoo, "alder"), zoo_tensors(zoo, "alder-long")
    found = weights_of(open_source(str(zoo / "alder")), open_source(str(zoo / "alder-long")))
    assert {t.tensor_first for t in found.tensors} == set(a)
    for row in found.tensors:
        expected = metrics(a[row.tensor_first], b[row.tensor_second])
        assert row.metrics.centred_cosine == pytest.approx(expected.centred_cosine, rel=1e-9)
        assert row.metrics.mean_abs_difference == pytest.approx(expected.mean_abs_difference, rel=1e-9)
        assert row.metrics.p99_abs_difference == pytest.approx(expected.p99_abs_difference, rel=0.02)
        assert row.metrics.equal_share == expected.equal_share
        assert row.context == (row.role == "norm")


def test_a_copy_is_equal_in_every_tensor_and_a_frozen_part_in_its_own(zoo: Path) -> None:
    copy = weights_of(open_source(str(zoo / "alder")), open_source(str(zoo / "alder")))
    assert copy.equal_share == 1 and all(t.bytes_equal and t.values_equal for t in copy.tensors)
    assert not copy.uncompared
    wider = zoo_source(zoo, "alder", zoo_tensors(zoo, "alder"))  # the same values in float32
    found = weights_of(open_source(str(zoo / "alder")), wider)
    assert found.equal_share == 1 and all(t.bytes_equal is None for t in found.tensors)
    norms = weights_of(open_source(str(zoo / "alder")), open_source(str(zoo / "elm-in-alder-norms")))
    assert {t.role for t in norms.tensors if t.values_equal} == {"norm"}


def test_blocks_go_with_those_of_the_map(zoo: Path) -> None:
    kept = {f"language.{a}": f"language.{b}" for b, a in enumerate((0, 1, 3, 5))}
    sides = open_source(str(zoo / "alder")), open_source(str(zoo / "alder-pruned"))
    mapped, plain = weights_of(*sides, blocks=kept), weights_of(*sides)
    assert {(t.layer_first, t.layer_second) for t in mapped.tensors} == {(0, 0), (1, 1), (3, 2), (5, 3), (None, None)}
    assert mapped.attention.mean_cka is not None and plain.attention.mean_cka is not None
    assert mapped.attention.mean_cka > 0.9 > plain.attention.mean_cka
    left_out = {u.name for u in mapped.uncompared if u.model == "A"}
    assert left_out == {n for n in zoo_tensors(zoo, "alder") if ".2." in n or ".4." in n}


def test_progress_goes_up_to_all_bytes(zoo: Path) -> None:
    seen: list[tuple[int, int]] = []
    sides = open_source(str(zoo / "alder")), open_source(str(zoo / "alder-docs"))
    found = weights_of(*sides, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen) and seen[-1] == (found.bytes_read, found.bytes_read)
