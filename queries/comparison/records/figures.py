"""The tables and figures of a comparison, as frozen records; `records` has the document that they stand in.

Models go by labels: `A` and `B`, and `C1`, `C2`, ... for the controls. A pair is `A-B`, `A-C1`, `B-C1`; in records that
also look inside one model, the label alone (`A`) means different layers of that model. Layers and experts are counted
from 0; None stands for what is outside the layers, or for a dense block. Figures that are not defined are NaN, which is
null in JSON. `slot` keeps apart what shares a role in one block (the norms; shared experts): empty for most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...statistics.metrics import Metrics

ValueSource = Literal["leading rows", "kept values", "token rows", "whole tensors"]
"""What figures were computed from: the first 16 rows of matrices, read from the source; the 256 values of them (64 of
a vector) that the registry keeps; rows of the same tokens of an embedding; every value (vectors are read whole)."""

Matched = Literal["block map", "equal number", "token"]
"""What puts tensors side by side: matching blocks, equal numbers of layers; of embeddings, rows of the same tokens."""


@dataclass(frozen=True, slots=True)
class MetricRow:
    """Two tensors of one role, one of each model of `pair`, value by value.

    `by_block_map` when their blocks match by the evidence, `by_number` when their layers have equal numbers.
    `context` marks norm gains and biases, which are never evidence: `gains` has what they come to.
    """

    pair: str
    role: str
    slot: str
    layer_first: int | None
    expert_first: int | None
    layer_second: int | None
    expert_second: int | None
    tensor_first: str
    tensor_second: str
    by_block_map: bool
    by_number: bool
    context: bool
    values: ValueSource
    parameters: int
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class RoleSummary:
    """A row of the key table: the metrics of one role of one pair, averaged over its tensors by their size.

    Rows are those `matched` by the block map where there is one, else by equal number (so are layers that it leaves out
    on both sides), embeddings by token. `null_sd` is 1 / sqrt(values of one tensor): how far the centred cosine of two
    tensors of independent values strays from 0. Those of trained ones stray further: `null_low` and `null_high` are the
    5th and 95th percentile between different layers of this very pair (Baseline), NaN where there are none.
    """

    pair: str
    role: str
    slot: str
    matched: Matched
    context: bool
    values: ValueSource
    tensors: int
    metrics: Metrics
    lowest_centred_cosine: float
    highest_centred_cosine: float
    null_sd: float
    null_low: float
    null_high: float


@dataclass(frozen=True, slots=True)
class Baseline:
    """One role between *different* layers: what no relation looks like, within a model (`A`) or between two (`A-B`).

    `low`, `median` and `high` are the 5th, 50th and 95th percentile of every figure over `pairs` of layers. In `A-B`,
    pairs that the block map or an equal number puts together are left out. `values_each` are compared of each tensor.
    """

    scope: str
    role: str
    slot: str
    context: bool
    values: ValueSource
    values_each: int
    pairs: int
    mean: Metrics
    low: Metrics
    median: Metrics
    high: Metrics


STEP_EDGES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)
"""Upper edges of the bins that the distribution of a change has, in spacings: before them a bin of unchanged values,
after them one of all larger changes."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happened between two matched tensors: the distribution of y - x over `count` values, and its rank.

    `relative_change` is the RMS of the change over that of the values, of norm gains and biases over that of their
    deviations from the mean. `spacing` names the coarser of the two stored
    types; `median_steps` is the median absolute change of the changed entries in its spacings (units in the last
    place), `within_half_step` the share of the changed entries that moved by at most half of one, as rounding does.
    `step_shares` has the share of the values in every bin of STEP_EDGES. `over_rounding` is the RMS of the change over
    that of rounding both to that type. `constant`: one of the two has a single value, as gains that were folded away.
    `kurtosis` is 1.8 for an even spread, 3 for a Gaussian, more where few entries moved most.
    `rank` counts singular values of the change of the leading rows above its noise floor; `effective_rank` is the
    exponential of the entropy of their squares; `full_rank` is what a fine-tune has. NaN and None without the rows.
    """

    pair: str
    role: str
    slot: str
    layer_first: int | None
    expert_first: int | None
    layer_second: int | None
    expert_second: int | None
    values: ValueSource
    count: int
    changed_share: float
    relative_change: float
    spacing: str
    median_steps: float
    within_half_step: float
    step_shares: tuple[float, ...]
    over_rounding: float
    kurtosis: float
    constant: bool
    rank: int | None
    effective_rank: float
    full_rank: int | None


ChangeReading = Literal[
    "unchanged",
    "rounding",
    "low rank",
    "training",
    "trained apart",
    "unrelated",
    "rewritten",
    "constant",
    "mixed",
]


@dataclass(frozen=True, slots=True)
class ChangeSummary:
    """The changes of one role of one pair: medians over its tensors, and what they look like, in one word and why.

    `step_shares` are means.
    """

    pair: str
    role: str
    slot: str
    tensors: int
    unchanged: int
    changed_share: float
    relative_change: float
    median_steps: float
    within_half_step: float
    step_shares: tuple[float, ...]
    over_rounding: float
    kurtosis: float
    rank: float
    effective_rank: float
    full_rank: int | None
    reading: ChangeReading
    reason: str


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Every layer against every layer, for one role: `pair` is two models, or one (its layers among themselves).

    `correlation` float32 [first, second] is centred and comes from `values_each` values a tensor; unrelated models
    stray from 0 by `null_sd` and more (Baseline). `z` float32 [first, second] is made as the evidence makes it: from
    kept values, calibrated by the mismatched pairs, standard normal for unrelated models; NaN where nothing is compared
    (the diagonal of one model). Where a layer has routed experts its lowest one stands for it. `matched` are (first,
    second) layers of the block map.
    """

    pair: str
    role: str
    slot: str
    layers_first: tuple[int, ...]
    layers_second: tuple[int, ...]
    values: ValueSource
    values_each: int
    null_sd: float
    correlation: NDArray[np.float32]
    z: NDArray[np.float32]
    matched: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """One role along the layers of the first model: the centred cosine and z of each layer with its counterpart."""

    pair: str
    role: str
    slot: str
    matched: Matched
    context: bool
    layers_first: tuple[int, ...]
    layers_second: tuple[int, ...]
    centred_cosine: tuple[float, ...]
    z: tuple[float, ...]
    null_sd: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """The values of one role of one model: moments, quantiles at `probabilities`, and a histogram.

    `edges` [n + 1] are the same for all models of the comparison; `shares` [n] of the values lie between them, what is
    beyond the outermost edges counts to the outermost bins.
    """

    model: str
    role: str
    slot: str
    context: bool
    values: ValueSource
    count: int
    mean: float
    std: float
    kurtosis: float
    probabilities: tuple[float, ...]
    quantiles: tuple[float, ...]
    edges: tuple[float, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ModelMap:
    """The models in two dimensions, by classical multidimensional scaling of their distances.

    `distances` [n, n] are relative RMS differences of the language component (0 a copy, sqrt(2) unrelated models), the
    smaller of the two directions; `coordinates` [n, 2]; `explained` is the share of the squared distances that two
    dimensions hold. Unrelated models are all equally far from each other, which no plane can show: only nearness means
    something.
    """

    component: str
    labels: tuple[str, ...]
    distances: NDArray[np.float64]
    coordinates: NDArray[np.float64]
    explained: float
