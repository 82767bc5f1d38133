"""The answer where no relative was found: unrelated, or too little to tell, and of how many models."""

from __future__ import annotations

from collections.abc import Sequence

from ..lineage.ranking import Ranked
from ..relation.coverage import coverage_of
from ..thresholds.comparison import FEW_MATRICES
from ..thresholds.significance import LEAST_COMPARED
from .question import Question
from .records import Verdict

REORDERED = "a copy with its channels in another order would not be recognised"
"""What an answer of `unrelated` does not exclude for a network: column sets are kept of roles in layers alone."""


def without_relatives(question: Question, ranked: Sequence[Ranked], wanted: str = "ancestor") -> tuple[Verdict, str]:
    """The verdict and its words for a component to which none of the candidates `ranked` is related.

    `wanted` is what was asked for.
    """
    component, models, comparable = question.component, question.models, question.comparable
    reordered = f" ({REORDERED})" if component.network else ""
    if not models:
        return "inconclusive", "the registry holds no other model to compare with"
    if len(component.positions.tensor) < FEW_MATRICES:
        return "inconclusive", "too few matrices to tell anything"
    if comparable is None and not ranked:  # an audit looks at what is near by sketch, and nothing was
        return "unrelated", f"no {wanted} among {models} models{reordered}"
    most = max((coverage_of(one.candidate.evidence).compared for one in ranked), default=0.0)
    if most <= 0:
        return "inconclusive", f"none of {models} models has anything to compare it with"
    if most < LEAST_COMPARED:
        share = f"{1 - most:.0%} of its parameters were compared with none of {models} models"
        return "inconclusive", f"{share}: too little to call it unrelated"
    count = models if comparable is None else min(models, max(1, comparable()))
    return (
        "unrelated",
        f"no {wanted} among {f'{count} comparable of ' if count < models else ''}{models} models" + reordered,
    )
