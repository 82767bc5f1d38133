"""torch checkpoints, whichever way they are saved: told by how the file begins. Nothing is ever executed."""

from __future__ import annotations

from ..errors import FormatError
from ..storage.reader import Reader
from .contents import Contents
from .torch_legacy import MAGIC, MAGIC_WRITTEN_OUT, read_legacy
from .torch_zip import read_zip

SIGNATURES = (b"PK\x03\x04", b"\x80\x02" + MAGIC, MAGIC_WRITTEN_OUT)
"""How a zip file begins, and the number that torch before 1.6 wrote first, in the protocol that it used and in 1."""
_AGAIN = "save its state_dict again with torch, or as safetensors"
_FRAMED = 32
"""Bytes that hold the first pickle, in any protocol."""
_USTAR = 257
"""Offset of the mark of a tar file."""


def read_torch(reader: Reader, file: str) -> Contents:
    """The tensors of one file, from its directory or its beginning, and its pickle.

    Raises FormatError for what is no file of torch, for a broken pickle, and for tensors that their storages cannot
    hold.
    """
    head = reader.read(0, min(reader.size, _USTAR + 5))
    if head.startswith(b"PK"):
        return read_zip(reader, file)
    if (head[:1] == b"\x80" and MAGIC in head[:_FRAMED]) or head.startswith(MAGIC_WRITTEN_OUT):
        return read_legacy(reader, file)
    if head[_USTAR:] == b"ustar":
        raise FormatError(f"{file}: a tar file, as torch 0.1 wrote them or one that was packed; unpack it or {_AGAIN}")
    if head.startswith(b"\x1f\x8b"):
        raise FormatError(f"{file}: packed with gzip; unpack it")
    if head.startswith(b"\x80"):
        raise FormatError(f"{file}: a plain pickle, which torch.save has not written; {_AGAIN}")
    raise FormatError(
        f"{file}: not a zip file and no checkpoint of torch; is the download cut, or is it of another framework?"
    )
