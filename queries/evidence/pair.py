"""The evidence between a query and one candidate: significance, and what every tensor of the query matched."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..data.component import Component
from ..statistics.pvalues import LOG10, bonferroni, fisher, smallest_of_kinds
from ..thresholds.significance import FEW_BLOCKS, SIGNIFICANT_LOG10_E, TENSOR_LOG_P
from .activations import ACTIVATIONS
from .alignment import Alignment, Pairing, pair
from .gains import Gains, compare_gains
from .kinds import KINDS
from .match import Match, matches
from .tokens import TokenMatch, match_tokens


@dataclass(frozen=True)
class PairEvidence:
    """Everything that speaks for or against a relation of two components; p-values are log10.

    `correction`, added to a small log10 p of a kind, makes it an E-value: for the kinds there are and the models.
    """

    pairing: Pairing
    alignments: tuple[Alignment, ...]
    tokens: tuple[TokenMatch, ...]
    log10_p: dict[str, float]
    log10_evalue: float
    correction: float
    match: Match
    gains: Gains

    @property
    def significant(self) -> bool:
        """Whether so much likeness is not to be expected among unrelated models in a registry of this size."""
        return self.log10_evalue <= SIGNIFICANT_LOG10_E

    @property
    def kind(self) -> str | None:
        """The kind of evidence that says most."""
        return min(self.log10_p, key=lambda k: self.log10_p[k]) if self.log10_p else None

    def alignment(self, kind: str) -> Alignment | None:
        """The alignment by one kind."""
        return next((a for a in self.alignments if a.kind == kind), None)

    @cached_property
    def block_map(self) -> NDArray[np.int64]:
        """The candidate's unit of every query unit, by the kind that says most there; -1 where none is significant."""
        best = np.full(len(self.pairing.query_units), -1, np.int64)
        for found in reversed(self.alignments):
            if self.log10_p[found.kind] + self.correction <= SIGNIFICANT_LOG10_E:
                sure = found.unit_log_p <= TENSOR_LOG_P
                best[sure] = found.best[sure]
        return best


def compare(query: Component, candidate: Component, models: int, *, thorough: bool = True) -> PairEvidence:
    """The evidence between two components, for a registry of `models` models.

    Unless `thorough`, the kinds that hold in another basis are left out where positions already match every tensor of
    the query: nothing about the answer depends on them then.
    """
    pairing = pair(query, candidate)
    tokens = match_tokens(query, candidate)
    found = {kind.name: kind.align(pairing) for kind in KINDS if kind.same_basis}
    evidence = _weighed(pairing, found, tokens, models)
    if thorough or not evidence.significant or (evidence.match.kind[query.scorable] < 0).any():
        found |= {kind.name: kind.align(pairing) for kind in KINDS if not kind.same_basis}
        evidence = _weighed(pairing, found, tokens, models)
    return replace(evidence, gains=compare_gains(pairing, evidence.block_map)) if evidence.significant else evidence


def same_function(query: Component, candidate: Component, models: int) -> bool:
    """Whether what neurons do is alike beyond chance, in a registry of `models` models: `compare` would say so by it.

    Of models that the sketch of activations alone finds near, which unrelated ones of one vocabulary are, the others
    need no further evidence.
    """
    found = ACTIVATIONS.align(pair(query, candidate))
    return found is not None and found.log_p / LOG10 + _correction(models) <= SIGNIFICANT_LOG10_E


def _correction(models: int) -> float:
    """What the log10 of a p-value is raised by for the kinds that were tried and the models there are."""
    return math.log10(len(KINDS)) + math.log10(max(1, models))


def _weighed(
    pairing: Pairing, found: Mapping[str, Alignment | None], tokens: list[TokenMatch], models: int
) -> PairEvidence:
    """The p-value of each kind, and the E-value of the best, corrected for all kinds and all models."""
    alignments = [a for a in found.values() if a is not None]
    log10_p = {a.kind: a.log_p / LOG10 for a in alignments}
    if tokens:
        blocks = found["positions"]
        used = blocks.unit_log_p[blocks.tried > 0] if blocks else np.empty(0)
        if blocks and pairing.query.network:
            used = np.array([blocks.log_p])  # which leaves out the likeliest matrices
        log10_p["positions"] = fisher(np.append(used, _of_tokens(tokens))) / LOG10
    correction = _correction(models)
    smallest, tests = min(log10_p.values(), default=0.0), len(log10_p) if _null_measured(found.get("gram")) else None
    evalue = smallest_of_kinds(smallest, len(KINDS), tests) + math.log10(max(1, models))
    trusted = {kind for kind, p in log10_p.items() if p + correction <= SIGNIFICANT_LOG10_E}
    match = matches(pairing, [a for a in alignments if a.kind in trusted], tokens if "positions" in trusted else [])
    nothing = Gains(float("nan"), 0, False)
    return PairEvidence(pairing, tuple(alignments), tuple(tokens), log10_p, evalue, correction, match, nothing)


def _null_measured(gram: Alignment | None) -> bool:
    """Whether both models have blocks enough for their mismatched ones to be the null."""
    return gram is not None and min(int((gram.tried > 0).sum()), int(gram.tried.max())) >= FEW_BLOCKS


def _of_tokens(tokens: list[TokenMatch]) -> float:
    """Log p of the rows of tokens: the better of embedding and head, corrected for the choice.

    A head may be the embedding, or the embedding times a gain, on either side: two draws of one luck, not two.
    """
    return float(bonferroni(np.array(min(t.log_p for t in tokens)), float(len(tokens))))
