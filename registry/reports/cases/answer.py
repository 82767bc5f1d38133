"""The top of a case: controls first, the answer in sentences made from its figures, models, pairs and claims."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from ....queries.comparison.case.records import CaseModelRow, CasePair, CaseResult, ClaimAnswer
from ....queries.comparison.records.gains import GainSummary
from ..numbers import evalue, parameters, size
from . import values
from .blocks import Banner, Block, Grid, Section, Sentence
from .prose import Words
from .thresholds import thresholds_grid

_MOST_BANNERS = 6


def banners(result: CaseResult, words: Words) -> list[Banner]:
    """Controls first; then a banner for every pair that was asked about."""
    tone, title = values.trust_tone(result.controls)
    found = [Banner(tone, words(title), list(_controls(result, words)))]
    asked = values.asked_pairs(result)
    for pair in asked[:_MOST_BANNERS]:
        name = values.pair_name(pair.first, pair.second)
        title = f"{name}: {values.verdict_text(words, pair)}"
        found.append(Banner(pair.verdict, title, pair_sentences(result, pair, words)))
    if len(asked) > _MOST_BANNERS:
        more = words("more_pairs", count=len(asked) - _MOST_BANNERS)
        found[-1] = replace(found[-1], sentences=[*found[-1].sentences, more])
    return found


def _controls(result: CaseResult, words: Words) -> Iterator[str]:
    check = result.controls
    if check.wrong:
        yield words("untrusted_text", pairs=values.pair_names(check.wrong))
    if check.unrelated:
        yield words("trusted_text", count=len(check.unrelated), pairs=values.pair_names(check.unrelated))
    if check.found:
        yield words("found_text", pairs=values.pair_names(check.found))
    if check.unclear:
        yield words("unclear_text", pairs=values.pair_names(check.unclear))
    if check.trusted is None:
        yield words("unchecked_text")


def pair_sentences(result: CaseResult, pair: CasePair, words: Words) -> list[str]:
    """The verdict of a pair in words, its direction, and what its norm gains come to."""
    told = pair.direction
    figures = {
        "first": pair.first,
        "second": pair.second,
        "evalue": values.evalue_said(pair.log10_evalue),
        "identity": values.cosine(pair.identity),
        "coverage": values.part(pair.coverage),
    }
    by = ", ".join(told.by) if told and told.by else words("by_nothing")
    if pair.verdict == "derived" and told is not None:
        child, parent, probability = (
            (pair.first, pair.second, told.ancestor)
            if told.kind == "ancestor"
            else (pair.second, pair.first, told.descendant)
        )
        shown = values.probability(probability)
        found = [words("pair_derived", child=child, parent=parent, probability=shown, by=by, **figures)]
    else:
        found = [words(f"pair_{pair.verdict}", **figures)]
    if pair.verdict in {"related", "derived"} and told is not None and told.kind == "unknown":
        probability_text = values.probability(told.ancestor)
        found.append(words("direction_unknown", first=pair.first, second=pair.second, probability=probability_text))
    found += [
        words(
            "pair_part",
            component=row.component,
            verdict=words(f"verdict_{row.verdict}"),
            identity=values.cosine(row.identity),
            coverage=values.part(row.coverage),
            evalue=values.evalue_said(row.log10_evalue),
        )
        for row in values.other_parts(pair)
    ]
    return found + [
        gains_sentence(result, one, words)
        for one in result.gains.summaries
        if (one.first, one.second) == (pair.first, pair.second) and one.slot in {"attention", "ffn"}
    ]


def gains_sentence(result: CaseResult, one: GainSummary, words: Words) -> str:
    """What the norm gains of a pair come to, beside shuffled values and pairs that came out unrelated."""
    unrelated = set(result.controls.unrelated) - {(one.first, one.second)}
    others = [
        found.cosine
        for found in result.gains.summaries
        if found.slot == one.slot and (found.first, found.second) in unrelated and math.isfinite(found.cosine)
    ]
    figures = {
        "first": one.first,
        "second": one.second,
        "slot": one.slot,
        "layers": one.layers,
        "cosine": values.cosine(one.cosine),
        "low": values.cosine(one.lowest_cosine),
        "high": values.cosine(one.highest_cosine),
        "shuffled": values.cosine(one.shuffled_cosine),
        "centred": values.cosine(one.centred_cosine),
    }
    if not others:
        return words("gains_text_alone", **figures)
    low, high = values.cosine(min(others)), values.cosine(max(others))
    return words("gains_text", control_low=low, control_high=high, **figures)


def claims_sentence(result: CaseResult, words: Words) -> str:
    """How many claims came out how, and of figures that show nothing what that means, where there are any."""
    counts = {status: sum(one.status == status for one in result.claims) for status in _STATUSES}
    empty = sum(one.status == "reproduced" and one.beyond_null is False for one in result.claims)
    said = words(
        "claims_text",
        count=len(result.claims),
        reproduced=counts["reproduced"],
        contradicted=counts["contradicted"],
        unchecked=counts["not checkable"],
    )
    return f"{said} {words('claims_empty', empty=empty)}" if empty else said


_STATUSES = ("reproduced", "contradicted", "not checkable")


def answer_sections(result: CaseResult, words: Words) -> list[Section]:
    """Models, controls, pairs, claims, and what cannot be said."""
    claims: list[Block] = [Sentence(words("claims_none"))]
    if result.claims:
        claims = [Sentence(claims_sentence(result, words)), claims_grid(result, words)]
    checked = [pair for pair in result.pairs if pair.expected in {"related", "unrelated"}]
    return [
        Section("controls", words("controls_title"), [_expected_grid(checked, words), models_grid(result, words)]),
        Section("pairs", words("pairs_title"), [pairs_grid(result, words)]),
        Section("claims", words("claims_title"), [*claims, thresholds_grid(result, words)]),
        Section("limits", words("cannot"), [Sentence(text) for text in limits(result, words)]),
    ]


def _expected_grid(pairs: list[CasePair], words: Words) -> Grid:
    rows = [
        [
            values.pair_name(pair.first, pair.second),
            words(f"expected_{pair.expected}"),
            words(f"verdict_{pair.verdict}"),
            evalue(pair.log10_evalue),
            values.cosine(pair.identity),
        ]
        for pair in pairs
    ]
    titles = [words(key) for key in ("pair", "expected", "verdict", "evalue", "identity")]
    return Grid("controls", words("controls_caption"), titles, rows, (0, 1, 2))


def models_grid(result: CaseResult, words: Words) -> Grid:
    """A line for every model."""
    titles = [words(key) for key in ("model", "name", "role", "family", "released", "parameters", "read", "note")]
    rows = [
        [
            one.label,
            one.name,
            words(f"role_{one.role}", of=one.of),
            one.family or values.DASH,
            one.released or one.created or values.DASH,
            parameters(one.parameters) if one.parameters else values.DASH,
            f"{size(one.bytes_read)} / {size(one.bytes_total)}" if not one.failure else values.DASH,
            _note(one, words),
        ]
        for one in result.models
    ]
    return Grid("models", words("models_caption"), titles, rows, (0, 1, 2, 3, 7))


def _note(one: CaseModelRow, words: Words) -> str:
    notes = [] if one.confirmed else [words("unconfirmed")]
    notes += [words("not_read", reason=one.failure)] if one.failure else []
    return "; ".join([*notes, *([one.note] if one.note else [])]) or values.DASH


def pairs_grid(result: CaseResult, words: Words) -> Grid:
    """A line for every pair."""
    rows = [
        [
            values.pair_name(pair.first, pair.second),
            words(f"expected_{pair.expected}"),
            values.verdict_text(words, pair),
            values.direction_text(words, pair),
            evalue(pair.log10_evalue),
            values.cosine(pair.identity),
            values.part(pair.coverage),
            ", ".join(pair.relation).replace("_", " ") or values.DASH,
        ]
        for pair in result.pairs
    ]
    keys = ("pair", "expected", "verdict", "direction", "evalue", "identity", "coverage", "relation")
    marked = [number for number, pair in enumerate(result.pairs) if pair.expected == "asked"]
    caption = words("pairs_caption", count=result.corrected_for)
    return Grid("pairs", caption, [words(key) for key in keys], rows, (0, 1, 2, 3, 7), marked=marked)


def claims_grid(result: CaseResult, words: Words) -> Grid:
    """A line for every claim."""
    keys = ("claim", "status", "published", "found", "null", "says", "null_from", "source")
    rows = [
        [
            claim_text(one),
            words(f"status_{one.status}"),
            published_text(one),
            one.found or values.DASH,
            null_text(one),
            values.DASH if one.beyond_null is None else words("yes" if one.beyond_null else "no"),
            one.reason or ", ".join(_sources_of_null(one, words)) or values.DASH,
            one.source or values.DASH,
        ]
        for one in result.claims
    ]
    return Grid("claims", words("claims_caption"), [words(key) for key in keys], rows, (0, 1, 5, 6, 7))


def claim_text(one: ClaimAnswer) -> str:
    """What a claim says, by its text or by what it measures."""
    if one.text:
        return one.text
    tensors, models = ", ".join(one.tensors), "-".join(one.models)
    listed = {", ".join(map(str, layers)) for layers in one.layers.values()}
    at = " / ".join(f"{label} {', '.join(map(str, layers))}" for label, layers in one.layers.items())
    layers = f" @ {at if len(listed) > 1 else next(iter(listed))}" if listed else ""
    options = ", ".join(f"{key} {value}" for key, value in one.options.items())
    about = ", ".join(text for text in (tensors, options) if text)
    return f"{one.metric.replace('_', ' ')}{f' ({about})' if about else ''}, {models}{layers}"


def published_text(one: ClaimAnswer) -> str:
    """The published value, and how far the one that is found may be off: `0.95 ± 0.01`, `≥ 0.95`.

    >>> from forebear.queries.comparison.case.records import ClaimAnswer
    >>> one = ClaimAnswer("", "cosine", ("a", "b"), (), {}, {"bound": "above"}, "0.95", "1", 0.01, "reproduced",
    ...                   None, None, (), None, None, "", "")
    >>> published_text(one)
    '≥ 0.95'
    """
    if bound := one.options.get("bound"):
        return f"{'≥' if bound == 'above' else '≤'} {one.published}"
    return f"{one.published} ± {one.allowed:.2g}" if one.allowed else one.published


def null_text(one: ClaimAnswer) -> str:
    """The range of the null."""
    if one.null_low is None or one.null_high is None:
        return values.DASH
    low, high = (f"{value:.4g}" for value in (one.null_low, one.null_high))
    return low if low == high else f"{low} … {high}"


def _sources_of_null(one: ClaimAnswer, words: Words) -> Iterator[str]:
    named = ("shuffled", "layers apart", "mismatched tokens", "random order")
    for name in one.null_from:
        if name in named:
            yield words(f"from_{name}")
    if controls := sum(name not in named for name in one.null_from):
        yield words("from_controls", count=controls)


def _experts(result: CaseResult) -> str:
    """`solar, glm 1 / 128; phi 1 / 16`: how many routed experts of a layer were read; empty without any."""
    counts: dict[tuple[int, int], list[str]] = {}
    for one in result.models:
        if one.experts:
            counts.setdefault((one.experts_read, one.experts), []).append(one.label)
    return "; ".join(f"{', '.join(labels)} {read} / {experts}" for (read, experts), labels in counts.items())


def limits(result: CaseResult, words: Words) -> list[str]:
    """What the answer cannot say."""
    unread = [one.label for one in result.models if one.failure]
    unconfirmed = [f"{one.label} ({one.name})" for one in result.models if not one.confirmed]
    dated = [f"{one.label} {one.released or one.created}" for one in result.models if one.released or one.created]
    roots = [f"{one.label}: {one.root}" for one in result.models if one.root]
    untold = any(pair.direction and pair.direction.kind == "unknown" for pair in result.pairs)
    return [
        *([words("cannot_unread", models=", ".join(unread))] if unread else []),
        *([words("cannot_direction")] if untold else []),
        words("cannot_sampled"),
        *([words("cannot_experts", models=experts)] if (experts := _experts(result)) else []),
        words("cannot_data"),
        *([words("cannot_unconfirmed", models=", ".join(unconfirmed))] if unconfirmed else []),
        *([words("cannot_dates", claims="; ".join([*dated, *roots]))] if dated or roots else []),
    ]
