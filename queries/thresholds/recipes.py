"""What a merge was made of: when a parent counts, when a recipe is tried, and when it is said."""

from __future__ import annotations

PARENT_MAY_LACK = 0.1
"""Share of the query's tensors that a parent may lack: a vocabulary or a head that was changed.

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
RECIPE_COPY = 0.999
"""A relative that holds so much of the query, after rounding to its type, is a copy and no parent.

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
WORTH_SEARCHING = 0.1
"""Share of the changed places below which the grid is not worth its time: true parents and base have 0.3 and more.

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
LEAST_DENSITY = 0.02
"""A parent of which less is kept is none: where a model holds values of another one alone, the search for a second
parent ends at a hundredth.

Set on: synthetic models of random trees.
Measured again by: make bench-no-merges-trees
"""
LEAST_WEIGHT = 0.03
"""A parent of less weight is none: rounding and siblings that share drift get up to 0.02 in a fit over a family.

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
MOST_WEIGHT = 3.0
"""A larger weight is none that anybody merges with: it comes of changes against a base that is nearly a parent.

Set on: no data.
Measured again by: make bench-no-merges
"""
BEYOND_PARENT = 0.1
"""Where weights of changes sum to more than 1, what parents beside the largest must have of that sum: a conversion of a
model from which a merge was made had 0.03, beyond the merge.

Set on: one conversion of the field family, development half.
Measured again by: make bench-no-merges
"""
FEWER_PARENTS_MAY_LEAVE = 1.1
"""A smaller set of members is taken where its squared residual is at most so many times the smallest one.

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
REFINING_FROM = 0.5
"""Share of the changed places below which a proposal is not refined: weights of least squares, off by
a hundredth, give 0.6 and more of a true recipe.

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
TUNING_FROM = 0.1
"""The same before angles or densities were tuned: an angle that is off by a tenth leaves 0.2 to 0.4.

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
PROMISING = 0.7
"""Share of the changed places of a few tensors below which a recipe whose settings are those of each tensor is not
tuned in all of them: RECIPE_CLAIMED is out of its reach.

Set on: no data; less than RECIPE_CLAIMED, as a few tensors give weights less well.
Measured again by: make bench-recipes
"""
RECIPE_CLAIMED = 0.9
"""Share of the changed places that a recipe must reproduce. Merges made by mergekit have 0.97 and more where their
arithmetic is emulated; models that are no merges have next to nothing there (`make bench-recipes`).

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
SUM_CLAIMED = 0.97
"""The same of a sum, whose arithmetic is emulated to the last digit, and of every recipe that is to tell a direction.
Merges have 0.983 and more; where a parent is not registered, a light fine-tune of it in its place gave 0.92.

Set on: field models, development half, and merges by mergekit of the bundled zoo.
Measured again by: make bench-small-registries
"""
CHOICE_CLAIMED = 0.99
"""The same of changes left out at random, where one choice of several has to give each value: a true recipe gives all
of them. Of models that are no merges it gave 0.91 of conversions of a light family, and 0.98 of 150 changed values.

Set on: field models, synthetic models of random trees, and merges by mergekit of the bundled zoo.
Measured again by: make bench-no-merges-trees
"""
FEWEST_CHANGED = 100
"""Changed places below which nothing is told: the standard error of a share of 0.9 is 0.03 then.

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
CONSTANT_WEIGHTS = 0.99
"""What a recipe of constant weights reproduces where it is the truth; below it weights by layer are tried.

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
SPARED = 2.0
"""A sum of three or more models that misses some values is told only where it misses more than this many times as many
without any one of them.

Set on: no data; a model that takes part gives most of what is missed without it.
Measured again by: pytest tests/queries/lineage/test_collinear.py
"""
ON_ONE_LINE = 0.2
"""Of models on one line, what differs across it is at most this share of what differs along it, squared.

Set on: mixtures of one fine-tune and its base in bfloat16, which had 0.05 and 0.12 by rounding, beside a soup of five
of 0.71.
Measured again by: pytest tests/queries/lineage/recipes/test_trials.py
"""
SHARES_BY_CHANCE = 3.0
"""Standard deviations of a difference of two shares (McNemar's test) that may be chance.

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
LEAST_TAKEN = 0.03
"""Share of all values that a member must add: unrelated values of one tensor are equal in 0.005 (bfloat16).

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
RECIPE_UNEXPLAINED = 0.02
"""Squared distance that a merge of an unknown method may leave, as a share of that to its nearest parent: as for merges
in rankings of ancestors (`lineage.merges`).

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
DECLARED_WEIGHT_OFF = 0.02
"""A declared weight that is further than this from the one that replay gives, and from both regressions, is
contradicted. Weights that replay gives are exact to 0.0001 on held-out merges; people round theirs to a hundredth.

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
NEXT_EQUAL = 0.3
"""A member is tried for the base of a merge that leaves changes out where the model holds so much of it, as a share of
what it holds of the member that it is most equal to.

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
MOVED_TOWARDS = 0.95
"""Share of the values that moved whose way leads towards the other model of a nearswap: all of a true one but for
rounding, half of an unrelated one, as follows from the method; the shares that true ones reach were not recorded.

Set on: no data; all 6 nearswaps by mergekit of the bundled zoo pass.
Measured again by: make bench-recipes
"""
MASKED_BY_CHANCE = 0.2
"""A recipe whose changes were left out at random is not told where changes that stand elsewhere in their tensors give
so many of the values that differ from the base and from the nearest relative, with the same freedom: 0.01 to 0.08 at a
drift of 8 %, 0.09 to 0.17 in bfloat16 at one of 0.2 %, where the recipe gives 0.996 of them and those of a parent's
copy 0.98. In families of the tests at 0.3 % it was 0.16 to 0.5, and roots and children were given by their relatives'
changes in three places of four.

Set on: merges by mergekit of the bundled zoo, even seeds; four merges of the field family's development half.
Measured again by: make bench-recipes
"""
MASKED_WORTH_SEARCHING = 0.05
"""WORTH_SEARCHING where changes were left out at random: before the scales of tensors are known a true recipe gives
0.07 of the changed values and more.

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
KEPT_BY_SIZE = 0.25
"""Changes were not left out at random where the sizes of those that were kept and of those left out are further apart
(Smirnov's distance, beyond chance). Computed from the methods: 0 in DARE, 0.08 in DELLA with an epsilon of 0.1 and a
density of 0.8 (epsilon / 8 times 1 / density + 1 / (1 - density)), 0.5 and more in breadcrumbs whatever the
parameters, 1 in TIES.

Set on: no data. How often the larger one of two was kept, which was asked before, passed a breadcrumbs whose smallest
and largest changes balance (density 0.8, gamma 0.05): found on a seed made for development.
Measured again by: make bench-recipes
"""
LEAST_OF_BASE = 0.02
"""Share of all values that a merge must hold of a base whose changes are looked for one by one: three parents of which
each keeps 0.7 leave 0.027. Unrelated values of one tensor are equal in 0.005 (bfloat16).

Set on: no data; computed from the methods.
Measured again by: make bench-recipes
"""
KEPT_ALONE_Z = 12.0
"""Standard deviations by which more values must follow from one relative's changes times one factor than from factors
beside it, for the relative to be tried as a parent. Parents had 40 and more at a drift of 8 and 2 %, 11 to 39 at 0.3 %.
Models of 50 relatives that are no parents had up to 9.4: steps of a type make some factors likelier than others.

Set on: merges by mergekit of the bundled zoo, seeds 20 to 27 and one of seed 32; two synthetic families of 51 models.
Measured again by: make bench-recipes
"""
FUSION_BREAKS = 0.1
"""Of the values that a bound a row would leave wrong if chance had chosen what is taken over, the share that may be
wrong in an arcee_fusion: none were in 5 of them, heavy and light.

Set on: merges by mergekit of the bundled zoo, even seeds, and one of a grown family, development half.
Measured again by: make bench-recipes-fresh
"""
EQUAL_WEIGHTS_OFF = 0.05
"""How far the shares of a Karcher mean, in which parents count alike, may lie from equal ones in a fit of a sum.

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
FACTORS_OFF = 0.03
"""How far a parent's share of the factors of a tensor may lie, in the median, from the share in a Karcher mean by the
samples' lengths and angles: 0.006 in Karcher means by mergekit of parents that differ by a third.

Set on: merges by mergekit of the bundled zoo, even seeds.
Measured again by: make bench-recipes
"""
ARC_ANGLE_OFF = 0.3
"""How far the angle of an arc that two factors say may lie from the samples', as a share of it, in the median of all
tensors: 0 is that of a straight line. Samples give an angle to 6 % (one standard error), so the median to far less.

Set on: no data; five standard errors.
Measured again by: make bench-recipes-factors
"""
FACTORS_ONE_SHARE = 3e-4
"""Spread over tensors (median absolute deviation) below which two parents have one share in all of them: as in a SLERP,
which takes them as long as they are, and not in a Karcher mean. Samples give a share to 1e-4.

Set on: no data; three times what is known of a share.
Measured again by: make bench-recipes-factors
"""
FACTORS_ASTRAY = 4
"""Standard errors that the median over all tensors of what a parent's share is off may lie from 0, as the chance of
samples has no side: 1 and less in Karcher means by mergekit, 5 in a SLERP at 0.46.

Set on: merges by mergekit of the bundled zoo, seeds 0, 2, 4, 20, 22 and 24 to 27.
Measured again by: make bench-recipes
"""
STOCK_ANGLE_OFF = 0.3
"""How far the cosine that the t of a model stock stands for may lie from that of the samples. Those of 256 values give
it to 0.06 (one standard error). The mean over n tensors may lie so far over the square root of n.

Set on: no data; five standard errors.
Measured again by: make bench-recipes
"""
STOCK_TENSORS = 0.9
"""Share of the tensors that all parents moved, each its own way, whose t has to be what the angle gives. The others
may be embeddings, of which few rows were sampled.

Set on: no data.
Measured again by: make bench-recipes
"""
WHOLE_LAYER = 0.01
"""A layer whose weights lie so near to 0 and 1 is one parent's alone: a search ends at 0.001.

Set on: no data.
Measured again by: make bench-recipes
"""
