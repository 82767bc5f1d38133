"""Fit the regressions of `queries/lineage/calibration` on development families, and measure them on the others.

    python -m benchmarks.grown.fit --set NAME=FOLDER [--set ...] [--write]

A set is a folder of models with its truth.json. Of every family random few are drawn, as registries hold them, and
every pair of them is a case: its terms by `direction.design`, and whether the first is an ancestor of the second.
Families whose half is `held_out` are never fitted on. Merges and what descends from them are left out: a merge has no
place in a tree.
"""

from __future__ import annotations

import argparse
import itertools
import random
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize

from forebear.queries.lineage.calibration.regressions import STATES, State, Weights
from forebear.queries.lineage.direction import BY_SHAPE, DESIGN, design, is_light
from forebear.queries.lineage.returns import Returns, returns
from forebear.queries.lineage.rooting import Known
from forebear.queries.lineage.shape import FIGURES
from forebear.queries.thresholds.lineage import DIRECTION_TOLD

from .families import Members, families

WEIGHTS = Path(__file__).resolve().parents[2] / "queries" / "lineage" / "calibration" / "weights.py"
DRAWS = 60
LARGEST = 9
QUANTILES = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0])
LEAST = 0.005
"""The least probability that a score is worth."""
RIDGE = 30.0
"""Penalty on the squared weights, as of 30 pairs: of 3 to 1,000 the one whose loss on families left out is smallest."""
Cases = dict[tuple[str, State, bool], list["Case"]]
ALWAYS_FOR = frozenset({"tree", "between", "children", "held"})
ALWAYS_AGAINST = frozenset({"share_low", "share_middle", "share_high", "equal_low", "equal_middle", "equal_high",
                            "nearest", "near", "passed"})  # fmt: skip
OF_NEAREST = DESIGN.index("passed")
"""A term that tells which of several ancestors is the nearest, and not whether one is an ancestor."""
PRODUCTS = frozenset(f"{figure} x {term}" for figure, term in BY_SHAPE)
PASSED = frozenset({"passed"})
OPTIONAL: Mapping[str, frozenset[str]] = {"the shape of the family": PRODUCTS, "what is passed": PASSED}
"""Terms of the nearest ancestor that count where families left out of the fit are better for them."""
ROOTED: frozenset[State] = frozenset({"root", "root and dates"})
"""What is passed counts here alone: elsewhere nothing says which end of a way came first."""
TOGETHER: Mapping[State, tuple[State, ...]] = {
    "dates": ("dates", "root and dates"),
    "root and dates": ("dates", "root and dates"),
}
"""States whose nearest ancestors are fitted as one: either alone has few families, and was worse on those left out."""
Table = dict[str, tuple[int, tuple[float, ...]]]
"""Label -> pairs, and weights."""
Knots = tuple[tuple[float, ...], tuple[float, ...]]
"""Scores, and the log odds that they are worth."""


@dataclass(frozen=True)
class Case:
    """One query: the terms [n, terms] of its candidates, which of them are ancestors, and which the nearest ones.

    `open` [n] are those of which nobody claims that they are the root: what geometry may tell.
    """

    terms: NDArray[np.float64]
    ancestor: NDArray[np.bool_]
    nearest: NDArray[np.bool_]
    open: NDArray[np.bool_]


def drawn(family: Members, draws: int) -> Cases:
    """Cases of random few of a family, by half, state of knowledge and drift."""
    found: Cases = {}
    choose = random.Random(family.name)
    everyone = range(len(family.names))
    counted = returns(family.distances.values, itertools.permutations(everyone, 2))
    for _ in range(draws):
        few = np.array(few_of(family, choose))
        for state in STATES:
            for light, case in _cases(family, few, state, counted):
                found.setdefault((family.half, state, light), []).append(case)
    return found


def few_of(family: Members, choose: random.Random) -> list[int]:
    """Random few of a family; half of the time, if enough are left, without any ancestor of one of them."""
    everyone = list(range(len(family.names)))
    if choose.random() < 0.5:
        one = choose.choice(everyone)
        without = [i for i in everyone if not family.above[one, i]]
        everyone = without if len(without) > 2 else everyone
    return sorted(choose.sample(everyone, choose.randint(2, min(LARGEST, len(everyone)))))


def _cases(family: Members, few: NDArray[np.int64], state: State, counted: Returns) -> Iterable[tuple[bool, Case]]:
    """A case for every member of the few that is asked; `few` is in the order of appearance."""
    rooted = state in ROOTED
    if rooted and family.root not in few:
        return
    everyone = family.distances.take(few)
    whole = design(everyone, known(state, few, family), counted.take(few)) if state != "newest" else None
    for place in range(len(few)):
        others = [i for i in range(len(few)) if i != place]
        if state in {"newest", "dates", "root and dates"}:
            others = [i for i in others if i < place]
        if not others or (rooted and few[place] == family.root):
            continue
        among = few[: place + 1] if state == "newest" else few
        part = family.distances.take(among)
        terms = design(part, known(state, among, family), counted.take(among)) if whole is None else whole
        ancestors = np.array([bool(family.above[few[place], few[i]]) for i in others])
        nearest = np.array([is_nearest(family, few, place, i) for i in others])
        free = few[others] != family.root if rooted else np.ones(len(others), np.bool_)
        yield is_light(part), Case(terms[others, place], ancestors, nearest, free)


def known(state: State, members: NDArray[np.int64], family: Members) -> Known:
    """What is known of the order of members, the query last among them."""
    match state:
        case "none":
            return Known()
        case "newest":
            return Known(newest=len(members) - 1)
        case "dates":
            return Known(order={i: float(member) for i, member in enumerate(members.tolist())})
        case "root":
            return Known(root=int(np.flatnonzero(members == family.root)[0]))
        case "root and dates":
            order = {i: float(member) for i, member in enumerate(members.tolist())}
            return Known(root=int(np.flatnonzero(members == family.root)[0]), order=order)


def is_nearest(family: Members, few: NDArray[np.int64], query: int, candidate: int) -> bool:
    """Whether a candidate is an ancestor of the query without another registered one between them."""
    above = family.above
    if not above[few[query], few[candidate]]:
        return False
    between = [i for i in few if above[few[query], i] and above[i, few[candidate]]]
    return not between


def fit_ancestor(cases: Sequence[Case]) -> NDArray[np.float64]:
    """Logistic regression of being an ancestor, by Newton's method with a ridge; OF_NEAREST counts nothing there."""
    terms = np.concatenate([c.terms[c.open] for c in cases])
    terms[:, OF_NEAREST] = 0.0
    truth = np.concatenate([c.ancestor[c.open] for c in cases]).astype(np.float64)
    weights = np.zeros(terms.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-(terms @ weights)))
        gradient = terms.T @ (p - truth) + RIDGE * weights
        curvature = (terms * (p * (1 - p))[:, None]).T @ terms + RIDGE * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-8:
            break
    return np.asarray(weights)


def fit_nearest(cases: Sequence[Case], without: frozenset[str]) -> NDArray[np.float64]:
    """Conditional logit of being the nearest registered ancestor, among the candidates of one query that has one.

    What is ALWAYS_FOR may not speak against it, nor what is ALWAYS_AGAINST for it: few families would let it. Terms in
    `without` count nothing.
    """
    asked = [c for c in cases if _choosing(c)]
    sizes = np.array([len(c.nearest) for c in asked])
    starts, number = np.cumsum(sizes) - sizes, np.repeat(np.arange(len(asked)), sizes)
    terms = np.concatenate([c.terms for c in asked])
    target = np.concatenate([c.nearest / c.nearest.sum() for c in asked])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        score = terms @ weights
        largest = np.maximum.reduceat(score, starts)
        exponent = np.exp(score - largest[number])
        total = np.add.reduceat(exponent, starts)
        value = (np.log(total) + largest).sum() - target @ score + RIDGE / 2 * weights @ weights
        return float(value), terms.T @ (exponent / total[number] - target) + RIDGE * weights

    bounds = [_bounds(name, without) for name in (*DESIGN, *[""] * (terms.shape[1] - len(DESIGN)))]
    return np.asarray(minimize(loss, np.zeros(terms.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B").x)


def _choosing(case: Case) -> bool:
    """Whether there is something to choose: two candidates, of which one or more are the nearest ancestor."""
    return bool(case.nearest.any()) and len(case.nearest) > 1


def _bounds(name: str, without: frozenset[str]) -> tuple[float | None, float | None]:
    """What the weight of a term may be; a family's figures are the same for all candidates and choose none."""
    if name in FIGURES or name in without:
        return 0, 0
    return (0, None) if name in ALWAYS_FOR else (None, 0) if name in ALWAYS_AGAINST else (None, None)


def needless(
    state: State, families: Mapping[str, Sequence[Case]], asked: Mapping[str, Sequence[Case]]
) -> frozenset[str]:
    """The OPTIONAL terms without which the nearest ancestor is likelier in families left out of the fit.

    `families` are fitted on, by name; what is `asked` of them is what the weights are for.
    """
    losses = {}
    for number in range(len(OPTIONAL) + 1):
        for some in itertools.combinations(OPTIONAL, number):
            without = frozenset[str]().union(*(OPTIONAL[name] for name in some))
            if state in ROOTED or without >= PASSED:
                losses[some] = without, _loss_left_out(families, asked, without)
    said = ", ".join(f"without {' and '.join(some) or 'nothing'} {loss:.0f}" for some, (_, loss) in losses.items())
    print(f"  nearest, left out: loss {said}")
    return min(losses.values(), key=lambda one: one[1])[0]


def _loss_left_out(
    families: Mapping[str, Sequence[Case]], asked: Mapping[str, Sequence[Case]], without: frozenset[str]
) -> float:
    loss = 0.0
    for name, mine in asked.items():
        weights = fit_nearest([case for other, cases in families.items() if other != name for case in cases], without)
        for case in filter(_choosing, mine):
            score = case.terms @ weights
            loss += float(np.logaddexp.reduce(score) - np.logaddexp.reduce(score[case.nearest]))
    return loss


def said(cases: Sequence[Case], weights: Weights) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The probability [n] of every pair that geometry may tell, and whether it is an ancestor."""
    p = np.concatenate([weights.probability(c.terms[c.open]) for c in cases])
    return p, np.concatenate([c.ancestor[c.open] for c in cases])


def bins(p: NDArray[np.float64]) -> list[NDArray[np.bool_]]:
    """Which of the probabilities [n] are in each bin of a calibration curve, without empty bins."""
    edges = (0, 0.02, 0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.01)
    found = [(p >= low) & (p < high) for low, high in itertools.pairwise(edges)]
    return [mine for mine in found if mine.any()]


def apart(p: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """How far probabilities [n] stand from true shares, in the mean over all pairs."""
    return float(sum(abs(p[mine].mean() - truth[mine].mean()) * mine.mean() for mine in bins(p)))


def calibration(cases: Sequence[Case], weights: Weights) -> str:
    """Predicted and true shares of ancestors by bins of probability, and their mean distance over all pairs."""
    p, truth = said(cases, weights)
    parts = [f"{p[mine].mean():.2f}/{truth[mine].mean():.2f} ({mine.sum()})" for mine in bins(p)]
    return f"{apart(p, truth):.3f} apart: " + "  ".join(parts)


def ranked(cases: Sequence[Case], weights: NDArray[np.float64]) -> str:
    """How often the nearest ancestor is in the 95 % set, at its top, and the median size of that set."""
    inside, top, sizes = [], [], []
    for case in cases:
        if not case.nearest.any():
            continue
        score = case.terms @ weights
        p = np.exp(score - score.max())
        p /= p.sum()
        order = np.argsort(-p)
        size = int(np.searchsorted(np.cumsum(p[order]), 0.95) + 1)
        inside.append(case.nearest[order[:size]].any())
        top.append(case.nearest[order[0]])
        sizes.append(size)
    middle = f"median size {np.median(sizes):.0f} of {len(sizes)}"
    return f"in the set {np.mean(inside):.3f}, at its top {np.mean(top):.3f}, {middle}"


def left_out(families: Sequence[Sequence[Case]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores [n], ascending, of every family's pairs by weights that were fitted on the others, and which are true."""
    parts = []
    for number, mine in enumerate(families):
        weights = fit_ancestor([case for i, cases in enumerate(families) if i != number for case in cases])
        terms = np.concatenate([c.terms[c.open] for c in mine])
        parts.append((terms @ weights, np.concatenate([c.ancestor[c.open] for c in mine]).astype(np.float64)))
    score, truth = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(score, kind="stable")
    return score[order], truth[order]


def worth(score: NDArray[np.float64], truth: NDArray[np.float64]) -> Knots:
    """Scores [k] and the log odds [k] that each was worth; a larger score is worth no less.

    `score` [n] ascends and is grouped at QUANTILES; `truth` [n] is 1 for an ancestor.
    """
    group = np.searchsorted(QUANTILES, np.arange(1, len(score) + 1) / len(score), side="left")
    parts = [(score[group == g], truth[group == g]) for g in np.unique(group)]
    total = np.array([len(scores) for scores, _ in parts], np.float64)
    share = isotonic_regression([so.mean() for _, so in parts], weights=total).x.clip(LEAST, 1 - LEAST)
    return rounded(scores.mean() for scores, _ in parts), rounded(np.log(share / (1 - share)))


def by_kind(families: Mapping[str, Sequence[Case]], weights: Weights, kinds: Mapping[str, str]) -> list[str]:
    """A line a kind of families: their calibration, and how much of what is said at DIRECTION_TOLD is so."""
    lines = []
    for kind in sorted(set(kinds.values())):
        cases = [case for name, found in families.items() if kinds[name] == kind for case in found]
        if cases:
            p, truth = said(cases, weights)
            sure = p >= DIRECTION_TOLD
            told = f"at {DIRECTION_TOLD} {truth[sure].sum():.0f} of {sure.sum()} are so"
            lines.append(f"{kind}: {apart(p, truth):.3f} apart, {told}")
    return lines


def kind_of(family: Members) -> str:
    """What a family is by its true tree."""
    above = sorted(family.above.sum(axis=1).tolist())
    if above == list(range(len(above))):
        return "chains"
    return "stars" if above == [0, *[1] * (len(above) - 1)] else "others"


def rounded(values: Iterable[float]) -> tuple[float, ...]:
    """Values as `weights.py` holds them."""
    return tuple(round(float(v), 4) for v in values)


def _wrapped(vector: Sequence[float]) -> list[str]:
    numbers = textwrap.wrap(", ".join(map(repr, vector)) + ",", 108, break_on_hyphens=False)
    return ["        (", *(f"            {n}" for n in numbers), "        ),"]


def written(families: Sequence[str], ancestor: Table, nearest: Table, odds: Mapping[str, Knots]) -> str:
    """The text of `weights.py`."""
    lines = [
        '"""The weights of `regressions`, as `make bench-grown` fits them: pairs and weights; scores and log odds."""',
        "",
        "# fmt: off",
        "Table = dict[str, tuple[int, tuple[float, ...]]]",
        "Odds = dict[str, tuple[tuple[float, ...], tuple[float, ...]]]",
        f"FAMILIES = {len(families)}",
        '"""Families for development that they were fitted on."""',
    ]
    for name, table in (("ANCESTOR", ancestor), ("NEAREST", nearest)):
        lines.append(f"{name}: Table = {{")
        for label, (pairs, vector) in table.items():
            lines += [f'    "{label}": (', f"        {pairs},", *_wrapped(vector), "    ),"]
        lines.append("}")
    lines.append("ODDS: Odds = {")
    for label, (scores, worth_of) in odds.items():
        lines += [f'    "{label}": (', *_wrapped(scores), *_wrapped(worth_of), "    ),"]
    lines.append("}")
    return "\n".join(lines) + "\n"


def _together(
    cases: Mapping[tuple[str, State, bool], Mapping[str, list[Case]]], state: State, light: bool
) -> dict[str, list[Case]]:
    """The development families, with all cases of what is fitted as one with this state."""
    found: dict[str, list[Case]] = {}
    for other in TOGETHER.get(state, (state,)):
        for name, some in cases.get(("development", other, light), {}).items():
            found.setdefault(name, []).extend(some)
    return found


def main() -> None:
    """Fit, print, and write if asked to."""
    parser = argparse.ArgumentParser(description="fit what geometry is worth")
    parser.add_argument("--set", action="append", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--write", action="store_true", help="write queries/lineage/calibration/weights.py")
    asked = parser.parse_args()
    cases: dict[tuple[str, State, bool], dict[str, list[Case]]] = {}
    kinds: dict[str, str] = {}
    for one in asked.set:
        name, _, folder = one.partition("=")
        for family in families(name, Path(folder)):
            kinds[family.name] = kind_of(family)
            for key, more in drawn(family, DRAWS).items():
                cases.setdefault(key, {}).setdefault(family.name, []).extend(more)
    ancestors: Table = {}
    nearests: Table = {}
    odds: dict[str, Knots] = {}
    for state in STATES:
        for light in (True, False):
            label = f"{state} {'light' if light else 'heavy'}"
            by_family = list(cases.get(("development", state, light), {}).values())
            mine = [case for found in by_family for case in found]
            if not mine:
                continue
            pairs = sum(int(c.open.sum()) for c in mine)
            odds[label] = worth(*left_out(by_family))
            ancestor = Weights(fit_ancestor(mine), pairs, *odds[label])
            print(f"{label}: {len(by_family)} families")
            taken = _together(cases, state, light)
            without = needless(state, taken, cases["development", state, light])
            nearest = fit_nearest([case for found in taken.values() for case in found], without)
            ancestors[label] = (pairs, rounded(ancestor.vector))
            nearests[label] = (pairs, rounded(nearest))
            for half in ("development", "held_out"):
                of_half = cases.get((half, state, light), {})
                if pairs_of := [c for group in of_half.values() for c in group]:
                    print(f"  {half:12s} {calibration(pairs_of, ancestor)}")
                    for line in by_kind(of_half, ancestor, kinds):
                        print(f"  {'':12s} {line}")
                    print(f"  {'':12s} nearest: {ranked(pairs_of, nearest)}")
    if asked.write:
        names = sorted({name for key, found in cases.items() if key[0] == "development" for name in found})
        WEIGHTS.write_text(written(names, ancestors, nearests, odds), "utf-8")


if __name__ == "__main__":
    main()
