"""Rules of thumb that were stated in public, beside what unrelated and related pairs of this very case have."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from ....queries.comparison.case.records import CaseResult
from . import values
from .blocks import Grid
from .prose import Words

Pairs = set[tuple[str, str]]
RULES: tuple[tuple[str, str, str], ...] = (
    ("rule_vocabulary", "> 98 %, 90 … 98 %", "< 90 %"),
    ("rule_gains", "> 0.90", "< 0.3"),
    ("rule_matrices", "> 0.90", "< 0.3"),
    ("rule_embedding", "> 0.98", "< 0.1"),
    ("rule_hashes", "> 0.85", "< 0.2"),
)
"""Key of the measure, and the values that are said to mean a derivation and training from scratch (January 2026)."""


def thresholds_grid(result: CaseResult, words: Words) -> Grid:
    """A line for each rule: what it says, and what pairs of known outcome have here."""
    unrelated = {(pair.first, pair.second) for pair in result.pairs if pair.verdict == "unrelated"}
    related = {(pair.first, pair.second) for pair in result.pairs if pair.verdict in {"related", "derived"}}
    rows = []
    for key, derived, scratch in RULES:
        measure = _MEASURES[key]
        seen = [_range(measure(result, pairs)) for pairs in (unrelated, related)]
        rows.append([words(key), derived, scratch, *seen])
    titles = [words(key) for key in ("rule", "rule_derived", "rule_scratch", "rule_unrelated", "rule_related")]
    return Grid("thresholds", words("rules_caption"), titles, rows)


def _range(found: Iterable[float]) -> str:
    numbers = [value for value in found if math.isfinite(value)]
    return f"{min(numbers):z.2f} … {max(numbers):z.2f}" if numbers else values.DASH


def _vocabulary(result: CaseResult, pairs: Pairs) -> list[float]:
    found = [one.tokenizer for one in result.vocabulary_pairs if (one.first, one.second) in pairs]
    return [share for one in found for share in (one.share_a, one.share_b)]


def _gains(result: CaseResult, pairs: Pairs) -> list[float]:
    return [one.cosine for one in result.gains.summaries if (one.first, one.second) in pairs]


def _matrices(result: CaseResult, pairs: Pairs) -> list[float]:
    return [
        float(one.correlation[one.labels.index(first), one.labels.index(second)])
        for one in result.kinds
        for first, second in pairs
    ]


def _embeddings(result: CaseResult, pairs: Pairs) -> list[float]:
    return [
        one.embedding.classes[0].cosine
        for one in result.vocabulary_pairs
        if (one.first, one.second) in pairs and one.embedding is not None and one.embedding.classes
    ]


def _hashes(result: CaseResult, pairs: Pairs) -> list[float]:
    return [pair.hash_jaccard for pair in result.pairs if (pair.first, pair.second) in pairs]


_MEASURES: dict[str, Callable[[CaseResult, Pairs], list[float]]] = {
    "rule_vocabulary": _vocabulary,
    "rule_gains": _gains,
    "rule_matrices": _matrices,
    "rule_embedding": _embeddings,
    "rule_hashes": _hashes,
}
