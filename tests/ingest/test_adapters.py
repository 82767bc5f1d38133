"""Adapters read: PEFT's own files, other layouts, and what strangers may write."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebear.ingest.adapters import CONFIG_LIMIT, read_adapter_config
from forebear.ingest.errors import FormatError
from forebear.ingest.model import fingerprint_model, iter_problems
from forebear.ingest.sources import open_source

from ..writers import MemorySource, Raw, llama, llama_config, model_files, safetensors_bytes
from .formats.writers_adapters import Data, Factors, kohya_file, peft_files, train

GOLDEN = Path(__file__).parent / "formats" / "golden" / "peft_lora"


def factors(seed: int = 1, rank: int = 8) -> Factors:
    return train(Data(1), seed, rank=rank)


def test_what_peft_itself_saves_is_an_adapter_with_every_factor_and_no_module_saved_whole() -> None:
    made = fingerprint_model(open_source(str(GOLDEN)))
    assert made.adapter is not None
    assert (made.adapter.kind, made.adapter.rank, made.adapter.dora, made.adapter.modules) == (
        "LORA", 4, True, ("q_proj", "v_proj"),
    )  # fmt: skip
    assert {(t.outputs, t.inputs) for t in made.adapter.targets} == {(64, 64), (32, 64)}
    read = [t for t in made.tensors if t.rows_read]
    assert len(read) == 8 and all("lora_A" in t.named.tensor.name or "lora_B" in t.named.tensor.name for t in read)
    assert {t.named.place.component for t in made.tensors} == {"adapter"}


def test_the_declared_base_is_a_parent_with_the_relation_adapter() -> None:
    card = {"README.md": b"---\nbase_model: org/base\nlibrary_name: peft\n---\n"}
    for files in (peft_files(factors()), peft_files(factors()) | card):
        made = fingerprint_model(MemorySource(files))
        assert [(p.parent, p.relation) for p in made.card.parents] == [("org/base", "adapter")]


def test_kohyas_names_and_a_type_of_two_bytes_give_the_places_and_nearly_the_values_of_pefts() -> None:
    peft = fingerprint_model(MemorySource(peft_files(factors())))
    kohya = fingerprint_model(MemorySource({"style.safetensors": kohya_file(factors())}))

    def kept(made: object) -> dict[object, bytes]:
        return {(t.named.place.layer, t.named.place.role, t.named.place.slot): t.positions.tobytes()
                for t in made.tensors if t.positions is not None}  # type: ignore[attr-defined]  # fmt: skip

    assert len(kept(peft)) == 8 and kept(kohya) == kept(peft)


def test_a_repository_that_holds_full_weights_too_is_that_model() -> None:
    tensors = llama()
    whole = model_files(tensors, config=llama_config(tensors))
    for name in ("model.safetensors", "weights.safetensors"):
        made = fingerprint_model(MemorySource(peft_files(factors()) | {name: whole["model.safetensors"]}))
        assert made.adapter is None and made.tensor_count == len(tensors)
    both = {f"base_model.model.{n}.weight": v for n, v in factors().items()} | tensors
    assert fingerprint_model(MemorySource({"model.safetensors": safetensors_bytes(both)})).adapter is None


@pytest.mark.parametrize("rank", [1, 3])
def test_ranks_too_small_for_a_null_are_kept_without_evidence_and_say_so(rank: int) -> None:
    made = fingerprint_model(MemorySource(peft_files(factors(rank=rank))))
    assert not made.sketches and f"rank {rank}: below 4" in " ".join(iter_problems(made))


@pytest.mark.parametrize(
    ("name", "kind"), [("ia3_l", "IA3"), ("lokr_w1", "LOKR"), ("oft_r.weight", "OFT"), ("vera_lambda_b", "VERA")]
)
def test_kinds_that_start_alike_in_every_run_are_named_and_not_compared(name: str, kind: str) -> None:
    tensors = {f"base_model.model.model.layers.0.self_attn.q_proj.{name}": np.ones((8, 64), np.float32)}
    made = fingerprint_model(MemorySource({"adapter_model.safetensors": safetensors_bytes(tensors)}))
    assert made.adapter is not None and made.adapter.kind == kind and not made.sketches


def test_ranks_of_2_to_the_60_without_elements_allocate_nothing() -> None:
    tensors = {f"base_model.model.model.layers.0.self_attn.q_proj.lora_{f}.weight": Raw("F32", s, b"")
               for f, s in (("A", (1 << 60, 0)), ("B", (0, 1 << 60)))}  # fmt: skip
    made = fingerprint_model(MemorySource({"adapter_model.safetensors": safetensors_bytes(tensors)}))
    assert made.adapter is not None and made.adapter.rank == 1 << 60 and not made.sketches


@pytest.mark.parametrize("text", [b"[]", b"{", b"\xff", b"[" * 100_000, b" " * (CONFIG_LIMIT + 1)])
def test_a_config_that_is_none_is_refused(text: bytes) -> None:
    with pytest.raises(FormatError, match="adapter_config"):
        fingerprint_model(MemorySource(peft_files(factors()) | {"adapter_config.json": text}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda x: st.lists(x, max_size=3)
)


KEYS = (
    "peft_type",
    "base_model_name_or_path",
    "revision",
    "lora_alpha",
    "task_type",
    "use_dora",
    "layers_to_transform",
)


@given(st.dictionaries(st.sampled_from(KEYS), JSON))
def test_values_of_any_type_in_a_config_count_as_not_said(found: dict[str, object]) -> None:
    config = read_adapter_config(MemorySource({"adapter_config.json": json.dumps(found).encode()}))
    assert config is not None and (config.alpha is None or abs(config.alpha) < 1 << 31)


@given(st.lists(st.text(max_size=40), max_size=4, unique=True))
def test_names_of_any_characters_are_an_adapter_or_a_model(names: list[str]) -> None:
    value = np.ones((8, 64), np.float32)
    tensors = {f"base_model.model.{n}.lora_{f}.weight": value for n in names for f in "AB"} | {"lora_A.weight": value}
    fingerprint_model(MemorySource({"adapter_model.safetensors": safetensors_bytes(tensors)}))
