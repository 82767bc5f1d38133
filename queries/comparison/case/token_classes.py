"""Classes of tokens: specials, letters of English, other ASCII, Korean, other East Asian scripts, everything else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

ASCII_LETTERS = "ASCII letters"
CLASSES = ("special", ASCII_LETTERS, "other ASCII", "Korean", "CJK", "other scripts", "bytes")
"""`bytes` are pieces of characters, which are no text of their own."""
_HANGUL = ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF))
_CJK = ((0x2E80, 0x312F), (0x3190, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFE30, 0xFE4F), (0x20000, 0x323AF))


def token_class(token: bytes) -> str:
    """The class of a token by the bytes that it stands for; blanks in front do not count.

    >>> token_class(b" the"), token_class("한국".encode()), token_class("中文".encode()), token_class(b"x1")
    ('ASCII letters', 'Korean', 'CJK', 'other ASCII')
    """
    text = token.strip()
    if text.isascii():
        return ASCII_LETTERS if text.isalpha() else "other ASCII"
    try:
        characters = text.decode()
    except UnicodeDecodeError:
        return "bytes"
    if _any(characters, _HANGUL):
        return "Korean"
    return "CJK" if _any(characters, _CJK) else "other scripts"


def _any(text: str, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(low <= ord(character) <= high for low, high in ranges for character in text)


def class_counts(tokens: Iterable[bytes]) -> Counter[str]:
    """How many tokens each class has."""
    return Counter(map(token_class, tokens))
