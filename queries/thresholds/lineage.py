"""Who came first, who is nearest, and what was put together from others."""

from __future__ import annotations

DIRECTION_TOLD = 0.95
"""From this probability on a direction is said; below it is `unknown`, and `derived from` is not said.

Set on: no data; of what is said one in twenty may be wrong.
Measured again by: make bench-small-registries
"""
GEOMETRY_ALONE = 0.94
"""Geometry without a known root never says more than this, so it tells no direction alone: on families left out of
the fit what it told at 0.95 was right in 33 of 91 cases (the query the newest, light drift).

Set on: no data; just below DIRECTION_TOLD.
Measured again by: make bench-grown
"""
LIGHT_DRIFT = 0.9
"""A family drifts lightly where the median pair differs in fewer than this share of its values, both as bfloat16.
Real fine-tunes do; each of the two regimes has its own regressions.

Set on: grown families, field models and zoo, their development halves.
Measured again by: make bench-grown
"""
INSIDE_TREE = 0.12
"""A model stands inside the family's tree, and not at a leaf, where its own way is at most this share of the way to
its nearest relative.

Set on: grown families, development half.
Measured again by: make bench-grown
"""
SAME_NODE = 0.05
"""Hidden nodes of the tree that are nearer to each other than this share of the usual way between neighbours count as
one: their order is not known.

Set on: grown families, development half.
Measured again by: make bench-grown
"""
NEAR_COPY = -2.0
"""Two models are near copies where the logarithm of their distance, relative to the others', is below this: 0.14 of
it. Geometry does not say which of the two came first, as a step back of 4 % looks like a parent.

Set on: grown families, development half.
Measured again by: make bench-grown
"""
SURE = 0.99
"""Probability of what follows from a claim or from a rounding: never 1.

Set on: no data.
Measured again by: make bench-small-registries
"""
ROUNDED_FROM_NEAREST = 0.6
"""Probability that a model whose values are rounded in groups was rounded from the model that it is nearest to. The
rounding hides a light training: 44 of 73 such rows named the source.

Set on: small registries of the benchmark zoo, edition 1.
Measured again by: make bench-small-registries
"""
MERGE_PARENTS = 0.97
"""Probability that the parents of a recognised merge are its ancestors.

Set on: no data; of the 24 merges of either edition of the benchmark zoo both parents stood in the first two ranks.
Measured again by: make bench-peers
"""
COVERED_BY_COPY = 0.5
"""Of two models of which one is the other with layers left out or doubled and no value changed, the mark says which
came first only where at least this share of the query has a match.

Set on: no data; more than half.
Measured again by: make bench-small-registries
"""
BESIDE_SOURCE = 0.3
"""A relative is not the source of a rounded copy where another one stands between the two: one whose own way is at
most this share of its distance to the relative.

Set on: small registries of the benchmark zoo, edition 1.
Measured again by: make bench-small-registries
"""
COPY_EVEN = 0.5
"""Of two copies the query is the copy above this probability, and the relative below it.

Set on: no data; even odds.
Measured again by: pytest tests/queries/answers/test_verdict.py
"""
TIE = 0.95
"""The likeliest candidates for the nearest ancestor share a rank until they reach this probability together: the
nearest ancestor is another one in a twentieth of all cases.

Set on: no data.
Measured again by: make bench-grown
"""
MOSTLY_BY_POSITIONS = 0.5
"""A candidate takes part in the query's family where at least this share of the query matches by positions: distances
need values at the same places.

Set on: no data; more than half.
Measured again by: make bench-lineage
"""
MOST_RELATIVES = 24
"""Relatives of the query, the nearest first, that are compared with each other, at most. Others follow by distance.

Set on: no data; all pairs of 24 are compared in some tenths of a second.
Measured again by: make bench-query
"""
OWN_WAY = 0.25
"""A model counts as put together from others, of layers or of changes, only where its own way is more than this share
of the way to them, over its parents. A root whose children each changed another part looks put together too, but lies
on the way between them.

Set on: not recorded; the bundled zoo and the two families of bench-lineage were in view.
Measured again by: make bench-lineage
"""
FEW_WITNESSES = 2
"""Own ways, and what merges rest on, need at least this many third relatives: one witness never decides.

Set on: no data.
Measured again by: make bench-lineage
"""
MERGE_BASES = 2
"""Relatives, the most central first, that are tried as the base that a merge of changes was made on.

Set on: no data; time was chosen.
Measured again by: make bench-lineage
"""
MARK_LEAST_SHARE = 0.02
"""`values of a coarser file kept`: at least this share of the finer model's values is the coarser one's bit for bit.
By chance one in 65,536 is.

Set on: no data; far above chance.
Measured again by: make bench-field
"""
MARK_OFF_LATTICE = 0.05
"""`values of a coarser file kept`: at least this share of the finer model's values lies between the coarser type's.

Set on: no data.
Measured again by: make bench-field
"""
MARK_FEW_VALUES = 1024
"""`values of a coarser file kept`: nothing is said on fewer matched values than this.

Set on: no data.
Measured again by: make bench-field
"""
MARK_MOSTLY = 0.5
"""`trained off the levels of a quantised file`: nothing is said unless at least this share of the query matches by positions.

Set on: no data; more than half.
Measured again by: make bench-field
"""
