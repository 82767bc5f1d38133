"""Models of equal content are named first, and networks and skipped tensors are answered, from files to the report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.queries.answers.unrelated import REORDERED
from forebear.registry import Registry

from ..writers import Floats, llama, llama_config, model_files, tokenizer_json, words, write_files
from .conftest import Run


def network(folder: Path, seed: int, count: int) -> Path:
    """A folder with `count` matrices of one shape, under names that say nothing."""
    random = np.random.default_rng(seed)
    weights = {f"fc{i}.weight": random.normal(size=(40, 40)).astype(np.float32) for i in range(count)}
    return write_files(folder, model_files(weights))


def test_a_copy_of_what_cannot_be_compared_is_named_first(tmp_path: Path, run: Run) -> None:
    first, second = network(tmp_path / "first", 1, 3), network(tmp_path / "second", 1, 3)
    network(tmp_path / "other", 2, 3)
    assert run("ingest", first, tmp_path / "other").code == 0
    report = json.loads(run("ancestors", second, "--format", "json").out)
    assert report["verdict"] == "related" and [one["name"] for one in report["equal_content"]] == ["first"]
    top = report["ancestors"][0]
    assert (top["name"], top["rank"], top["relation"], top["direction"]) == ("first", 1, ["identical"], "copy")
    out = run("ancestors", second).out.splitlines()
    assert out[0].startswith("equal content: every value that was read is that of first, file://")
    assert "network: equal to first in every value that was read; which came first weights cannot tell" in out
    compared = json.loads(run("compare", first, second, "--format", "json").out)
    assert compared["equal_content"] and compared["verdict"] == "related"
    assert compared["sentence"].startswith("every value that was read of first equals that of second; ")


def test_a_copy_without_any_matrix_is_named(tmp_path: Path, run: Run) -> None:
    values = {"gain": np.arange(64, dtype=np.float32), "bias": np.linspace(0, 1, 9, dtype=np.float32)}
    first, second = (write_files(tmp_path / name, model_files(values)) for name in ("first", "second"))
    assert run("ingest", first).code == 0
    report = json.loads(run("ancestors", second, "--format", "json").out)
    assert report["verdict"] == "related" and not report["components"]
    assert json.loads(run("compare", first, second, "--format", "json").out)["verdict"] == "related"


def test_other_content_is_not_equal(tmp_path: Path, run: Run) -> None:
    first, other = network(tmp_path / "first", 1, 6), network(tmp_path / "other", 2, 6)
    assert run("ingest", first).code == 0
    report = json.loads(run("ancestors", other, "--format", "json").out)
    assert report["verdict"] == "unrelated" and report["equal_content"] == []
    assert not json.loads(run("compare", first, other, "--format", "json").out)["equal_content"]


def test_no_ancestor_counts_the_models_that_can_be_compared(tmp_path: Path, registry_path: Path) -> None:
    tensors = llama(1)
    language = model_files(tensors, config=llama_config(tensors), tokenizer=tokenizer_json(words(96)))
    with Registry(registry_path) as registry:
        for seed in range(3):
            registry.ingest(network(tmp_path / f"net{seed}", seed, 6))
        registry.ingest(write_files(tmp_path / "language", language))
        registry.ingest(network(tmp_path / "deep", 4, 7))
        (answer,) = registry.ancestors(network(tmp_path / "asked", 9, 6)).components
        assert answer.sentence == f"network: no ancestor among 4 comparable of 5 models ({REORDERED})"
        (answer,) = registry.ancestors("language").components
        assert (answer.verdict, answer.sentence) == (
            "inconclusive",
            "language: none of 4 models has anything to compare it with",
        )


def test_embeddings_without_a_tokenizer_are_compared_by_row_number_and_the_answer_says_so(
    tmp_path: Path, registry_path: Path
) -> None:
    tensors = llama(1)
    plain = model_files(tensors, config=llama_config(tensors))
    spelled = model_files(tensors, config=llama_config(tensors), tokenizer=tokenizer_json(words(96)))
    said = "; without a tokenizer, embeddings were compared by row number"
    with Registry(registry_path) as registry:
        registry.ingest(write_files(tmp_path / "plain", plain))
        (answer,) = registry.ancestors(write_files(tmp_path / "copy", plain)).components
        assert answer.sentence.endswith(said) and answer.ancestors[0].coverage == 1.0
        (answer,) = registry.ancestors(write_files(tmp_path / "spelled", spelled)).components
        assert said not in answer.sentence and 0.5 < answer.ancestors[0].coverage < 1.0
        assert answer.ancestors[0].coverage_parts.not_comparable > 0.05


def test_layers_beyond_a_budget_are_not_covered(tmp_path: Path, registry_path: Path) -> None:
    tensors = llama(1, layers=4)
    files = model_files(tensors, config=llama_config(tensors), tokenizer=tokenizer_json(words(96)))
    whole, cut = (write_files(tmp_path / name, files) for name in ("whole", "cut"))
    with Registry(registry_path) as registry:
        registry.ingest(whole)
        registry.ingest(cut, budget=80_000)
        (answer,) = registry.ancestors("cut").components
        parts = answer.ancestors[0].coverage_parts
        assert 0.2 < parts.not_read < 0.8 and answer.ancestors[0].coverage == parts.matched <= 1 - parts.not_read
        assert f"; {parts.not_read:.0%} of its parameters were not read" in answer.sentence


def t5(seed: int) -> dict[str, Floats]:
    """An encoder-decoder with two layers a side, 64 wide; both sides read one embedding."""
    random, width = np.random.default_rng(seed), 64
    made: dict[str, NDArray[np.float64]] = {}
    made |= {f"{name}.weight": random.normal(size=(96, width)) for name in ("shared", "lm_head")}
    for side, blocks in (("encoder", ["SelfAttention"]), ("decoder", ["SelfAttention", "EncDecAttention"])):
        made[f"{side}.final_layer_norm.weight"] = random.normal(1, 0.1, width)
        for layer in range(2):
            for number, block in enumerate(blocks):
                stem = f"{side}.block.{layer}.layer.{number}"
                made |= {f"{stem}.{block}.{x}.weight": random.normal(size=(width, width)) for x in "qkvo"}
                made[f"{stem}.layer_norm.weight"] = random.normal(1, 0.1, width)
            stem = f"{side}.block.{layer}.layer.{len(blocks)}"
            made |= {f"{stem}.DenseReluDense.wi_{x}.weight": random.normal(size=(160, width)) for x in "01"}
            made[f"{stem}.DenseReluDense.wo.weight"] = random.normal(size=(width, 160))
            made[f"{stem}.layer_norm.weight"] = random.normal(1, 0.1, width)
    return {name: values.astype(np.float32) for name, values in made.items()}


@pytest.mark.parametrize("alone", ["shared.weight", "encoder.embed_tokens.weight"])
@pytest.mark.parametrize("repeated", [False, True], ids=["once", "under all three names"])
def test_the_encoder_of_t5_alone_is_a_copy_of_that_of_the_whole(
    tmp_path: Path, run: Run, alone: str, repeated: bool
) -> None:
    whole = t5(1)
    encoder = {name: values for name, values in whole.items() if name.startswith("encoder.")}
    encoder[alone] = whole["shared.weight"]
    if repeated:
        whole |= {f"{side}.embed_tokens.weight": whole["shared.weight"] for side in ("encoder", "decoder")}
    write_files(tmp_path / "whole", model_files(whole))
    write_files(tmp_path / "other", model_files(t5(2)))
    asked = write_files(tmp_path / "encoder", model_files(encoder))
    assert run("ingest", tmp_path / "whole", tmp_path / "other").code == 0
    report = json.loads(run("ancestors", asked, "--format", "json").out)
    top = report["ancestors"][0]
    assert (top["name"], top["relation"], top["coverage"], top["direction"]) == ("whole", ["identical"], 1.0, "copy")
    assert (report["ancestors"][1]["name"], report["ancestors"][1]["relation"]) == ("other", [])
    compared = run("compare", asked, tmp_path / "whole").out
    assert "identical" in compared and "no component in common" not in compared
    assert "No control: A and B have no component of one name" in compared
