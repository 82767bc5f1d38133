"""Text from strangers, made safe to store and to print."""

from __future__ import annotations

import unicodedata

_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}  # control, format (bidi), surrogate, private, separators


def printable(text: str, limit: int = 512) -> str:
    r"""`text` with control, bidirectional and surrogate characters as `\x..` escapes, cut to `limit` characters.

    A tensor, file or model name may hold anything that JSON can: NUL, terminal escapes, lone surrogates. What comes
    out encodes as UTF-8 and cannot move a cursor or reverse a line.
    """
    if text.isascii() and text.isprintable():
        return text[:limit]
    escaped = (
        c if unicodedata.category(c) not in _UNSAFE else c.encode("unicode_escape").decode() for c in text[:limit]
    )
    return "".join(escaped)[:limit]
