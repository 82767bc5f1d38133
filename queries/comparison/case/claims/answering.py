"""Every published claim, measured as it was published: reproduced, contradicted or not checkable, beside its null.

A number is reproduced where the value found differs from it by at most one unit of its last digit and CLAIM_ERRORS
standard errors of what was sampled here, or by the claim's own tolerance. Norm gains are read whole and have no such
error. Whether a value says anything is another question, which its null answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation

from ....thresholds.comparison import CLAIM_ERRORS
from ..measured import Measured
from ..question import Claim
from ..records import ClaimAnswer, Status
from . import of_gains, of_models, of_tokens, of_weights
from .finding import Finding, NotCheckable

METRICS: dict[str, Callable[[Measured, Claim], Finding]] = {
    "cosine": of_weights.cosine,
    "centred_cosine": of_weights.centred_cosine,
    "mean_abs_difference": of_weights.mean_abs_difference,
    "cosine_z": of_gains.cosine_z,
    "within_cosine": of_gains.within_cosine,
    "relation": of_models.relation,
    "merge_weight": of_models.merge_weight,
    "config": of_models.config,
    "settings_compared": of_models.settings_compared,
    "settings_equal": of_models.settings_equal,
    "parameters": of_models.parameters,
    "change_spread": of_models.change_spread,
    "shared_tokens": of_tokens.shared_tokens,
    "shared_share": of_tokens.shared_share,
    "equal_ids": of_tokens.equal_ids,
    "id_correlation": of_tokens.id_correlation,
    "embedding_cosine": of_tokens.embedding_cosine,
    "embedding_above": of_tokens.embedding_above,
    "vocabulary_size": of_tokens.vocabulary_size,
    "ids_from": of_tokens.ids_from,
    "class_tokens": of_tokens.class_tokens,
    "class_share": of_tokens.class_share,
    "first_special": of_tokens.first_special,
    "token_at": of_tokens.token_at,
}
"""Every metric that a claim may name. A new one is a function and a line here; docs/cases.md says what each means."""
MODELS = {
    **dict.fromkeys(
        ("config", "parameters", "vocabulary_size", "ids_from", "class_tokens", "class_share", "first_special"), 1
    ),
    **dict.fromkeys(("token_at", "within_cosine"), 1),
}
"""Metrics of one model; all others are of two."""
WORDS = frozenset({"relation", "config", "token_at"})
"""Metrics whose value may be words."""


def answers(measured: Measured, claims: Sequence[Claim]) -> list[ClaimAnswer]:
    """The answer to each claim, in order."""
    return [_answer(measured, claim) for claim in claims]


def _answer(measured: Measured, claim: Claim) -> ClaimAnswer:
    try:
        missing = next((measured.failures[label] for label in claim.models if label in measured.failures), None)
        if missing is not None:
            raise NotCheckable(missing)
        found = METRICS[claim.metric](measured, claim)
    except NotCheckable as reason:
        return _record(claim, None, None, "not checkable", str(reason))
    allowed = _allowed(claim, found)
    agrees = found.text == claim.value if found.value is None else _agrees(found.value, claim, allowed or 0.0)
    return _record(claim, found, allowed, "reproduced" if agrees else "contradicted", found.reason)


def _allowed(claim: Claim, found: Finding) -> float | None:
    """How far a number may be off: the claim's tolerance, else one unit of its last digit and the error of sampling."""
    if found.value is None:
        return None
    if claim.tolerance is not None:
        return claim.tolerance
    return last_digit(claim.value) + CLAIM_ERRORS * found.error


def last_digit(written: str) -> float:
    """One unit of the last digit of a number as it is written; 0 for a whole number, which is exact.

    >>> last_digit("0.90"), last_digit("485"), last_digit("1e-3")
    (0.01, 0.0, 0.0)
    """
    try:
        exponent = Decimal(written).as_tuple().exponent
    except InvalidOperation:
        return 0.0
    return 10.0**exponent if isinstance(exponent, int) and exponent < 0 and "e" not in written.lower() else 0.0


def _agrees(value: float, claim: Claim, allowed: float) -> bool:
    """Whether a number is the published one, or lies where it bounds it."""
    try:
        published = float(claim.value)
    except ValueError:
        return False
    slack = 1e-9 * max(1.0, abs(published))  # of decimal fractions in binary
    match claim.options.get("bound"):
        case "above":
            return value >= published - slack
        case "below":
            return value <= published + slack
        case _:
            return math.isfinite(value) and abs(value - published) <= allowed + slack


def _record(
    claim: Claim, found: Finding | None, allowed: float | None, status: Status, reason: str | None
) -> ClaimAnswer:
    low, high = (found.null_low, found.null_high) if found else (None, None)
    value = found.value if found else None
    beyond = None if low is None or high is None or value is None else not low <= value <= high
    return ClaimAnswer(
        claim.name,
        claim.metric,
        claim.models,
        claim.tensors,
        claim.layers,
        claim.options,
        claim.value,
        None if found is None else found.shown,
        allowed,
        status,
        low,
        high,
        found.null_from if found else (),
        beyond,
        reason,
        claim.source,
        claim.text,
    )
