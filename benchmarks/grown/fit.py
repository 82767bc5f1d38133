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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forebear.queries.lineage.calibration.regressions import STATES, State
from forebear.queries.lineage.direction import design, is_light
from forebear.queries.lineage.returns import TERMS, Returns, returns, telling
from forebear.queries.lineage.rooting import Known
from forebear.queries.thresholds.lineage import DIRECTION_TOLD

from .families import Members, families

WEIGHTS = Path(__file__).resolve().parents[2] / "queries" / "lineage" / "calibration" / "weights.py"
DRAWS = 60
LARGEST = 9
FACTORS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
FEWEST_TOLD = 50
"""Directions that must have been told of families left out before their share says anything."""
ENOUGH = 0.97
"""Share of what is said at DIRECTION_TOLD that has to be so, on families left out, for geometry to tell one alone. The
held-out half can only take that away: where less than DIRECTION_TOLD of what is said there is so."""
RIDGE = 30.0
"""Penalty on the squared weights, as of 30 pairs: of 3 to 1,000 the one whose loss on families left out is smallest."""
Cases = dict[tuple[str, State, bool], list["Case"]]
Table = dict[str, tuple[int, tuple[float, ...]]]
"""Label -> pairs, and weights."""


@dataclass(frozen=True)
class Case:
    """One query: the terms [n, terms] of its candidates, which of them are ancestors, and which the nearest ones."""

    terms: NDArray[np.float64]
    ancestor: NDArray[np.bool_]
    nearest: NDArray[np.bool_]


def drawn(family: Members, draws: int) -> Cases:
    """Cases of random few of a family, by half, state of knowledge and drift."""
    found: Cases = {}
    choose = random.Random(family.name)
    everyone = range(len(family.names))
    counted = returns(family.distances.values, itertools.permutations(everyone, 2))
    for _ in range(draws):
        few = np.array(_few(family, choose))
        for state in STATES:
            for light, case in _cases(family, few, state, counted):
                found.setdefault((family.half, state, light), []).append(case)
    return found


def _few(family: Members, choose: random.Random) -> list[int]:
    """Random few of a family; half of the time, if enough are left, without any ancestor of one of them."""
    everyone = list(range(len(family.names)))
    if choose.random() < 0.5:
        one = choose.choice(everyone)
        without = [i for i in everyone if not family.above[one, i]]
        everyone = without if len(without) > 2 else everyone
    return sorted(choose.sample(everyone, choose.randint(2, min(LARGEST, len(everyone)))))


def _cases(family: Members, few: NDArray[np.int64], state: State, counted: Returns) -> Iterable[tuple[bool, Case]]:
    """A case for every member of the few that is asked; `few` is in the order of appearance."""
    rooted = state in {"root", "root and dates"}
    if rooted and family.root not in few:
        return
    everyone = family.distances.take(few)
    whole = design(everyone, known(state, few, family), counted.take(few)) if state != "newest" else None
    for place in range(len(few)):
        others = [i for i in range(len(few)) if i != place]
        if state in {"newest", "dates", "root and dates"}:
            others = [i for i in others if i < place]
        if rooted:
            others = [i for i in others if few[i] != family.root and few[place] != family.root]
        if not others:
            continue
        among = few[: place + 1] if state == "newest" else few
        part = family.distances.take(among)
        terms = design(part, known(state, among, family), counted.take(among)) if whole is None else whole
        ancestors = np.array([bool(family.above[few[place], few[i]]) for i in others])
        nearest = np.array([_is_nearest(family, few, place, i) for i in others])
        yield is_light(part), Case(terms[others, place], ancestors, nearest)


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


def _is_nearest(family: Members, few: NDArray[np.int64], query: int, candidate: int) -> bool:
    """Whether a candidate is an ancestor of the query without another registered one between them."""
    above = family.above
    if not above[few[query], few[candidate]]:
        return False
    between = [i for i in few if above[few[query], i] and above[i, few[candidate]]]
    return not between


def fit_ancestor(cases: Sequence[Case]) -> NDArray[np.float64]:
    """Logistic regression of being an ancestor, by Newton's method with a ridge."""
    terms = np.concatenate([c.terms for c in cases])
    truth = np.concatenate([c.ancestor for c in cases]).astype(np.float64)
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


def fit_nearest(cases: Sequence[Case]) -> NDArray[np.float64]:
    """Conditional logit of being the nearest registered ancestor, among the candidates of one query that has one."""
    asked = [c for c in cases if c.nearest.any() and len(c.nearest) > 1]
    weights = np.zeros(asked[0].terms.shape[1])
    for _ in range(50):
        gradient, curvature = RIDGE * weights, RIDGE * np.eye(len(weights))
        for case in asked:
            score = case.terms @ weights
            p = np.exp(score - score.max())
            p /= p.sum()
            target = case.nearest / case.nearest.sum()
            mean = p @ case.terms
            gradient += mean - target @ case.terms
            curvature += (case.terms * p[:, None]).T @ case.terms - np.outer(mean, mean)
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-8:
            break
    return np.asarray(weights)


def calibration(cases: Sequence[Case], weights: NDArray[np.float64]) -> str:
    """Predicted and true shares of ancestors by bins of probability, and what is told at 0.95."""
    p = np.concatenate([1 / (1 + np.exp(-(c.terms @ weights))) for c in cases])
    truth = np.concatenate([c.ancestor for c in cases])
    edges = (0, 0.02, 0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.01)
    parts = []
    for low, high in itertools.pairwise(edges):
        mine = (p >= low) & (p < high)
        if mine.any():
            parts.append(f"{p[mine].mean():.2f}/{truth[mine].mean():.2f} ({mine.sum()})")
    return "  ".join(parts)


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


def tempered(families: Sequence[Sequence[Case]], fit: Callable[[Sequence[Case]], NDArray[np.float64]]) -> float:
    """How far logits have to be drawn to 0 so that families that were not fitted on are predicted best.

    Every family is left out once; of a few factors the one with the smallest mean loss over those left out, a family a
    vote, is taken.
    """
    losses = np.zeros(len(FACTORS))
    for number, left_out in enumerate(families):
        weights = fit([case for i, cases in enumerate(families) if i != number for case in cases])
        logits = np.concatenate([c.terms for c in left_out]) @ weights
        truth = np.concatenate([c.ancestor for c in left_out])
        signed = np.where(truth, logits, -logits)
        losses += [np.log1p(np.exp(-factor * signed)).mean() for factor in FACTORS]
    return FACTORS[int(losses.argmin())]


def told_right(cases: Sequence[Case], weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """How much of what geometry says at DIRECTION_TOLD is so, and how much it says [2].

    It tells a direction only where `telling` lets it.
    """
    right, told = 0, 0
    for case in cases:
        sure = (case.terms @ weights >= np.log(DIRECTION_TOLD / (1 - DIRECTION_TOLD))) & telling(case.terms[:, -TERMS:])
        told += int(sure.sum())
        right += int(case.ancestor[sure].sum())
    return np.array([right, told])


def left_out(families: Sequence[Sequence[Case]], factor: float) -> NDArray[np.int64]:
    """The same, every family told by weights that were fitted on the others."""
    found = np.zeros(2, np.int64)
    for number, mine in enumerate(families):
        weights = factor * fit_ancestor([c for i, cases in enumerate(families) if i != number for c in cases])
        found += told_right(mine, weights)
    return found


def written(families: Sequence[str], tells: Sequence[str], ancestor: Table, nearest: Table) -> str:
    """The text of `weights.py`."""
    lines = [
        '"""The weights of `regressions`, as `make bench-grown` fitted them: pairs, then weights."""',
        "",
        "# fmt: off",
        "Table = dict[str, tuple[int, tuple[float, ...]]]",
        f"FAMILIES = {len(families)}",
        '"""Families for development that they were fitted on."""',
        "TELLS = frozenset([",
        *(f'    "{label}",' for label in sorted(tells)),
        "])",
        '"""Where geometry tells alone: of families left out 97 % of what it said at 0.95 was so, of others 95 %."""',
    ]
    for name, table in (("ANCESTOR", ancestor), ("NEAREST", nearest)):
        lines.append(f"{name}: Table = {{")
        for label, (pairs, vector) in table.items():
            numbers = textwrap.wrap(", ".join(map(repr, vector)) + ",", 108, break_on_hyphens=False)
            lines += [f'    "{label}": (', f"        {pairs},", "        (", *(f"            {n}" for n in numbers)]
            lines += ["        ),", "    ),"]
        lines.append("}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Fit, print, and write if asked to."""
    parser = argparse.ArgumentParser(description="fit what geometry is worth")
    parser.add_argument("--set", action="append", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--write", action="store_true", help="write queries/lineage/calibration/weights.py")
    asked = parser.parse_args()
    cases: dict[tuple[str, State, bool], dict[str, list[Case]]] = {}
    for one in asked.set:
        name, _, folder = one.partition("=")
        for family in families(name, Path(folder)):
            for key, more in drawn(family, DRAWS).items():
                cases.setdefault(key, {}).setdefault(family.name, []).extend(more)
    ancestors: Table = {}
    nearests: Table = {}
    tells: list[str] = []
    for state in STATES:
        for light in (True, False):
            label = f"{state} {'light' if light else 'heavy'}"
            by_family = list(cases.get(("development", state, light), {}).values())
            mine = [case for found in by_family for case in found]
            if not mine:
                continue
            factor = tempered(by_family, fit_ancestor)
            ancestor, nearest = factor * fit_ancestor(mine), fit_nearest(mine)
            pairs = sum(len(c.ancestor) for c in mine)
            ancestors[label] = (pairs, tuple(round(float(w), 4) for w in ancestor))
            nearests[label] = (pairs, tuple(round(float(w), 4) for w in nearest))
            right, told = left_out(by_family, factor)
            others = [c for group in cases.get(("held_out", state, light), {}).values() for c in group]
            so, said = told_right(others, ancestor)
            tells += [label] * bool(told >= FEWEST_TOLD and right >= ENOUGH * told and so >= DIRECTION_TOLD * said)
            print(f"{label}: {len(by_family)} families, logits times {factor}, left out: {right} of {told} told are so")
            print(f"  held_out     {so} of {said} told are so")
            for half in ("development", "held_out"):
                if found := [c for group in cases.get((half, state, light), {}).values() for c in group]:
                    print(f"  {half:12s} {calibration(found, ancestor)}")
                    print(f"  {'':12s} nearest: {ranked(found, nearest)}")
    if asked.write:
        names = sorted({name for key, found in cases.items() if key[0] == "development" for name in found})
        WEIGHTS.write_text(written(names, tells, ancestors, nearests), "utf-8")


if __name__ == "__main__":
    main()
