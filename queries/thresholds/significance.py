"""When likeness counts: the bounds of significance, the null that they rest on, and the least that is compared."""

from __future__ import annotations

import math

import numpy as np

SIGNIFICANT_LOG10_E = -3.0
"""A relative is significant at this log10 of its E-value or below: E <= 1e-3, one false relative in a thousand
questions about models that have none.

Set on: no data; the rate of false alarms was chosen first.
Measured again by: make bench-calibration
"""
TENSOR_LOG_P = math.log(0.01)
"""A tensor of a significant relative counts as matched at this natural logarithm of p or below: p <= 0.01. It
decides identity and coverage, never whether two models are related.

Set on: no data; one unrelated tensor in a hundred may count as matched.
Measured again by: make bench-calibration
"""
OUTLIER_DEVIATIONS = 6.0
"""Values further from a tensor's median than so many robust standard deviations are cut there before they are
correlated, so that one huge weight decides nothing. Of Gaussian weights one in 500 million is cut.

Set on: no data.
Measured again by: pytest tests/queries/statistics/test_null.py
"""
FEW_PAIRS = 20
"""With fewer scores of mismatched blocks than this the spread of the null is not measured; FIXED_SPREAD stands for
it. What rows and columns share is taken out all the same, from FEW_BLOCKS on.

Set on: no data; a spread of 20 values is known to a sixth.
Measured again by: make bench-calibration
"""
FEW_BLOCKS = 4
"""With fewer blocks on either side than this the null is not measured: taking out the medians of rows and columns
would leave too little. Magnitudes of cosines, whose middle is not 0, are no evidence then.

Set on: no data.
Measured again by: make bench-calibration
"""
FIXED_SPREAD = 1.3
"""Scores are divided by this where the spread of the null cannot be measured. Unrelated tensors had spreads of 0.9
to 1.25, for every role and size; 1.3 lies above all of them, so p-values come out too large and never too small.

Set on: small unrelated models in the development of version 0.1.0; which ones is not recorded.
Measured again by: make bench-calibration
"""
LARGEST_P = 0.999
"""A p-value in the Cauchy combination is taken to be at most this: p = 1 would outweigh any number of small ones.

Set on: no data.
Measured again by: pytest tests/queries/statistics/test_pvalues.py
"""
KIND_TESTS = 0.2
"""In the middle of the scale a kind that two models can be compared by counts as so much of a test: the smallest p of
n kinds falls below p in about 0.1 n p of unrelated pairs, as p-values of kinds that count events are mostly 1, and the
null of gram is wider than its middle. For p from 0.01 to 0.25 found were 0.03 to 0.15 of strangers by width, up to 0.23
where a model's own matrices stand under each other's roles, and 0.12 to 0.17 of small trained models.

Set on: pairs of unrelated models: the development half of the grown families, and strangers made of two real models,
those whose names hash to even numbers.
Measured again by: make bench-calibration-million
"""
MIDDLE_P = 0.01
"""From this smallest p of all kinds on a kind counts as KIND_TESTS.

Set on: the same pairs as KIND_TESTS; below it strangers made of one real model's matrices are more than so often.
Measured again by: make bench-calibration-million
"""
TAIL_P = 2.5e-4
"""At this smallest p of all kinds and below, all of them count as a test each: p of four kinds is at most 1e-3 then,
and an E-value that is significant in any registry rests on no measured share.

Set on: no data; a quarter of the p that is significant in a registry of one model.
Measured again by: make bench-calibration-million
"""
LEAST_SINGULAR = 1e-3
"""Singular values of an adapter's factor below this share of the largest one are rounding, and count as absent.

Set on: no data; bfloat16 rounds by 0.002 at most.
Measured again by: pytest tests/queries/statistics/test_factors.py
"""
FEW_SHARED_TOKENS = 8
"""Rows of fewer tokens than this that both vocabularies hold are no evidence: each row is tested against the
others.

Set on: no data.
Measured again by: pytest tests/queries/evidence/test_tokens.py
"""
CONSTANT_GAINS = 0.01
"""A norm whose gains vary by less than this share of the largest one tells nothing: it was never trained, or
folded into the weights, or varies little more than bfloat16 rounds (0.002). Trained norms vary by 0.05 and more.

Set on: not recorded beyond these figures.
Measured again by: pytest tests/queries/evidence/test_gains.py
"""
FEW_GAINS = 64
"""Fewer gains than this are not correlated. Of 64 unrelated ones a correlation strays by 0.13.

Set on: no data.
Measured again by: pytest tests/queries/evidence/test_gains.py
"""
ACTIVATION_COSINES = np.array([0.34, 0.42, 0.50, 0.58, 0.66, 0.74, 0.82, 0.90])
"""Pairs of neurons with a cosine above each of these are counted: many faint pairs, or a few certain ones. The
best of the eight counts, with a correction for eight tries.

Set on: no data; evenly spaced.
Measured again by: make bench-activations
"""
ACTIVATION_FLOOR = np.maximum(0.03, np.exp(-20 * (ACTIVATION_COSINES - 0.62)))
"""Pairs of neurons above each of ACTIVATION_COSINES that two unrelated layers are expected to have, at least. A
few neurons are alike in any two models (a digit, a letter), more at the same depth than in mismatched layers,
which are the null. Of 82,880 pairs of layers of 117 models none had a pair above 0.82, and two at most above 0.74.

Set on: 2,341 pairs of layers of unrelated models of the benchmark zoo, and 4,788 of one of them and a real
model.
Measured again by: make bench-activations
"""
ACTIVATION_SHAPE = np.clip(1 + 75 * (0.5 - ACTIVATION_COSINES), 1, 10)
"""The largest shape of the negative binomial that counts of pairs are tested against, for each of
ACTIVATION_COSINES. From 0.50 on it is 1, a geometric tail: there the few neurons decide that are alike in any two
models.

Set on: the same pairs of layers as ACTIVATION_FLOOR.
Measured again by: make bench-activations
"""
FEW_MISMATCHED = 2
"""With fewer pairs of layers that do not belong together than this, activations have no null and say nothing.

Set on: no data; a mean and a variance need two.
Measured again by: pytest tests/queries/evidence/test_activations.py
"""
PARTS_ERROR = 0.01
"""How often, over all blocks and candidates, a model that explains a block of a model best may count as worse than
another.

Set on: no data; chosen first.
Measured again by: pytest tests/queries/answers/test_parts.py
"""
LEAST_COMPARED = 0.25
"""Share of a query's parameters that must have been compared with one model for `unrelated` to be said; below it the
answer is `inconclusive`. Embeddings, which need equal widths and tokens, hold half of a small model and three quarters
of a multilingual one; its layers are then what is left to compare.

Set on: no data; from the shapes of published models.
Measured again by: pytest tests/queries/relation/test_coverage.py
"""
MUCH_NOT_READ = 0.1
"""Share of a component's parameters from which on the sentence says that they were not read. Position embeddings and
buffers, which never are, hold up to 2 % of published models.

Set on: no data; from the shapes of published models.
Measured again by: pytest tests/queries/answers/test_verdict.py
"""
MOST_ALIKE = 3
"""Matrices that may be alike in unrelated networks without numbered layers: a fixed transform, the first and the last
layer. Silero VAD 5 and 6 share 2 of 16 bit for bit, the bases of their Fourier transforms.

Set on: networks of published packages (`make test-real`).
Measured again by: pytest tests/queries/statistics
"""
SHARE_ALIKE = 0.25
"""Share of the matrices of a network that may be alike in unrelated ones, where there are more than a dozen.

Set on: networks of published packages (`make test-real`).
Measured again by: pytest tests/queries/statistics
"""
MOST_OF_ONE_SHAPE = 512
"""Matrices of one shape of a network that are compared with those of another; the largest published ones have 36.

Set on: no data; a limit on work.
Measured again by: pytest tests/queries/evidence
"""
BEHAVIOUR_LOG_P = math.log(0.01)
"""Two models' next tokens agree significantly at this natural logarithm of the corrected p or below: p <= 0.01.

Set on: no data; the rate of false alarms was chosen first.
Measured again by: make bench-outputs
"""
