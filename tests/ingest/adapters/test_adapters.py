"""Adapters read: PEFT's own files, other layouts, and what strangers may write."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from forebear.ingest.adapters.config import CONFIG_LIMIT, read_adapter_config
from forebear.ingest.adapters.parts import find_part
from forebear.ingest.errors import FormatError, SourceError
from forebear.ingest.model import fingerprint_model, iter_problems
from forebear.ingest.sources import open_source
from forebear.ingest.sources.source import NothingToRead

from ...writers import MemorySource, Raw, llama, llama_config, model_files, raw, safetensors_bytes
from ..formats.writers_adapters import Data, Factors, kohya_file, peft_files, train
from ..formats.writers_torch import torch_bytes

GOLDEN = Path(os.environ.get("FOREBEAR_GOLDEN") or Path(__file__).parents[1] / "formats" / "golden")
"""Made by PEFT itself (formats/make_peft_golden.py), or what `make test-libraries` has just made."""


def factors(seed: int = 1, rank: int = 8) -> Factors:
    return train(Data(1), seed, rank=rank)


def test_what_peft_itself_saves_is_an_adapter_with_every_factor_and_the_module_saved_whole() -> None:
    made = fingerprint_model(open_source(str(GOLDEN / "peft_lora")))
    assert made.adapter is not None
    assert (made.adapter.kind, made.adapter.rank, made.adapter.dora, made.adapter.modules) == (
        "LORA", 4, True, ("q_proj", "v_proj"),
    )  # fmt: skip
    assert {(t.outputs, t.inputs) for t in made.adapter.targets} == {(64, 64), (32, 64)}
    compared = [t for t in made.tensors if t.positions is not None]
    assert len(compared) == 8 and all(
        "lora_A" in t.named.tensor.name or "lora_B" in t.named.tensor.name for t in compared
    )
    saved = [t.named for t in made.tensors if t.named.place.component != "adapter"]
    assert all(t.rows_read for t in made.tensors if t.named not in saved)
    assert [(n.tensor.name, n.place.component, n.place.role) for n in saved] == [("lm_head.weight", "language", "head")]
    assert len(made.adapter.exact) == 4 and all("magnitude" in one.name for one in made.adapter.exact)
    assert not made.skipped and made.tensor_count == 13
    assert "1 tensors of modules that are saved whole (first: lm_head.weight)" in " ".join(iter_problems(made))


@pytest.mark.parametrize(
    ("kind", "shown", "compared", "kept"),
    [
        ("rank_1", "LORA", 0, 8), ("pissa", "LORA", 8, 0), ("adalora", "ADALORA", 8, 4), ("loha", "LOHA", 16, 0),
        ("lokr", "LOKR", 0, 12), ("vera", "VERA", 0, 10), ("ia3", "IA3", 0, 4), ("oft", "OFT", 0, 4),
        ("prompt", "PROMPT_TUNING", 0, 1),
    ],
)  # fmt: skip
def test_of_every_kind_that_peft_saves_each_tensor_is_compared_or_says_why_not(
    kind: str, shown: str, compared: int, kept: int
) -> None:
    made = fingerprint_model(open_source(str(GOLDEN / f"peft_{kind}")))
    assert made.adapter is not None and made.adapter.kind == shown
    assert sum(t.positions is not None for t in made.tensors) == compared
    assert len(made.adapter.exact) == kept and all(one.reason for one in made.adapter.exact)
    assert compared + kept == made.tensor_count == len(made.tensors) and all(t.statistics for t in made.tensors)
    assert bool(made.sketches) == bool(compared)
    assert kind in {"pissa", "loha"} or list(iter_problems(made))


def test_the_prompt_encoder_of_segment_anything_is_part_of_a_model() -> None:
    names = ("prompt_encoder.point_embed.0.weight", "prompt_encoder.mask_embed.conv1.weight", "mask_decoder.x.weight")
    assert not any(part and part.decisive for part in map(find_part, names))
    of_peft = ("prompt_encoder.default.embedding.weight", "prompt_encoder.mlp_head.0.weight", "prompt_embeddings")
    assert all((part := find_part(name)) and part.decisive for name in of_peft)


@pytest.mark.parametrize("kind", ["rank_1", "lokr", "vera", "ia3", "prompt"])
def test_adapters_that_are_not_compared_have_the_content_of_their_copies_and_of_no_other(kind: str) -> None:
    tensors = load_file(GOLDEN / f"peft_{kind}" / "adapter_model.safetensors")

    def content(values: dict[str, Any]) -> str:
        return fingerprint_model(MemorySource({"adapter_model.safetensors": safetensors_bytes(values)})).content

    first = next(name for name in tensors if "vera_A" not in name and "vera_B" not in name)
    other = tensors | {first: tensors[first] + np.float32(0.5)}
    wide = {name: raw(value, "F64") for name, value in reversed(tensors.items())}
    assert content(tensors) == content(wide) != content(other)


def test_a_second_adapter_in_a_folder_of_its_own_is_named_and_can_be_named() -> None:
    top = open_source(str(GOLDEN / "peft_rank_1"))
    made = fingerprint_model(top)
    assert made.adapter is not None and made.adapter.rank == 1
    (told,) = made.skipped
    assert told.name == "other/adapter_config.json" and "name its folder 'other'" in told.reason
    other = fingerprint_model(open_source(str(GOLDEN / "peft_rank_1" / "other"))).adapter
    assert other is not None and other.rank == 4


def test_of_adapters_in_folders_alone_the_default_one_is_read_with_its_own_config() -> None:
    files = {f"{at}/{n}": d for at in ("default", "other") for n, d in peft_files(factors(), r=at).items()}
    files["default/adapter_config.json"] = json.dumps({"base_model_name_or_path": "org/base", "lora_alpha": 3}).encode()
    made = fingerprint_model(MemorySource(files))
    assert made.adapter is not None and made.adapter.config.alpha == 3
    assert [s.name for s in made.skipped] == ["other/adapter_config.json"]
    del files["default/adapter_config.json"]
    with pytest.raises(SourceError, match="name one of them: default, other"):
        fingerprint_model(MemorySource(files))


def test_the_older_file_of_torch_holds_the_same_adapter() -> None:
    values = {f"base_model.model.{n}.weight": v for n, v in factors().items()}
    files = peft_files(factors())
    old = fingerprint_model(MemorySource(files | {"adapter_model.bin": torch_bytes(values)}))
    del files["adapter_model.safetensors"]
    new = fingerprint_model(MemorySource(files | {"adapter_model.bin": torch_bytes(values)}))
    assert (old.format, new.format) == ("safetensors", "torch") and new.adapter and len(new.adapter.targets) == 4
    assert new.content == old.content and new.sketches[0].positions == old.sketches[0].positions


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
    assert (
        made.adapter is not None
        and len(made.adapter.exact) == 8
        and not made.sketches
        and f"rank {rank}: below 4" in " ".join(iter_problems(made))
    )


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
    with pytest.raises(NothingToRead, match="no tensor in it"):
        fingerprint_model(MemorySource({"adapter_model.safetensors": safetensors_bytes(tensors)}))
    for factor, shape in (("A", (2, 4)), ("B", (4, 2))):
        name = f"base_model.model.model.layers.0.self_attn.k_proj.lora_{factor}.weight"
        tensors[name] = raw(np.ones(shape, np.float32))
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


def test_half_of_a_pair_of_factors_is_skipped_with_its_parameters_and_halves_alone_are_refused() -> None:
    pair = {"A": np.ones((8, 64), np.float32), "B": np.ones((64, 8), np.float32)}
    factors = {
        f"model.layers.{layer}.self_attn.{module}.lora_{factor}": rows * (layer + 1)
        for layer in range(2)
        for module in ("q_proj", "v_proj")
        for factor, rows in pair.items()
    }
    lone = "model.layers.1.self_attn.q_proj.lora_B"
    whole = fingerprint_model(MemorySource(peft_files(factors)))
    cut = fingerprint_model(MemorySource(peft_files({k: v for k, v in factors.items() if k != lone.replace("B", "A")})))
    assert len(whole.tensors) == 8 and len(cut.tensors) == 6 and whole.content != cut.content
    (row,) = cut.skipped
    assert (row.name, row.parameters) == (f"base_model.model.{lone}.weight", 512)
    assert row.reason == "a factor B without the other one of its module"
    with pytest.raises(NothingToRead, match=r"none of its 4 tensors can be read: .* without the other one"):
        fingerprint_model(MemorySource(peft_files({k: v for k, v in factors.items() if k.endswith("lora_A")})))
