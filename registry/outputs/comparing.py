"""Records of two models compared beside those of controls."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...ingest.errors import ForebearError
from ...queries.statistics.agreement import agreement_log_p, prompts_needed
from ...queries.thresholds.significance import BEHAVIOUR_LOG_P

Tokens = Mapping[str, str]
LEAST_PROMPTS = 50
"""Prompts that all records must have in common: below, the normal approximation of the test says little."""
CANNOT_TELL = (
    "Agreement of next tokens is kinship of behaviour: models distilled from one another, or trained on the same text,"
    " agree too. It says nothing of direction, nor of descent of weights; `forebear compare` tells that."
)
POWER = 0.9
"""Chance to find a difference as large as the one seen, for which the number of prompts is said."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a candidate agrees with A: rates are shares of `prompts`, `log_p` is natural and corrected for `tried`."""

    a: str
    b: str
    prompts: int
    agreement: float
    control: str
    control_agreement: float
    tried: int
    log_p: float
    needed: int | None

    @property
    def alike(self) -> bool:
        """Whether the two agree significantly more often than with any control."""
        return self.log_p <= BEHAVIOUR_LOG_P

    @property
    def row(self) -> dict[str, object]:
        """As printed in CSV and JSON; `p` is 0 where it underflows, `log10_p` never."""
        return {
            "a": self.a,
            "b": self.b,
            "verdict": "behaves alike" if self.alike else "no kinship of behaviour shown",
            "agreement": self.agreement,
            "control": self.control,
            "control_agreement": self.control_agreement,
            "p": math.exp(self.log_p),
            "log10_p": self.log_p / math.log(10),
            "prompts": self.prompts,
            "candidates_tried": self.tried,
            "prompts_needed": self.needed,
        }


def compare_outputs(
    a: tuple[str, Tokens], candidates: Sequence[tuple[str, Tokens]], controls: Sequence[tuple[str, Tokens]]
) -> list[Behaviour]:
    """A beside every candidate: (name, prompt -> next token), on the prompts that all records answer.

    The null rate is the largest one with which A or the candidate agrees with any control, so every control has to be
    beaten (an intersection-union test, whose level needs no correction for their number). p is multiplied by the
    number of candidates. Raises ForebearError where controls or prompts are too few.
    """
    if not controls:
        raise ForebearError("no control: name at least one model that has nothing to do with either, by --control")
    if not candidates:
        raise ForebearError("no candidate to compare with")
    everyone = [tokens for _, tokens in (a, *candidates, *controls)]
    shared = sorted(set(everyone[0]).intersection(*everyone[1:]))
    if len(shared) < LEAST_PROMPTS:
        raise ForebearError(
            f"{len(shared)} prompts are in all records, fewer than {LEAST_PROMPTS}; record the same list for all"
        )
    return [_pair(a, candidate, controls, shared, len(candidates)) for candidate in candidates]


def _pair(
    a: tuple[str, Tokens], b: tuple[str, Tokens], controls: Sequence[tuple[str, Tokens]], shared: list[str], tried: int
) -> Behaviour:
    count = len(shared)
    agreed = _agreed(a[1], b[1], shared)
    nearest, name = max((_agreed(side[1], tokens, shared), name) for side in (a, b) for name, tokens in controls)
    log_p = min(0.0, agreement_log_p(agreed, count, nearest, count) + math.log(tried))
    level = BEHAVIOUR_LOG_P - math.log(tried)
    needed = prompts_needed(nearest / count, agreed / count, level, POWER)
    return Behaviour(a[0], b[0], count, agreed / count, name, nearest / count, tried, log_p, needed)


def _agreed(a: Tokens, b: Tokens, shared: list[str]) -> int:
    return sum(a[prompt] == b[prompt] for prompt in shared)
