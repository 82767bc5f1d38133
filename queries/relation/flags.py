"""What a match says of how the query came from the candidate: flags that follow from what matched."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrc

from ..data.component import Component
from ..data.precision import quantised
from ..evidence.gains import matched_vectors
from ..evidence.kinds import KINDS
from ..evidence.pair import PairEvidence
from ..statistics.null import median
from ..statistics.pvalues import LOG10
from ..thresholds.relation import (
    FEW_MATRICES_FOR_FLAGS,
    GAUSSIAN_LARGEST,
    HIGH_IDENTITY,
    MANY_MATRICES,
    NOISE_GROWS,
    NOISE_SPREAD,
    SAME_LAYER,
    TRAINED_TOGETHER,
)
from ..thresholds.significance import SIGNIFICANT_LOG10_E, TENSOR_LOG_P
from .freedoms import Freedom, freedoms_of, freedoms_sentence
from .origin import INSIDE, Origin, less_than_twins, origin_of
from .remainder import differing, other_constants, replaced_twins, without_counterpart
from .rounding import coarseness, within_half_steps

_ONLY_TOKENS = "rows of the same tokens are alike, and nothing else that was compared is"


@dataclass(frozen=True, slots=True)
class Relation:
    """Whether the query derives from the candidate, and the flags that say how; `reason` where it cannot be told."""

    origin: Origin
    flags: tuple[str, ...]
    reason: str
    freedoms: tuple[Freedom, ...] = ()


def relate(evidence: PairEvidence) -> Relation:
    """The relation that significant evidence shows."""
    origin, reason = origin_of(evidence)
    alone = _only_tokens(evidence)
    if alone and (origin != "shared_initialisation" or max(t.similarity for t in evidence.tokens) >= HIGH_IDENTITY):
        return Relation("shared_embeddings", ("shared_embeddings",), _ONLY_TOKENS)
    if origin == "shared_initialisation":
        return Relation(origin, ("shared_initialisation",), reason)
    if origin == "undetermined" and less_than_twins(evidence):
        return Relation(origin, (), reason)  # what matches so little says nothing of what was done to the rest
    structure, basis = _structure(evidence), _basis(evidence)
    freedoms: tuple[Freedom, ...] = ()
    if basis == ["basis_changed"] or not (structure or basis or _in_place(evidence)):
        freedoms = freedoms_of(evidence)
        if any(one.state == "changed" for one in freedoms):
            basis = ["basis_changed"]
        freedoms = freedoms if basis else ()
    if said := freedoms_sentence(freedoms):
        reason = f"{reason}; {said}"
    flags = [*structure, *basis]
    query, candidate = evidence.pairing.query, evidence.pairing.candidate
    if _vocabulary_changed(query, candidate):
        flags.append("vocabulary_changed")
    if not flags or flags == ["vocabulary_changed"]:
        flags.insert(0, _copy(evidence) or ("embeddings_only" if _tokens_changed(evidence) else "finetuned"))
        if flags[0] == "finetuned" and _noise(evidence):
            flags.append("noise_added")
    return Relation(origin, tuple(dict.fromkeys(flags)), reason, freedoms)


def _in_place(evidence: PairEvidence) -> bool:
    """Whether every matrix of the layers matches at equal places, and gains that vary follow each other."""
    query, match, gains = evidence.pairing.query, evidence.match, evidence.gains
    matrices = query.scorable & query.with_role(*INSIDE)
    return bool((match.kind[matrices] == 0).all()) and (gains.equal or gains.correlation >= TRAINED_TOGETHER)


def _only_tokens(evidence: PairEvidence) -> bool:
    """Whether nothing beyond chance but rows of tokens matches, although blocks were compared.

    Models of different makers start from the same word vectors: rows that are equal say nothing of the rest. Of many
    matrices a few match by chance once the rows are found, so the blocks are asked all together, by the bound that a
    relation of theirs would have to meet. Where no block could be compared the rows are all there is to go by. Twins
    of one initialisation, trained apart for long, may keep it in their rows alone too, which are less alike.
    """
    if len(evidence.pairing.query.positions.tensor) < FEW_MATRICES_FOR_FLAGS or not evidence.tokens:
        return False
    blocks = [a.log_p / LOG10 + evidence.correction for a in evidence.alignments if (a.tried > 0).any()]
    return bool(blocks) and min(blocks) > SIGNIFICANT_LOG10_E


def _tokens_changed(evidence: PairEvidence) -> bool:
    """Whether only embeddings changed: all else that was read is equal bit for bit, and there is enough of it."""
    match, query, candidate = evidence.match, evidence.pairing.query, evidence.pairing.candidate
    rest = query.scorable.copy()
    rest[[t.tensor for t in query.tokens.values()]] = False
    others = np.flatnonzero(rest)
    if len(others) < FEW_MATRICES_FOR_FLAGS or (match.kind[others] != 0).any() or replaced_twins(evidence):
        return False
    return np.array_equal(query.hash[others], candidate.hash[match.tensor[others]]) and _vectors_equal(evidence)


@dataclass(frozen=True, slots=True)
class DoubledLayers:
    """Whether a layer of one side stands twice in the other; `all_found` when each of the query's has its own.

    `at_one_end` says that those stand next to each other, in their order, as the candidate's first or last layers.
    """

    query: bool
    candidate: bool
    all_found: bool
    at_one_end: bool


def doubled_layers(evidence: PairEvidence) -> DoubledLayers:
    """Layers that stand twice: of the candidate's in the query by the block map, of the query's in the candidate."""
    pairing = evidence.pairing
    inside = [i for i, unit in enumerate(pairing.query_units) if unit[0] >= 0 and unit[1] < 0]
    if not inside:
        return DoubledLayers(query=False, candidate=False, all_found=False, at_one_end=False)
    sources = [int(evidence.block_map[i]) for i in inside]
    known = [s for s in sources if s >= 0]
    alike, count = np.zeros((len(pairing.query_units), len(pairing.candidate_units))), 0
    alignment = evidence.alignment("positions")
    for scores in alignment.scores if alignment else ():
        place = np.ix_(pairing.query_unit[scores.query], pairing.candidate_unit[scores.candidate])
        alike[place] += scores.similarity
        count += 1
    alike /= max(1, count)
    layers = [j for j, unit in enumerate(pairing.candidate_units) if unit[0] >= 0 and unit[1] < 0]
    counterpart = [int(alike[:, j].argmax()) for j in layers if alike[:, j].max(initial=0) >= SAME_LAYER]
    places = [layers.index(s) for s in known if s in layers]
    return DoubledLayers(
        query=len(set(known)) < len(known),
        candidate=len(set(counterpart)) < len(counterpart),
        all_found=bool(sources) and len(known) == len(sources) and len(set(known)) == len(known),
        at_one_end=places in (list(range(len(places))), list(range(len(layers) - len(places), len(layers)))),
    )


def _structure(evidence: PairEvidence) -> list[str]:
    """What the block map says: layers gone, added, moved; experts made from a dense FFN."""
    pairing = evidence.pairing
    if pairing.query.network:
        return _matrices(evidence)
    pairs = [(pairing.query_units[i], pairing.candidate_units[j]) for i, j in enumerate(evidence.block_map) if j >= 0]
    layered = [(q, c) for q, c in pairs if q[0] >= 0 and c[0] >= 0]
    flags = []
    if any(q[1] >= 0 for q, c in layered) and any(q[1] >= 0 and c[1] < 0 for q, c in layered):
        flags.append("experts_upcycled")
    layers = sorted({(q[0], c[0]) for q, c in layered if q[1] < 0 and not (q[2] and "experts_upcycled" in flags)})
    mine, theirs = pairing.query.layer.max(initial=-1) + 1, pairing.candidate.layer.max(initial=-1) + 1
    sources = [c for _, c in layers]
    if mine < theirs and layers:
        flags.append("layers_removed")
    if mine > theirs and layers:
        flags.append("layers_added")
    if _reordered(sources, doubled=mine > theirs):
        flags.append("layers_reordered")
    return flags


def _matrices(evidence: PairEvidence) -> list[str]:
    """Of a network: whether much of it has no match, and whether much of the candidate is no match of anything."""
    candidate, match = evidence.pairing.candidate, evidence.match
    found = match.kind >= 0
    left = candidate.scorable.copy()
    left[match.tensor[found]] = False
    total = float(candidate.represents[candidate.scorable].sum())
    flags = ["matrices_removed"] if float(candidate.represents[left].sum()) > MANY_MATRICES * total else []
    return flags + (["matrices_added"] if 1 - match.matched > MANY_MATRICES else [])


def _reordered(sources: list[int], *, doubled: bool) -> bool:
    """Whether layers moved; where layers were added, a run may start again further down, for that is how they are."""
    drops = sum(b < a for a, b in itertools.pairwise(sources))
    return drops > (len(sources) // 2 if doubled else 0)


def _basis(evidence: PairEvidence) -> list[str]:
    """Hidden size cut, or the same size in another basis, where positions found nothing and gram or column sets did."""
    pairing, match = evidence.pairing, evidence.match
    query, candidate = pairing.query, pairing.candidate
    other = np.flatnonzero(match.kind > 0)
    if not len(other):
        return []
    narrower = query.inputs[other] < candidate.inputs[match.tensor[other]]
    if narrower.any():
        return ["width_pruned"]
    same = int((query.inputs[other] == candidate.inputs[match.tensor[other]]).sum())
    tried = int((query.scorable & (match.kind != 0)).sum())
    return ["basis_changed"] if beyond_chance(same, tried) else []


def beyond_chance(found: int, tried: int) -> bool:
    """Whether so many of the tensors that positions did not match were found by other kinds by more than luck."""
    one = sum(not kind.same_basis for kind in KINDS) * math.exp(TENSOR_LOG_P)
    return found > 0 and bool(bdtrc(found - 1, max(found, tried), one) <= 10**SIGNIFICANT_LOG10_E)


def _vocabulary_changed(query: Component, candidate: Component) -> bool:
    for role, tokens in query.tokens.items():
        other = candidate.tokens.get(role)
        if other is not None and query.shapes[tokens.tensor][:1] != candidate.shapes[other.tensor][:1]:
            return True
    return False


def _copy(evidence: PairEvidence) -> str | None:
    """`identical`, or `numeric_copy` where every difference is what one rounding makes.

    A rounding of the query may lack parts of it, as a GGUF lacks a pooler: what it has cannot have come first. A copy
    has nothing that the original lacks, small matrices and constants included: a layer of zeros is no copy of one of
    weights.
    """
    match, query, candidate = evidence.match, evidence.pairing.query, evidence.pairing.candidate
    found = np.flatnonzero((match.kind == 0) & query.scorable)
    if len(found) < int(query.scorable.sum()):
        left_out = _left_out(evidence) and coarseness(evidence) > 0 and within_half_steps(evidence)
        return "numeric_copy" if left_out and not other_constants(evidence) else None
    if np.array_equal(query.hash[found], candidate.hash[match.tensor[found]]) and _vectors_equal(evidence):
        other = other_constants(evidence) or differing(evidence) or replaced_twins(evidence)
        return None if other else "identical"
    if not within_half_steps(evidence) or other_constants(evidence):
        return None
    coarser = coarseness(evidence)
    more, fewer = _token_rows(query, candidate)
    if (more and coarser <= 0) or (fewer and coarser >= 0):
        return None
    return None if coarser <= 0 and without_counterpart(evidence) else "numeric_copy"


def _token_rows(query: Component, candidate: Component) -> tuple[bool, bool]:
    """Whether an embedding or a head of the query has more rows than the candidate's; whether one has fewer."""
    rows = [
        (query.shapes[tokens.tensor][0], candidate.shapes[candidate.tokens[role].tensor][0])
        for role, tokens in query.tokens.items()
        if role in candidate.tokens
    ]
    return any(mine > theirs for mine, theirs in rows), any(mine < theirs for mine, theirs in rows)


def _left_out(evidence: PairEvidence) -> bool:
    """Whether the candidate has nothing of the kind of what has no match in it, which is little of the query."""
    match, query, candidate = evidence.match, evidence.pairing.query, evidence.pairing.candidate
    missing = np.flatnonzero((match.kind != 0) & query.scorable)
    held = {(key, candidate.layer[i] < 0) for i, key in enumerate(candidate.keys)}
    alone = all((query.keys[t], query.layer[t] < 0) not in held for t in missing.tolist())
    return alone and match.matched >= 1 - MANY_MATRICES


def _vectors_equal(evidence: PairEvidence) -> bool:
    query, candidate = evidence.pairing.query, evidence.pairing.candidate
    rows, partners = matched_vectors(evidence.pairing, evidence.block_map)
    return bool(np.array_equal(query.vector.value[rows], candidate.vector.value[partners]))


def _noise(evidence: PairEvidence) -> bool:
    """Whether all matrices differ by Gaussian noise of one relative size: training changes some far more than others.

    The spread of the log of relative differences is 0.11 for noise and 0.17 at least for trainings of the field family
    (development half); the largest difference over their RMS is a Gaussian's, and no larger for larger weights.
    """
    query, candidate, match = evidence.pairing.query, evidence.pairing.candidate, evidence.match
    tensors = query.positions.tensor
    mine = np.flatnonzero(match.kind[tensors] == 0)
    if len(mine) < FEW_MATRICES_FOR_FLAGS or quantised(query) or quantised(candidate):
        return False  # an error of rounding in groups has one size everywhere too
    theirs = np.searchsorted(candidate.positions.tensor, match.tensor[tensors[mine]])
    second = candidate.positions.value[theirs].astype(np.float64)
    change = query.positions.value[mine] - second
    lengths = np.vecdot(change, change)
    rms = np.sqrt(lengths / change.shape[1])
    size = np.sqrt(np.vecdot(second, second) / second.shape[1])
    if not (rms > 0).all() or not (size > 0).all():
        return False
    if float(np.log(rms / size).std()) > NOISE_SPREAD:
        return False
    a, b = np.abs(change, out=change), np.abs(second, out=second)
    largest = median(a.max(axis=1) / rms)
    if not GAUSSIAN_LARGEST[0] <= largest <= GAUSSIAN_LARGEST[1]:
        return False
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    grows = np.vecdot(a, b) / np.sqrt(np.vecdot(a, a) * np.vecdot(b, b))
    return abs(float(np.median(grows))) <= NOISE_GROWS  # NaN where a matrix moved by one size everywhere


def equal_values(evidence: PairEvidence) -> float:
    """Share of the sampled values of matched matrices that are equal bit for bit, by size; 0 without any."""
    query, candidate, match = evidence.pairing.query, evidence.pairing.candidate, evidence.match
    tensors = query.positions.tensor
    mine = np.flatnonzero(match.kind[tensors] == 0)
    if not len(mine):
        return 0.0
    theirs = np.searchsorted(candidate.positions.tensor, match.tensor[tensors[mine]])
    inside = np.arange(query.positions.value.shape[1]) < query.sampled[tensors[mine]][:, None]
    apart = (query.positions.value[mine] != candidate.positions.value[theirs]) & inside
    weight = match.weight[tensors[mine]]
    total = float(weight.sum())
    return max(0.0, 1 - float(weight @ (apart.sum(axis=1) / inside.sum(axis=1)) / total)) if total > 0 else 0.0
