"""The read plan: a small share of a model, the right rows, few reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebear.ingest.formats import read_checkpoint
from forebear.ingest.hashing import hash_bytes
from forebear.ingest.metadata.tokenizer import Tokenizer, Vocabulary
from forebear.ingest.names.naming import NamedTensor, name_tensors
from forebear.ingest.plan import LEADING_ROWS, TOKEN_ROWS, PlannedTensor, ReadPlan, plan_reading
from forebear.ingest.reading.ranges import read_plan
from forebear.ingest.storage.logical import LogicalTensor, RowMajor, runs
from forebear.ingest.storage.reader import Range, merge

from ..writers import Floats, MemorySource, llama, model_files, words

VOCABULARY = Tokenizer("BPE", words(32_000)).vocabulary()


def tensor(name: str, *shape: int, dtype: str = "BF16", file: str = "model.safetensors") -> LogicalTensor:
    columns = math.prod(shape[1:]) if len(shape) > 1 else math.prod(shape)
    return LogicalTensor(name, dtype, shape, RowMajor(file, 1000, dtype, columns))


def large_llama() -> list[LogicalTensor]:
    """The shapes of Llama 2 7B."""
    tensors = [tensor("model.embed_tokens.weight", 32_000, 4096), tensor("lm_head.weight", 32_000, 4096)]
    for layer in range(32):
        at = f"model.layers.{layer}"
        tensors += [tensor(f"{at}.self_attn.{p}_proj.weight", 4096, 4096) for p in "qkvo"]
        tensors += [tensor(f"{at}.mlp.{p}_proj.weight", 11_008, 4096) for p in ("gate", "up")]
        tensors += [tensor(f"{at}.mlp.down_proj.weight", 4096, 11_008)]
        tensors += [tensor(f"{at}.{n}_layernorm.weight", 4096) for n in ("input", "post_attention")]
    return tensors


def experts(layers: int, count: int) -> list[LogicalTensor]:
    return [
        tensor(f"model.layers.{layer}.mlp.experts.{i}.{p}_proj.weight", 64, 32)
        for layer in range(layers)
        for i in range(count)
        for p in ("gate", "up", "down")
    ]


def planned(tensors: Sequence[LogicalTensor], vocabulary: Vocabulary = VOCABULARY, **config: object) -> ReadPlan:
    return plan_reading(name_tensors(tensors, config), vocabulary, config)


def every(plan: ReadPlan) -> dict[str, PlannedTensor]:
    return {t.named.tensor.name: t for batch in plan.batches for t in batch}


def test_the_plan_of_a_large_model_is_less_than_half_a_percent_of_it() -> None:
    tensors = large_llama()
    total = 2 * sum(t.parameters for t in tensors)
    assert 13.4e9 < total < 13.6e9
    assert 0.001 < planned(tensors).bytes / total < 0.005


def test_matrices_are_read_by_their_leading_rows_and_vectors_whole() -> None:
    found = every(planned(large_llama()))
    assert set(found) == {t.name for t in large_llama()}
    assert found["model.layers.3.mlp.up_proj.weight"].rows == tuple(range(LEADING_ROWS))
    assert found["model.layers.3.mlp.up_proj.weight"].ranges == (Range("model.safetensors", 1000, 16 * 4096 * 2),)
    assert found["model.layers.3.input_layernorm.weight"].bytes == 2 * 4096


def test_embeddings_are_read_by_the_rows_of_chosen_tokens() -> None:
    found = every(planned(large_llama()))
    embed, head = found["model.embed_tokens.weight"], found["lm_head.weight"]
    assert embed.keys is not None and len(embed.rows) == TOKEN_ROWS
    assert embed.rows == head.rows == tuple(sorted(embed.rows))
    assert embed.keys.tolist() == hash_bytes(f" w{row}".encode() for row in embed.rows).tolist()
    lowest = np.sort(hash_bytes(f" w{i}".encode() for i in range(32_000)))[:TOKEN_ROWS]
    assert sorted(embed.keys.tolist()) == lowest.tolist()


def test_of_an_embedding_without_a_tokenizer_rows_are_read_by_number() -> None:
    found = every(planned(large_llama(), Vocabulary()))["model.embed_tokens.weight"]
    assert found.keys is not None and len(found.rows) == len(found.keys) == TOKEN_ROWS
    assert found.rows != tuple(range(TOKEN_ROWS))


def test_a_tied_head_is_not_read_twice() -> None:
    assert every(planned(large_llama(), tie_word_embeddings=True))["lm_head.weight"].rows == ()
    alone = [tensor("lm_head.weight", 32_000, 4096)]
    assert len(every(planned(alone, tie_word_embeddings=True))["lm_head.weight"].rows) == TOKEN_ROWS


@pytest.mark.parametrize("count", [1, 4, 5, 60, 255])
def test_at_most_four_routed_experts_of_a_layer_stand_for_all(count: int) -> None:
    tensors = experts(3, count)
    found = every(planned(tensors))
    assert len(found) == 3 * 3 * min(count, 4)
    assert {t.named.place.expert for t in found.values()} == set(range(min(count, 4)))
    total = sum(t.parameters for t in tensors)
    assert sum(t.named.represents for t in found.values()) == pytest.approx(total, rel=1e-3)


def test_shared_experts_and_routers_are_all_read() -> None:
    tensors = [tensor(f"model.layers.0.mlp.shared_experts.{p}_proj.weight", 64, 32) for p in ("gate", "up", "down")]
    assert (
        len(every(planned([*tensors, *experts(1, 8), tensor("model.layers.0.mlp.gate.weight", 8, 32)]))) == 3 + 12 + 1
    )


def test_buffers_and_position_tables_are_named_and_not_read() -> None:
    names = ["h.0.attn.bias", "wpe.weight", "model.layers.0.self_attn.rotary_emb.inv_freq"]
    assert [t.rows for t in every(planned([tensor(n, 64, 64) for n in names])).values()] == [(), (), ()]


def test_a_tensor_whose_rows_are_absurdly_wide_is_skipped_with_a_reason() -> None:
    plan = planned([tensor("wide", 16, 1 << 40), tensor("thin", 16, 16)])
    assert list(every(plan)) == ["thin"]
    assert plan.skipped[0].name == "wide" and "are over the limit of" in plan.skipped[0].reason


def test_the_norms_of_a_layer_come_before_its_matrices_in_the_same_batch() -> None:
    plan = planned(large_llama()[::-1])
    assert len(plan.batches) > 1
    for batch in plan.batches:
        for layer in {t.named.place.layer for t in batch}:
            kinds = [len(t.named.tensor.shape) for t in batch if t.named.place.layer == layer]
            assert kinds == sorted(kinds)
            assert layer is None or len(kinds) == 9


def test_runs_of_rows_are_single_ranges() -> None:
    assert runs([3, 4, 5, 9, 11, 12]) == [(3, 3), (9, 1), (11, 2)]
    assert runs([]) == []


RANGES = st.lists(st.builds(Range, st.sampled_from(["a", "b"]), st.integers(0, 400), st.integers(1, 60)), max_size=20)


@settings(max_examples=500, deadline=None)
@given(RANGES, st.integers(0, 40), st.integers(1, 120))
def test_merged_spans_hold_every_range_and_nothing_they_need_not(ranges: list[Range], gap: int, most: int) -> None:
    spans = merge(ranges, gap, most)
    assert spans == sorted(spans)
    for item in ranges:
        assert any(s.file == item.file and s.offset <= item.offset and item.end <= s.end for s in spans)
    longest = max((r.length for r in ranges), default=0)
    for span in spans:
        inside = [r for r in ranges if r.file == span.file and span.offset <= r.offset and r.end <= span.end]
        assert span.length <= max(most, longest)
        assert span.offset == min(r.offset for r in inside) and span.end == max(r.end for r in inside)
        wanted = np.zeros(span.length, np.bool_)
        for r in inside:
            wanted[r.offset - span.offset : r.end - span.offset] = True
        assert longest_gap(wanted) <= gap


def longest_gap(wanted: np.ndarray[Any, Any]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([1], wanted.astype(int), [1]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))


@settings(max_examples=200, deadline=None)
@given(RANGES, st.integers(0, 40))
def test_neighbours_are_read_as_one(ranges: list[Range], gap: int) -> None:
    spans = merge(ranges, gap, 1 << 30)
    for one, other in pairwise(spans):
        assert one.file != other.file or other.offset > one.end + gap


def blocks(source: MemorySource) -> dict[str, Floats]:
    """Every planned block of a model in memory."""
    named: list[NamedTensor] = name_tensors(read_checkpoint(source)[1].tensors, {})
    plan = plan_reading(named, Tokenizer("BPE", words(96)).vocabulary(), {})
    return {t.named.tensor.name: block for batch in read_plan(plan, source) for t, block, _ in batch}


@pytest.mark.parametrize("gap", [0, 100, 1 << 20])
@pytest.mark.parametrize("connections", [1, 4])
def test_what_is_read_are_the_rows_that_were_written(gap: int, connections: int) -> None:
    tensors = llama(tied=False)
    source = MemorySource(model_files(tensors, shards=3))
    source.gap, source.connections = gap, connections
    found = blocks(source)
    ids, _ = Tokenizer("BPE", words(96)).vocabulary().lowest(TOKEN_ROWS, 96)
    assert set(found) == set(tensors)
    for name, block in found.items():
        whole = tensors[name].reshape(-1, tensors[name].shape[-1])
        expected = whole[ids] if name in {"model.embed_tokens.weight", "lm_head.weight"} else whole[:16]
        assert np.array_equal(block, expected)
