"""The prompts: a fixed list of random words, the same on every machine and in every version.

Random words, as no training text holds them: what a model makes of them is its own habit, not knowledge that all share.
"""

from __future__ import annotations

import hashlib

MOST_PROMPTS = 10_000
"""Of one record: a limit on what an endpoint is asked and on what a file may hold."""
_WORDS = (
    *("the", "of", "and", "a", "in", "is", "it", "you", "that", "was", "for", "on"),
    *("are", "with", "as", "his", "they", "be", "at", "one", "have", "this", "from", "or"),
    *("had", "by", "hot", "but", "some", "what", "there", "we", "can", "out", "other", "were"),
    *("all", "your", "when", "up", "use", "word", "how", "said", "an", "each", "she", "which"),
    *("do", "their", "time", "if", "will", "way", "about", "many", "then", "them", "would", "write"),
    *("like", "so", "these", "her", "long", "make", "thing", "see", "him", "two", "has", "look"),
    *("more", "day", "could", "go", "come", "did", "my", "sound", "no", "most", "number", "who"),
    *("over", "know", "water", "than", "call", "first", "people", "may", "down", "side", "been", "now"),
    *("find", "any", "new", "work", "part", "take", "get", "place", "made", "live", "where", "after"),
    *("back", "little", "only", "round", "man", "year", "came", "show", "every", "good", "me", "give"),
    *("our", "under", "name"),
)
_LENGTH = 8
"""Words of a prompt."""


def prompts(count: int) -> list[str]:
    """The first `count` prompts: words picked by the bytes of SHA-256("forebear prompt N")."""
    return [_prompt(number) for number in range(count)]


def _prompt(number: int) -> str:
    digest = hashlib.sha256(f"forebear prompt {number}".encode()).digest()
    picks = (int.from_bytes(digest[2 * at : 2 * at + 2], "big") for at in range(_LENGTH))
    return " ".join(_WORDS[pick % len(_WORDS)] for pick in picks)
