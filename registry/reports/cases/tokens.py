"""The figures of vocabularies: shared tokens, ids, embedding rows, classes, first ids, merges, specials, encodings."""

from __future__ import annotations

from functools import partial

from ....queries.comparison.case.records import CaseResult, VocabularyPair
from . import drawing, values
from .blocks import Block, Drawing, Grid, Panel, Section, Sentence
from .prose import Words

_SHOWN_SPECIALS = 12
_MOST_PANELS = 24
"""Pairs with panels of their own; tables hold all."""


def tokens_section(result: CaseResult, words: Words) -> Section:
    """Everything about tokenizers."""
    if len(result.vocabularies) < 2:
        return Section("tokens", words("tokens_title"), [Sentence(words("tokens_none"))])
    blocks: list[Block] = [
        _tokenizers(result, words),
        _pairs(result, words),
        _ids(result, words),
        _embeddings(result, words),
        _embedding_grid(result, words),
        _classes(result, words),
        _encodings(result, words),
        _first_ids(result, words),
        _merges(result, words),
        _specials(result, words),
    ]
    return Section("tokens", words("tokens_title"), blocks)


def _tokenizers(result: CaseResult, words: Words) -> Grid:
    rows = [
        [
            one.label,
            one.facts.kind,
            values.whole(one.facts.size),
            values.whole(one.facts.merges),
            str(len(one.facts.specials)),
            str(one.first_special),
        ]
        for one in result.vocabularies
    ]
    titles = [words(key) for key in ("model", "type", "tokens", "merges", "specials", "first_special")]
    return Grid("tokenizers", words("vocabulary_caption"), titles, rows, (0, 1))


def _pairs(result: CaseResult, words: Words) -> Grid:
    rows = [
        [
            values.pair_name(one.first, one.second),
            values.whole(one.tokenizer.shared),
            values.part(one.tokenizer.share_a),
            values.part(one.tokenizer.share_b),
            values.part(one.tokenizer.jaccard),
            values.whole(one.equal_ids),
            values.cosine(one.id_correlation, 2),
        ]
        for one in result.vocabulary_pairs
    ]
    keys = ("pair", "shared", "share_first", "share_second", "jaccard", "equal_ids", "id_correlation")
    return Grid("shared_tokens", words("vocabulary_pairs_caption"), [words(key) for key in keys], rows, (0,))


def _drawn(result: CaseResult) -> list[VocabularyPair]:
    """The pairs whose panels are drawn: what is asked first, then what is known, then the rest."""
    order = {"asked": 0, "related": 1, "unrelated": 2, "none": 3}
    expected = {(pair.first, pair.second): order[pair.expected] for pair in result.pairs}
    found = sorted(result.vocabulary_pairs, key=lambda one: expected.get((one.first, one.second), 3))
    return found[:_MOST_PANELS]


def _ids(result: CaseResult, words: Words) -> Drawing:
    images = [
        Panel(
            partial(drawing.token_ids, one),
            words(
                "ids_alt",
                count=one.tokenizer.shared,
                first=one.first,
                second=one.second,
                correlation=values.cosine(one.id_correlation, 2),
            ),
            False,
        )
        for one in _drawn(result)
        if one.ids_first
    ]
    reason = "" if images else values.DASH
    return Drawing(words("ids_title"), words("ids_shows"), words("ids_null"), images, reason)


def _embeddings(result: CaseResult, words: Words) -> Drawing:
    images = []
    for pair in _drawn(result):
        one = pair.embedding
        if one is not None and one.reason is None:
            every = one.classes[0]
            alt = words(
                "embedding_alt",
                count=one.tokens,
                first=one.first,
                second=one.second,
                mean=values.cosine(every.cosine),
                mismatched=values.cosine(every.mismatched),
            )
            images.append(Panel(partial(drawing.embedding, one), alt, False))
    reason = "" if images else values.DASH
    return Drawing(words("embedding_title"), words("embedding_shows"), words("embedding_null"), images, reason)


def _embedding_grid(result: CaseResult, words: Words) -> Grid:
    rows = []
    for pair in result.vocabulary_pairs:
        one, name = pair.embedding, values.pair_name(pair.first, pair.second)
        if one is None or one.reason is not None:
            reason = one.reason if one is not None and one.reason else values.DASH
            rows.append([name, words("not_compared", reason=reason), *[values.DASH] * 5])
            continue
        rows += [
            [
                name,
                found.name,
                str(found.tokens),
                values.cosine(found.cosine),
                values.cosine(found.centred_cosine),
                values.cosine(found.mismatched),
                values.part(found.above),
            ]
            for found in one.classes
        ]
    keys = ("pair", "class", "tokens", "cosine", "centred", "mismatched", "above")
    return Grid("embeddings", words("embedding_caption"), [words(key) for key in keys], rows, (0, 1), folded=True)


def _classes(result: CaseResult, words: Words) -> Grid:
    names = [one.name for one in result.vocabularies[0].classes]
    rows = [
        [
            one.label,
            *(f"{values.whole(found.tokens)} / {values.whole(found.high)}" for found in one.classes),
            f"{values.whole(one.high)} ({words('high_ids', start=values.whole(one.high_from))})",
        ]
        for one in result.vocabularies
    ]
    return Grid("token_classes", words("classes_caption"), [words("model"), *names, words("tokens")], rows)


def _encodings(result: CaseResult, words: Words) -> Grid:
    counts: dict[str, dict[str, int]] = {}
    for one in result.vocabulary_pairs:
        for sample in one.tokenizer.encoding:
            counts.setdefault(sample.sample, {})[one.first] = sample.tokens_a
            counts[sample.sample][one.second] = sample.tokens_b
    labels = [one.label for one in result.vocabularies]
    rows = [[sample, *(values.whole(found.get(label)) for label in labels)] for sample, found in counts.items()]
    return Grid("encodings", words("encodings_caption"), [words("sample"), *labels], rows)


def _first_ids(result: CaseResult, words: Words) -> Grid:
    labels = [one.label for one in result.vocabularies]
    count = len(result.vocabularies[0].first)
    rows = [
        [str(number), *(one.first[number] or values.DASH for one in result.vocabularies)] for number in range(count)
    ]
    return Grid(
        "first_ids", words("first_ids_caption"), [words("id"), *labels], rows, range(1, len(labels) + 1), folded=True
    )


def _merges(result: CaseResult, words: Words) -> Grid:
    rows = [row for one in result.vocabulary_pairs for row in _bands(one)]
    keys = ("pair", "ranks", "merges", "same_band", "anywhere")
    return Grid("merges", words("merges_caption"), [words(key) for key in keys], rows, (0, 1), folded=True)


def _bands(one: VocabularyPair) -> list[list[str]]:
    return [
        [
            values.pair_name(one.first, one.second),
            f"{values.whole(band.first)} … {values.whole(band.last)}",
            values.whole(band.merges),
            values.part(band.share_same_band),
            values.part(band.share_anywhere),
        ]
        for band in one.tokenizer.merge_bands
    ]


def _specials(result: CaseResult, words: Words) -> Grid:
    rows = [
        [
            one.label,
            "  ".join(one.facts.specials[:_SHOWN_SPECIALS])
            + (f"  +{len(one.facts.specials) - _SHOWN_SPECIALS}" if len(one.facts.specials) > _SHOWN_SPECIALS else ""),
        ]
        for one in result.vocabularies
    ]
    return Grid(
        "special_tokens", words("specials_caption"), [words("model"), words("specials")], rows, (0, 1), folded=True
    )
