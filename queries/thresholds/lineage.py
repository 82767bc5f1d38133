"""Who came first, who is nearest, and what was put together from others."""

from __future__ import annotations

DIRECTION_TOLD = 0.95
"""From this probability on a direction is said; below it is `unknown`, and `derived from` is not said.

Set on: no data; of what is said one in twenty may be wrong.
Measured again by: make bench-small-registries
"""
GEOMETRY_ALONE = 0.94
"""Geometry never says more than this, so it tells no direction alone. On held-out families what it would tell at 0.95
is so in chains (17,675 of 17,683) and not in others (1,128 of 1,610): a sibling that hardly moved stands where its
parent would.

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
"""A model stands inside the family's tree, and not at a leaf, where its own way is at most this share of the way
to its nearest relative.

Set on: grown families, development half.
Measured again by: make bench-grown
"""
SAME_NODE = 0.05
"""Hidden nodes of the tree that are nearer to each other than this share of the usual way between neighbours count
as one: their order is not known.

Set on: grown families, development half.
Measured again by: make bench-grown
"""
NEAR_COPY = -2.0
"""Two models are near copies where the logarithm of their distance, relative to the others', is below this: 0.14
of it. Geometry does not say which of the two came first, as a step back of 4 % looks like a parent.

Set on: grown families, development half.
Measured again by: make bench-grown
"""
RETURN_SAME = 0.25
"""Two steps at one value count as equal where they differ by at most this share of the step: then steps of one, two and
three units of a type are told apart.

Set on: no data.
Measured again by: make bench-grown
"""
RETURN_PRIOR = 10.0
"""Values that are added to every count of returns before shares are taken, so that few values say little.

Set on: no data.
Measured again by: make bench-grown
"""
RETURN_VALUES = 8_192
"""Values of a family at which returns are counted, at most.

Set on: no data; time was chosen.
Measured again by: make bench-query
"""
SURE = 0.99
"""Probability of what follows from a claim or from a rounding: never 1.

Set on: no data.
Measured again by: make bench-small-registries
"""
ROUNDED_FROM_NEAREST = 0.6
"""Probability that a model whose values are rounded in groups was rounded from the model that it is nearest to.
The rounding hides a light training: 44 of 73 such rows named the source.

Set on: small registries of the benchmark zoo, edition 1.
Measured again by: make bench-small-registries
"""
MERGE_PARENTS = 0.97
"""Probability that the parents of a recognised merge are its ancestors.

Set on: no data; of the 24 merges of either edition of the benchmark zoo both parents stood in the first two
ranks.
Measured again by: make bench-peers
"""
LIGHT_MERGE_PARENTS = 0.4
"""The same at light drift, but for merges of whole tensors, where merging the relatives does not give the values: a
near relative of a parent that is not registered explains as much. In 100 random registries 26 of 72 such rows were
parents.

Set on: field models, development half.
Measured again by: make bench-small-registries
"""
LIGHT_MERGE_LATER = 0.92
"""Probability that a relative which looks like a light merge of the query and of another one is no ancestor of the
query: in 100 random registries none of 93 such rows was, and 44 were descendants, as LIGHT_MERGE_PARENTS says.

Set on: field models, development half.
Measured again by: make bench-small-registries
"""
COVERED_BY_COPY = 0.5
"""Of two models of which one is the other with layers left out or doubled and no value changed, the mark says
which came first only where at least this share of the query has a match.

Set on: no data; more than half.
Measured again by: make bench-small-registries
"""
OWN_OF_COPY = 0.5
"""Of the way between a rounded copy and what it is a copy of, at least this share is the copy's own, seen from most
relatives: 1 where it is a rounding of that one, 0 where that one was made from it.

Set on: no data; even odds.
Measured again by: make bench-small-registries
"""
FITS_BETTER = 0.4
"""A model is not the source of a rounded copy where another one is nearer to it, in squared distance, by at least this
share of the squared distance between the two: 1 where the other one is the source, -1 where this one is.

Set on: small registries of the benchmark zoo, edition 1.
Measured again by: make bench-small-registries
"""
NOT_EXCLUDED = 1.645
"""Standard errors that a difference may be off before it excludes something: one-sided, 5 %.

Set on: no data; the stated error of the first rank.
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
"""A candidate takes part in the query's family where at least this share of the query matches by positions:
distances need values at the same places.

Set on: no data; more than half.
Measured again by: make bench-lineage
"""
NEARLY_AS_MUCH = 0.8
"""Where the candidate that matches most of the query by positions matches hardly more than half of it, others take part
in the family from this share of what that one matches.

Set on: no data; rewrites of alder and of alder-pruned were in view, whose original matches 0.87 of what another does.
Measured again by: make bench-rewrites
"""
MOST_RELATIVES = 24
"""Relatives of the query, the nearest first, that are compared with each other, at most. Others follow by
distance.

Set on: no data; all pairs of 24 are compared in some tenths of a second.
Measured again by: make bench-query
"""
OWN_WAY = 0.25
"""A model counts as put together from others, of layers or of changes, only where its own way is more than this
share of the way to them, over its parents. A root whose children each changed another part looks put together too,
but lies on the way between them.

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
"""`values of a coarser file kept`: at least this share of the finer model's values is the coarser one's bit for
bit. By chance one in 65,536 is.

Set on: no data; far above chance.
Measured again by: make bench-field
"""
MARK_OFF_LATTICE = 0.05
"""`values of a coarser file kept`: at least this share of the finer model's values lies between the coarser
type's.

Set on: no data.
Measured again by: make bench-field
"""
MARK_FILLED = 0.42
"""A mark that a model's codes were made after another's values: the mean distance of these from the levels, in half
steps, is at least this. Rounding leaves 0.5, and 0.46 where the bounds of Q8_0 are wider than a step; what was trained
on the levels of a file had 0.01.

Set on: no data; it follows from even errors.
Measured again by: pytest tests/queries/lineage/test_marks.py
"""
MARK_OUTSIDE = 0.05
"""The same: the largest share of values beyond the bounds. Gaussian drift from the levels themselves has 6 % beyond at
that distance; light fine-tunes of what was rounded have 0.1 to 9 %.

Set on: no data; it follows from the Gaussian.
Measured again by: pytest tests/queries/lineage/test_marks.py
"""
MARK_FEW_VALUES = 1024
"""`values of a coarser file kept`: nothing is said on fewer matched values than this.

Set on: no data.
Measured again by: make bench-field
"""
MARK_MOSTLY = 0.5
"""`trained off the levels of a quantised file`: nothing is said unless at least this share of the query matches by
positions.

Set on: no data; more than half.
Measured again by: make bench-field
"""
MERGE_ROUNDING = 2 * 0.0017**2
"""Squared relative difference that storing a merge and a parent as bfloat16 adds, and that is allowed on top of
MERGE_RESIDUAL.

Set on: no data; bfloat16 rounds Gaussian values by 0.0017 (RMS).
Measured again by: pytest tests/queries/lineage/test_merges.py
"""
MERGE_LIGHT = 2 * MERGE_ROUNDING / 0.02
"""Squared ways below this are checked value by value: there rounding is a good part of what may stay unexplained.

Set on: no data; twice MERGE_ROUNDING over MERGE_RESIDUAL.
Measured again by: pytest tests/queries/lineage/test_merges.py
"""
MERGE_ROUNDED_ONCE = 0.5 + 2.0**-6
"""Steps of its type that a merge's value is moved at most where it was computed in a finer type and rounded at the end.

Set on: no data; half a step, and what the arithmetic of the finer type adds.
Measured again by: pytest tests/queries/lineage/test_merges.py
"""
MERGE_STEPS = 1.25
"""Steps of its type that arithmetic moves a merge's value, at most: half of one for the sum and for the product
with the larger weight, a quarter for the other product, whose steps are half as large.

Set on: no data.
Measured again by: pytest tests/queries/lineage/test_merges.py
"""
MERGE_CAST = 0.5
"""Steps more where the parents were of a finer type and were cast to the merge's first: half of one, weights sum to 1.

Set on: no data.
Measured again by: pytest tests/queries/lineage/test_merges.py
"""
MERGE_FEWEST = 0.01
"""At least this share of the values must differ by more than rounding for anything to be said of a merge.

Set on: no data.
Measured again by: make bench-field
"""
MERGE_MISSED = 0.15
"""A linear merge of light drift: of the values that differ from the nearer parent by more than rounding, at most
this share may lie that far from the line too. Merges have at most 0.05, other models at least 0.35.

Set on: field models, development half.
Measured again by: make bench-field
"""
MERGE_SUM = 2.0**-7
"""The weights of a merge may miss 1 by so much: they are rounded to bfloat16, and merging tools do not divide
again.

Set on: no data.
Measured again by: pytest tests/queries/lineage/test_merges.py
"""
MERGE_RESIDUAL = 0.02
"""Share of the way to the nearer parent, squared, that a merge may leave unexplained. A model that was trained has
changes of its own.

Set on: not recorded; the bundled zoo and the two families of bench-lineage were in view.
Measured again by: make bench-lineage
"""
MERGE_BESIDE = 1e-6
"""Share of the way to the nearer parent, squared, that a merge may stand beside the line, beyond rounding, where models
drifted by more than rounding. Checkpoints of a smooth run lie next to the line between their neighbours.

Set on: six linear and SLERP merges of edition 1 of the zoo, which had at most 3e-10, and eight checkpoints of smooth
runs in bfloat16 and float32, which had at least 3e-4.
Measured again by: pytest tests/queries/lineage/test_merges.py
"""
MERGE_LINE_SHARE = 0.15
"""A linear merge lies at least this share of the way from either parent.

Set on: no data.
Measured again by: make bench-lineage
"""
MERGE_PART = 0.1
"""Share of a merge that each parent must hold alone, by size: of its tensors, or of its changes.

Set on: no data.
Measured again by: make bench-lineage
"""
MERGE_OF_LAYERS = 0.9
"""A merge of layers: its parents hold at least this share of it bit for bit.

Set on: no data.
Measured again by: make bench-lineage
"""
MERGE_STRAYS = 0.005
"""Share of the values that no relative moved which a model may have moved to be replayed as a merge of theirs: merges
of changes moved none of 654, a fine-tune whose relatives moved nearly all 0.01. It says what is tried; replay decides.

Set on: the field family's development half, and merges in bfloat16 of it.
Measured again by: make bench-field-whole
"""
MERGE_NEARER = 0.9
"""Share of the squared distance to the nearest relative that the changes of two others may leave for a model that
nothing else told to be a merge to be replayed: 0.2 to 0.85 in merges in bfloat16, 0.92 and more in fine-tunes of which
no merge is registered. A limit on work.

Set on: merges in bfloat16 of the field family's development half, and that half.
Measured again by: make bench-field-whole
"""
MERGE_MOVED = 0.04
"""Share of the values that relatives moved which a model has to have moved to be replayed as a merge of theirs where
nothing else told one: 0.05 and more in merges of light fine-tunes. A limit on work: fine-tunes whose children or merges
are registered pass it too.

Set on: merges in bfloat16 of the field family's development half.
Measured again by: make bench-field-whole
"""
MERGE_LEFT_OUT = 0.08
"""The same where changes may have been left out at random, which takes some seconds more.

Set on: merges in bfloat16 of the field family's development half.
Measured again by: make bench-field-whole
"""
MERGE_TRIED = 5
"""A merge of changes: relatives that are tried as parents, those that explain most by single values first.

Set on: no data; time was chosen.
Measured again by: make bench-lineage
"""
MERGE_ALONG_TRIED = 3
"""A merge of changes: relatives that are tried as parents, those whose change points the same way first.

Set on: no data; time was chosen.
Measured again by: make bench-lineage
"""
MERGE_LINES_TRIED = 8
"""A linear merge of light drift: pairs of relatives that are checked value by value, at most.

Set on: no data; time was chosen.
Measured again by: make bench-field
"""
MERGE_ROUNDS = 3
"""A merge of changes: how often values are assigned to the parents and the multiples computed anew.

Set on: no data.
Measured again by: pytest tests/queries/lineage/test_merges.py
"""
MERGE_VALUES = 8_192
"""A merge of changes: values that are looked at. Enough to tell, and quick.

Set on: no data; time was chosen.
Measured again by: pytest tests/queries/lineage/test_merges.py
"""
MERGE_SMALL = 0.05
"""A merge of changes: a value's change of less than this share of a parent's counts as none.

Set on: no data.
Measured again by: pytest tests/queries/lineage/test_merges.py
"""
MERGE_MODE = 0.1
"""A merge of changes: share of the values that must stand at the commonest ratio of the merge's change to a
parent's.

Set on: no data.
Measured again by: pytest tests/queries/lineage/test_merges.py
"""
STANDS_THERE = 0.5
"""A missing ancestor, at heavy drift: a model may be what all others come from when its own way (squared) is at most
this share of the usual one. A registered root's was 0.24 at most with all its children, because these drift alike.
With some of its children alone 0.3 inferred something in 7 of 87 families of five or more, and 0.5 in one of 87.

Set on: grown families, development half.
Measured again by: make bench-missing
"""
FEWEST_MODELS = 5
"""A missing ancestor: models that are needed. Of four, 2 of 36 that were parts of chains passed for a star.

Set on: grown families, development half.
Measured again by: make bench-missing
"""
INDEPENDENT = 0.9
"""A missing ancestor: two models are of one branch where they are nearer (squared) than this share of the sum of their
own ways.

Set on: grown families, development half.
Measured again by: make bench-missing
"""
FEWEST_BRANCHES = 3
"""A missing ancestor: branches that must meet at one place. Two have a way between them, and no place on it.

Set on: no data.
Measured again by: make bench-missing
"""
FEWEST_OLDER = 2
"""A missing ancestor: branches that must be older than the first model which stands where all meet. One alone may be
what that comes from.

Set on: no data.
Measured again by: make bench-missing
"""
ADDITIVE = 0.25
"""A missing ancestor: distances are a star's where the relative errors of a star have at most this RMS. Stars had 0.10
to 0.20, chains 0.42 and more.

Set on: grown families, development half.
Measured again by: make bench-missing
"""
MATCHES_WITHIN = {"light": 0.1, "heavy": 0.2}
"""A missing ancestor: a model stands there where its own way, as a share of the usual one, is nearer to nothing.

Set on: grown families, development half.
Measured again by: make bench-missing
"""
MATCHES_EARLIER = {"light": 0.1, "heavy": 0.4}
"""The same for a model that claims to be released before all members, so that it is none of them.

Set on: grown families, development half.
Measured again by: make bench-missing
"""
LATTICE_PLACES = 150
"""A missing ancestor: values of one power of two, and of finer ones, that are needed to compare how models moved there.

Set on: no data.
Measured again by: make bench-missing
"""
LATTICE_MOVED = (0.03, 0.7)
"""A missing ancestor: moves are compared where a model moved between these shares of the values. Where hardly any moved
the longest moves alone decide, and these are not alike in small and large values; where most did, steps are fine.

Set on: grown families, development half.
Measured again by: make bench-missing
"""
LATTICE_TOLERANCE = 0.025
"""A missing ancestor: correlation by which moves on coarse and on fine steps may differ about the values that training
started from, beside the error of sampling: training does not move all values quite alike.

Set on: grown families and field models, development half.
Measured again by: make bench-missing
"""
LATTICE_KEPT = 0.3
"""A missing ancestor: a model of which less than this share of the foretold moves is seen on coarse steps was trained
in bfloat16 itself, and takes no part there.

Set on: field models, development half.
Measured again by: make bench-missing
"""
LATTICE_REFUTES = 1.5
"""A missing ancestor: a model whose values fit worse than this is not what the others were trained from. Registered
roots had 0.4 to 1.5, with all children and with some; two thirds of the nearest children had more.

Set on: grown families, development half.
Measured again by: make bench-missing
"""
