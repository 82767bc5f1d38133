"""What a query holds beside the tensors that can have a match: whether the candidate holds it too.

Small matrices, gains, biases, further heads and constants are no evidence of a relation. That two models are copies
they can rule out.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from ..data.component import Component
from ..evidence.pair import PairEvidence

_Place = tuple[int, int, str]


def other_constants(evidence: PairEvidence) -> bool:
    """Whether a matrix is constant in one model, as a layer of zeros, and varies at its place in the other."""
    query, candidate = evidence.pairing.query, evidence.pairing.candidate
    if query.deviation is None or candidate.deviation is None:
        return False
    return _constant_beside_varying(query, candidate) or _constant_beside_varying(candidate, query)


def differing(evidence: PairEvidence) -> bool:
    """Whether tensors of the query that can have no match hold values, no constants, that the candidate does not."""
    return bool(len(_apart(evidence)))


def without_counterpart(evidence: PairEvidence) -> bool:
    """Whether the candidate has no tensor at all at the place of one of these."""
    query, candidate = evidence.pairing.query, evidence.pairing.candidate
    places = _places(candidate, np.flatnonzero(candidate.read))
    return any(_place(query, t) not in places for t in _apart(evidence).tolist())


def replaced_twins(evidence: PairEvidence) -> bool:
    """Whether of tensors of the query that are equal one has other values at its own place in the candidate.

    Experts that were copied from one feed-forward all equal what is left of it, also where one of them was trained.
    """
    match, query, candidate = evidence.match, evidence.pairing.query, evidence.pairing.candidate
    found = np.flatnonzero((match.kind == 0) & query.scorable)
    twins = found[np.bincount(match.tensor[found])[match.tensor[found]] > 1] if len(found) else found
    places = _places(candidate, np.flatnonzero(candidate.scorable)) if len(twins) else {}
    held = ((query.hash[t], candidate.hash[places.get(_place(query, t), [])]) for t in twins.tolist())
    return any(len(theirs) and mine not in theirs for mine, theirs in held)


def _apart(evidence: PairEvidence) -> NDArray[np.int64]:
    """The query's tensors beside what can match that vary and equal none of the candidate's; no buffers."""
    query, candidate = evidence.pairing.query, evidence.pairing.candidate
    kept = np.array([query.slots[t] != "buffer" for t in query.context.tolist()], np.bool_)
    return query.context[kept & ~np.isin(query.hash[query.context], candidate.hash)]


def _constant_beside_varying(query: Component, candidate: Component) -> bool:
    constant = [t for t in np.flatnonzero(_known(query) & ~_varies(query)).tolist() if len(query.shapes[t]) > 1]
    if not constant:
        return False
    places = _places(candidate, np.flatnonzero(_known(candidate)))
    varies = _varies(candidate)
    return any(varies[places.get(_place(query, t), [])].any() for t in constant)


def _known(component: Component) -> NDArray[np.bool_]:
    return component.read & (component.hash != 0)


def _varies(component: Component) -> NDArray[np.bool_]:
    assert component.deviation is not None
    return component.deviation > 0


def _places(component: Component, tensors: NDArray[np.int64]) -> dict[_Place, list[int]]:
    found: dict[_Place, list[int]] = defaultdict(list)
    for t in tensors.tolist():
        found[_place(component, t)].append(t)
    return found


def _place(component: Component, tensor: int) -> _Place:
    return int(component.layer[tensor]), int(component.expert[tensor]), component.keys[tensor]
