"""The document of a comparison: frozen records, which the JSON, the tables and the HTML report are made from.

`figures` says how models, pairs and layers are named; its records are the tables in a `ComponentComparison`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Literal

from ...answers.records import BlockMatch, Verdict
from ...answers.tabular import Tabular
from ...relation.coverage import Coverage
from ...relation.freedoms import Freedom
from ..tokenizers.tokenizers import TokenizerComparison
from .figures import (
    Baseline,
    Change,
    ChangeSummary,
    Distribution,
    Heatmap,
    MetricRow,
    ModelMap,
    Profile,
    RoleSummary,
    ValueSource,
)
from .gains import GainSummary
from .neurons import NeuronComparison
from .whole import FullComparison


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """One of the models. `origin`: asked for (A, B), given as a control, or chosen from the registry as one.

    `values` says what the figures of its matrices come from; `note` why not from its source, where that is so.
    """

    label: str
    name: str
    source: str
    revision: str | None
    origin: Literal["asked", "given", "registry"]
    registered: bool
    parameters: int
    bytes_read: int
    bytes_total: int
    values: ValueSource
    note: str | None
    declared_parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoleMatch:
    """Of the query's tensors of one role: how many have a significant match, by which kinds, and how alike they are.

    `share` is that of the role's parameters; `identity` a correlation, weighted by size, NaN without a match.
    """

    role: str
    tensors: int
    matched: int
    share: float
    kinds: Mapping[str, int]
    identity: float


@dataclass(frozen=True, slots=True)
class PairEvidenceRow:
    """The evidence of one direction: what of `query` is found in `candidate`.

    `log10_p` are by kind of evidence, `log10_evalue` is the best one corrected for the kinds and for `corrected_for`
    models. `relation` are flags that read from the query's side: `layers_removed` says that the query has fewer.
    `gains_correlation` is that of the centred norm gains of matched blocks, `gains_values` how many there are.
    `freedoms` say what was rewritten where `relation` has `basis_changed`. Of a `numeric_copy`, `rounded` says which of
    the two is the rounding, and `rounded_by` how that was told; None where both are as coarse.
    """

    query: str
    candidate: str
    component: str
    candidate_component: str
    verdict: Verdict
    evidence: str | None
    log10_p: Mapping[str, float]
    log10_evalue: float
    corrected_for: int
    identity: float
    coverage: float
    coverage_parts: Coverage
    distance: float
    relation: tuple[str, ...]
    reason: str
    gains_correlation: float
    gains_values: int
    gains_equal: bool
    roles: tuple[RoleMatch, ...]
    blocks: tuple[BlockMatch, ...]
    freedoms: tuple[Freedom, ...] = ()
    rounded: str | None = None
    rounded_by: str | None = None


@dataclass(frozen=True, slots=True)
class ComponentComparison:
    """One component of A and its counterpart in B, and in the controls.

    `evidence` holds A in B, B in A, and each control in both of them and both in it. Tables are over the pairs A-B and
    each control with A and with B; `neurons` has those pairs of them whose activations can be compared.
    """

    component: str
    component_b: str
    verdict: Verdict
    sentence: str
    evidence: tuple[PairEvidenceRow, ...]
    summary: tuple[RoleSummary, ...]
    metrics: tuple[MetricRow, ...]
    baselines: tuple[Baseline, ...]
    changes: tuple[ChangeSummary, ...]
    change_rows: tuple[Change, ...]
    heatmaps: tuple[Heatmap, ...]
    profiles: tuple[Profile, ...]
    distributions: tuple[Distribution, ...]
    neurons: tuple[NeuronComparison, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """What one model's config says, under the `name` that it uses; `name` is None where it says nothing."""

    model: str
    name: str | None
    value: object


@dataclass(frozen=True, slots=True)
class ConfigRow:
    """One setting by its usual name; `status` is about A and B, `values` has every model."""

    key: str
    status: Literal["equal", "different", "only A", "only B", "only controls"]
    renamed: bool
    values: tuple[ConfigValue, ...]


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """Parameters of one part (`q`, `routed experts`, `norm`, ...) of one component.

    `layer` is None for the whole component. `tensors` counts stored tensors, of routed experts those that are read.
    """

    model: str
    component: str
    layer: int | None
    part: str
    tensors: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Incomparable:
    """A tensor of `model` that has no counterpart to be compared with in the other model, and why."""

    model: str
    tensor: str
    role: str
    layer: int | None
    parameters: int
    reason: str


@dataclass(frozen=True, slots=True)
class Comparability:
    """How much of a pair can be compared value by value: shares of each model's parameters, and what cannot be."""

    pair: str
    component: str
    tensors: int
    share_first: float
    share_second: float
    incomparable: tuple[Incomparable, ...]


@dataclass(frozen=True, slots=True)
class ArchitectureComparison:
    """Config, parameters and comparability: beside the verdict, never part of it."""

    config: tuple[ConfigRow, ...]
    parameters: tuple[ParameterRow, ...]
    comparability: tuple[Comparability, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Tabular):
    """Everything that `forebear compare` found.

    `trusted` is False when a control looks related to A or B, and None when there is no control to tell; `trust` says
    so in words. `corrected_for` is the number of models that E-values of A against B are corrected for: all that B may
    have been picked from. `tokenizer` and `full` are None where they were not asked for or cannot be had.
    `equal_content` says that every value that was read of A and B is equal, under the same names. `norm_gains` are
    those of the first component, of A and B and of both with every control: context.
    """

    models: tuple[ComparedModel, ...]
    controls: str
    corrected_for: int
    trusted: bool | None
    trust: str
    verdict: Verdict
    sentence: str
    notes: tuple[str, ...]
    components: tuple[ComponentComparison, ...]
    map: ModelMap
    architecture: ArchitectureComparison
    tokenizer: TokenizerComparison | None = None
    full: FullComparison | None = None
    equal_content: bool = False
    norm_gains: tuple[GainSummary, ...] = ()

    def rows(self) -> list[dict[str, object]]:
        """Every row of the metric tables of all components, flat: one mapping a row, all with the same keys."""
        return [_flat(part.component, row) for part in self.components for row in part.metrics]

    @property
    def line(self) -> str:
        """The verdict, and the sentence behind it."""
        return f"{self.verdict}: {self.sentence}"


def _flat(component: str, row: MetricRow) -> dict[str, object]:
    found = {field.name: getattr(row, field.name) for field in fields(row) if field.name != "metrics"}
    source = found.pop("values")
    return {"component": component, **found, "values_from": source, **asdict(row.metrics)}
