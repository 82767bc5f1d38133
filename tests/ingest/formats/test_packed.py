"""A copy of a model in every packing ranks its source first, and a fine-tune in it ranks its parent."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebear.ingest.model import fingerprint_model
from forebear.ingest.sources.source import NothingToRead
from forebear.registry import Registry

from ...writers import MemorySource, Raw, model_files, raw, write_files
from .writers_fused import Floats, fuse_gate_up, fuse_qkv, load_model, stacked_qkv
from .writers_packed import (
    Packer,
    awq,
    bitsandbytes,
    compressed,
    gptq,
    int8_with_zeros,
    mlx,
    mxfp4_rows,
    nvfp4,
    packed,
)


@dataclass(frozen=True)
class Case:
    """One packing: of cedar, which has 64 and 192 inputs, and of the alders, which have 80 and 160."""

    copy: Packer
    identity: float = 0.97
    fine_tune: Packer | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    embeddings: bool = False


def mlx_config(bits: int, group: int) -> dict[str, Any]:
    return {"quantization": {"bits": bits, "group_size": group}}


GPTQ_2 = {"quantization_config": {"quant_method": "gptq", "bits": 4, "checkpoint_format": "gptq_v2"}}
GEMV = {"quantization_config": {"quant_method": "awq", "version": "gemv", "group_size": 32}}
CASES: dict[str, Case] = {
    "gptq 4": Case(gptq(), 0.97, gptq(group=40)),
    "gptq 4, symmetric": Case(gptq(symmetric=True), 0.97, gptq(group=40, symmetric=True)),
    "gptq 4, act-order": Case(gptq(act_order=True), 0.97, gptq(group=40, act_order=True)),
    "gptq_v2 4": Case(gptq(second=True), 0.97, gptq(group=40, second=True), GPTQ_2),
    "gptq 8": Case(gptq(bits=8), 0.999, gptq(bits=8, group=40)),
    "awq gemm": Case(awq(), 0.97, awq(group=40)),
    "awq gemv": Case(awq(gemv=True), 0.97, None, GEMV),
    "bitsandbytes nf4": Case(bitsandbytes(), 0.97, bitsandbytes()),
    "bitsandbytes nf4, double": Case(bitsandbytes(nested=True), 0.97, bitsandbytes(nested=True)),
    "bitsandbytes fp4": Case(bitsandbytes(kind="fp4"), 0.97, bitsandbytes(kind="fp4")),
    "compressed-tensors 4": Case(compressed(group=32), 0.97, compressed(group=40)),
    "compressed-tensors 4, zeros": Case(
        compressed(group=32, zeros="packed"), 0.97, compressed(group=40, zeros="packed")
    ),
    "compressed-tensors 4, plain zeros, act-order": Case(compressed(group=32, zeros="plain", act_order=True)),
    "compressed-tensors 4, a scale a row": Case(compressed(), 0.97, compressed()),
    "compressed-tensors 8": Case(compressed(bits=8), 0.999, compressed(bits=8)),
    "compressed-tensors int8, zeros": Case(int8_with_zeros, 0.999, int8_with_zeros),
    "compressed-tensors nvfp4": Case(nvfp4(modelopt=False), 0.97, nvfp4(modelopt=False)),
    "compressed-tensors mxfp4": Case(mxfp4_rows(mlx=False)),
    "ModelOpt nvfp4": Case(nvfp4(modelopt=True), 0.97, nvfp4(modelopt=True)),
    "MLX 4": Case(mlx(), 0.97, mlx(group=40), mlx_config(4, 32), True),
    "MLX 5": Case(mlx(bits=5), 0.97, None, mlx_config(5, 32), True),
    "MLX 6": Case(mlx(bits=6), 0.97, mlx(bits=6, group=80), mlx_config(6, 32), True),
    "MLX 8": Case(mlx(bits=8), 0.999, mlx(bits=8, group=40), mlx_config(8, 32), True),
    "MLX mxfp4": Case(mxfp4_rows(mlx=True), 0.97, None, mlx_config(4, 32)),
}  # fmt: skip


def ranked(folder: Path, files: Mapping[str, bytes], registry: Path) -> Any:
    write_files(folder, files)
    with Registry(registry, read_only=True) as open_registry:
        report = open_registry.ancestors(folder)
    assert report.verdict in {"derived", "related"}
    return report.components[0].ancestors


@pytest.mark.parametrize("name", CASES)
def test_a_copy_ranks_its_source_first(zoo: Path, zoo_registry: Path, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    tensors, config, tokenizer = load_model(zoo / "cedar")
    made = packed(tensors, case.copy, embeddings=case.embeddings)
    files = model_files(made, config=config | dict(case.config), tokenizer=tokenizer)
    first = ranked(tmp_path / "copy", files, zoo_registry)[0]
    assert first.name == "cedar" and first.relation == ("numeric_copy",)
    assert first.identity > case.identity and first.coverage > 0.95


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.fine_tune])
def test_a_fine_tune_ranks_itself_and_then_its_parent(zoo: Path, zoo_registry: Path, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    assert case.fine_tune
    tensors, config, tokenizer = load_model(zoo / "alder-docs-tests")
    extra = dict(case.config)
    if "quantization" in extra:
        bits = extra["quantization"]["bits"]
        extra = mlx_config(bits, 80 if bits == 6 else 40)
    made = packed(tensors, case.fine_tune, embeddings=case.embeddings)
    rows = ranked(tmp_path / "tuned", model_files(made, config=config | extra, tokenizer=tokenizer), zoo_registry)
    assert rows[0].name == "alder-docs-tests" and rows[0].relation == ("numeric_copy",)
    # alder-merge is half alder-docs: a relative that rounding leaves as near as the parent itself
    others = [row for row in rows[1:] if row.relation and row.name != "alder-merge"]
    assert "finetuned" in others[0].relation
    assert "alder-docs" in {row.name for row in others if row.rank == others[0].rank}


@pytest.mark.parametrize("name", ["gptq 4", "awq gemm", "bitsandbytes nf4", "compressed-tensors 4", "ModelOpt nvfp4"])
def test_a_pruned_model_in_four_bits_still_has_its_parent_before_all_siblings(
    zoo: Path, zoo_registry: Path, tmp_path: Path, name: str
) -> None:
    packer = CASES[name].fine_tune
    assert packer
    tensors, config, tokenizer = load_model(zoo / "alder-pruned")
    rows = ranked(
        tmp_path / "x", model_files(packed(tensors, packer), config=config, tokenizer=tokenizer), zoo_registry
    )
    assert rows[0].name == "alder-pruned" and rows[1].rank == 2
    assert "alder" in {row.name for row in rows if row.rank == 2}
    assert rows[0].relation == ("numeric_copy",) and "layers_removed" in rows[1].relation


def test_three_bits_find_their_source(zoo: Path, zoo_registry: Path, tmp_path: Path) -> None:
    tensors, config, tokenizer = load_model(zoo / "cedar")
    for number, packer in enumerate((gptq(bits=3), mlx(bits=3), gptq(bits=2), mlx(bits=2))):
        about = config | mlx_config(3 if number < 2 else 2, 32)
        files = model_files(packed(tensors, packer), config=about, tokenizer=tokenizer)
        first = ranked(tmp_path / str(number), files, zoo_registry)[0]
        assert first.name == "cedar" and first.identity > (0.9 if number < 2 else 0.7)


def all_values(files: dict[str, Raw | Floats], config: dict[str, Any]) -> Any:
    return fingerprint_model(MemorySource(model_files(files, config=config)))


@pytest.mark.parametrize("packer", [gptq(group=40), awq(group=40), bitsandbytes(), compressed(group=40)])
def test_fused_weights_are_unfused_after_they_are_unpacked(zoo: Path, packer: Packer) -> None:
    tensors, config, _ = load_model(zoo / "alder")
    single = all_values(packed(tensors, packer), config)
    fused = fuse_gate_up(fuse_qkv(tensors, config, "qkv_proj", stacked_qkv))
    together = all_values(packed(fused, packer), config | {"model_type": "phi3"})
    assert not together.skipped and together.parameters == single.parameters == sum(v.size for v in tensors.values())
    values = [{t.named.place: t.statistics for t in m.tensors} for m in (single, together)]
    assert values[0].keys() == values[1].keys()
    for place, mine in values[0].items():
        other = values[1][place]
        assert (mine is None) == (other is None)
        if mine and other and packer is not CASES["bitsandbytes nf4"].copy:
            np.testing.assert_allclose(mine.rms, other.rms, rtol=1e-3)


dtypes = st.sampled_from(["I32", "I64", "U8", "U32", "F16", "F32", "F8_E4M3", "I8"])
shapes = st.lists(st.integers(0, 9), max_size=3).map(tuple)
RAMP = np.linspace(-1, 1, 32 * 64, dtype=np.float32).reshape(32, 64)
LEAVES = {leaf for case in CASES.values() for leaf in case.copy("x", RAMP)}


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(CASES)),
    st.dictionaries(st.sampled_from(sorted(LEAVES)), st.tuples(dtypes, shapes), max_size=2),
    st.binary(max_size=120),
    st.sets(st.sampled_from(sorted(LEAVES)), max_size=1),
    st.integers(0, 200),
    st.one_of(st.none(), st.integers(-1, 1 << 40), st.text(max_size=3)),
)
def test_whatever_companions_say_nothing_but_a_skip_comes_out(
    name: str,
    others: dict[str, tuple[str, tuple[int, ...]]],
    noise: bytes,
    gone: set[str],
    place: int,
    said: Any,
) -> None:
    stem = "model.layers.0.mlp.up_proj"
    values = np.random.default_rng(1).normal(size=(32, 64)).astype(np.float32)
    files = CASES[name].copy(stem, values)
    for leaf in gone:
        files.pop(leaf.replace("x", stem, 1), None)
    for leaf, (dtype, shape) in others.items():
        files[leaf.replace("x", stem, 1)] = raw(np.ones(shape), dtype)
    for key in [k for k in files if k.endswith(("g_idx", "weight_shape", "nf4", "fp4"))]:
        one = files[key]
        assert isinstance(one, Raw)
        data = bytearray(one.data)
        data[place : place + len(noise)] = noise[: max(0, len(data) - place)]
        files[key] = Raw(one.dtype, one.shape, bytes(data[: len(one.data)]))
    config = dict(CASES[name].config) or {"quantization_config": {"bits": said, "group_size": said}}
    tracemalloc.start()
    with np.errstate(all="ignore"), suppress(NothingToRead):  # nothing but skips is no model
        fingerprint_model(MemorySource(model_files(files, config=config)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20
