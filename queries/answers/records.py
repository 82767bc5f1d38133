"""The records of a question and of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..lineage.direction import DirectionKind
from ..relation.coverage import Coverage
from ..relation.freedoms import Freedom
from ..relation.origin import Origin
from .tabular import one_line
from .wording import evalue, share

Verdict = Literal["derived", "related", "shared_initialisation", "unrelated", "inconclusive"]
"""An ancestor is known; of one lineage, which came first is not; trained apart from one start; nothing; too little."""


@dataclass(frozen=True, slots=True)
class BlockMatch:
    """One block of the query and the block of the ancestor that it fits, by the strongest evidence."""

    query: str
    ancestor: str
    log10_p: float
    identity: float


@dataclass(frozen=True, slots=True, repr=False)
class Ancestor:
    """One row of the answer. `log10_evalue` above -3 is what unrelated models reach, `evidence` says most.

    `coverage` is the first of `coverage_parts`.
    `direction` is that of the row's model, seen from the query, `direction_probability` that of being an ancestor, and
    `direction_by` what both rest on. `equal_values` is the share of sampled values that are equal bit for bit. `origin`
    is None for unrelated models. `log10_p` holds the p-value of each kind of evidence that was looked at, before any
    correction. `freedoms` say what was rewritten where `relation` has `basis_changed`.
    """

    rank: int
    model_id: int
    name: str
    source: str
    component: str
    evidence: str | None
    log10_evalue: float
    identity: float
    coverage: float
    coverage_parts: Coverage
    distance: float
    relation: tuple[str, ...]
    reason: str
    merged_with: str | None
    direction: DirectionKind
    direction_probability: float
    direction_by: tuple[str, ...]
    equal_values: float
    declared: bool
    declared_child: bool
    blocks: tuple[BlockMatch, ...]
    origin: Origin | None
    log10_p: dict[str, float]
    freedoms: tuple[Freedom, ...] = ()

    @property
    def evalue(self) -> float:
        """The E-value as a number; 0.0 below 1e-323, which `log10_evalue` still tells apart."""
        return float(10.0 ** min(self.log10_evalue, 300.0))

    @property
    def sentence(self) -> str:
        """The row in words, with its figures."""
        if self.origin is None:
            return f"{self.name}: unrelated, E = {evalue(self.log10_evalue)}"
        kind = "which came first cannot be told" if self.direction == "unknown" else f"a {self.direction}"
        kind = kind.replace("a ancestor", "an ancestor")
        flags = ", ".join(flag.replace("_", " ") for flag in self.relation)
        return (
            f"{self.name}: {flags}; {kind} (probability of an ancestor {self.direction_probability:z.2f});"
            f" identity {self.identity:z.3f}, coverage {share(self.coverage)}, E = {evalue(self.log10_evalue)}"
        ).replace("= <", "< ")

    def __repr__(self) -> str:
        return one_line("Ancestor", self.sentence)


@dataclass(frozen=True, slots=True, repr=False)
class ComponentAnswer:
    """The verdict for one component of the query, in one sentence, and its ranked ancestors.

    `left_out` counts candidates that are here by their sketches alone and were not compared.
    """

    component: str
    verdict: Verdict
    sentence: str
    ancestors: tuple[Ancestor, ...]
    left_out: int = 0

    def __repr__(self) -> str:
        return one_line("ComponentAnswer", f"{self.sentence}; {len(self.ancestors)} rows")


_STRENGTH: tuple[Verdict, ...] = ("derived", "related", "shared_initialisation", "inconclusive", "unrelated")


def overall(verdicts: Mapping[str, Verdict]) -> Verdict:
    """The verdict of the language component; without one, the strongest of the others. Keys are components."""
    if "language" in verdicts:
        return verdicts["language"]
    for verdict in _STRENGTH:
        if verdict in verdicts.values():
            return verdict
    return "inconclusive"
