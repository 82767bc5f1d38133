"""What is a copy of another model, and what only holds one: a head, an expert or a row of its own is no copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.registry import AuditOptions, Registry
from forebear.registry.reports.trees import edge_rows

from ...writers import llama, llama_config, model_files, raw, tokenizer_json, words, write_files

Weights = dict[str, NDArray[np.float32]]
O_PROJ = "model.layers.1.self_attn.o_proj.weight"
DENSE = ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")


def model(folder: Path, weights: Weights, *, vocabulary: int = 96, dtype: str = "BF16", **config: object) -> Path:
    files = {name: raw(values, dtype) for name, values in weights.items()}
    made = model_files(files, config=llama_config(weights) | config, tokenizer=tokenizer_json(words(vocabulary)))
    return write_files(folder, made)


def normal(shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 0.02, shape).astype(np.float32)


def hidden(weights: Weights) -> int:
    return weights["model.norm.weight"].shape[0]


def value_head(base: Weights, seed: int) -> Weights:
    return base | {"v_head.summary.weight": normal((1, hidden(base)), seed)}


def medusa(base: Weights, seed: int) -> Weights:
    wide = {"medusa_head.0.1.weight": normal((96, hidden(base)), seed)}
    return base | {"medusa_head.0.0.linear.weight": normal((hidden(base), hidden(base)), seed + 1)} | wide


def trained_head(base: Weights, seed: int) -> Weights:
    head = base["lm_head.weight"]
    return base | {"lm_head.weight": (head + normal(head.shape, seed) / 4).astype(np.float32)}


def more_tokens(base: Weights, seed: int) -> Weights:
    names = ("model.embed_tokens.weight", "lm_head.weight")
    return base | {n: np.concatenate([base[n], normal((32, base[n].shape[1]), seed)]) for n in names}


def zeroed(base: Weights, _: int) -> Weights:
    return {n: np.zeros_like(v) if "layers.1." in n else v for n, v in base.items()}


def without_attention(base: Weights, _: int) -> Weights:
    return base | {O_PROJ: np.zeros_like(base[O_PROJ])}


def not_a_number(base: Weights, _: int) -> Weights:
    return {n: np.full_like(v, np.nan) if "layers.1." in n else v for n, v in base.items()}


CHANGES: Mapping[str, Callable[[Weights, int], Weights]] = {
    "value head": value_head,
    "medusa": medusa,
    "trained head": trained_head,
    "more tokens": more_tokens,
    "zeroed layer": zeroed,
    "zeroed projection": without_attention,
    "not a number": not_a_number,
}


def duplicates(registry: Registry) -> list[tuple[str, str]]:
    question = "FROM public.latest_findings SELECT model, relative WHERE kind = 'duplicate' ORDER BY ALL"
    return registry.connection.execute(question).fetchall()


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("asked", ["", "base", "other"])
def test_what_differs_in_any_tensor_is_no_copy_and_is_told_as_of_one_lineage(
    tmp_path: Path, change: str, asked: str
) -> None:
    """Whoever is asked about: an audit of one of the two has no answer about the other."""
    base = llama(3, tied=False)
    vocabulary = 128 if change == "more tokens" else 96
    folders = model(tmp_path / "base", base), model(tmp_path / "other", CHANGES[change](base, 5), vocabulary=vocabulary)
    with Registry(tmp_path / "registry.duckdb") as registry:
        registry.ingest(*folders)
        registry.audit(AuditOptions(queries=asked))
        found = duplicates(registry)
        (edge,) = edge_rows(registry.tree())
        statuses = registry.connection.execute("FROM public.latest_findings SELECT status").fetchall()
        other = registry.ancestors("other").components[0].ancestors[0]
    assert not found
    assert {edge["child"], edge["parent"]} == {"base", "other"}
    assert ("direction_unknown",) in statuses
    assert other.origin == "derivation" and not {"identical", "numeric_copy"} & set(other.relation)


def test_two_heads_on_one_frozen_model_are_no_copies_of_each_other(tmp_path: Path) -> None:
    base = llama(3)
    folders = [model(tmp_path / "base", base)]
    folders += [model(tmp_path / f"reward-{seed}", value_head(base, seed)) for seed in (5, 6)]
    with Registry(tmp_path / "registry.duckdb") as registry:
        registry.ingest(*folders)
        registry.audit()
        assert not duplicates(registry)
        names = {str(row[end]) for row in edge_rows(registry.tree()) for end in ("child", "parent")}
    assert names == {"base", "reward-5", "reward-6"}


def test_a_mixture_with_one_expert_of_a_dense_model_is_no_copy_of_it(tmp_path: Path) -> None:
    base = llama(3)
    mixture = {n: v for n, v in base.items() if ".mlp." not in n}
    for name, values in base.items():
        for number, part in enumerate(DENSE):
            if name.endswith(f"{part}.weight"):
                layer = name.split(".")[2]
                for expert in range(4):
                    own = values if expert == 0 else normal(values.shape, seed_of(layer, number, expert))
                    mixture[f"model.layers.{layer}.mlp.experts.{expert}.{part[4:]}.weight"] = own
    folders = model(tmp_path / "dense", base), model(tmp_path / "mixture", mixture, num_local_experts=4)
    with Registry(tmp_path / "registry.duckdb") as registry:
        registry.ingest(*folders)
        registry.audit()
        assert not duplicates(registry)
        (edge,) = edge_rows(registry.tree())
    assert {edge["child"], edge["parent"]} == {"dense", "mixture"}


def seed_of(layer: str, part: int, expert: int) -> int:
    return 1000 * int(layer) + 10 * part + expert


def test_two_roundings_of_one_model_are_copies_of_it_and_not_of_each_other(tmp_path: Path) -> None:
    """Files of float16 and bfloat16 differ from each other by more than one rounding."""
    base = llama(3)
    folders = [model(tmp_path / f"model-{dtype}", base, dtype=dtype) for dtype in ("BF16", "F16", "F32")]
    with Registry(tmp_path / "registry.duckdb") as registry:
        registry.ingest(*folders)
        registry.audit()
        assert duplicates(registry) == [("model-F16", "model-F32"), ("model-F32", "model-BF16")]
        relations = registry.connection.execute(
            "FROM public.latest_findings SELECT DISTINCT relation, reason WHERE kind = 'duplicate'"
        ).fetchall()
    assert relations == [(["numeric_copy"], "numeric_copy; which came first is not known")]


def test_a_head_that_is_stored_although_it_is_tied_is_in_a_copy(tmp_path: Path) -> None:
    base = llama(3)
    folders = (
        model(tmp_path / "tied", base),
        model(tmp_path / "untied", base | {"lm_head.weight": base["model.embed_tokens.weight"]}),
    )
    with Registry(tmp_path / "registry.duckdb") as registry:
        registry.ingest(*folders)
        registry.audit(AuditOptions(queries="tied"))
        assert duplicates(registry) == [("untied", "tied")]


@pytest.mark.parametrize("asked", ["", "full", "half"])
def test_a_rounding_is_a_copy_whoever_is_asked_about(tmp_path: Path, asked: str) -> None:
    base = llama(3, tied=False)
    folders = model(tmp_path / "full", base, dtype="F32"), model(tmp_path / "half", base)
    with Registry(tmp_path / "registry.duckdb") as registry:
        registry.ingest(*folders)
        registry.audit(AuditOptions(queries=asked))
        assert [set(pair) for pair in duplicates(registry)] == [{"full", "half"}]


@pytest.mark.parametrize("asked", ["", "full", "half"])
def test_what_adds_a_head_to_the_rounding_of_a_model_is_no_copy_of_it(tmp_path: Path, asked: str) -> None:
    base = llama(3, tied=False)
    folders = model(tmp_path / "full", base, dtype="F32"), model(tmp_path / "half", value_head(base, 5))
    with Registry(tmp_path / "registry.duckdb") as registry:
        registry.ingest(*folders)
        registry.audit(AuditOptions(queries=asked))
        assert not duplicates(registry)
