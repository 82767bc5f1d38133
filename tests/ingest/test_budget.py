"""Limits on work: what small files could make gigabytes of is refused before it is made, with the way to raise it."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind

from forebear.ingest import budget
from forebear.ingest.budget import FACTOR, Limit, charge, json_memory, model_budget, require
from forebear.ingest.checkpoint import open_checkpoint
from forebear.ingest.errors import FormatError
from forebear.ingest.formats.contents import Contents
from forebear.ingest.formats.gguf_file import read_gguf
from forebear.ingest.formats.npz import read_npz
from forebear.ingest.formats.onnx_file import read_onnx
from forebear.ingest.formats.pickle_records import OpaqueTensor
from forebear.ingest.formats.pickle_subset import read_pickle
from forebear.ingest.formats.quantised.bitsandbytes import FlatBlocks
from forebear.ingest.formats.safetensors import read_safetensors
from forebear.ingest.formats.torch_file import read_torch
from forebear.ingest.formats.torch_weights import find_weights
from forebear.ingest.metadata.tokenizer import Vocabulary
from forebear.ingest.metadata.tokenizer_files import read_tokenizer
from forebear.ingest.model import fingerprint_model
from forebear.ingest.names.naming import name_tensors
from forebear.ingest.plan import BATCH_BYTES, plan_reading
from forebear.ingest.sources import open_source
from forebear.ingest.storage.logical import LogicalTensor, RowMajor, runs
from forebear.ingest.storage.reader import Reader

from ..writers import (
    MemoryReader,
    MemorySource,
    entry,
    file_bytes,
    llama,
    model_files,
    sentencepiece_bytes,
    words,
    write_files,
)
from .formats.writers_gguf import gguf_bytes, stored
from .formats.writers_onnx import embedded, model, node
from .formats.writers_torch import START, STOP, View, name, number, state, text, torch_bytes, tuple_of, zip_bytes

TEN = Limit(10, "things")


@contextmanager
def at_most(megabytes: float) -> Iterator[None]:
    """The block's own allocations stay below so many megabytes at any moment."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes * 1e6
    finally:
        tracemalloc.stop()


def test_the_message_says_which_limit_and_which_setting_allows_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FormatError, match=rf"^f: 31 things are over the limit of 10; set {FACTOR}=4 to allow them$"):
        require(TEN, 31, "f")
    monkeypatch.setenv(FACTOR, "4")
    require(TEN, 31, "f")


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "much", ""])
def test_a_setting_that_is_no_factor_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FACTOR, text)
    with pytest.raises(FormatError, match="is not a number from 1"):
        require(TEN, 1, "f")


def test_charges_of_one_model_add_up_over_threads_and_those_of_two_do_not() -> None:
    for _ in range(2):
        with model_budget(), ThreadPoolExecutor(1) as pool:
            pool.submit(copy_context().run, charge, TEN, 6, "a").result()
            with pytest.raises(FormatError, match="12 things"):
                charge(TEN, 6, "b")


@pytest.mark.parametrize("one", [b"[],", b'{"":{"":{"":{"":0}}}},'])
def test_a_header_of_many_objects_is_refused_before_it_is_parsed(one: bytes) -> None:
    data = file_bytes(b'{"__metadata__":[' + one * (20_000_000 // len(one)) + b"0]}")
    with at_most(70), pytest.raises(FormatError, match="objects of one JSON document"):
        read_safetensors(MemoryReader(data), "f")


def test_the_estimate_is_hardly_less_than_what_the_objects_of_a_document_take() -> None:
    documents = [
        [[]] * 20_000,
        [{"a": {}}] * 20_000,
        words(20_000),
        [[w, -1.5] for w in words(20_000)],
        ["ab"] * 20_000,
    ]
    for document in documents:
        text = json.dumps(document)
        tracemalloc.start()
        kept = json.loads(text)
        taken = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert kept and taken < 1.05 * json_memory(text.encode())


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("tokenizer.json", json.dumps({"model": {"vocab": words(300)}}).encode()),
        ("tokenizer.json", json.dumps({"model": {"vocab": [[w, 0] for w in words(300)]}}).encode()),
        ("vocab.txt", b"a\n" * 300),
        ("tokenizer.model", sentencepiece_bytes([(w, 1) for w in words(300)])),
        ("x.tiktoken", b"".join(b"YQ== %d\n" % i for i in range(300))),
    ],
)
def test_a_vocabulary_over_the_limit_is_refused(file: str, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Limit(200, "tokens")
    for module in ("tokenizer_files", "sentencepiece"):
        monkeypatch.setattr(f"forebear.ingest.metadata.{module}.TOKENS", small)
    with pytest.raises(FormatError, match="tokens are over the limit of 200"):
        read_tokenizer(MemorySource({file: data}))


def test_lines_of_a_vocabulary_are_counted_before_they_are_cut() -> None:
    source = MemorySource({"vocab.txt": b"\n" * 9_000_000})
    with at_most(20), pytest.raises(FormatError, match="9000000 tokens"):
        read_tokenizer(source)


def plain(name: str, *shape: int, dtype: str = "F32") -> LogicalTensor:
    columns = shape[-1]
    return LogicalTensor(name, dtype, shape, RowMajor("f", 0, dtype, columns))


@pytest.mark.parametrize("dtype", ["F4", "F8_E4M3", "F32"])
def test_rows_are_limited_by_their_values_whatever_they_take_as_stored(dtype: str) -> None:
    tensors = [plain("model.layers.0.mlp.up_proj.weight", 16, columns, dtype=dtype) for columns in (1 << 19, 1 << 20)]
    plans = [plan_reading(name_tensors([t], {}), Vocabulary(), {}) for t in tensors]
    assert [len(p.batches) for p in plans] == [1, 0]
    assert "decoded values of one tensor are over the limit of 8388608" in plans[1].skipped[0].reason


def test_a_layer_is_read_in_several_batches_with_its_norms_first() -> None:
    at = "model.layers.0"
    tensors = [plain(f"{at}.mlp.experts.0.w{i}.up_proj.weight", 16, 100_000) for i in range(20)]
    plan = plan_reading(name_tensors([*tensors, plain(f"{at}.input_layernorm.weight", 64)], {}), Vocabulary(), {})
    assert len(plan.batches[0][0].named.tensor.shape) == 1
    assert sum(map(len, plan.batches)) == 21
    assert max(sum(t.bytes for t in batch) for batch in plan.batches) < 2 * BATCH_BYTES + 4 * 1_600_000


def test_a_model_of_more_tensors_than_are_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebear.ingest.plan.TENSORS_READ", Limit(3, "tensors"))
    tensors = {f"model.layers.{i}.mlp.up_proj.weight": np.ones((4, 4), np.float32) for i in range(4)}
    with pytest.raises(FormatError, match="4 tensors are over the limit of 3"):
        fingerprint_model(MemorySource(model_files(tensors)))


def test_experts_of_stacks_count_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebear.ingest.layouts.fused.TENSORS", Limit(100, "tensors"))
    at = "model.layers.0.mlp.experts"
    tensors = {
        f"{at}.gate_up_proj": np.ones((64, 4, 2), np.float32),
        f"{at}.down_proj": np.ones((64, 2, 2), np.float32),
    }
    with pytest.raises(FormatError, match="128 tensors are over the limit of 100"):
        open_checkpoint(MemorySource(model_files(tensors)))


def test_headers_of_all_shards_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebear.ingest.formats.safetensors.TENSORS", Limit(6, "tensors"))
    tensors = {f"model.layers.{i}.mlp.up_proj.weight": np.ones((4, 4), np.float32) for i in range(8)}
    with pytest.raises(FormatError, match="8 tensors are over the limit of 6"):
        fingerprint_model(MemorySource(model_files(tensors, shards=2), connections=2))


def test_the_ranges_of_a_long_row_take_no_walk_over_it() -> None:
    one = RowMajor("f", 0, "U8", 1)
    flat = FlatBlocks(one, RowMajor("f", 0, "F32", 1), one, block=1 << 20, columns=1 << 50, nested=None)
    assert [r.length for r in flat.ranges(range(2))] == [1 << 50, 1 << 31, 64]
    assert (runs(range(3, 3)), runs(range(3, 9))) == ([], [(3, 6)])


def test_a_storage_of_a_long_name_is_refused_before_its_name_is_repeated() -> None:
    key = "k" * 5000
    body = state({"a.weight": View(key, "F32", 0, (4, 4), (4, 1))})
    with pytest.raises(FormatError, match="5000 characters of the name of a storage"):
        open_checkpoint(MemorySource({"pytorch_model.bin": zip_bytes(START + body + STOP, {key: bytes(64)})}))


def test_a_list_that_is_handed_to_calls_again_and_again_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebear.ingest.formats.pickle_subset.PICKLE_ITEMS", Limit(100, "values"))
    pairs = tuple_of(*(tuple_of(number(i), text("x")) for i in range(60)))
    call = name("collections", "OrderedDict") + tuple_of(pairs) + b"R"
    assert read_pickle(START + call + STOP, "f") == dict.fromkeys(range(60), "x")
    with pytest.raises(FormatError, match="122 values are over the limit of 100"):
        read_pickle(START + tuple_of(call, call) + STOP, "f")


def test_weights_are_told_from_containers_without_a_search_for_each() -> None:
    compared = 0

    class Counted(str):
        """A key that counts how often it is compared."""

        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

    found = find_weights({Counted(f"w{i}.weight"): OpaqueTensor((1,), "x") for i in range(500)})
    assert len(found.tensors) == 500 and compared < 50_000


@pytest.mark.parametrize("shape", [[0, 1 << 62, 1 << 62], [(1 << 63) - 1, 0, 4]])
def test_a_shape_whose_product_no_integer_holds_is_left_out_though_it_is_empty(shape: list[int]) -> None:
    tensors = {
        "model.layers.0.mlp.up_proj.weight": entry("F32", [8, 8], 0, 256),
        "model.layers.0.mlp.down_proj.weight": entry("F32", shape, 256, 256),
    }
    source = MemorySource({"model.safetensors": file_bytes(tensors, bytes(256))})
    found = open_checkpoint(source)
    assert [t.name for t in found.skipped] == ["model.layers.0.mlp.down_proj.weight"]
    assert [item.tensor.name for item in found.named] == ["model.layers.0.mlp.up_proj.weight"]


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json"])
def test_a_link_out_of_the_folder_is_not_read(tmp_path: Path, file: str) -> None:
    folder = write_files(tmp_path / "model", model_files(llama()))
    (tmp_path / "secret.json").write_text("{}")
    (folder / file).unlink(missing_ok=True)
    (folder / file).symlink_to(tmp_path / "secret.json")
    with pytest.raises(FormatError, match=f"{file} is a link out of the folder"):
        open_checkpoint(open_source(str(folder)))


MATRIX = np.ones((2, 2), "<f4")


@pytest.mark.parametrize(
    ("data", "read", "said"),
    [
        (gguf_bytes({"a": [b""] * 6, "b": [b""] * 6}, {}), read_gguf, "12 strings and arrays in the metadata of GGUF"),
        (gguf_bytes({}, {}, counts=(11, 0)) + bytes(400), read_gguf, "11 tensors in the headers of a model"),
        (model([node("Relu", ["x"], f"y{i}") for i in range(11)], []), read_onnx, "11 nodes of ONNX graphs"),
        (model([], [embedded(f"w{i}", MATRIX) for i in range(11)]), read_onnx, "11 initialisers of ONNX graphs"),
        (file_bytes({f"w{i}": entry("F32", [0], 0, 0) for i in range(11)}), read_safetensors, "11 tensors in the head"),
        (zip_bytes(b"", {str(i): b"" for i in range(11)}), read_torch, "entries of zip directories"),
    ],
    ids=["gguf strings", "gguf tensors", "onnx nodes", "onnx weights", "safetensors", "torch entries"],
)
def test_what_a_header_lists_is_charged_to_one_budget(
    data: bytes, read: Callable[[Reader, str], Contents], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit, module in LISTS:
        monkeypatch.setattr(f"forebear.ingest.formats.{module}", Limit(10, limit.unit))
    with model_budget(), pytest.raises(FormatError, match=f"{said}.* are over the limit of 10; set {FACTOR}=2"):
        read(MemoryReader(data), "f")


def test_the_files_of_one_model_are_charged_together() -> None:
    data = file_bytes({f"w{i}": entry("F32", [0], 0, 0) for i in range(130_000)})
    with model_budget():
        read_safetensors(MemoryReader(data), "a")
        with pytest.raises(FormatError, match="b: 260000 tensors in the headers of a model are over"):
            read_safetensors(MemoryReader(data), "b")


LISTS = (
    (budget.METADATA_VALUES, "gguf_header.METADATA_VALUES"),
    (budget.HEADER_TENSORS, "gguf_header.HEADER_TENSORS"),
    (budget.HEADER_TENSORS, "safetensors.HEADER_TENSORS"),
    (budget.GRAPH_NODES, "onnx_graph.GRAPH_NODES"),
    (budget.INITIALIZERS, "onnx_graph.INITIALIZERS"),
    (budget.ENTRIES, "zip_directory.ENTRIES"),
)


def long_array() -> bytes:
    """An archive of one array whose header is padded to 5,000 bytes."""
    plain = io.BytesIO()
    np.save(plain, np.zeros((4, 2), np.float32))
    header = plain.getvalue()[10:128].rstrip().ljust(4999) + b"\n"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header + bytes(32))
    return out.getvalue()


def with_comments(count: int) -> bytes:
    """A zip file of torch with so many more entries of long comments in its directory."""
    out = io.BytesIO(torch_bytes({"a": np.zeros((4, 2), np.float32)}))
    with zipfile.ZipFile(out, "a") as archive:
        for i in range(count):
            more = zipfile.ZipInfo(f"archive/{i}")
            more.comment = bytes(60_000)
            archive.writestr(more, b"")
    return out.getvalue()


def state_after(body: bytes) -> bytes:
    """A zip file of torch whose pickle does some idle work before it makes its one tensor."""
    one = state({"a": View("0", "F32", 0, (4, 2), (2, 1))})
    return zip_bytes(START + body + one + STOP, {"0": bytes(32)})


def gguf_of(fields: int) -> bytes:
    named = {f"x.{i}": 1 for i in range(fields)}
    return gguf_bytes(
        {"general.architecture": "llama", **named}, {"a": stored(np.zeros((4, 32), np.float32), Kind.F32)}
    )


def long_gguf(length: int) -> bytes:
    fields = {"general.architecture": "llama", "x": "y" * length}
    return gguf_bytes(fields, {"a": stored(np.zeros((4, 32), np.float32), Kind.F32)})


RAISED: dict[str, tuple[str, Callable[[Reader, str], Contents], Callable[[], bytes]]] = {
    "bytes of a pickle": ("bytes of a pickle", read_torch, lambda: state_after(text("x" * (17 << 20)) + b"0")),
    "opcodes of a pickle": ("opcodes of a pickle", read_torch, lambda: state_after(b"N0" * 500_001)),
    "a zip directory": ("bytes of the directory of a zip file", read_torch, lambda: with_comments(600)),
    "a numpy header": ("bytes of the header of a numpy array", read_npz, long_array),
    "a GGUF header": ("bytes of a GGUF header", read_gguf, lambda: long_gguf(65 << 20)),
    "GGUF fields": ("metadata fields of a GGUF file", read_gguf, lambda: gguf_of(66_000)),
}


@pytest.mark.parametrize(("unit", "read", "made"), RAISED.values(), ids=list(RAISED))
def test_a_header_over_a_limit_is_refused_with_the_factor_that_lets_it_be_read(
    unit: str, read: Callable[[Reader, str], Contents], made: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = MemoryReader(made())
    with pytest.raises(FormatError, match=rf"f: .*{unit} are over the limit of \d+; set {FACTOR}=2 to allow them"):
        read(reader, "f")
    monkeypatch.setenv(FACTOR, "2")
    assert [tensor.name for tensor in read(reader, "f").tensors] == ["a"]
