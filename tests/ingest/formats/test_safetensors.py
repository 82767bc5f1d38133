"""The safetensors parser: what is right is read as the library reads it, what is wrong is refused, at once."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors import deserialize as untyped

from forebear.ingest.errors import FormatError, SourceError
from forebear.ingest.formats.contents import Contents
from forebear.ingest.formats.safetensors import FIRST_READ, read_safetensors
from forebear.ingest.storage.dtypes import BITS, UNDECODABLE, nbytes
from forebear.ingest.storage.reader import FileReader

from ...cpu import cpu_at_most
from ...writers import NUMPY, MemoryReader, Raw, entry, file_bytes, raw, safetensors_bytes

VALID = safetensors_bytes({"a": np.ones((2, 3), np.float32), "b": np.zeros(4, np.float32)}, {"format": "pt"})


def parse(data: bytes) -> Contents:
    return read_safetensors(MemoryReader(data), "model.safetensors")


def deserialize(data: bytes) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """What the safetensors library finds: name -> dtype, shape, bytes."""
    found: Any = untyped(data)  # type: ignore[no-untyped-call]
    return {name: (t["dtype"], tuple(t["shape"]), bytes(t["data"])) for name, t in found}


def values(data: bytes, contents: Contents, name: str) -> np.ndarray[Any, Any]:
    tensor = next(t for t in contents.tensors if t.name == name)
    rows = range(tensor.matrix[0])
    chunks = [data[r.offset : r.end] for r in tensor.storage.ranges(rows)]
    return tensor.storage.decode(rows, chunks).reshape(tensor.shape)


def test_a_valid_file_gives_its_tensors_and_their_values() -> None:
    contents = parse(VALID)
    assert [(t.name, t.dtype, t.shape) for t in contents.tensors] == [("a", "F32", (2, 3)), ("b", "F32", (4,))]
    assert values(VALID, contents, "a").tolist() == [[1, 1, 1], [1, 1, 1]]


@pytest.mark.parametrize("dtype", sorted(BITS))
def test_the_safetensors_library_agrees_on_every_dtype(dtype: str) -> None:
    random = np.random.default_rng(1)
    size = nbytes(dtype, 24)
    tensors = {
        "first": Raw(dtype, (4, 6), random.bytes(size)),
        "empty": Raw(dtype, (0, 6), b""),
        "last": Raw(dtype, (24,), random.bytes(size)),
    }
    data = safetensors_bytes(tensors)
    theirs = deserialize(data)
    contents = parse(data)
    assert len(contents.tensors) + len(contents.skipped) == len(theirs) == 3
    assert bool(contents.skipped) == (dtype in UNDECODABLE)
    for tensor in contents.tensors:
        spans = tensor.storage.ranges(range(tensor.matrix[0])) if tensor.parameters else []
        mine = b"".join(data[r.offset : r.end] for r in spans)
        assert (tensor.dtype, tensor.shape, mine) == theirs[tensor.name]


@pytest.mark.parametrize("dtype", sorted(NUMPY))
def test_values_of_every_numpy_type_are_those_that_were_written(dtype: str) -> None:
    written = np.array([[0, 1, 2], [4, 8, 16]], np.float32) / (1 if dtype[0] in "IUB" and dtype != "BF16" else 8)
    data = safetensors_bytes({"w": raw(written, dtype)})
    expected = written.astype(NUMPY[dtype]).astype(np.float32)
    assert np.array_equal(values(data, parse(data), "w"), expected, equal_nan=True)


def header(*lines: tuple[str, object]) -> bytes:
    """A header that may name a tensor twice."""
    return ("{" + ",".join(f"{json.dumps(name)}:{json.dumps(line)}" for name, line in lines) + "}").encode()


F32 = entry("F32", [2], 0, 8)
REFUSED: dict[str, tuple[bytes, str]] = {
    "no bytes": (b"", "0 bytes cannot be"),
    "seven bytes": (b"\0" * 7, "7 bytes cannot be"),
    "a header longer than the file": (file_bytes({}, length=10_000), "the header claims 10000 bytes"),
    "a header of all ones": (b"\xff" * 64, "the header claims 18446744073709551615 bytes"),
    "no JSON": (file_bytes(b"{]"), "not valid JSON"),
    "no UTF-8": (file_bytes(b'{"\xff": 1}'), "not valid JSON"),
    "a list": (file_bytes([]), "not a JSON object"),
    "no header": (file_bytes(b""), "not valid JSON"),
    "deep nesting": (file_bytes(b'{"a":' + b"[" * 200_000), "not valid JSON"),
    "deep nesting that closes": (file_bytes(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "not valid JSON"),
    "a number of 10,000 digits": (file_bytes(b'{"a":' + b"1" * 10_000 + b"}"), "not valid JSON"),
    "an entry that is a number": (file_bytes({"a": 1}), "'a': its entry is not an object"),
    "an entry that is a list": (file_bytes({"a": ["F32", [2], [0, 8]]}, bytes(8)), "not an object"),
    "an entry that is null": (file_bytes({"a": None}), "not an object"),
    "an unknown dtype": (file_bytes({"a": entry("F7", [2], 0, 8)}, bytes(8)), "unknown dtype 'F7'"),
    "a dtype that is a list": (file_bytes({"a": entry(["F32"], [2], 0, 8)}, bytes(8)), "unknown dtype"),
    "a missing dtype": (file_bytes({"a": {"shape": [2], "data_offsets": [0, 8]}}, bytes(8)), "unknown dtype 'None'"),
    "a missing shape": (file_bytes({"a": {"dtype": "F32", "data_offsets": [0, 8]}}, bytes(8)), "its shape"),
    "a negative size": (file_bytes({"a": entry("F32", [-2], 0, 8)}, bytes(8)), "its shape"),
    "two negative sizes": (file_bytes({"a": entry("F32", [-1, -2], 0, 8)}, bytes(8)), "its shape"),
    "a size that is a float": (file_bytes({"a": entry("F32", [2.0], 0, 8)}, bytes(8)), "its shape"),
    "a size that is a truth value": (file_bytes({"a": entry("F32", [True, 2], 0, 8)}, bytes(8)), "its shape"),
    "100 dimensions": (file_bytes({"a": entry("F32", [1] * 100, 0, 4)}, bytes(4)), "its shape"),
    "negative offsets": (file_bytes({"a": entry("F32", [2], -8, 0)}, bytes(8)), "data_offsets"),
    "one offset": (file_bytes({"a": {"dtype": "F32", "shape": [2], "data_offsets": [8]}}, bytes(8)), "data_offsets"),
    "offsets that are text": (file_bytes({"a": entry("F32", [2], "0", "8")}, bytes(8)), "data_offsets"),
    "offsets the wrong way round": (file_bytes({"a": entry("F32", [2], 8, 0)}, bytes(8)), "-8 bytes at 8"),
    "too few bytes for the shape": (file_bytes({"a": entry("F32", [3], 0, 8)}, bytes(8)), "do not hold F32 [3]"),
    "too many bytes for the shape": (file_bytes({"a": entry("F32", [1], 0, 8)}, bytes(8)), "do not hold F32 [1]"),
    "the wrong type for the bytes": (file_bytes({"a": entry("F16", [2], 0, 8)}, bytes(8)), "do not hold F16 [2]"),
    "a product past 64 bits": (file_bytes({"a": entry("U8", [1 << 32, 1 << 32], 0, 0)}), "do not hold U8"),
    "a product that wraps to the right size": (
        file_bytes({"a": entry("U8", [(1 << 62) + 1, 4, 2], 0, 8)}, bytes(8)),
        "do not hold U8",
    ),
    "overlapping tensors": (file_bytes(dict(a=F32, b=entry("F32", [2], 4, 12)), bytes(12)), "'b' at offset 4 overlaps"),
    "two tensors in one place": (file_bytes(dict(a=F32, b=F32), bytes(8)), "overlaps"),
    "a hole": (file_bytes(dict(a=F32, b=entry("F32", [2], 12, 20)), bytes(20)), "a hole of 4 bytes"),
    "a hole at the start": (file_bytes({"a": entry("F32", [2], 4, 12)}, bytes(12)), "a hole of 4 bytes"),
    "bytes behind the last tensor": (file_bytes({"a": F32}, bytes(9)), "1 bytes too many"),
    "bytes that belong to nothing": (file_bytes({}, bytes(3)), "3 bytes too many"),
    "a truncated tensor": (file_bytes({"a": F32}, bytes(7)), "1 bytes are missing; download it again"),
    "a name twice": (file_bytes(header(("a", F32), ("a", F32)), bytes(8)), "names 'a' twice"),
    "a name in two places": (file_bytes(header(("a", F32), ("a", entry("F32", [2], 8, 16))), bytes(16)), "'a' twice"),
    "a key twice in an entry": (
        file_bytes(b'{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', bytes(8)),
        "'dtype' twice",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_broken_file_is_refused_with_what_is_wrong_and_where(case: str) -> None:
    data, message = REFUSED[case]
    with pytest.raises(FormatError) as error:
        parse(data)
    assert message in str(error.value) and str(error.value).startswith("model.safetensors: ")


LENIENT = {"a name twice", "a key twice in an entry", "an entry that is a list", "100 dimensions"}
"""What the library reads all the same: of two equal names it keeps the last."""


@pytest.mark.parametrize("case", sorted(set(REFUSED) - LENIENT))
def test_the_safetensors_library_refuses_it_too(case: str) -> None:
    with pytest.raises((SafetensorError, ValueError)):
        deserialize(REFUSED[case][0])


@pytest.mark.parametrize("kept", range(0, len(VALID), 7))
def test_a_file_cut_anywhere_is_refused(kept: int) -> None:
    with pytest.raises(FormatError):
        parse(VALID[:kept])


def test_a_header_of_200_megabytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "big.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 200_000_000))
        file.truncate(300_000_000)
    reader = CountedReader(path)
    with pytest.raises(
        FormatError,
        match="200000000 bytes of a safetensors header are over the limit of 25000000; set FOREBEAR_LIMITS=8 to allow",
    ):
        read_safetensors(reader, "big.safetensors")
    assert reader.bytes_read <= FIRST_READ
    reader.close()


class CountedReader(FileReader):
    """A file reader that counts."""

    bytes_read = 0

    def read(self, offset: int, length: int) -> bytes:
        self.bytes_read += length
        return super().read(offset, length)


def test_the_option_for_limits_raises_that_of_the_header(monkeypatch: pytest.MonkeyPatch) -> None:
    data = file_bytes({"a": entry("U8", [1], 0, 1)}, b"\1")
    (length,) = struct.unpack("<Q", data[:8])
    padded = struct.pack("<Q", 26_000_000) + data[8 : 8 + length] + b" " * (26_000_000 - length) + data[8 + length :]
    with pytest.raises(FormatError, match="set FOREBEAR_LIMITS=2 to allow them"):
        read_safetensors(MemoryReader(padded), "model.safetensors")
    monkeypatch.setenv("FOREBEAR_LIMITS", "2")
    assert [t.name for t in read_safetensors(MemoryReader(padded), "model.safetensors").tensors] == ["a"]


def test_a_header_longer_than_the_first_read_is_read_to_its_end() -> None:
    data = safetensors_bytes({f"layer.{i}": np.full(1, i, np.float32) for i in range(3000)})
    assert struct.unpack("<Q", data[:8])[0] > FIRST_READ
    contents = parse(data)
    assert len(contents.tensors) == 3000
    assert values(data, contents, "layer.2999").tolist() == [2999]


def test_spaces_behind_the_header_and_unknown_fields_are_allowed() -> None:
    text = json.dumps({"a": {**F32, "extra": 1}}).encode() + b"   "
    assert parse(file_bytes(text, bytes(8))).tensors[0].shape == (2,)


def test_offsets_count_from_the_end_of_the_header_in_any_order() -> None:
    data = file_bytes({"b": entry("F32", [1], 4, 8), "a": entry("F32", [1], 0, 4)}, struct.pack("<2f", 5, 6))
    contents = parse(data)
    assert values(data, contents, "a").tolist() == [5] and values(data, contents, "b").tolist() == [6]


@pytest.mark.parametrize("name", ["a\0b", "../../etc/passwd", "\u202egnp.exe", "\ud800", "", "\x1b[2J", "a" * 900])
def test_odd_names_are_read_and_errors_print_them_safely(name: str) -> None:
    assert parse(safetensors_bytes({name: np.ones(2, np.float32)})).tensors[0].name == name
    with pytest.raises(FormatError) as error:
        parse(file_bytes({name: 1}))
    assert str(error.value).encode().decode().isprintable()


@pytest.mark.parametrize("shape", [[0], [0, 1 << 62], [1 << 62, 0], [1 << 62, 1 << 62, 0], [0, 1 << 62, 1 << 62]])
def test_zero_size_tensors_of_any_shape_are_allowed(shape: list[int]) -> None:
    assert parse(file_bytes({"a": entry("F32", shape, 0, 0)})).tensors[0].parameters == 0


@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (2, 3, 5)])
def test_four_bit_rows_that_share_bytes_are_named_and_skipped(shape: Sequence[int]) -> None:
    contents = parse(safetensors_bytes({"a": Raw("F4", tuple(shape), bytes(nbytes("F4", int(np.prod(shape)))))}))
    assert not contents.tensors
    assert contents.skipped[0].reason == "4-bit rows that share bytes"


def check_only_format_errors(data: bytes) -> None:
    with cpu_at_most(1):
        try:
            contents = parse(data)
        except (FormatError, SourceError) as error:
            assert str(error).encode().decode().isprintable()
        else:
            for tensor in contents.tensors:
                if tensor.parameters:
                    assert tensor.storage.ranges(range(tensor.matrix[0]))[-1].end <= len(data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
@example(b"\2\0\0\0\0\0\0\0{}")
def test_random_bytes_raise_nothing_but_format_errors(data: bytes) -> None:
    check_only_format_errors(data)
    check_only_format_errors(file_bytes(data))


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4))
def test_mutated_files_raise_nothing_but_format_errors(changes: list[tuple[int, bytes]]) -> None:
    data = VALID
    for at, piece in changes:
        data = data[:at] + piece + data[at + len(piece) :]
    check_only_format_errors(data)


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["F32", "F4", "C64"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
LINES = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.sampled_from([*BITS, "F31"]) | ANY,
        "shape": st.lists(st.integers(-1, 1 << 65), max_size=4) | ANY,
        "data_offsets": st.lists(st.integers(-1, 1 << 65), min_size=2, max_size=2) | ANY,
    },
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.text(max_size=12) | st.just("__metadata__"), LINES | ANY, max_size=4), st.binary(max_size=32))
def test_headers_of_any_content_raise_nothing_but_format_errors(table: dict[str, object], data: bytes) -> None:
    check_only_format_errors(file_bytes(table, data))


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=12), st.tuples(st.sampled_from(sorted(NUMPY)), st.lists(st.integers(0, 3), max_size=4))
    )
)
def test_every_valid_file_is_read(shapes: dict[str, tuple[str, list[int]]]) -> None:
    shapes.pop("__metadata__", None)
    data = safetensors_bytes({n: raw(np.ones(shape), dtype) for n, (dtype, shape) in shapes.items()})
    contents = parse(data)
    assert {t.name: (t.dtype, list(t.shape)) for t in contents.tensors} == shapes
    assert all((values(data, contents, t.name) == 1).all() for t in contents.tensors if t.parameters)


def test_a_name_longer_than_any_real_one_is_refused() -> None:
    with pytest.raises(FormatError, match="name of 2000 characters"):
        parse(safetensors_bytes({"cross_attn." * 181 + "abcdefghi": np.ones(1, np.float32)}))
