"""Changes of an input: of bits, numbers, lengths and structure; some make it large, since work is what is fuzzed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

MOST = 4 << 20
"""Bytes of an input; small enough that reading it cannot be the work that is looked for."""
_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 1 << 15, (1 << 16) - 1, 1 << 31, (1 << 32) - 1, 1 << 40, 1 << 62, (1 << 63) - 1)
_TEXTS = (b"0", b"-1", b"65536", b"4294967296", b"9223372036854775807", b"1e308", b"NaN", b"null", b"[]", b"{}", b'""',
          b"\xd9\xa1", b'"\\ud800"', b"true", b"16777216", b"99999")  # fmt: skip
_DIGITS = re.compile(rb"\d+")

Mutation = Callable[[random.Random, bytes], bytes]


def _place(rng: random.Random, data: bytes) -> int:
    """A place, more often near the beginning or the end, where headers and directories stand."""
    near = rng.random()
    most = len(data)
    if near < 0.5:
        return rng.randrange(min(most, 512) + 1)
    return most - rng.randrange(min(most, 512) + 1) if near < 0.7 else rng.randrange(most + 1)


def _flip(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        if changed:
            changed[min(_place(rng, data), len(changed) - 1)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _binary(rng: random.Random, data: bytes) -> bytes:
    at, width = _place(rng, data), rng.choice((1, 2, 4, 8))
    value = rng.choice(_NUMBERS) + rng.choice((-1, 0, 0, 1))
    return data[:at] + (value % (1 << 8 * width)).to_bytes(width, rng.choice(("little", "big"))) + data[at + width :]


def _number(rng: random.Random, data: bytes) -> bytes:
    spans = [m.span() for m in _DIGITS.finditer(data, 0, 1 << 16)]
    if not spans:
        return _binary(rng, data)
    begin, end = rng.choice(spans)
    return data[:begin] + rng.choice(_TEXTS) + data[end:]


def _cut(rng: random.Random, data: bytes) -> bytes:
    begin = _place(rng, data)
    return data[:begin] if rng.random() < 0.3 else data[:begin] + data[begin + rng.randint(1, 64) :]


def _copy(rng: random.Random, data: bytes) -> bytes:
    begin, at = _place(rng, data), _place(rng, data)
    return data[:at] + data[begin : begin + rng.randint(1, 256)] + data[at:]


def _repeat(rng: random.Random, data: bytes) -> bytes:
    """A piece many times over: what is linear stays short, what is not does not."""
    begin = _place(rng, data)
    piece = data[begin : begin + rng.randint(1, 64)] or b"["
    most = rng.choices((1 << 14, 1 << 18, 1 << 21), (6, 3, 1))[0]  # the largest take a hundred times as long as others
    times = min(rng.choice((10, 1000, 100_000)), most // len(piece))
    return data[:begin] + piece * times + data[begin:]


def _grow(rng: random.Random, data: bytes) -> bytes:
    """A piece many times over with a number in it that counts up, so that names do not come twice."""
    begin = _place(rng, data)
    piece = data[begin : begin + rng.randint(8, 96)]
    times = rng.choice((10, 300, 5000))
    return data[:begin] + b"".join(_DIGITS.sub(b"%d" % i, piece, count=1) for i in range(times)) + data[begin:]


def _random(rng: random.Random, data: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + rng.randbytes(rng.randint(1, 32)) + data[at:]


MUTATIONS: tuple[tuple[Mutation, int], ...] = (
    (_flip, 6), (_binary, 6), (_number, 6), (_cut, 3), (_copy, 3), (_random, 2), (_repeat, 1), (_grow, 1),
)  # fmt: skip
"""Each with how often it is taken."""


def mutated(rng: random.Random, seed: bytes) -> bytes:
    """The seed after one to four changes, at most MOST bytes. A header length in front follows its JSON sometimes."""
    data = seed
    kinds, weights = zip(*MUTATIONS, strict=True)
    for kind in rng.choices(kinds, weights, k=rng.choice((1, 1, 2, 3, 4))):
        data = kind(rng, data)
    if seed[8:9] == b"{" and rng.random() < 0.7:  # safetensors: else every change of length is the same error
        grown = len(data) - len(seed)
        length = int.from_bytes(seed[:8], "little") + grown
        data = max(0, length).to_bytes(8, "little") + data[8:]
    return data[:MOST]
