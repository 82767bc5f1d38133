"""The order of significant candidates: by distance, with ties where the data cannot tell, and merges found as pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ...ingest.fingerprint.positions import MATRIX_VALUES
from ..evidence.pair import PairEvidence
from ..relation.flags import Relation
from .family import MOST, Family, family

TIE_SHARE = 0.05
"""Distances that differ by less are not told apart."""
_TIE_ERRORS = 2.0
_MOSTLY = 0.5
_STRUCTURE = frozenset(
    {"layers_removed", "layers_added", "layers_reordered", "width_pruned", "experts_upcycled", "basis_changed"}
)


Place = tuple[bool, bool, float]
"""A merge of others, a rounded copy of another, and how far from the middle of the family."""


@dataclass(frozen=True)
class Candidate:
    """A candidate with its evidence and relation.

    `declared_child` when it names the query as its parent, `later` when it was released after the query.
    """

    name: str
    uri: str
    evidence: PairEvidence
    relation: Relation | None
    declared: bool
    declared_child: bool
    released_at: datetime | None
    later: bool

    @property
    def key(self) -> int:
        """The model id."""
        return self.evidence.pairing.candidate.model_id

    @property
    def distance(self) -> float:
        """Distance of the query from it."""
        return self.evidence.match.distance


@dataclass(frozen=True)
class Ranked:
    """A candidate with its rank; those that share a rank are tied, the likeliest first.

    `merged_with` names the other parent of a merge; `sibling_or_descendant` marks a sibling or descendant,
    `direction_known` whether anything says who came first.
    """

    rank: int
    candidate: Candidate
    merged_with: str | None = None
    sibling_or_descendant: bool = False
    direction_known: bool = True


def rank(candidates: Sequence[Candidate]) -> list[Ranked]:
    """Significant candidates by distance and tie, then the others by E-value.

    Where some candidate matches most of the query by positions, one that needs a change of basis comes after it; and
    one that shows drift of its own (a sibling or a descendant) after those that can be ancestors.
    """
    significant = sorted((c for c in candidates if c.evidence.significant), key=lambda c: c.distance)
    direct = [c for c in significant if c.evidence.match.share("positions") >= _MOSTLY]
    ties, partners, aside, untold = _by_lineage(direct)
    ties += _ties([c for c in significant if c not in direct], {})
    ranked: list[Ranked] = []
    for tie in ties:
        place = len(ranked) + 1
        ranked += [Ranked(place, c, partners.get(c.key), c.key in aside, c.key not in untold) for c in tie]
    rest = sorted((c for c in candidates if not c.evidence.significant), key=lambda c: c.evidence.log10_evalue)
    return ranked + [Ranked(len(ranked) + i + 1, c) for i, c in enumerate(rest)]


def _by_lineage(
    direct: Sequence[Candidate],
) -> tuple[list[list[Candidate]], dict[int, str], set[int], set[int]]:
    """Ties in order; the other parents of a merge; those that cannot be ancestors; those nothing tells anything of."""
    if not direct:
        return [], {}, set(), set()
    close = direct[:MOST]
    relatives = family([c.evidence for c in close])
    order = {
        c.key: (i in relatives.merges, i in relatives.copy_of, relatives.centrality(i)) for i, c in enumerate(close)
    }
    possible = {i for i in relatives.ancestors() if relatives.copy_of.get(i) != len(close)}
    able = [c for i, c in enumerate(close) if i in possible and not c.declared_child and not c.later]
    aside = [c for c in close if c not in able] + list(direct[MOST:])
    partners: dict[int, str] = {}
    ties: list[list[Candidate]] = []
    parents = [close[i] for i in relatives.query_parents or ()]
    if parents and not any(p.declared_child or p.later for p in parents):
        partners = {p.key: " and ".join(o.name for o in parents if o is not p) for p in parents}
        ties.append(parents)
        able = [c for c in able if c not in parents]
        aside = [c for c in aside if c not in parents]
    untold = {c.key for i, c in enumerate(close) if not relatives.told(i)}
    number = {c.key: i for i, c in enumerate(close)}
    able = _originals_first(able, {close[i].key: close[j] for i, j in relatives.copy_of.items() if j < len(close)})
    return (
        ties + _with_ancestors(_ties(able, order), relatives, number, order) + _ties(aside, order),
        partners,
        {c.key for c in aside},
        untold,
    )


def _originals_first(able: Sequence[Candidate], original: Mapping[int, Candidate]) -> list[Candidate]:
    """Candidates by distance, but no rounded copy before what it is a copy of."""
    ordered: list[Candidate] = []
    for one in able:
        finer = original.get(one.key)
        if finer is not None and finer in able and finer not in ordered:
            ordered.append(finer)
        if one not in ordered:
            ordered.append(one)
    return ordered


def _with_ancestors(
    ties: list[list[Candidate]],
    relatives: Family,
    number: Mapping[int, int],
    order: Mapping[int, Place],
) -> list[list[Candidate]]:
    """The ties, where what all of the first can come from joins it: see `Family.common_ancestors`."""
    if not ties or len(ties[0]) < 2:
        return ties
    tied = {number[c.key] for c in ties[0]}
    found = relatives.common_ancestors(sorted(tied), [number[c.key] for tie in ties for c in tie])
    joined = tied | set(found)
    first = [c for tie in ties for c in tie if number[c.key] in joined]
    rest = [[c for c in tie if number[c.key] not in joined] for tie in ties[1:]]
    return [sorted(first, key=lambda c: _likelihood(c, order)), *(tie for tie in rest if tie)]


def _ties(ordered: Sequence[Candidate], order: Mapping[int, Place]) -> list[list[Candidate]]:
    """Runs of candidates that cannot be told from the first of their run, each in order of likelihood."""
    ties: list[list[Candidate]] = []
    for candidate in ordered:
        if ties and _tied(ties[-1][0], candidate):
            ties[-1].append(candidate)
        else:
            ties.append([candidate])
    return [sorted(tie, key=lambda c: _likelihood(c, order)) for tie in ties]


def _tied(first: Candidate, other: Candidate) -> bool:
    """Less than 5 % apart, or less than two standard errors of the difference.

    A tensor's squared difference is a mean over its sampled values: of n Gaussian ones it varies by sqrt(2 / n). What
    did not match is a stranger's and has no error.
    """
    if other.distance <= first.distance * (1 + TIE_SHARE):
        return True
    variance = 0.0
    for match in (first.evidence.match, other.evidence.match):
        measured = match.kind >= 0
        variance += float(np.square(match.weight[measured] * match.difference[measured]).sum() * 2 / MATRIX_VALUES)
    return other.distance**2 - first.distance**2 < _TIE_ERRORS * float(np.sqrt(variance))


def _likelihood(candidate: Candidate, order: Mapping[int, Place]) -> tuple[object, ...]:
    """No merge, no rounded copy, a told derivation, no change of structure, centrality, release date, name."""
    flags = candidate.relation.flags if candidate.relation else ()
    merge, copy, centrality = order.get(candidate.key, (False, False, 0.0))
    changes = sum(flag in _STRUCTURE for flag in flags)
    told = candidate.relation is not None and candidate.relation.origin == "derived"
    released = candidate.released_at
    return merge, copy, not told, changes, centrality, released is None, released or datetime.max, candidate.uri
