"""Claims about vocabularies and embedding rows."""

from __future__ import annotations

import math

from .....ingest.text import printable
from ..embeddings import HIGH_COSINE
from ..measured import Measured
from ..question import Claim
from ..records import ClassCosine, EmbeddingFigure, ModelVocabulary, VocabularyPair
from ..token_classes import ASCII_LETTERS, CLASSES, token_class
from .finding import Finding, NotCheckable, ranged


def _pair(measured: Measured, claim: Claim) -> VocabularyPair:
    found = measured.vocabulary_pair(*claim.models)
    if found is None:
        without = [label for label in claim.models if label not in measured.spelled]
        raise NotCheckable(f"no tokenizer that forebear reads: {', '.join(without)}")
    return found


def _controls(measured: Measured, claim: Claim) -> list[VocabularyPair]:
    pairs = (measured.vocabulary_pair(a, b) for a, b in measured.unrelated(claim.models))
    return [pair for pair in pairs if pair is not None]


def _names(pairs: list[VocabularyPair]) -> tuple[str, ...]:
    return tuple(f"{pair.first}-{pair.second}" for pair in pairs)


def shared_tokens(measured: Measured, claim: Claim) -> Finding:
    """Tokens that both have, by their text."""
    controls = _controls(measured, claim)
    low, high = ranged([float(pair.tokenizer.shared) for pair in controls])
    found = _pair(measured, claim)
    return Finding(float(found.tokenizer.shared), null_low=low, null_high=high, null_from=_names(controls))


def shared_share(measured: Measured, claim: Claim) -> Finding:
    """Shared tokens over those of the model that `of` names, the second without it."""
    found, controls = _pair(measured, claim), _controls(measured, claim)
    of = claim.options.get("of", claim.models[1])
    low, high = ranged([share for pair in controls for share in (pair.tokenizer.share_a, pair.tokenizer.share_b)])
    share = found.tokenizer.share_a if found.first == of else found.tokenizer.share_b
    return Finding(share, null_low=low, null_high=high, null_from=_names(controls))


def equal_ids(measured: Measured, claim: Claim) -> Finding:
    """Shared tokens that have one id in both; the null is what a random order gives, and pairs with controls."""
    found, controls = _pair(measured, claim), _controls(measured, claim)
    chance = found.expected_equal
    low, high = ranged([0.0, chance + 4 * math.sqrt(chance), *(float(pair.equal_ids) for pair in controls)])
    return Finding(float(found.equal_ids), null_low=low, null_high=high, null_from=("random order", *_names(controls)))


def id_correlation(measured: Measured, claim: Claim) -> Finding:
    """Pearson's correlation of the ids of shared tokens; frequent tokens come first in every vocabulary."""
    controls = _controls(measured, claim)
    low, high = ranged([pair.id_correlation for pair in controls])
    found = _pair(measured, claim).id_correlation
    return Finding(found, null_low=low, null_high=high, null_from=_names(controls))


def _embedding(measured: Measured, claim: Claim) -> tuple[EmbeddingFigure, ClassCosine]:
    figure = _pair(measured, claim).embedding
    if figure is None or figure.reason is not None:
        raise NotCheckable(figure.reason if figure and figure.reason else "no embedding that both have")
    name = claim.options.get("class", ASCII_LETTERS)
    found = next((one for one in figure.classes if one.name == name), None)
    if found is None or not found.tokens:
        raise NotCheckable(f"no shared tokens of the class {name}")
    return figure, found


def embedding_cosine(measured: Measured, claim: Claim, *, centred: bool = False) -> Finding:
    """The mean cosine of embedding rows of shared tokens of a class; the null are rows of different tokens."""
    figure, found = _embedding(measured, claim)
    spread = (figure.centred_mismatched_sd if centred else figure.sd) / math.sqrt(found.tokens)
    middle = 0.0 if centred else found.mismatched
    return Finding(
        found.centred_cosine if centred else found.cosine,
        error=spread,
        null_low=middle - 4 * spread,
        null_high=middle + 4 * spread,
        null_from=("mismatched tokens",),
    )


def embedding_above(measured: Measured, claim: Claim) -> Finding:
    """How many of the compared tokens have a cosine above 0.9; the null is how many rows of different tokens have."""
    figure, found = _embedding(measured, claim)
    high = sum(share for low, share in zip(figure.edges, figure.mismatched, strict=False) if low > HIGH_COSINE - 1e-9)
    chance = high * found.tokens
    above = round(found.above * found.tokens)
    return Finding(above, null_low=0.0, null_high=chance + 4 * math.sqrt(chance), null_from=("mismatched tokens",))


def _vocabulary(measured: Measured, claim: Claim) -> ModelVocabulary:
    found = measured.vocabulary(claim.models[0])
    if found is None:
        raise NotCheckable(f"no tokenizer that forebear reads: {claim.models[0]}")
    return found


def vocabulary_size(measured: Measured, claim: Claim) -> Finding:
    """Rows of the vocabulary as the config states them, else the tokens that the tokenizer has."""
    for row in measured.settings:
        if row.key == "vocab_size":
            for value in row.values:
                if value.model == claim.models[0] and isinstance(value.value, int):
                    return Finding(float(value.value))
    return Finding(float(_vocabulary(measured, claim).facts.size))


def _from(claim: Claim) -> int:
    return int(claim.options["from"]) if "from" in claim.options else 0


def ids_from(measured: Measured, claim: Claim) -> Finding:
    """Ids from the one that `from` names on: up to the rows that the config states."""
    return Finding(max(0.0, (vocabulary_size(measured, claim).value or 0.0) - _from(claim)))


def _classes(claim: Claim) -> list[str]:
    wanted = [name.strip() for name in claim.options.get("class", "").split("+")]
    unknown = [name for name in wanted if name not in CLASSES]
    if unknown:
        raise NotCheckable(f"no such class of tokens: {', '.join(unknown)}")
    return wanted


def class_tokens(measured: Measured, claim: Claim) -> Finding:
    """Tokens of the classes that `class` names (with `+` between them) among the ids from `from` on."""
    return Finding(float(_class_counts(measured, claim)[0]))


def class_share(measured: Measured, claim: Claim) -> Finding:
    """The share of them among all tokens from that id on."""
    of_class, every = _class_counts(measured, claim)
    if not every:
        raise NotCheckable(f"no tokens from id {_from(claim)} on")
    return Finding(of_class / every)


def _class_counts(measured: Measured, claim: Claim) -> tuple[int, int]:
    _vocabulary(measured, claim)
    spelled, start, wanted = measured.spelled[claim.models[0]], _from(claim), _classes(claim)
    tokenizer = spelled.tokenizer
    special = sum(tokenizer.tokens.get(text, -1) >= start for text in tokenizer.specials)
    kinds = [token_class(token) for token, number in spelled.ids.items() if number >= start]
    return sum(kind in wanted for kind in kinds) + ("special" in wanted) * special, len(kinds) + special


def first_special(measured: Measured, claim: Claim) -> Finding:
    """How many of the first twenty ids are special tokens."""
    return Finding(float(_vocabulary(measured, claim).first_special))


def token_at(measured: Measured, claim: Claim) -> Finding:
    """The text of the token of the id that `id` names."""
    spelled, wanted = measured.spelled.get(claim.models[0]), int(claim.options["id"])
    if spelled is None:
        raise NotCheckable(f"no tokenizer that forebear reads: {claim.models[0]}")
    text = next((text for text, number in spelled.tokenizer.tokens.items() if number == wanted), None)
    if text is None:
        raise NotCheckable(f"no token has the id {wanted}")
    return Finding(None, printable(text, 80))
