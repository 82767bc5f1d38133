"""torch zip files: places found by reading the pickle as data; nothing in it runs, and hostile ones cost nothing."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebear.ingest.budget import PICKLE_BYTES, PICKLE_OPCODES
from forebear.ingest.errors import FormatError, SourceError
from forebear.ingest.formats.pickle_records import NAME_LIMIT
from forebear.ingest.formats.pickle_subset import read_pickle
from forebear.ingest.formats.torch_file import read_torch
from forebear.ingest.formats.zip_directory import read_directory
from forebear.ingest.model import fingerprint_model
from forebear.registry import Registry

from ...cpu import cpu_at_most
from ...writers import MemoryReader, MemorySource, model_files
from ..layouts.test_fused import evidence
from .writers_fused import Floats, load_model
from .writers_torch import (
    START,
    STOP,
    View,
    made,
    mapping,
    name,
    number,
    state,
    tensor,
    text,
    torch_bytes,
    tuple_of,
    zip_bytes,
)

RANDOM = np.random.default_rng(13)
MATRIX = RANDOM.normal(size=(20, 12)).astype(np.float32)


def values(data: bytes) -> dict[str, Floats]:
    """All values of a file."""
    found = {}
    for one in read_torch(MemoryReader(data), "f").tensors:
        rows = range(one.matrix[0])
        chunks = [data[r.offset : r.end] for r in one.storage.ranges(rows)]
        found[one.name] = one.storage.decode(rows, chunks).reshape(one.shape)
    return found


def one_view(view: View, data: bytes = MATRIX.tobytes()) -> bytes:
    return zip_bytes(START + state({"w": view}) + STOP, {"0": data})


@pytest.mark.parametrize("files", ["one", "shards", "wrapped", "pth"])
def test_a_checkpoint_of_the_same_values_makes_the_fingerprint_of_the_original(zoo: Path, files: str) -> None:
    tensors, config, tokenizer = load_model(zoo / "alder")
    folder = model_files({}, config=config, tokenizer=tokenizer)
    del folder["model.safetensors"]
    if files == "shards":
        parts = {f"pytorch_model-0000{i + 1}-of-00002.bin": dict(list(tensors.items())[i::2]) for i in range(2)}
        folder |= {file: torch_bytes(part) for file, part in parts.items()}
        places = {key: file for file, part in parts.items() for key in part}
        folder["pytorch_model.bin.index.json"] = json.dumps({"weight_map": places}).encode()
    elif files == "wrapped":
        folder["last.pt"] = torch_bytes(tensors, wrap="state_dict", prefix="module.")
    else:
        folder["pytorch_model.bin" if files == "one" else "model.pth"] = torch_bytes(tensors)
        folder["training_args.bin"] = b"not a model"
    made = fingerprint_model(MemorySource(folder))
    assert made.format == "torch" and not made.skipped
    original = fingerprint_model(MemorySource(model_files(tensors, config=config, tokenizer=tokenizer)))
    assert evidence(made) == evidence(original)


def test_a_half_precision_copy_is_a_numeric_copy_of_its_source(zoo: Path, zoo_registry: Path, tmp_path: Path) -> None:
    tensors, config, tokenizer = load_model(zoo / "alder")
    (tmp_path / "pytorch_model.bin").write_bytes(torch_bytes(tensors, "F16"))
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))
    with Registry(zoo_registry, read_only=True) as registry:
        first = registry.ancestors(tmp_path).components[0].ancestors[0]
    assert first.name == "alder" and first.relation == ("numeric_copy",) and first.identity > 0.999


def test_views_of_a_storage_are_read_where_their_rows_lie_together() -> None:
    cases = {
        (0, (20, 12), (12, 1)): MATRIX,
        (24, (4, 12), (12, 1)): MATRIX[2:6],
        (0, (12, 20), (1, 12)): MATRIX.T,
        (0, (10, 12), (24, 1)): MATRIX[::2],
        (0, (20, 5), (12, 1)): MATRIX[:, :5],
        (7, (), ()): MATRIX.ravel()[7],
        (0, (240,), (1,)): MATRIX.ravel(),
        (0, (20, 3, 4), (12, 4, 1)): MATRIX.reshape(20, 3, 4),
        (0, (1, 12), (999, 1)): MATRIX[:1],
        (0, (0, 12), (12, 1)): MATRIX[:0],
        (0, (20, 3), (12, 2)): MATRIX[:, :6:2],
        (0, (20,), (12,)): MATRIX[:, 0],
        (0, (20, 4, 3), (12, 1, 4)): MATRIX.reshape(20, 3, 4).swapaxes(1, 2),
        (0, (4, 20, 3), (1, 12, 4)): MATRIX.reshape(20, 3, 4).transpose(2, 0, 1),
    }
    for (offset, sizes, strides), expected in cases.items():
        np.testing.assert_array_equal(values(one_view(View("0", "F32", offset, sizes, strides)))["w"], expected)


@pytest.mark.parametrize("strides", [(0, 1), (1, 0), (1, 1), (2, 1)])
def test_views_that_repeat_values_are_skipped_with_the_reason(strides: tuple[int, int]) -> None:
    contents = read_torch(MemoryReader(one_view(View("0", "F32", 0, (20, 3), strides))), "f")
    (skipped,) = contents.skipped
    assert not contents.tensors and "strides" in skipped.reason


@pytest.mark.parametrize(
    "view",
    [
        View("0", "F32", 1, (20, 12), (12, 1)),
        View("0", "F32", 0, (21, 12), (12, 1)),
        View("0", "F32", 1 << 60, (1,), (1,)),
        View("0", "F32", 0, (1 << 31, 1 << 30), (1 << 30, 1)),
        View("7", "F32", 0, (1,), (1,)),
    ],
)
def test_a_tensor_that_its_storage_cannot_hold_is_refused(view: View) -> None:
    with pytest.raises(FormatError, match=r"larger than its storage|not in the file"):
        read_torch(MemoryReader(one_view(view)), "f")


def few_reads(data: bytes) -> int:
    reader = MemoryReader(data)
    read_torch(reader, "f")
    return reader.bytes_read


def test_the_directory_the_pickle_and_three_headers_are_all_that_is_read_for_places() -> None:
    data = torch_bytes({f"layers.{i}.w": RANDOM.normal(size=(64, 64)) for i in range(200)})
    assert few_reads(data) < 0.03 * len(data)


class Command:
    """A pickle of this runs a command when it is loaded."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        import os

        return os.system, ("touch /tmp/forebear-was-here",)


def test_a_pickle_that_would_run_a_command_is_refused_by_name_and_nothing_runs() -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        data = zip_bytes(pickle.dumps({"w": Command()}, protocol), {})
        with pytest.raises(FormatError, match=r"no weights \(objects of (posix|nt)\.system\)"):
            read_torch(MemoryReader(data), "f")
    assert not Path("/tmp/forebear-was-here").exists()


def test_a_command_beside_the_weights_is_named_and_nothing_runs() -> None:
    call = name("posix", "system") + tuple_of(text("touch /tmp/forebear-was-here")) + b"R"
    body = mapping(state_dict=state({"w": View("0", "F32", 0, (20, 12), (12, 1))}), extra=call)
    contents = read_torch(MemoryReader(zip_bytes(START + body + STOP, {"0": MATRIX.tobytes()})), "f")
    assert [t.name for t in contents.tensors] == ["w"]
    assert [(s.name, s.parameters) for s in contents.skipped] == [("posix.system", 0)]
    assert "nothing was run" in contents.skipped[0].reason and not Path("/tmp/forebear-was-here").exists()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"(ios\nsystem\n", "opcode"),
        (b"\x82\x01", "opcode"),
        (b"Pid\n", "opcode"),
        (b"]K\x01b", "broken pickle"),
        (b"0" * 5, "broken pickle"),
        (b"(" * 5 + b"t" * 9, "broken pickle"),
        (b"h\x07", "broken pickle"),
        (b"\x8b" + struct.pack("<I", 1 << 31), "broken pickle"),
        (b"\x8e" + struct.pack("<Q", 1 << 62), "ends early"),
        (b"T" + struct.pack("<i", -5), "ends early"),
        (b"c" + b"x" * 5000, "broken pickle"),
        (tensor(View("0", "F32", -1, (1,), (1,))), "broken pickle"),
        (name("torch._utils", "_rebuild_tensor_v2") + b")R", "broken pickle"),
        (name("x" * 900, "y" * 900), "broken pickle"),
        (name("torch._utils", "_rebuild_qtensor") + tuple_of(b"N", b"N", tuple_of(number(1 << 50))) + b"R", "broken"),
        (tuple_of() * 3 + b"\x93", "broken pickle"),
    ],
)
def test_what_makes_no_sense_as_a_pickle_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        read_pickle(START + body + STOP, "f")


VIEW = View("0", "F32", 0, (1,), (1,))


def doubling(depth: int) -> bytes:
    """A tuple of two times a tuple of two times ...: 2^depth leaves in 3 x depth bytes."""
    return b")" + b"2\x86" * depth


def bounded(work: Callable[[], object]) -> None:
    """Run to a FormatError or an end, in some seconds of CPU and a few dozen MB."""
    tracemalloc.start()
    with cpu_at_most(15), contextlib.suppress(FormatError):
        work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 160 << 20


@pytest.mark.parametrize(
    "body",
    [
        b"}" + b"r\xff\xff\xff\x7f" * 1000,
        b"}" * (PICKLE_OPCODES.most + 9),
        b"}" + doubling(60) + b"K\x01s",
        doubling(60) + b")R",
        doubling(60) + text("x") + b"\x93",
        b"}(" + text("w") + doubling(60) + b"u",
        b"}(" + text("x" * (NAME_LIMIT + 1)) + tensor(View("0", "F32", 0, (1,), (1,))) + b"u",
        b"}q\x00(" + text("model") + b"h\x00u",
        b"]q\x00h\x00a",
        tensor(View("0", "F32", 0, (1,) * 100, (1,) * 100)),
        tuple_of(text("storage"), doubling(60), text("0"), text("cpu"), number(1)) + b"Q",
        made("a", "B", doubling(60), state=doubling(60)),
        b"]q\x00(" + b"K\x01" * 40_000 + b"e" + (name("collections", "OrderedDict") + b"h\x00\x85R") * 20_000,
        b"}q\x00(" + b"".join(number(i) + tensor(VIEW) for i in range(300)) + b"u" + b"h\x00\x86" * 30_000,
        b"](" + b"".join(made("a", "B", state=mapping(_modules=b"}")) for _ in range(1000)) + b"e",
        mapping(_modules=b"}") + b"N" + b"\x86" * 3,
        mapping(**{"x" * 1000: tensor(VIEW) + b"q\x01" + b"0](" + b"h\x01" * 400_000 + b"e"}),
        mapping(**{"x" * 1000: b"](" + b"N" * 900_000 + b"e"}),
        b"}q\x00" + (b"}" + text("x" * 1000) + b"h\x00s" + b"q\x00") * 20_000,
    ],
)
def test_bombs_cost_little(body: bytes) -> None:
    bounded(lambda: read_torch(MemoryReader(zip_bytes(START + body + STOP, {"0": bytes(8)})), "f"))


def test_a_storage_of_a_strange_type_is_skipped_without_spelling_it_out() -> None:
    storage = tuple_of(text("storage"), doubling(60), text("0"), text("cpu"), number(1)) + b"Q"
    body = (
        name("torch._utils", "_rebuild_tensor_v2")
        + tuple_of(storage, number(0), tuple_of(number(1)), tuple_of(number(1)), b"\x89", b"}")
        + b"R"
    )
    contents = read_torch(MemoryReader(zip_bytes(START + b"}" + text("w") + body + b"s" + STOP, {"0": bytes(8)})), "f")
    assert contents.skipped[0].reason == "values of type unknown are not decoded"


def test_a_zip_bomb_is_not_unpacked() -> None:
    data = zip_bytes(START + b"}" + STOP + bytes(50 << 20), {}, method=zipfile.ZIP_DEFLATED)
    assert len(data) < 1 << 20
    bounded(lambda: read_torch(MemoryReader(data), "f"))
    with pytest.raises(FormatError, match=r"compressed|over the limit"):
        read_torch(MemoryReader(data), "f")
    small = zip_bytes(START + b"}" + STOP, {}, method=zipfile.ZIP_DEFLATED)
    with pytest.raises(FormatError, match="compressed"):
        read_torch(MemoryReader(small), "f")


def test_a_pickle_over_the_limit_is_not_read() -> None:
    reader = MemoryReader(zip_bytes(bytes(PICKLE_BYTES.most + 1), {}))
    with pytest.raises(FormatError, match="over the limit of 16777216; set FOREBEAR_LIMITS=2 to allow them"):
        read_torch(reader, "f")
    assert reader.bytes_read < 1 << 20


def test_an_archive_of_two_checkpoints_is_refused_as_that() -> None:
    out = io.BytesIO(zip_bytes(START + b"}" + STOP, {}))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("other/data.pkl", START + b"}" + STOP)
    with pytest.raises(FormatError, match="a zip file of 2 checkpoints; save the one that is meant alone"):
        read_torch(MemoryReader(out.getvalue()), "f")


GOOD = one_view(View("0", "F32", 0, (20, 12), (12, 1)))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a zip file"),
        (b"\x80\x02}q\x00.", "plain pickle"),
        (bytes(257) + b"ustar" + bytes(400), "tar file"),
        (b"\x1f\x8b\x08" + bytes(50), "gzip"),
        (b"PK\x03\x04" + bytes(100), "not a zip file"),
        (GOOD[:-40], "not a zip file"),
        (zip_bytes(START + b"}" + STOP, {}, byteorder="big"), "big-endian"),
        (zip_bytes(b"", {}).replace(b"data.pkl", b"data.pkx"), "without the data.pkl"),
        (zip_bytes(b"", {"model.json": b""}).replace(b"data.pkl", b"data.pkx"), "TorchScript before torch 1.4"),
        (zip_bytes(START + b"}" + STOP, {}), "holds no weights"),
        (GOOD.replace(b"PK\x01\x02", b"PK\x01\x03"), "directory is broken"),
        (GOOD[:4] + GOOD[4:].replace(b"PK\x03\x04", b"PK\x03\x05"), "broken header"),
    ],
)
def test_a_broken_archive_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        read_torch(MemoryReader(data), "f")


def test_large_archives_have_64_bit_places() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for i in range(70_000):
            archive.writestr(zipfile.ZipInfo(f"a/data/{i}"), b"")
    entries = read_directory(MemoryReader(out.getvalue()), "f")
    assert len(entries) == 70_000


@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_format_errors(data: bytes) -> None:
    for blob in (data, b"PK\x03\x04" + data, data + b"PK\x05\x06" + data):
        with pytest.raises(FormatError):
            read_torch(MemoryReader(blob), "f")
    with contextlib.suppress(FormatError):
        read_pickle(START + data, "f")


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_mutated_files_raise_nothing_but_the_errors_of_the_tree(changes: list[tuple[int, int]]) -> None:
    data = bytearray(GOOD)
    for place, value in changes:
        data[place] = value
    with contextlib.suppress(FormatError, SourceError):
        fingerprint_model(MemorySource({"pytorch_model.bin": bytes(data)}))


opcodes = st.sampled_from(
    [bytes([b]) for b in range(256)]
    + [text("a"), b"K\x01", b"(", b"t", b"}", b"]", b"u", b"\x86", b"2", b"q\x00", b"h\x00"]
)


@settings(max_examples=500)
@given(st.lists(opcodes, max_size=60))
def test_any_sequence_of_opcodes_ends_in_a_value_or_a_format_error(codes: list[bytes]) -> None:
    with contextlib.suppress(FormatError):
        read_pickle(b"".join(codes), "f")


def test_files_that_torch_writes_hold_the_same_values(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    base = torch.randn(24, 16)
    made = {
        "plain": base, "transposed": base.t(), "part": base[3:9], "columns": base[:, :5], "half": base.half(),
        "brain": base.bfloat16(), "tied": base, "scalar": torch.tensor(3.0), "empty": torch.empty(0, 4),
        "parameter": torch.nn.Parameter(base), "eight": base.to(torch.float8_e4m3fn), "integers": torch.arange(5),
    }  # fmt: skip
    torch.save({"state_dict": made, "epoch": 3, "optimizer": {"state": {0: {"m": base}}}}, tmp_path / "x.pt")
    found = values((tmp_path / "x.pt").read_bytes())
    assert set(found) == set(made)
    for key, expected in made.items():
        np.testing.assert_array_equal(found[key], expected.detach().float().numpy())


def test_protocol_1_is_read_in_both_formats() -> None:
    """As `torch.save(..., pickle_protocol=1)` writes numbers and truth values."""
    plain = state({"w": View("0", "F32", 0, (20, 12), (12, 1))})
    old = plain.replace(b"\x89", b"I00\n").replace(b"\x88", b"I01\n")
    assert old != plain
    more = b"}(" + text("epoch") + b"I3\n" + text("far") + b"L1180591620717411303424L\n" + text("model") + old + b"u"
    data = zip_bytes(more + STOP, {"0": MATRIX.tobytes()})
    np.testing.assert_array_equal(values(data)["w"], MATRIX)


@pytest.mark.parametrize("digits", [b"", b"-", b"1_0", b"0x10", "\u0661".encode(), b"9" * 3000])
def test_numbers_that_are_written_out_have_ascii_digits_and_not_many(digits: bytes) -> None:
    for code in (b"I" + digits, b"L" + digits + b"L"):
        with pytest.raises(FormatError, match="broken pickle"):
            read_pickle(code + b"\n.", "f")


def test_an_object_of_python_2_is_inert() -> None:
    found = read_pickle(b"(cos\nsystem\n" + text("true") + b"o.", "f")
    assert str(found) == "os.system" and found.arguments == ("true",)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("key", "called"),
    [(b"C\x03a.b", "a.b"), (b"G" + struct.pack(">d", 0.5), "0.5"), (b"K\x01K\x02\x86", "entry_1"), (b"N", "entry_1")],
)
def test_a_tensor_under_a_key_that_is_no_text_is_not_lost(key: bytes, called: str) -> None:
    view = View("0", "F32", 0, (20, 12), (12, 1))
    pickle = START + b"}(" + text("w") + tensor(view) + key + tensor(view) + b"u" + STOP
    assert set(values(zip_bytes(pickle, {"0": MATRIX.tobytes()}))) == {"w", called}


def test_a_tensor_under_a_name_that_is_too_long_is_refused() -> None:
    pickle = START + b"}(" + text("w" * (NAME_LIMIT + 1)) + tensor(View("0", "F32", 0, (2,), (1,))) + b"u" + STOP
    with pytest.raises(FormatError, match="a name of 1025 characters is over the limit of 1024"):
        read_torch(MemoryReader(zip_bytes(pickle, {"0": b"\0" * 8})), "f")


def test_a_comment_behind_a_zip_file_that_looks_like_its_end_is_none() -> None:
    data = one_view(View("0", "F32", 0, (20, 12), (12, 1)))
    for fill in (b"PK\x05\x06" * 10, b"PK\x05\x06" * 750):
        commented = data[:-2] + struct.pack("<H", len(fill)) + fill
        assert read_directory(MemoryReader(commented), "f") == read_directory(MemoryReader(data), "f")
