"""The vocabulary of a model: which row of the embedding is which text, and a MinHash of the whole.

The byte-level spelling (`Ġthe`), the SentencePiece spelling (`▁the`) and plain text (` the`) of one token are the same
token. `tokenizer_files` reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..fingerprint.minhash import minhash
from ..hashing import hash_bytes
from ..text import printable

_MOST_SPECIALS = 64
_BYTE = re.compile("<0x[0-9A-Fa-f]{2}>")


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """Token texts by id, merges in order of rank, and the specials, as the tokenizer's files give them."""

    kind: str
    tokens: Mapping[str, int]
    merges: Sequence[tuple[str, str]] = ()
    specials: frozenset[str] = frozenset()

    def spelling(self) -> Spelling:
        """What turns a token's text into the bytes that it stands for."""
        return Spelling(self.tokens)

    def vocabulary(self) -> Vocabulary:
        """The tokens that text can be made of, under the hash of their bytes."""
        spelling = self.spelling()
        plain: list[int] = []
        written: list[bool] = []

        def spelled() -> Iterator[bytes]:  # one text at a time: a list of them takes 150 MB for a million tokens
            for token, number in self.tokens.items():
                if token not in self.specials and (text := spelling(token)):
                    plain.append(number)
                    written.append(not _is_byte(token))
                    yield text

        keys = hash_bytes(spelled())
        ids = np.array(plain, np.int64)
        order = np.lexsort((ids, np.array(written, np.bool_), keys))
        return Vocabulary(ids[order], keys[order])

    def fingerprint(self, vocabulary: Vocabulary | None = None) -> TokenizerFingerprint:
        """MinHashes of the token set and of the merge list, and what else identifies the tokenizer.

        Whoever has its `vocabulary()` already gives it: 0.2 s for 150,000 tokens.
        """
        spelling = self.spelling()
        merges = hash_bytes(spelling(a) + b"\0" + spelling(b) for a, b in self.merges)
        specials = sorted((self.tokens.get(t, -1), t) for t in self.specials)
        return TokenizerFingerprint(
            kind=printable(self.kind, 40),
            size=len(self.tokens),
            tokens=minhash((vocabulary or self.vocabulary()).keys),
            merges=minhash(merges) if len(merges) else None,
            specials=tuple(printable(t, 80) for _, t in specials[:_MOST_SPECIALS]),
        )


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Rows of the embedding, `ids` int64 [n], by the hash of their text, `keys` uint64 [n], ascending.

    Of rows of one text those of byte tokens come first, then the others by id.
    """

    ids: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    keys: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))

    def lowest(self, count: int, rows: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """The `count` tokens of lowest hash among those below `rows`: their ids, ascending, and keys."""
        inside = np.flatnonzero((self.ids >= 0) & (self.ids < rows))[:count]
        order = np.argsort(self.ids[inside], kind="stable")
        return self.ids[inside][order], self.keys[inside][order]

    def places(self, wanted: NDArray[np.uint64], rows: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The ids below `rows` of those of the texts `wanted` that are there, and which places in `wanted` they have.

        Of a text that stands twice the last: the byte tokens of SentencePiece are hardly used, wherever they stand.
        """
        inside = (self.ids >= 0) & (self.ids < rows)
        ids, keys = self.ids[inside], self.keys[inside]
        last = np.searchsorted(keys, wanted, side="right") - 1
        there = np.flatnonzero(last >= 0)
        there = there[keys[last[there]] == wanted[there]]
        return ids[last[there]], there


@dataclass(frozen=True, slots=True)
class TokenizerFingerprint:
    """What the registry keeps of a tokenizer; MinHashes are uint32 [64]."""

    kind: str
    size: int
    tokens: NDArray[np.uint32]
    merges: NDArray[np.uint32] | None
    specials: tuple[str, ...]


class Spelling:
    """Token text -> the bytes it stands for, after the vocabulary has shown which spelling it uses."""

    def __init__(self, tokens: Mapping[str, int]) -> None:
        byte_level = sum(t.startswith("Ġ") for t in tokens)
        self._metaspace = sum(t.startswith("▁") for t in tokens)
        self._table = _byte_level() if byte_level > self._metaspace else None

    @property
    def byte_level(self) -> bool:
        """Whether tokens are spelled byte by byte, as GPT-2 does."""
        return self._table is not None

    def __call__(self, token: str) -> bytes:
        """The bytes of one token."""
        if self._table is not None and all(c in self._table for c in token):
            return bytes(self._table[c] for c in token)
        if _is_byte(token):
            return bytes([int(token[3:5], 16)])
        text = token.replace("▁", " ") if self._metaspace else token
        return text.encode("utf-8", "surrogatepass")


def _is_byte(token: str) -> bool:
    """Whether SentencePiece spells a single byte so: `<0x0A>`."""
    return len(token) == 6 and _BYTE.fullmatch(token) is not None


@cache
def _byte_level() -> dict[str, int]:
    """The reversible byte spelling of GPT-2: printable Latin-1 as itself, the other bytes from U+0100 on."""
    printable_bytes = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in set(printable_bytes)]
    return {chr(b): b for b in printable_bytes} | {chr(256 + i): b for i, b in enumerate(others)}


def byte_spelling(data: bytes) -> str:
    """The bytes of a token as GPT-2 spells them."""
    return data.decode("latin-1").translate(_spelled_bytes())


@cache
def _spelled_bytes() -> dict[int, str]:
    return {b: c for c, b in _byte_level().items()}
