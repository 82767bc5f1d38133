"""NumPy archives: stored arrays are read as numpy reads them, and nothing else of them is believed."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forebear.ingest.errors import FormatError, SourceError
from forebear.ingest.formats import read_checkpoint
from forebear.ingest.model import fingerprint_model
from forebear.ingest.sources import open_source
from forebear.ingest.sources.source import NothingToRead

from ...writers import MemorySource, llama, model_files, safetensors_bytes

RANDOM = np.random.default_rng(8)


def npz(arrays: dict[str, NDArray[Any]], save: Callable[..., None] = np.savez) -> bytes:
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


def read(data: bytes) -> dict[str, NDArray[np.float32]]:
    source = MemorySource({"weights.npz": data})
    found = {}
    for tensor in read_checkpoint(source)[1].tensors:
        rows = range(tensor.matrix[0])
        chunks = [source.open(r.file).read(r.offset, r.length) for r in tensor.storage.ranges(rows)]
        found[tensor.name] = tensor.storage.decode(rows, chunks).reshape(tensor.shape)
    return found


def test_stored_arrays_are_what_numpy_reads_whatever_their_type_order_and_axes() -> None:
    arrays: dict[str, NDArray[Any]] = {
        f"layers.0.{dtype}": RANDOM.integers(0, 100, (6, 4)).astype(dtype) for dtype in ("f4", "f2", "f8", "i4", "u1")
    }
    arrays |= {
        "fortran": np.asfortranarray(RANDOM.normal(size=(6, 4)).astype(np.float32)),
        "vector": RANDOM.normal(size=9).astype(np.float32),
        "kernel": RANDOM.normal(size=(2, 3, 4)).astype(np.float32),
        "scalar": np.array(3, np.float32),
        "long_" + "n" * 300: np.ones((2, 2), np.float32),
    }
    found = read(npz(arrays))
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert np.array_equal(found[name], np.asarray(array, np.float32)), name


def test_a_model_in_an_archive_is_the_model_in_safetensors(tmp_path: Path) -> None:
    tensors = llama()
    np.savez(tmp_path / "weights.npz", **tensors)  # type: ignore[arg-type]
    made, same = fingerprint_model(open_source(str(tmp_path))), fingerprint_model(MemorySource(model_files(tensors)))
    assert made.format == "npz" and made.content == same.content


@pytest.mark.parametrize("order", ["C", "F"])
def test_kernels_of_flax_are_the_turned_matrices_of_torch(order: str) -> None:
    tensors, config = llama(), {"vocab_size": 96, "hidden_size": 64, "model_type": "llama"}
    kernels = {n: n.replace("_proj.weight", "_proj.kernel").replace(".", "/") for n in tensors}
    arrays = {kernels[n]: np.asarray(v.T if "_proj" in n else v, order=order) for n, v in tensors.items()}  # type: ignore[call-overload]
    files = {"config.json": json.dumps(config).encode()}
    made = fingerprint_model(MemorySource({"weights.npz": npz(arrays)} | files))
    same = fingerprint_model(MemorySource(model_files(tensors, config=config)))
    assert {n.named.place: n.statistics for n in made.tensors} == {n.named.place: n.statistics for n in same.tensors}


def test_the_slashes_of_flax_are_dots() -> None:
    assert set(read(npz({"params/dense/kernel": np.ones((4, 4), np.float32)}))) == {"params.dense.kernel"}


@pytest.mark.parametrize(
    ("array", "save", "reason"),
    [
        (np.ones((4, 5), np.float32), np.savez_compressed, "compressed, so that its rows cannot be read alone"),
        (np.array([[{}] * 5] * 4, object), np.savez, "Python objects, which is never unpickled"),
        (np.ones((4, 5), ">f4"), np.savez, "numpy's type >f4 are not decoded: their bytes are in big-endian order"),
        (np.ones((4, 5), "V2"), np.savez, "numpy's type |V2 are not decoded: numpy lost which type it was, such as bf"),
        (np.ones((4, 5), np.complex64), np.savez, "numpy's type <c8"),
        (np.asfortranarray(np.ones((2, 2, 5), np.float32)), np.savez, "3 axes in Fortran's order"),
        (np.zeros((4, 5), [("a", "f4")]), np.savez, "numpy's type structured"),
    ],
)
def test_what_is_not_decoded_is_a_row_with_its_parameters_and_the_reason(
    array: NDArray[Any], save: Callable[..., None], reason: str
) -> None:
    contents = read_checkpoint(MemorySource({"weights.npz": npz({"a": array}, save)}))[1]
    assert not contents.tensors
    assert [(s.name, s.parameters) for s in contents.skipped] == [("a", 20)] and reason in contents.skipped[0].reason
    with pytest.raises(NothingToRead, match=r"weights\.npz: none of its 1 tensors can be read: a: "):
        fingerprint_model(MemorySource({"weights.npz": npz({"a": array}, save)}))


def header(text: bytes, data: bytes = bytes(16)) -> bytes:
    """An archive of one array with any header."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\0" + len(text).to_bytes(2, "little") + text + data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (9,)}"),
        header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-4,)}"),
        header(b"{'descr': '<f4', 'fortran_order': 0, 'shape': (4,)}"),
        header(b"{'descr': '<f4', 'fortran_order': False, 'shape': [4]}"),
        header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"9" * 30 + b",)}"),
        header(b"__import__('os').system('true')"),
        header(b"(" * 3000),
        header(b"{{}: 1}"),
        header(b"{[1]: 2}"),
        header(b"'" + b"a" * 5000 + b"'"),
        header(b"\xff\xfe"),
        npz({"a": np.ones(4, np.float32)})[:-30],
        b"PK\x03\x04",
        b"",
    ],
)
def test_a_broken_archive_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_checkpoint(MemorySource({"weights.npz": data}))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_changed_bytes_raise_nothing_but_format_errors(at: int, patch: bytes) -> None:
    data = npz({"a": np.ones((3, 4), np.float32), "b": np.ones(2, np.float16)})
    with suppress(FormatError, SourceError):
        read(data[:at] + patch + data[at + len(patch) :])


def test_safetensors_are_read_before_an_archive() -> None:
    files = {"weights.npz": npz({"a": np.ones((4, 4), np.float32)}), "m.safetensors": safetensors_bytes(llama())}
    assert read_checkpoint(MemorySource(files))[0].name == "safetensors"
