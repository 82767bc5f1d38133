"""The vocabulary of a model: which row of the embedding is which text, and a MinHash of the whole.

The byte-level spelling (`Ġthe`), the SentencePiece spelling (`▁the`) and plain text (` the`) of one token are the same
token. Sources read: tokenizer.json, tokenizer.model (SentencePiece), vocab.json with merges.txt, vocab.txt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError
from ..fingerprint.minhash import minhash
from ..hashing import hash_bytes
from ..sources.source import Source, read_small
from ..text import printable
from . import sentencepiece

LIMIT = 128 << 20
"""Bytes of a tokenizer file; the largest published ones are below 40 MB."""
_MOST_TOKENS = 4_000_000
_MOST_SPECIALS = 64


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
        plain = [(i, spelling(t)) for t, i in self.tokens.items() if t not in self.specials]
        plain = [(i, text) for i, text in plain if text]
        keys = hash_bytes(text for _, text in plain)
        order = np.lexsort((np.array([i for i, _ in plain], np.int64), keys))
        return Vocabulary(np.array([i for i, _ in plain], np.int64)[order], keys[order])

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
    """Rows of the embedding, `ids` int64 [n], by the hash of their text, `keys` uint64 [n], ascending."""

    ids: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    keys: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))

    def lowest(self, count: int, rows: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """The `count` tokens of lowest hash among those below `rows`: their ids, ascending, and keys."""
        inside = np.flatnonzero((self.ids >= 0) & (self.ids < rows))[:count]
        order = np.argsort(self.ids[inside], kind="stable")
        return self.ids[inside][order], self.keys[inside][order]


@dataclass(frozen=True, slots=True)
class TokenizerFingerprint:
    """What the registry keeps of a tokenizer; MinHashes are uint32 [64]."""

    kind: str
    size: int
    tokens: NDArray[np.uint32]
    merges: NDArray[np.uint32] | None
    specials: tuple[str, ...]


def read_tokenizer(source: Source) -> Tokenizer | None:
    """The tokenizer of a source, None when it has none; FormatError for a file that is not what its name says."""
    if (text := read_small(source, "tokenizer.json", LIMIT)) is not None:
        return _from_tokenizer_json(_json(text, source, "tokenizer.json"), source)
    if (data := read_small(source, "tokenizer.model", LIMIT)) is not None and sentencepiece.looks_like(data):
        pieces, specials = sentencepiece.pieces(data, f"{source.uri}: tokenizer.model")
        return Tokenizer("SentencePiece", {p: i for i, p in enumerate(pieces)}, (), specials)
    if (text := read_small(source, "vocab.json", LIMIT)) is not None:
        tokens = _tokens(_json(text, source, "vocab.json"), source, "vocab.json")
        merges = (read_small(source, "merges.txt", LIMIT) or b"").decode("utf-8", "replace").splitlines()
        return Tokenizer("BPE", tokens, _merges([m for m in merges if not m.startswith("#version")]))
    if (text := read_small(source, "vocab.txt", LIMIT)) is not None:
        lines = text.decode("utf-8", "replace").splitlines()
        specials = frozenset(t for t in lines[:2000] if t.startswith("[") and t.endswith("]") and len(t) > 2)
        return Tokenizer("WordPiece", {t: i for i, t in enumerate(lines)}, (), specials)
    return None


def _json(text: bytes, source: Source, file: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{source.uri}: {file} is not valid JSON; remove or repair it") from error


def _from_tokenizer_json(document: object, source: Source) -> Tokenizer:
    model = document.get("model") if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping) or not isinstance(model, Mapping):
        raise FormatError(f"{source.uri}: tokenizer.json has no model; remove or repair it")
    tokens = _tokens(model.get("vocab"), source, "tokenizer.json")
    added = document.get("added_tokens")
    specials: set[str] = set()
    for token in added if isinstance(added, list) else []:
        if isinstance(token, Mapping) and isinstance(token.get("content"), str) and type(token.get("id")) is int:
            tokens.setdefault(token["content"], token["id"])
            if token.get("special"):
                specials.add(token["content"])
    kind = model.get("type")
    return Tokenizer(str(kind or "unknown"), tokens, _merges(model.get("merges")), frozenset(specials))


def _tokens(vocab: object, source: Source, file: str) -> dict[str, int]:
    """BPE and WordPiece map text to id, Unigram lists [text, score]."""
    if isinstance(vocab, list):
        vocab = {
            entry[0]: i
            for i, entry in enumerate(vocab)
            if isinstance(entry, list) and entry and isinstance(entry[0], str)
        }
    if not isinstance(vocab, Mapping) or len(vocab) > _MOST_TOKENS:
        raise FormatError(f"{source.uri}: {file} has no vocabulary of at most {_MOST_TOKENS} tokens")
    if not all(isinstance(t, str) and type(i) is int and abs(i) < 1 << 40 for t, i in vocab.items()):
        raise FormatError(f"{source.uri}: the vocabulary of {file} does not map texts to ids")
    return dict(vocab)


def _merges(merges: object) -> list[tuple[str, str]]:
    """`"a b"` (old) and `["a", "b"]` (new) are the same merge; what is neither is left out."""
    found = []
    for merge in merges if isinstance(merges, list) else []:
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(p, str) for p in pair):
            found.append((pair[0], pair[1]))
    return found


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
        if len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
            try:
                return bytes([int(token[3:5], 16)])
            except ValueError:
                pass
        text = token.replace("▁", " ") if self._metaspace else token
        return text.encode("utf-8", "surrogatepass")


@cache
def _byte_level() -> dict[str, int]:
    """The reversible byte spelling of GPT-2: printable Latin-1 as itself, the other bytes from U+0100 on."""
    printable_bytes = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in set(printable_bytes)]
    return {chr(b): b for b in printable_bytes} | {chr(256 + i): b for i, b in enumerate(others)}
