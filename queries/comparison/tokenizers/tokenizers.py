"""Two tokenizers side by side: tokens by their text, ids, merges, specials, how they cut text, and embeddings by token.

Context, never evidence: tokenizers are shared by unrelated models, and vocabularies of one language converge.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ....ingest.metadata.tokenizer import Tokenizer
from ....ingest.text import printable
from .encoding import encoder
from .sample_text import SAMPLES
from .token_rows import TokenRowsComparison, compare_token_rows

if TYPE_CHECKING:
    from ....ingest.reading.stream import WholeModel


READING = (
    "Read with care: unrelated vocabularies overlap by 40 to 60 %, because common words and pieces are the same for"
    " everybody, and many laboratories take a published tokenizer as it is. The first thousand merges mean little"
    " (frequent letter pairs of any corpus); the same late merges in the same order mean one tokenizer. Neither says"
    " anything about weights."
)
BANDS = (1_000, 10_000, 50_000, 100_000)
"""Where the bands of merge ranks end."""
_SHOWN = 64


@dataclass(frozen=True)
class Spelled:
    """A tokenizer with what is computed of it once, for any number of comparisons."""

    tokenizer: Tokenizer

    @cached_property
    def ids(self) -> dict[bytes, int]:
        """The bytes of every token that text can be made of -> its id; of two spellings of one text the lower."""
        return token_ids(self.tokenizer)

    @cached_property
    def merges(self) -> list[tuple[bytes, bytes]]:
        """The merges in order of rank, as bytes."""
        return _spelled_merges(self.tokenizer)

    @cached_property
    def cuts(self) -> dict[str, list[int]]:
        """Sample -> the end of every token that it is cut into, in bytes."""
        cutter = encoder(self.tokenizer)
        return {name: cutter.cuts(text) for name, text in SAMPLES.items()}

    @cached_property
    def facts(self) -> TokenizerFacts:
        """What is said of it alone."""
        return _facts(self)


@dataclass(frozen=True, slots=True)
class TokenizerFacts:
    """One tokenizer: `size` counts all texts, `tokens` those that text can be made of, each spelling once."""

    kind: str
    size: int
    tokens: int
    merges: int
    specials: tuple[str, ...]
    encoding: str


@dataclass(frozen=True, slots=True)
class MergeBand:
    """Merges of rank `first` to `last` (excluded) of A.

    How many there are, the share that B has in the same band, and the share that B has at any rank.
    """

    first: int
    last: int
    merges: int
    share_same_band: float
    share_anywhere: float


@dataclass(frozen=True, slots=True)
class EncodingAgreement:
    """How both cut one sample: tokens of each, and the Jaccard index of the places where they cut."""

    sample: str
    tokens_a: int
    tokens_b: int
    agreement: float


@dataclass(frozen=True, slots=True)
class TokenizerComparison:
    """Two tokenizers. Tokens are the same when they stand for the same bytes, whatever their spelling.

    `share_a` and `share_b` are the shared tokens over those of each, `jaccard` over those of either; `same_id` is the
    share of the shared ones that have one id in both. `merge_prefix` counts the merges before the first that differs.
    """

    a: TokenizerFacts | None
    b: TokenizerFacts | None
    shared: int
    share_a: float
    share_b: float
    jaccard: float
    same_id: float
    merge_prefix: int
    merge_bands: tuple[MergeBand, ...]
    specials_shared: int
    specials_only_a: tuple[str, ...]
    specials_only_b: tuple[str, ...]
    encoding: tuple[EncodingAgreement, ...]
    rows: tuple[TokenRowsComparison, ...]
    reading: str
    reason: str | None


def compare_tokenizers(first: WholeModel, second: WholeModel) -> TokenizerComparison:
    """The tokenizers of two opened models, and the rows of embedding and head that a few hundred shared tokens have.

    Where a model has no tokenizer, `reason` says so. Raises SourceError when a read fails.
    """
    if first.tokenizer is None or second.tokenizer is None:
        return _without(first.tokenizer, second.tokenizer)
    return side_by_side(first.tokenizer, second.tokenizer, rows=compare_token_rows(first, second))


def side_by_side(
    first: Tokenizer | Spelled, second: Tokenizer | Spelled, *, rows: Sequence[TokenRowsComparison] = ()
) -> TokenizerComparison:
    """Everything that follows from the two tokenizers themselves."""
    a, b = (one if isinstance(one, Spelled) else Spelled(one) for one in (first, second))
    mine, theirs = a.ids, b.ids
    shared = mine.keys() & theirs.keys()
    specials, others = a.tokenizer.specials, b.tokenizer.specials
    return TokenizerComparison(
        a=a.facts,
        b=b.facts,
        shared=len(shared),
        share_a=_ratio(len(shared), len(mine)),
        share_b=_ratio(len(shared), len(theirs)),
        jaccard=_ratio(len(shared), len(mine.keys() | theirs.keys())),
        same_id=_ratio(sum(mine[t] == theirs[t] for t in shared), len(shared)),
        merge_prefix=sum(
            1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(a.merges, b.merges, strict=False))
        ),
        merge_bands=tuple(merge_bands(a.merges, b.merges)),
        specials_shared=len(specials & others),
        specials_only_a=_shown(specials - others),
        specials_only_b=_shown(others - specials),
        encoding=tuple(_agreement(a.cuts, b.cuts)),
        rows=tuple(rows),
        reading=READING,
        reason=None,
    )


def token_ids(tokenizer: Tokenizer) -> dict[bytes, int]:
    """The bytes of every token that text can be made of -> its id; of two spellings of one text the lower."""
    spelling = tokenizer.spelling()
    found: dict[bytes, int] = {}
    for text, number in tokenizer.tokens.items():
        if text not in tokenizer.specials and (spelled := spelling(text)):
            found[spelled] = min(number, found.get(spelled, number))
    return found


def merge_bands(first: Sequence[tuple[bytes, bytes]], second: Sequence[tuple[bytes, bytes]]) -> list[MergeBand]:
    """The overlap of two merge lists by rank in the first; no bands where either has none."""
    if not first or not second:
        return []
    anywhere, found = set(second), []
    ends = [*(end for end in BANDS if end < len(first)), len(first)]
    for start, end in zip([0, *ends], ends, strict=False):
        own, same = set(first[start:end]), set(second[start:end])
        found.append(
            MergeBand(start, end, len(own), _ratio(len(own & same), len(own)), _ratio(len(own & anywhere), len(own)))
        )
    return found


def encoding_agreement(a: Tokenizer, b: Tokenizer) -> list[EncodingAgreement]:
    """Every sample, cut by both."""
    return _agreement(Spelled(a).cuts, Spelled(b).cuts)


def _agreement(first: Mapping[str, list[int]], second: Mapping[str, list[int]]) -> list[EncodingAgreement]:
    found = []
    for name, mine in first.items():
        places, others = set(mine), set(second[name])
        agreement = _ratio(len(places & others), len(places | others))
        found.append(EncodingAgreement(name, len(mine), len(second[name]), agreement))
    return found


def _spelled_merges(tokenizer: Tokenizer) -> list[tuple[bytes, bytes]]:
    spelling = tokenizer.spelling()
    return [(spelling(left), spelling(right)) for left, right in tokenizer.merges]


def _facts(spelled: Spelled) -> TokenizerFacts:
    tokenizer = spelled.tokenizer
    return TokenizerFacts(
        kind=printable(tokenizer.kind, 40),
        size=len(tokenizer.tokens),
        tokens=len(spelled.ids),
        merges=len(tokenizer.merges),
        specials=_shown(tokenizer.specials),
        encoding="merges" if tokenizer.merges else "longest match",
    )


def _shown(specials: frozenset[str]) -> tuple[str, ...]:
    return tuple(printable(text, 80) for text in sorted(specials)[:_SHOWN])


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _without(a: Tokenizer | None, b: Tokenizer | None) -> TokenizerComparison:
    missing = "A and B have" if a is None and b is None else "A has" if a is None else "B has"
    reason = f"{missing} no tokenizer that forebear reads"
    return TokenizerComparison(
        a=Spelled(a).facts if a else None,
        b=Spelled(b).facts if b else None,
        shared=0,
        share_a=math.nan,
        share_b=math.nan,
        jaccard=math.nan,
        same_id=math.nan,
        merge_prefix=0,
        merge_bands=(),
        specials_shared=0,
        specials_only_a=(),
        specials_only_b=(),
        encoding=(),
        rows=(),
        reading=READING,
        reason=reason,
    )
