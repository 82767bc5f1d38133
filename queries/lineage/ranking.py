"""The order of candidates: copies, then what may be the nearest ancestor, then the other relatives, then the rest.

Candidates share a rank where nothing excludes that either is the nearest registered ancestor: the first rank holds the
likeliest ones that together reach TIE. The order within a rank is no claim. Behind it relatives stand by distance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, ndtri

from ..evidence.pair import PairEvidence
from ..relation.flags import Relation
from ..thresholds.lineage import MOST_RELATIVES, MOSTLY_BY_POSITIONS, NEARLY_AS_MUCH, NOT_EXCLUDED, SURE, TIE
from .claims import DATES, FROM_SCRATCH, NEWEST, Claims
from .direction import Direction, direction_of, prior
from .family import of_strangers
from .judgement import MERGE_OF_QUERY, Judgement, Relative, judge


@dataclass(frozen=True, eq=False)
class Candidate:
    """A candidate with its evidence and relation; `declared_child` when it names the query as its parent.

    `equal` says that everything that was read of the two models is equal, whatever the evidence tells of it. `name` is
    what sentences call it, `registered` its name in the registry.
    """

    name: str
    uri: str
    evidence: PairEvidence
    relation: Relation | None
    declared: bool
    declared_child: bool
    equal: bool = False
    registered: str = ""

    @property
    def key(self) -> int:
        """The model id."""
        return self.evidence.pairing.candidate.model_id

    @property
    def distance(self) -> float:
        """Distance of the query from it."""
        return self.evidence.match.distance


IN_OTHER_COLUMNS = frozenset({"basis_changed", "width_pruned"})
"""Flags of relatives whose columns are others than the query's."""
_OF_LAYERS = "the query consists of its layers and those of others, bit for bit"
UNPLACED = Direction("unknown", 0.0, ())
"""Of what is no relative, or could not be placed among the relatives."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its rank and what is told of it; those that share a rank are tied, the likeliest first.

    `flags` are those of its relation; no copy is among them where another relative stands between the two.
    """

    rank: int
    candidate: Candidate
    direction: Direction = UNPLACED
    merged_with: str | None = None
    flags: tuple[str, ...] = ()


def rank(candidates: Sequence[Candidate], claims: Claims) -> list[Ranked]:
    """Significant candidates by what they may be of the query, then the others by E-value.

    Those that match most of the query by positions come first, placed among each other; then, by distance, those that
    need a change of basis and those beyond the nearest MOST_RELATIVES, tied where their distances are not told apart.
    """
    significant = sorted((c for c in candidates if c.evidence.significant), key=lambda c: (c.distance, c.uri))
    parents = of_strangers([c.evidence for c in significant])
    for i in parents:
        flags = _relation(significant[i]).flags
        significant[i] = replace(significant[i], relation=Relation("derivation", flags, _OF_LAYERS))
    of_lineage = [c for c in significant if _relation(c).origin != "shared_embeddings"]
    direct = [significant[i] for i in parents] or in_place(of_lineage)[:MOST_RELATIVES]
    judged = judge([Relative(c.key, c.name, c.evidence, _relation(c), c.declared) for c in direct], claims)
    groups = _groups(list(zip(direct, judged, strict=True)))
    others = [c for c in significant if c not in direct]
    if not direct and any(c.relation and not IN_OTHER_COLUMNS.isdisjoint(c.relation.flags) for c in others):
        others = _by_common_share(others)
    groups += [[(c, None) for c in tie] for tie in _ties(others)]
    ranked = _equal_but_not_significant(candidates)
    for group in groups:
        place = len(ranked) + 1
        ranked += [_ranked(place, candidate, judgement, claims) for candidate, judgement in group]
    others = [c for c in candidates if not c.evidence.significant and not c.equal]
    rest = sorted(others, key=lambda c: (c.evidence.log10_evalue, c.uri))
    return ranked + [Ranked(len(ranked) + i + 1, c) for i, c in enumerate(rest)]


def in_place(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that match enough of the query by positions, in their order; none where nobody matches most of it so.

    Where even the best matches hardly more than half, those that match nearly as much belong to the family too: which
    of them are beyond half is decided by what drifted.
    """
    shares = [c.evidence.match.share("positions") for c in candidates]
    most = max(shares, default=0.0)
    if most < MOSTLY_BY_POSITIONS:
        return []
    least = min(MOSTLY_BY_POSITIONS, NEARLY_AS_MUCH * most)
    return [c for c, share in zip(candidates, shares, strict=True) if share >= least]


def _by_common_share(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Relatives in another basis, nearest first by the share of the query that all of the better matched ones match.

    Some tensors match by chance, in one relative and not in the next: how many do would decide by whole distances. So
    each is measured on its best matched tensors alone, up to the smallest share that is matched in any relative which
    matches at least half of what the best does; the others follow by distance.
    """
    most = max((c.evidence.match.matched for c in candidates), default=0.0)
    well = [c for c in candidates if c.evidence.match.matched >= most / 2]
    share = min((c.evidence.match.matched for c in well), default=0.0)
    near = sorted(well, key=lambda c: (c.evidence.match.distance_of_best(share), c.distance, c.uri))
    return near + [c for c in candidates if c not in well]


def _ties(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """Candidates in their order, together while they are not further than the first of a rank beyond chance.

    The first of many is partly so by luck: a candidate is further where it is at the stated error of the whole rank,
    shared among all that are compared. In a rank those come first whose relation takes the fewest changes.
    """
    found: list[list[Candidate]] = []
    errors = float(-ndtri(ndtr(-NOT_EXCLUDED) / max(1, len(candidates) - 1)))
    for candidate in candidates:
        if found and not _further(candidate, found[-1][0], errors):
            found[-1].append(candidate)
        else:
            found.append([candidate])
    return [sorted(tie, key=lambda c: len(_relation(c).flags)) for tie in found]


def _further(one: Candidate, other: Candidate, errors: float) -> bool:
    """Whether one is further from the query than another by so many standard errors, paired over tensors.

    Only tensors that both match by one kind count: kinds measure differences on scales of their own.
    """
    mine, theirs = one.evidence.match, other.evidence.match
    both = (mine.kind >= 0) & (mine.kind == theirs.kind) & (mine.weight > 0)
    apart = mine.difference[both] - theirs.difference[both]
    weight = mine.weight[both]
    mean = float(weight @ apart / weight.sum()) if both.any() else 0.0
    error = float(np.sqrt(np.square(weight * (apart - mean)).sum()) / weight.sum()) if both.any() else 0.0
    return mean > errors * error


def _equal_but_not_significant(candidates: Sequence[Candidate]) -> list[Ranked]:
    """Models of equal content of which too little can be compared to be significant: they share the first rank."""
    equal = sorted((c for c in candidates if c.equal and not c.evidence.significant), key=lambda c: c.uri)
    return [Ranked(1, c, Direction("copy", 0.5, ("equal values",)), flags=("identical",)) for c in equal]


def _relation(candidate: Candidate) -> Relation:
    assert candidate.relation is not None
    return candidate.relation


Judged = tuple[Candidate, Judgement]
_SAME_SHARE = 1e-9


Group = Sequence[tuple[Candidate, Judgement | None]]


def _groups(judged: Sequence[Judged]) -> list[Group]:
    """The ranks, copies first: equal ones together, those that the query may be a rounding of, coarser ones one by one.

    Then the likeliest together, and the rest one by one, nearest first.
    """
    found: list[Group] = []
    equal = [pair for pair in judged if pair[1].copy == "identical"]
    if equal:
        found.append(list(equal))
    rounded = [pair for pair in judged if pair[1].copy == "numeric_copy"]
    rounded.sort(key=lambda pair: (pair[1].coarser, pair[0].distance))
    finer = [pair for pair in rounded if pair[1].coarser < 0]
    found += [finer] if finer else []
    found += [[pair] for pair in rounded if pair[1].coarser >= 0]
    rest = sorted(
        (pair for pair in judged if pair[1].copy is None),
        key=lambda p: (-p[1].nearest, -p[1].direction.probability, p[0].distance, p[0].uri),
    )
    tie: list[Judged] = []
    reached = 0.0
    for pair in rest:
        done = reached >= TIE and not pair[1].merged_with and not (tie and _as_likely(tie[-1], pair))
        if done or pair[1].nearest <= 0:
            break
        tie.append(pair)
        reached += pair[1].nearest if not pair[1].merged_with else 0.5
    if tie:
        found.append(list(tie))
    behind: list[list[Judged]] = []
    for pair in sorted(rest[len(tie) :], key=_behind):
        if behind and _as_likely(behind[-1][0], pair):
            behind[-1].append(pair)
        else:
            behind.append([pair])
    return [*found, *behind]


def _behind(judged: Judged) -> tuple[bool, bool, float, float, str]:
    """The order behind the first ranks: by distance, then merges of the query, then what is no nearest ancestor.

    That is copies of another relative, then what was made later.
    """
    candidate, judgement = judged
    if judgement.nearest > 0:
        return False, MERGE_OF_QUERY in judgement.direction.by, 0.0, candidate.distance, candidate.uri
    return True, False, -judgement.direction.probability, candidate.distance, candidate.uri


def _as_likely(one: Judged, other: Judged) -> bool:
    """Whether two relatives have one share among the candidates, as those have that hold the same values."""
    return one[1].nearest > 0 and math.isclose(one[1].nearest, other[1].nearest, rel_tol=_SAME_SHARE)


def _ranked(place: int, candidate: Candidate, judgement: Judgement | None, claims: Claims) -> Ranked:
    relation = candidate.relation
    flags = relation.flags if relation else ()
    if judgement is None:
        return Ranked(place, candidate, _by_claims(candidate, claims), flags=flags)
    if judgement.copy is None:
        flags = tuple(dict.fromkeys("finetuned" if f in {"identical", "numeric_copy"} else f for f in flags))
    if judgement.merged_with:
        flags = ("merged", *(f for f in flags if f not in {"finetuned", "embeddings_only", "basis_changed"}))
    return Ranked(place, candidate, judgement.direction, " and ".join(judgement.merged_with) or None, flags)


def _by_claims(candidate: Candidate, claims: Claims) -> Direction:
    """What claims alone say of a relative that has no place among the others."""
    if candidate.relation is None or candidate.relation.origin != "derivation":
        return UNPLACED
    if candidate.key in claims.roots and claims.query_root is None and not claims.later(candidate.key):
        source = claims.roots[candidate.key]
        return replace(
            direction_of(SURE, 0.0, ()),
            by=(f"the claim that {candidate.name} {FROM_SCRATCH} ({source})",),
        )
    if claims.query_root is not None and candidate.key not in claims.roots and not claims.earlier(candidate.key):
        by = f"the claim that the query {FROM_SCRATCH} ({claims.query_root})"
        return replace(direction_of(0.0, SURE, ()), by=(by,))
    if claims.later(candidate.key):
        return Direction("unknown", 0.0, (DATES,), prior("none"))
    if claims.earlier(candidate.key):
        return Direction("unknown", prior("none"), (NEWEST if claims.newest else DATES,), 0.0)
    return Direction("unknown", prior("none"), (), prior("none"))
