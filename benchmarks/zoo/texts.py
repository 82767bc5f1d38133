"""The training texts of an edition, as token ids."""

from __future__ import annotations

import functools

import bundled  # noqa: F401  (the next imports need it)
import numpy as np
from corpus import byte_level_tokenizer, documents, encode_texts, metaspace_tokenizer
from editions import keeps
from tokenizers import Tokenizer


def encoded(tokenizer: Tokenizer, edition: int, *domains: str) -> np.ndarray:
    """All documents of these domains that the edition keeps, as one array of token ids (uint16)."""
    chosen = [text for d in domains for number, text in enumerate(documents(d)) if keeps(d, number, edition)]
    return encode_texts(tokenizer, chosen)


@functools.cache
def edition_tokens(kind: str, edition: int, *domains: str) -> np.ndarray:
    """`encoded` with the `byte_level` or `metaspace` tokenizer, kept in memory for the next model."""
    tokenizer = byte_level_tokenizer() if kind == "byte_level" else metaspace_tokenizer()
    return encoded(tokenizer, edition, *domains)
