"""torch before 1.6: places from the pickles alone; nothing in them runs, and hostile files cost nothing."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebear.ingest.budget import PICKLE_BYTES
from forebear.ingest.errors import FormatError, SourceError
from forebear.ingest.formats.torch_file import read_torch
from forebear.ingest.model import fingerprint_model

from ...writers import MemoryReader, MemorySource, model_files
from ..layouts.test_fused import evidence
from .test_torch_zip import MATRIX, bounded, values
from .writers_fused import load_model
from .writers_torch import (
    MAGIC,
    START,
    STOP,
    View,
    contiguous,
    legacy_bytes,
    name,
    number,
    state,
    tensor,
    text,
    tuple_of,
)

PLACE = View("0", "F32", 0, (20, 12), (12, 1))
WHOLE = START + b"}(" + text("w") + tensor(PLACE, 240) + b"u" + STOP
GOOD = legacy_bytes(WHOLE, {"0": MATRIX.tobytes()})


def test_a_checkpoint_of_the_same_values_makes_the_fingerprint_of_the_original(zoo: Path) -> None:
    tensors, config, tokenizer = load_model(zoo / "alder")
    body, storages = b"}(", {}
    for number_of, (key, rows) in enumerate(tensors.items()):
        view = View(str(number_of), "F32", 0, rows.shape, contiguous(rows.shape))
        body += text(key) + tensor(view, rows.size)
        storages[str(number_of)] = rows.astype("<f4").tobytes()
    files = model_files({}, config=config, tokenizer=tokenizer)
    del files["model.safetensors"]
    files["pytorch_model.bin"] = legacy_bytes(START + body + b"u" + STOP, storages)
    made = fingerprint_model(MemorySource(files))
    assert made.format == "torch" and not made.skipped
    original = fingerprint_model(MemorySource(model_files(tensors, config=config, tokenizer=tokenizer)))
    assert evidence(made) == evidence(original)


def test_a_part_of_a_storage_is_read_where_it_lies() -> None:
    part = tensor(View("0", "F32", 12, (2, 12), (12, 1)), 240, tuple_of(text("v"), number(24), number(120)))
    body = START + b"}(" + text("w") + tensor(PLACE, 240) + text("part") + part + b"u" + STOP
    found = values(legacy_bytes(body, {"0": MATRIX.tobytes()}))
    np.testing.assert_array_equal(found["part"], MATRIX[3:5])


def test_a_class_with_its_source_code_is_a_name_and_its_source_is_passed_over() -> None:
    kind = tuple_of(text("module"), name("my", "Net"), text("my.py"), text("import os")) + b"Q"
    own = b"}(" + b"".join(text(key) + b"}" for key in ("_buffers", "_modules"))
    own += text("_parameters") + b"}" + text("w") + tensor(PLACE, 240) + b"s" + b"u"
    found = values(legacy_bytes(START + kind + b")\x81" + own + b"b" + STOP, {"0": MATRIX.tobytes()}))
    np.testing.assert_array_equal(found["w"], MATRIX)


def test_only_the_pickles_and_three_sizes_are_read_however_long_they_are() -> None:
    count = 2000
    body = b"}(" + b"".join(text(f"layers.{i}.w") + tensor(View(str(i), "F32", 0, (9,), (1,)), 9) for i in range(count))
    data = legacy_bytes(START + body + b"u" + STOP, {str(i): bytes(36) for i in range(count)})
    reader = MemoryReader(data)
    assert len(read_torch(reader, "f").tensors) == count
    pickles = len(data) - count * 44
    assert pickles > 256 << 10 and reader.bytes_read < 4 * pickles


def one(view: View, elements: int = 240, *more: bytes, **options: bytes) -> bytes:
    body = START + b"}(" + text("w") + tensor(view, elements, *more) + b"u" + STOP
    return legacy_bytes(body, {"0": MATRIX.tobytes()}, keys=options.get("keys"), machine=options.get("machine", b"}"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (GOOD[:-8], "end at .* download it again"),
        (GOOD + b"x" * 8, "something behind them"),
        (GOOD[:60], "ends early"),
        (GOOD.replace(number(1001), number(1002)), "version 1002"),
        (one(PLACE, machine=b"}" + text("little_endian") + b"\x89s"), "big-endian"),
        (one(PLACE, keys=b"](" + text("7") + b"e"), "not known"),
        (one(PLACE, keys=b"](" + text("0") * 2 + b"e"), "not known"),
        (one(PLACE, keys=b"]"), "something behind"),
        (one(PLACE, 1 << 61), "end at"),
        (one(View("0", "F32", 200, (20, 12), (12, 1))), "larger than its storage"),
        (one(PLACE, 240, tuple_of(text("v"), number(200), number(41))), "outside of it"),
        (one(PLACE, 240, tuple_of(text("v"), number(-1), number(41))), "outside of it"),
        (GOOD[: len(GOOD) - 968] + b"\1" + GOOD[len(GOOD) - 967 :], "another size"),
        (legacy_bytes(START + b"}" + STOP, {}), "holds no weights"),
    ],
)
def test_a_broken_file_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        read_torch(MemoryReader(data), "f")


def test_pickles_that_do_not_end_are_read_to_the_limit_only() -> None:
    reader = MemoryReader(START + MAGIC + STOP + START + b"B\xff\xff\xff\x7f" + bytes(PICKLE_BYTES.most + 9))
    with pytest.raises(
        FormatError, match=r"bytes of a pickle are over the limit of 16777216; set FOREBEAR_LIMITS=2 |ends early"
    ):
        read_torch(reader, "f")
    assert reader.bytes_read <= PICKLE_BYTES.most + 300


def test_many_storages_cost_little() -> None:
    keys = b"](" + b"".join(text(str(i)) for i in range(60_000)) + b"e"
    bounded(lambda: read_torch(MemoryReader(one(PLACE, keys=keys)), "f"))


@given(st.binary(max_size=200))
def test_random_bytes_behind_the_magic_number_raise_nothing_but_format_errors(data: bytes) -> None:
    for blob in (data, START + MAGIC + data, START + MAGIC + STOP + START + number(1001) + STOP + data):
        with contextlib.suppress(FormatError):
            read_torch(MemoryReader(blob), "f")


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), min_size=1, max_size=6))
def test_mutated_files_raise_nothing_but_the_errors_of_the_tree(changes: list[tuple[int, int]]) -> None:
    data = bytearray(GOOD)
    for place, value in changes:
        data[place] = value
    with contextlib.suppress(FormatError, SourceError):
        fingerprint_model(MemorySource({"pytorch_model.bin": bytes(data), "config.json": json.dumps({}).encode()}))


def test_the_state_of_a_module_alone_is_named_where_it_has_no_weights() -> None:
    with pytest.raises(FormatError, match=r"holds no weights \(objects of my\.Net\)"):
        read_torch(MemoryReader(legacy_bytes(START + name("my", "Net") + b")\x81" + STOP, {})), "f")


def test_a_state_dict_of_ordered_keys_keeps_their_order() -> None:
    body = START + state({"b": PLACE, "a": PLACE}) + STOP
    body = body.replace(number(1 << 20), number(240))
    assert list(values(legacy_bytes(body, {"0": MATRIX.tobytes()}))) == ["b", "a"]
