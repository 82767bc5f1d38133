"""Records of two models compared beside those of controls."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...ingest.errors import ForebearError
from ...queries.statistics.agreement import agreement_log_p, beyond_spread_log_p, prompts_needed
from ...queries.thresholds.significance import BEHAVIOUR_LOG_P

Tokens = Mapping[str, str]
LEAST_PROMPTS = 50
"""Prompts that all records must have in common: below, the normal approximation of the test says little."""
LEAST_CONTROLS = 3
"""From so many on, how much unrelated models differ is measured; with fewer, every difference from them counts."""
NEAREST_CONTROLS = 6
"""Controls that the spread is measured on, those that agree most with the two: models that were trained less, or on
other text, agree less with everyone, and would count as spread."""
CANNOT_TELL = (
    "Agreement of next tokens is kinship of behaviour: models distilled from one another, or trained on the same text,"
    " agree too. It says nothing of direction, nor of descent of weights; `forebear compare` tells that."
)
FEW_CONTROLS = (
    f"Fewer than {LEAST_CONTROLS} controls: how much unrelated models differ is not known, and the nearest"
    " control stands for all. p is too small where they differ; give controls of more makers."
)
POWER = 0.9
"""Chance to find a difference as large as the one seen, for which the number of prompts is said."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a candidate agrees with A: rates are shares of `prompts`, `log_p` is natural and corrected for `tried`.

    `expected` is the agreement of an unrelated pair, None with fewer than LEAST_CONTROLS controls: `log_p` is
    `log_p_two_proportions` then, which takes the nearest control for all unrelated models.
    """

    a: str
    b: str
    prompts: int
    agreement: float
    control: str
    control_agreement: float
    tried: int
    log_p: float
    needed: int | None
    expected: float | None
    log_p_two_proportions: float

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
            "expected_agreement": self.expected,
            "p_two_proportions": math.exp(self.log_p_two_proportions),
        }


def compare_outputs(
    a: tuple[str, Tokens], candidates: Sequence[tuple[str, Tokens]], controls: Sequence[tuple[str, Tokens]]
) -> list[Behaviour]:
    """A beside every candidate: (name, prompt -> next token), on the prompts that all records answer.

    From three controls on, p is that of an agreement as high as this one for one more unrelated pair, by the spread
    between the controls that agree most with the two; a pair that agrees no more than either does with some control
    has p = 1. With fewer, p is that of two proportions, against the highest agreement that either has with a control.
    p is multiplied by the number of candidates. Raises ForebearError where controls or prompts are too few.
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
    agreed = agreements(everyone, shared)
    names = [name for name, _ in (a, *candidates, *controls)]
    behind = range(len(candidates) + 1, len(names))
    found = []
    for at in range(1, len(candidates) + 1):
        chosen = [0, at, *behind]
        counts = agreed[np.ix_(chosen, chosen)]
        found.append(judge([names[one] for one in chosen], counts, len(shared), tried=len(candidates)))
    return found


def judge(names: Sequence[str], agreed: NDArray[np.int64], count: int, *, tried: int = 1) -> Behaviour:
    """The first two of `names` beside controls, which are all others; `agreed` [names, names] counts, of `count`."""
    nearest, name = max((int(agreed[side, at]), names[at]) for side in (0, 1) for at in range(2, len(names)))
    same = int(agreed[0, 1])
    log_p = proportions = agreement_log_p(same, count, nearest, count)
    expected = None
    if len(names) - 2 >= LEAST_CONTROLS:
        near = 2 + np.argsort(-agreed[:2, 2:].sum(axis=0), kind="stable")[:NEAREST_CONTROLS]
        chosen = [0, 1, *near.tolist()]
        log_p, expected = beyond_spread_log_p(agreed[np.ix_(chosen, chosen)], count)
        log_p = log_p if same > nearest else 0.0
    level = BEHAVIOUR_LOG_P - math.log(tried)
    return Behaviour(
        a=names[0],
        b=names[1],
        prompts=count,
        agreement=same / count,
        control=name,
        control_agreement=nearest / count,
        tried=tried,
        log_p=min(0.0, log_p + math.log(tried)),
        needed=prompts_needed(nearest / count, same / count, level, POWER),
        expected=expected,
        log_p_two_proportions=min(0.0, proportions + math.log(tried)),
    )


def agreements(everyone: Sequence[Tokens], shared: Sequence[str]) -> NDArray[np.int64]:
    """How many of the prompts `shared` every two models answer alike [models, models]."""
    numbers: dict[str, int] = {}
    answers = np.array([[numbers.setdefault(one[prompt], len(numbers)) for prompt in shared] for one in everyone])
    return np.array([(answers == row).sum(axis=1) for row in answers])
