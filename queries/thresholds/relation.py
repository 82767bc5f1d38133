"""What two related models share: origin, relation flags, copies and their rounding, adapters."""

from __future__ import annotations

HIGH_IDENTITY = 0.9
"""From this correlation on, weights (or the angles between their rows) count as derived where nothing else tells.
Twins of one initialisation had 0.74 at most, and their rows' angles 0.61, both after 80 steps of training.

Set on: twins and continued pretrainings of the benchmark zoo, edition 1, and of the bundled zoo.
Measured again by: make bench-peers
"""
NETWORK_IDENTITY = 0.95
"""HIGH_IDENTITY of a network without layers, which has neither gains at known places nor activations to tell. Twins of
one initialisation, trained apart for 120 to 250 steps, had 0.92 at most; fine-tunes of 60 steps 0.935 to 0.989.

Set on: 12 pairs of twins and 24 fine-tunes of perceptrons, convolutions (depthwise ones too) and recurrent cells, by a
training that was not kept; nothing measures this value again, the tests only hold it to networks that were made.
Measured again by: pytest tests/queries/evidence/test_networks.py
"""
MANY_MATRICES = 0.1
"""Share of a network, by size, that has no counterpart where one network is a part of the other. Formats of one network
differ in a few constants, below 1 % of published files.

Set on: 37 files of packages.
Measured again by: make test-real
"""
LEAST_OF_TWINS = 0.3
"""Below this correlation weights are too little alike to call what two models share their initialisation where neurons
differ: a merge that holds a tenth of a model correlates with it at 0.14 and has its neurons no more than a twin has.
Twins had 0.36 at least.

Set on: thirty pairs of twins for development, all above it; no merge was looked at beside that of a tenth.
Measured again by: make bench-peers
"""
TRAINED_APART = 0.6
"""Norm gains, or angles between rows, that correlate at most at this share of the weights' correlation speak for a
shared initialisation: training was not shared. Thirty pairs of twins (trained apart for 80 to 1,600 steps) had
gains of 0.53 at most. Gains alone do not settle it: twins trained for long on one text reached 0.97, and their
angles 0.18.

Set on: thirty pairs of twins for development, and continued pretrainings of the zoos.
Measured again by: make bench-peers
"""
TRAINED_TOGETHER = 0.8
"""Norm gains that correlate at this share of the weights' correlation or above speak for a derivation. Continued
pretrainings had 0.94 and more, and 0.80 and more in the angles between rows.

Set on: the same twins and continued pretrainings as TRAINED_APART.
Measured again by: make bench-peers
"""
FEW_MATRICES_FOR_FLAGS = 8
"""A model of fewer matrices than this is never called one with new embeddings alone, or one with noise added.

Set on: no data.
Measured again by: pytest tests/queries/relation/test_flags.py
"""
SAME_LAYER = 0.5
"""Two layers are one, and one of them a doubled one, where their matrices correlate by at least this on average. A
layer and its copy that was trained on have 0.9, other layers 0.1.

Set on: not recorded beyond these figures.
Measured again by: pytest tests/queries/relation/test_flags.py
"""
NOISE_SPREAD = 0.14
"""`noise_added`: the logarithms of the matrices' relative changes spread by at most this. Noise has 0.11, training
0.17 and more, as it changes some matrices far more than others.

Set on: field models, development half.
Measured again by: make bench-field
"""
NOISE_GROWS = 0.1
"""`noise_added`: the size of a change correlates with the size of the weight by at most this, in the median
matrix.

Set on: not recorded; the field models' development half was in view.
Measured again by: make bench-field
"""
GAUSSIAN_LARGEST = (2.8, 3.15)
"""`noise_added`: the largest of a matrix's 256 changes over their RMS lies in this range, in the median matrix. A
Gaussian's is 2.9; rounding in groups has 2.7 at most.

Set on: simulated Gaussians.
Measured again by: make bench-field
"""
LEAST_OF_8_BITS = 0.8
"""A copy rounded to 8 bits in groups: in the median tensor the RMS difference is at least this share of what 8 bits in
groups of 32 leave of its values. Roundings have 0.94 to 1.02 (larger groups more), what was trained on the levels of
such a file 0.56 at most.

Set on: oak and maple of the zoo's edition 1, and the field models' development half.
Measured again by: make bench-field
"""
MOST_OF_8_BITS = 1.03
"""Where the same RMS difference is above this share, its shape must be that of rounding: larger groups leave more, and
so does drift beside the rounding. Roundings in groups of 32 have at most 1.024.

Set on: oak and maple of the zoo's edition 1, and the field models' development half; linden of edition 1 was in view.
Measured again by: make bench-field
"""
KURTOSIS_OF_ROUNDING = 2.56
"""A copy rounded to 8 bits in groups: the kurtosis of the differences, in the median tensor, is at most this. Errors of
such roundings have 2.25 to 2.52, with a drift of half their size 2.6 to 2.7, a Gaussian 3.

Set on: oak and maple of the zoo's edition 1, and the field models' development half.
Measured again by: make bench-field
"""
KURTOSIS_OF_UNEVEN_GROUPS = 2.8
"""The same where the size is that of groups of 32: their steps may differ more, which lengthens the tails. One family
has 2.72, a Gaussian 3, which training of that size would be.

Set on: linden of the zoo's edition 1, and no data for the bound itself, which lies between.
Measured again by: make bench-field
"""
LIGHTEST_DRIFT = 1e-4
"""Relative RMS drift of the lightest real fine-tune: by so much values are moved to see whether a test of a rounding
would notice it.

Set on: the field models' development half, which drifts by 0.6 to 90 of these.
Measured again by: make bench-field
"""
FEWEST_FORESEEN = 5.0
"""So many values at least must be foreseen outside of a rounding's bounds, were the model moved by LIGHTEST_DRIFT, for
none outside to tell that it is the model which was rounded: by chance none would be in one of 150.

Set on: no data; it follows from the counts of rare events.
Measured again by: make bench-field
"""
FILLED_BY_ROUNDING = 0.25
"""Of half a step, the mean distance of what was rounded from the copy's values is at least this. Rounding leaves 0.5;
what was trained on the values of a quantised file lies next to its levels, and inside of all bounds as well.

Set on: no data; half of what rounding leaves.
Measured again by: make bench-small-registries
"""
HALF_STEP_OF_ROUNDING = 0.5 + 2.0**-6
"""A copy rounded to one scale a tensor: no value is further off than this many steps. Half a step, and what
rounding the scale once more adds.

Set on: no data; it follows from how such files are made.
Measured again by: pytest tests/queries/relation/test_flags.py
"""
STEPS_OF_RECOMPUTING = 8
"""Two files of float32 whose values differ by so many of its steps at most hold one thing, computed twice: a weight
norm that was multiplied out, for one. One step of Adam at 1e-7 moves a value of 0.05 by 27 of them.

Set on: no data of models; torch 2.13 folds weight norms of rows of 21 to 8,192 normal values within 5 steps. Asked
once after: of 669 related pairs of float32 models of the field family 2 are copies, both conversions to int8.
Measured again by: pytest tests/ingest/layouts/test_weight_norm.py
"""
FEWEST_MULTIPLES = 1
"""A tensor with fewer different magnitudes than this, 0 aside, shows no step.

Set on: no data.
Measured again by: pytest tests/queries/relation/test_flags.py
"""
MOST_MULTIPLES = 160
"""A tensor has one step where its values are multiples of it, up to this many. 8 bits have 128.

Set on: no data.
Measured again by: pytest tests/queries/relation/test_flags.py
"""
OFF_STEP = 0.05
"""No value may be further from a multiple of the step than this share of it, for a tensor to have one.

Set on: no data.
Measured again by: pytest tests/queries/relation/test_flags.py
"""
FLOAT_LEVELS = 31.0
"""A matrix whose runs of 32 neighbours hold fewer different values than this, on average, is quantised.

Set on: not recorded; floats and 8 bits have over 28, groups of 4 bits at most 16.
Measured again by: pytest tests/queries/data/test_precision.py
"""
QUANTISED_LEVELS = 20.0
"""A matrix whose runs of 32 neighbours hold at most so many different values has 4 bits or fewer: groups of 4 bits
have 16 at most, 8 bits and floats over 28.

Set on: not recorded; between the two figures.
Measured again by: pytest tests/queries/data/test_precision.py
"""
LEVELS_OF_3_BITS = 9.0
"""A matrix whose runs of 32 neighbours hold at most so many different values has 3 bits or fewer, which hold 8
values.

Set on: no data.
Measured again by: pytest tests/queries/relation/test_flags.py
"""
QUANTISED_ERROR = {3: 0.3, 4: 0.16, 8: 0.015}
"""Bits -> the largest relative RMS difference that a copy rounded in groups to so many bits may have. Twice and
more of what groups of Gaussians have: 0.09 for 4 bits and 0.006 for 8.

Set on: simulated Gaussians in groups scaled to their largest value.
Measured again by: pytest tests/queries/data/test_precision.py
"""
LEAST_OF_ROUNDING = 1 / 12
"""A copy rounded in groups has at least this share of the largest relative RMS difference that its type may have, in
the median tensor that differs: a sixth of the typical one. What is nearer was trained on the levels of the file.

Set on: LEAST_ROUNDING for 8 bits, and one LoRA on a 4-bit file in the field models' development half, which is at
0.01 where its copies are at 0.3 and more.
Measured again by: make bench-field-whole
"""
STORED_ERROR = {
    "Q8": 0.015, "INT8": 0.015, "I8": 0.015, "Q6": 0.03, "FP8": 0.05, "F8_E4M3": 0.05, "F8_E5M2": 0.1, "Q5": 0.06,
    "Q4": 0.16, "IQ4": 0.16, "MXFP4": 0.16, "NVFP4": 0.16, "INT4": 0.16, "Q3": 0.3, "IQ3": 0.3,
    "NF4": 0.18, "FP4": 0.24, "INT6": 0.05, "INT5": 0.1, "INT3": 0.4,
}  # fmt: skip
"""Beginning of a stored type's name -> the largest relative RMS difference that a copy rounded to it may have,
twice the typical one. Of Gaussians in groups of 64 that is 0.09 for nf4, 0.12 for the fp4 of bitsandbytes, and
range / (2^b - 1) / sqrt(12) for b-bit integers: 0.02, 0.05 and 0.2 for 6, 5 and 3 bits. Two bits (0.45) would
excuse a fine-tune, and are not here.

Set on: simulated Gaussians.
Measured again by: pytest tests/queries/data/test_precision.py
"""
SHARE_OF_B_BY_CHANCE = 0.1
"""Adapters: share of the B factors, by size, up to which matches count as chance, so that only the initialisation
is shared. Each factor matches by chance in one of a hundred cases.

Set on: no data.
Measured again by: pytest tests/queries/relation/test_adapters.py
"""
LEAST_ROUNDING = 0.00125
"""A copy is one of a rounding in groups only where the relative RMS difference is at least this, a fifth of the
typical one of 8 bits. A light fine-tune of a rounded file moves it by less.

Set on: not recorded; the field models' development half was in view.
Measured again by: make bench-field
"""
RESCALED = 0.2
"""Scales of gains, or of `up` against `gate`, were changed where they differ from the candidate's by more than this
logarithm. Rewrites by factors of 0.3 to 3 give 0.4 at least; a continued pretraining 0.11 at most, 0.04 in place.

Set on: alder of the bundled zoo, its rewrites and its descendants.
Measured again by: pytest tests/queries/relation/test_freedoms.py
"""
MOST_LAYERS = 0.75
"""Rows of a role are where they were when they match in this share of the layers. Shuffled heads leave the leading one
in its place in half of the layers where there are two; a continued pretraining of alder keeps 0.83 of q.

Set on: alder of the bundled zoo, its rewrites and its descendants.
Measured again by: pytest tests/queries/relation/test_freedoms.py
"""
SAME_PLACES = 0.5
"""Values, or neurons, count as standing where they stood from this correlation, or share, on: the middle of the scale.

Set on: no data.
Measured again by: pytest tests/queries/relation/test_freedoms.py
"""
FEW_NEURONS_FOR_ORDER = 8
"""With fewer pairs of neurons than this, where they stand does not tell their order. Of 14,336 shuffled neurons, the
512 that are kept leave 18 pairs a layer.

Set on: no data.
Measured again by: pytest tests/queries/relation/test_freedoms.py
"""
