"""How a tokenizer cuts text, from its vocabulary and its merges alone.

No tokenizer library is asked: the rules of pre-tokenizers are regular expressions that a hostile file may choose, run
by a parser that is not ours. What is compared is what the vocabulary and the merges say. Text is cut into words (a
run of letters and marks, of digits, or of other signs, with one blank before it), and each word by the merges in
order of rank (byte-pair encoding), or, without merges, by the longest token that fits (WordPiece; Unigram and
SentencePiece without their scores). A tokenizer with pre-tokenizer rules of its own cuts somewhat otherwise than
this.

Source: Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword units", ACL 2016.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ....ingest.metadata.tokenizer import Tokenizer

_LONGEST = 64
"""Bytes of a word's part that is tried as one token where there are no merges."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """Cuts text by `ranks` (pair of spelled tokens -> rank), or, where there are none, by the longest of `tokens`."""

    method: Literal["merges", "longest match"]
    tokens: frozenset[bytes]
    ranks: Mapping[tuple[bytes, bytes], int]
    by_bytes: bool

    def cuts(self, text: str) -> list[int]:
        """The end of every token, in bytes of the text."""
        ends: list[int] = []
        at = 0
        for word in words(text):
            parts = self._merged(word) if self.method == "merges" else self._longest(word.encode())
            for part in parts:
                at += len(part)
                ends.append(at)
        return ends

    def _merged(self, word: str) -> list[bytes]:
        parts = [bytes([b]) for b in word.encode()] if self.by_bytes else [c.encode() for c in word]
        while len(parts) > 1:
            ranked = [self.ranks.get(pair, -1) for pair in itertools.pairwise(parts)]
            best = min((rank for rank in ranked if rank >= 0), default=None)
            if best is None:
                break
            at = ranked.index(best)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return parts if self.by_bytes else [p for part in parts for p in self._fallen_back(part)]

    def _fallen_back(self, part: bytes) -> Sequence[bytes]:
        """A character that is no token, and that no merge took, is spelled in bytes."""
        known = part in self.tokens or len(part.decode()) > 1
        return [part] if known else [bytes([b]) for b in part]

    def _longest(self, word: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(word):
            size = next((n for n in range(min(_LONGEST, len(word) - at), 1, -1) if word[at : at + n] in self.tokens), 1)
            yield word[at : at + size]
            at += size


def encoder(tokenizer: Tokenizer) -> Encoder:
    """The encoder of a tokenizer."""
    spelling = tokenizer.spelling()
    ranks: dict[tuple[bytes, bytes], int] = {}
    for rank, (a, b) in enumerate(tokenizer.merges):
        ranks.setdefault((spelling(a), spelling(b)), rank)
    tokens = {spelling(_whole(t, tokenizer.kind)) for t in tokenizer.tokens if t not in tokenizer.specials}
    if tokenizer.kind == "WordPiece":
        tokens |= {b" " + token for token in tokens}
    return Encoder("merges" if ranks else "longest match", frozenset(tokens), ranks, spelling.byte_level)


def _whole(token: str, kind: str) -> str:
    return token.removeprefix("##") if kind == "WordPiece" else token


def words(text: str) -> Iterator[str]:
    """The text in runs of one kind, each with the one blank before it: "two 2x" -> "two", " 2", "x"."""
    blank = ""
    for kind, run in itertools.groupby(text, key=_kind):
        found = "".join(run)
        if kind == "blank":
            if len(blank + found) > 1 or found != " ":
                yield blank + found
                blank = ""
            else:
                blank = found
            continue
        yield blank + found
        blank = ""
    if blank:
        yield blank


def _kind(character: str) -> str:
    if character.isspace():
        return "blank"
    category = unicodedata.category(character)
    return "letter" if category[0] in "LM" else "digit" if category[0] == "N" else "sign"
