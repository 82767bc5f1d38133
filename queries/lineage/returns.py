"""Counts of what the query did where the candidate had moved away from a third model: back, on, or not at all.

Take a candidate c, a query q and a third relative w that is known to be earlier than c. Look at the values where c
differs from w. If q was made from c, it started there with c's values: whatever it did then, a step back to w's value
is no likelier than the same step further on, and staying is likelier than both. If c and q are siblings, c's own steps
are none of q's: q still stands at w's value wherever it did not move itself, and a step that takes it twice as far as c
is rare. Both comparisons are of steps of one size at the same values, so that neither how far q went nor how fine the
values are stored enters.

Limitations: siblings of one objective step alike, and then stay and go on together; a continuation that moved back
returns. Where q went much further than c, all three are equally rare and nothing is told. A sibling that hardly moved
from a parent that is not registered cannot be told from the parent. So the counts are weighed by what they were worth
on families whose trees are known (`direction`), as everything of geometry is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..thresholds.lineage import RETURN_PRIOR, RETURN_SAME

TERMS = 6
"""Figures of a pair: `summary` gives them."""
_SCALE = 3.0
"""Logarithms of shares are divided by this, to be of the size of the other terms."""


@dataclass(frozen=True)
class Returns:
    """Counts [n, n, n] of (candidate, query, witness), 0 where they were not counted.

    Of the values where candidate and witness differ (`moved`), at how many the query `returned` to the witness's value,
    `went_on` by as much again, or `stayed` at the candidate's.
    """

    returned: NDArray[np.int64]
    went_on: NDArray[np.int64]
    stayed: NDArray[np.int64]
    moved: NDArray[np.int64]

    def take(self, members: NDArray[np.int64]) -> Returns:
        """Those of some of the models."""
        grid = np.ix_(members, members, members)
        return Returns(self.returned[grid], self.went_on[grid], self.stayed[grid], self.moved[grid])


def returns(
    values: NDArray[np.float32], pairs: Iterable[tuple[int, int]], witnesses: NDArray[np.bool_] | None = None
) -> Returns:
    """The counts of some (candidate, query) `pairs` among n models' `values` [n, m].

    With every witness, or with those alone that `witnesses` [candidate, witness] names.
    """
    count = len(values)
    found = tuple(np.zeros((count, count, count), np.int64) for _ in range(4))
    for candidate, query in pairs:
        heard = np.arange(count) if witnesses is None else np.flatnonzero(witnesses[candidate])
        way = values[candidate] - values[heard]
        step = values[query] - values[candidate]
        near = RETURN_SAME * np.abs(way)
        differs = way != 0
        returned, went_on, stayed = (np.abs(s) <= near for s in (step + way, step - way, step))
        for counts, mine in zip(found, (returned, went_on, stayed, True), strict=True):
            counts[candidate, query, heard] = (differs & mine).sum(axis=1)
    return Returns(*found)


def summary(found: Returns, earlier: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The TERMS [n, n, 6] of every (candidate, query) over the witnesses that are known to be earlier [n, n].

    `earlier` [candidate, witness]. Least and middle of log(returned / went on), largest, middle and least of
    log(stayed / returned), and whether there was any such witness. All 0 where there was none.
    """
    count = len(earlier)
    itself = np.eye(count, dtype=np.bool_)
    usable = (found.moved > 0) & earlier[:, None, :] & ~itself[None, :, :]
    back = np.log((found.returned + RETURN_PRIOR) / (found.went_on + RETURN_PRIOR)) / _SCALE
    still = np.log((found.stayed + RETURN_PRIOR) / (found.returned + RETURN_PRIOR)) / _SCALE
    terms = np.zeros((count, count, TERMS))
    known = usable.any(axis=2)
    if known.any():
        back_known = np.where(usable, back, np.nan)[known]
        still_known = np.where(usable, still, np.nan)[known]
        figures = (
            np.nanmin(back_known, axis=1),
            np.nanmedian(back_known, axis=1),
            np.nanmax(still_known, axis=1),
            np.nanmedian(still_known, axis=1),
            np.nanmin(still_known, axis=1),
            np.ones(len(back_known)),
        )
        terms[known] = np.stack(figures, axis=1)
    return terms
