"""What `compare` says of two models: verdict, controls, readings of a change, tests on whole weights."""

from __future__ import annotations

FEW_MATRICES = 4
"""Of a model of fewer matrices than this nothing is told: `inconclusive`.

Set on: no data.
Measured again by: pytest tests/queries/comparison/pair/test_verdicts.py
"""
FINE_TUNED = 0.9
"""The sentence under a verdict says `fine-tune` from this identity on; continued pretrainings and merges lie below
it.

Set on: fine-tunes, continued pretrainings and merges of the bundled zoo.
Measured again by: pytest tests/queries/comparison/pair/test_verdicts.py
"""
CONTROLS = 2
"""Models that are related to neither of two, and that stand beside every comparison.

Set on: no data.
Measured again by: pytest tests/queries/comparison/test_controls.py
"""
SHARE_OF_SHAPE = 0.5
"""A control has at least this share of its parameters in matrices of the role and width that the compared models
have.

Set on: no data; more than half.
Measured again by: pytest tests/queries/comparison/test_controls.py
"""
MOST_CONTROLS_TRIED = 64
"""Models of the right shape, at most, whose evidence is computed in search of controls.

Set on: no data; 10 ms each.
Measured again by: make bench-compare
"""
BETWEEN_EVEN_AND_GAUSSIAN = 2.4
"""A change whose kurtosis is below this is read as rounding: half way between an even spread (1.8), as rounding in
groups has it, and a Gaussian (3).

Set on: no data.
Measured again by: pytest tests/queries/comparison/pair/test_changes.py
"""
FEW_VALUES_FOR_KURTOSIS = 256
"""On fewer values than this a kurtosis is not read: of so many Gaussian values it strays by 0.3.

Set on: no data.
Measured again by: pytest tests/queries/comparison/pair/test_changes.py
"""
ROUNDED_SHARE = 0.999
"""A change is read as rounding where at least this share of the values differs by at most half a step.

Set on: no data.
Measured again by: pytest tests/queries/comparison/pair/test_changes.py
"""
HALF_STEP = 0.5 + 1e-6
"""Differences of at most this many steps are within half a step: the small part is that of float32 arithmetic.

Set on: no data.
Measured again by: pytest tests/queries/comparison/pair/test_changes.py
"""
ABOVE_ROUNDING = 4.0
"""A change whose RMS is at most so many times that of rounding is not given a rank: its small directions are
rounding.

Set on: no data.
Measured again by: pytest tests/queries/comparison/pair/test_changes.py
"""
ABOVE_NOISE_EDGE = 1.05
"""A direction of a change counts where its singular value is above this many times the largest one of rounding
alone.

Set on: no data; the largest one is known for wide matrices and strays by some hundredths for narrow ones.
Measured again by: pytest tests/queries/comparison/pair/test_changes.py
"""
ONE_READING = 0.8
"""The matrices of a role share one reading where at least this share of them has it; else the reading is `mixed`.

Set on: no data.
Measured again by: pytest tests/queries/comparison/pair/test_changes.py
"""
FEW_TOKEN_ROWS = 8
"""Rows of fewer tokens than this are not compared.

Set on: no data.
Measured again by: pytest tests/queries/comparison/test_tokenizers.py
"""
ALIGNED_DIMENSIONS = 256
"""Dimensions of the narrower residual stream that are aligned, at most. Unbiased CKA over 256 strays by 0.006 from
0, and the assignment takes milliseconds.

Set on: no data.
Measured again by: make bench-compare-full
"""
ALIGNED_TOKENS = 2048
"""Shared tokens that an alignment is found on, at most: half of them fit the assignment, half judge it.
Correlations of unrelated models stray by 0.03.

Set on: no data.
Measured again by: make bench-compare-full
"""
FEW_ALIGNED_TOKENS = 32
"""With fewer shared tokens than this residual streams are not aligned.

Set on: no data.
Measured again by: pytest tests/queries/comparison/whole/test_full.py
"""
ALIGNMENT_COUNTS = 0.5
"""An alignment of two residual streams counts above this: half of the way from what chance reaches to a perfect
match. Unrelated models had at most 0.04 in 415 pairs; a continued pretraining as long as the pretraining 0.87,
fine-tunes 0.99, and two trainings from one initialisation 0.45.

Set on: no data; half of the way.
Measured again by: make bench-peers
"""
ROTATIONS = 4
"""Random rotations that say what chance reaches. Their mean hardly varies (by 0.01).

Set on: no data.
Measured again by: pytest tests/queries/comparison/whole/test_full.py
"""
CKA_PERMUTATIONS = 999
"""Permuted alignments that the CKA of q and k is tested against: p is 0.001 at least.

Set on: no data.
Measured again by: pytest tests/queries/statistics/test_cka.py
"""
CKA_FEWEST = 8
"""With fewer dimensions than this there are too few different permutations for a test.

Set on: no data.
Measured again by: pytest tests/queries/statistics/test_cka.py
"""
MATCHED_NEURONS = 512
"""Neurons of the narrower layer that the published test of neurons matches, at most.

Set on: no data; time was chosen.
Measured again by: make bench-compare-full
"""
FEWEST_NEURONS = 16
"""With fewer neurons than this the published test of neurons is not made.

Set on: no data.
Measured again by: pytest tests/queries/statistics/test_neuron_matching.py
"""
FEW_LAYERS_APART = 8
"""Where fewer pairs of different layers than this are there to measure a null on, a case gives no significance.

Set on: no data; the standard deviation of eight values strays by a quarter.
Measured again by: pytest tests/queries/comparison/case/test_kinds.py
"""
CLAIM_ERRORS = 4.0
"""A published value counts as reproduced within so many standard errors of what was sampled here, beside one unit of
its last digit.

Set on: no data; a sample strays further once in 16,000 times.
Measured again by: pytest tests/registry/cases/test_claims.py
"""
SHUFFLED_SPREAD = 4.0
"""The null of a norm's figure reaches so many standard deviations of shuffled values to either side of their mean.

Set on: no data; one order of the values in 16,000 strays further.
Measured again by: pytest tests/registry/cases/test_claims.py
"""
