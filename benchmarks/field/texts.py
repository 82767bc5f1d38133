"""Text of each half: documents of the standard library, as paragraphs, neighbouring pairs, and labelled pieces."""

from __future__ import annotations

import functools
import importlib
from itertools import pairwise

from .entries import Half

LEAST, MOST = 40, 600
"""Characters of a paragraph: shorter ones are headings, longer ones tables."""
DOMAINS = ("docs", "source", "tests")


@functools.cache
def documents(domain: str, parity: int) -> tuple[str, ...]:
    """Every second document of a domain of the bundled zoo's corpus: no document is in both halves."""
    corpus = importlib.import_module("tests.zoo.corpus")
    return tuple(text for number, text in enumerate(corpus.documents(domain)) if number % 2 == parity)


@functools.cache
def paragraphs(domain: str, parity: int) -> tuple[tuple[str, ...], ...]:
    """The paragraphs of each document that has at least two."""
    split = (
        tuple(p.strip() for p in d.split("\n\n") if LEAST <= len(p.strip()) <= MOST) for d in documents(domain, parity)
    )
    return tuple(some for some in split if len(some) > 1)


def pairs(domain: str, half: Half) -> list[tuple[str, str]]:
    """Paragraphs and those that follow them: sentence pairs of a contrastive objective."""
    return [pair for some in paragraphs(domain, half.parity) for pair in pairwise(some)]


def labelled(half: Half) -> list[tuple[str, int]]:
    """Paragraphs with the number of their domain: prose, library code, tested code."""
    return [(p, n) for n, d in enumerate(DOMAINS) for some in paragraphs(d, half.parity) for p in some]


def prose(domain: str, half: Half) -> list[str]:
    """Whole documents: text of a language model."""
    return [text for text in documents(domain, half.parity) if len(text) > MOST]
