"""Tokenizers of several models: what each holds, and every two side by side."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ....ingest.text import printable
from ..tokenizers.tokenizers import Spelled, side_by_side
from .records import EmbeddingFigure, ModelVocabulary, TokenClass, VocabularyPair
from .token_classes import ASCII_LETTERS, CLASSES, token_class

FIRST_IDS = 20
"""Ids from 0 on whose tokens are shown."""
ENGLISH_TOKENS, OTHER_TOKENS = 300, 25
"""Shared tokens of ASCII letters, and of every other class, whose embedding rows are read: as many English ones as the
dispute's own figure has."""
_POINTS = 2_000
"""Points of the scatter of ids."""


def model_vocabulary(label: str, spelled: Spelled, high_from: int | None) -> ModelVocabulary:
    """The vocabulary of one model; without `high_from`, the upper quarter of its ids counts as high."""
    tokenizer = spelled.tokenizer
    by_id: dict[int, str] = {}
    for text, number in tokenizer.tokens.items():
        by_id.setdefault(number, text)
    start = high_from if high_from is not None else 3 * len(tokenizer.tokens) // 4
    counts: dict[str, list[int]] = {name: [0, 0] for name in CLASSES}
    for token, number in spelled.ids.items():
        found = counts[token_class(token)]
        found[0] += 1
        found[1] += number >= start
    special = [tokenizer.tokens[text] for text in tokenizer.specials if text in tokenizer.tokens]
    counts["special"] = [len(special), sum(number >= start for number in special)]
    first = tuple(printable(by_id[i], 40) if i in by_id else None for i in range(FIRST_IDS))
    return ModelVocabulary(
        label,
        spelled.facts,
        first,
        sum(by_id.get(i) in tokenizer.specials for i in range(FIRST_IDS)),
        start,
        sum(number >= start for number in tokenizer.tokens.values()),
        tuple(TokenClass(name, *found) for name, found in counts.items()),
    )


@dataclass(frozen=True)
class SharedTokens:
    """Tokens that two vocabularies share, in the order of their bytes, and their `ids` int64 [n, 2]."""

    first: str
    second: str
    tokens: Sequence[bytes]
    ids: NDArray[np.int64]

    def chosen(self, limits: tuple[int, int]) -> dict[str, list[int]]:
        """Class -> places in `tokens` whose rows are compared: those of lowest CRC-32.

        So two pairs that share a model ask for mostly the same rows of it. `limits` are the rows of the embeddings.
        """
        found: dict[str, list[int]] = {}
        inside = (self.ids >= 0).all(axis=1) & (self.ids < np.array(limits)).all(axis=1)
        for place in sorted(np.flatnonzero(inside).tolist(), key=lambda place: (crc32(self.tokens[place]), place)):
            found.setdefault(token_class(self.tokens[place]), []).append(place)
        return {
            name: places[: ENGLISH_TOKENS if name == ASCII_LETTERS else OTHER_TOKENS]
            for name, places in sorted(found.items())
            if name != "bytes"
        }


def shared_tokens(spelled: Mapping[str, Spelled]) -> list[SharedTokens]:
    """What every two tokenizers share."""
    found = []
    for first, second in itertools.combinations(spelled, 2):
        mine, theirs = spelled[first].ids, spelled[second].ids
        tokens = sorted(mine.keys() & theirs.keys())
        ids = np.array([(mine[t], theirs[t]) for t in tokens], np.int64).reshape(-1, 2)
        found.append(SharedTokens(first, second, tokens, ids))
    return found


def vocabulary_pairs(
    spelled: Mapping[str, Spelled],
    shared: Sequence[SharedTokens],
    embeddings: Mapping[tuple[str, str], EmbeddingFigure],
) -> list[VocabularyPair]:
    """Every two tokenizers, with the figures of their embeddings where there are any."""
    found = []
    for one in shared:
        first, second, ids = one.first, one.second, one.ids
        step = max(1, -(-len(ids) // _POINTS))
        shown = ids[np.lexsort((ids[:, 1], ids[:, 0]))][::step]
        found.append(
            VocabularyPair(
                first,
                second,
                side_by_side(spelled[first], spelled[second]),
                int((ids[:, 0] == ids[:, 1]).sum()),
                _correlation(ids[:, 0], ids[:, 1]),
                len(ids) / max(1, *(len(spelled[label].ids) for label in (first, second))),
                tuple(shown[:, 0].tolist()),
                tuple(shown[:, 1].tolist()),
                embeddings.get((first, second)),
            )
        )
    return found


def _correlation(x: NDArray[np.int64], y: NDArray[np.int64]) -> float:
    if len(x) < 2 or x.std() == 0 or y.std() == 0:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])
