"""Everything that a case found, as frozen records: the JSON document, the tables and the page are made from them.

Models go by their labels; a pair is (first, second) in the order of the case. Matrices over models are float64 [n, n]
in the order of `labels`; NaN (null in JSON) stands where nothing can be compared. Figures are numbers alone: the words
around them are written by `registry.reports.cases`, in every language of the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...answers.records import Verdict
from ...lineage.direction import DirectionKind
from ...lineage.recipes.records import Recipe
from ..records.comparison import Comparability, ConfigValue, PairEvidenceRow, ParameterRow
from ..records.figures import Distribution, ModelMap
from ..records.gains import GainFigures
from ..tokenizers.tokenizers import TokenizerComparison, TokenizerFacts
from .question import CaseRole

Matrix = NDArray[np.float64]
Status = Literal["reproduced", "contradicted", "not checkable"]


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A file that was read of; `sha256` as the Hub states it or as it was computed (`hashed`), None where neither."""

    path: str
    size: int
    sha256: str | None
    hashed: bool


@dataclass(frozen=True, slots=True)
class CaseModelRow:
    """One model: what the case says of it, and what was read.

    `failure` is why nothing could be read of it, and every figure leaves it out then. `bytes_read` counts what this
    answer rests on, also where it was kept from an earlier run that was interrupted. `experts_read` of `experts` routed
    experts of a layer were read, both 0 where there are none. `declared_parents` and `created` are what its card and
    its provider say.
    """

    label: str
    name: str
    role: CaseRole
    of: str | None
    family: str
    source: str
    revision: str | None
    released: str | None
    created: str | None
    root: str | None
    confirmed: bool
    note: str
    parameters: int
    bytes_read: int
    bytes_total: int
    experts_read: int
    experts: int
    declared_parents: tuple[str, ...]
    problems: tuple[str, ...]
    files: tuple[CaseFile, ...]
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class PairDirection:
    """Who came first: where the second model stands, seen from the first, with the probabilities and their grounds."""

    kind: DirectionKind
    ancestor: float
    descendant: float
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CasePair:
    """Two models: what weights say of them. `expected` is what their roles say that a measure which works must find.

    `rows` are both directions of every component, the stronger first; `component` is the one that the verdict is of.
    `hash_jaccard` compares the sets of hashes of what was read of all tensors: equal tensors over those of either.
    """

    first: str
    second: str
    component: str
    verdict: Verdict
    expected: Literal["related", "unrelated", "asked", "none"]
    log10_evalue: float
    identity: float
    coverage: float
    relation: tuple[str, ...]
    direction: PairDirection | None
    rows: tuple[PairEvidenceRow, ...]
    reason: str
    hash_jaccard: float


@dataclass(frozen=True, slots=True)
class ClaimAnswer:
    """What becomes of a claim. `found` is the value, measured as it was published, `allowed` how far off it may be.

    `null_low` and `null_high` are what has nothing to do with a relation reaches: controls, shuffled values, tokens
    that do not belong together; `null_from` says which. `beyond_null` tells whether the value lies outside of them,
    None where there is no null. A claim that is reproduced and not beyond its null is true, and shows nothing.
    """

    name: str
    metric: str
    models: tuple[str, ...]
    tensors: tuple[str, ...]
    layers: Mapping[str, tuple[int, ...]]
    options: Mapping[str, str]
    published: str
    found: str | None
    allowed: float | None
    status: Status
    null_low: float | None
    null_high: float | None
    null_from: tuple[str, ...]
    beyond_null: bool | None
    reason: str | None
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class KindMatrix:
    """One kind of matrix over all models: the mean centred cosine of tensors that stand side by side.

    `matched` counts them; `apart_mean` and `apart_sd` are those of tensors of different layers of the very pair, and
    `z` is the mean in standard errors of them, `log10_p` one-sided and corrected for all cells of all kinds.
    """

    kind: str
    labels: tuple[str, ...]
    values_each: int
    correlation: Matrix
    matched: Matrix
    apart_mean: Matrix
    apart_sd: Matrix
    z: Matrix
    log10_p: Matrix


@dataclass(frozen=True, slots=True)
class EvidenceMatrix:
    """One kind of evidence over all models: log10 p of what of the row's model is found in the column's."""

    kind: str
    labels: tuple[str, ...]
    log10_p: Matrix


@dataclass(frozen=True, slots=True)
class TokenClass:
    """How many tokens of a class a model has, and how many of them among its high ids."""

    name: str
    tokens: int
    high: int


@dataclass(frozen=True, slots=True)
class ModelVocabulary:
    """The tokenizer of one model: `first` are the texts of ids 0 to 19, None where an id has none.

    `high_from` is the id from which on ids count as high, `high` how many tokens have such an id.
    """

    label: str
    facts: TokenizerFacts
    first: tuple[str | None, ...]
    first_special: int
    high_from: int
    high: int
    classes: tuple[TokenClass, ...]


@dataclass(frozen=True, slots=True)
class ClassCosine:
    """Rows of shared tokens of one class: the mean cosine of a token with itself and with another token."""

    name: str
    tokens: int
    cosine: float
    centred_cosine: float
    mismatched: float
    above: float


@dataclass(frozen=True, slots=True)
class EmbeddingFigure:
    """Embedding rows of shared tokens of two models.

    `same` and `mismatched` are shares by `edges` [n + 1] of raw cosines of a token's row with the same token's and with
    the next one's; `classes` has means, the class `all` first. `sd` is the standard deviation of mismatched ones.
    `centred_mismatched_sd` that of centred mismatched ones.
    """

    first: str
    second: str
    tokens: int
    edges: tuple[float, ...]
    same: tuple[float, ...]
    mismatched: tuple[float, ...]
    sd: float
    centred_mismatched_sd: float
    classes: tuple[ClassCosine, ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class VocabularyPair:
    """Two tokenizers; `id_correlation` is Pearson's over shared tokens, `ids_first` and `ids_second` some of them.

    `expected_equal` is how many ids would be equal if shared tokens stood in random order.
    """

    first: str
    second: str
    tokenizer: TokenizerComparison
    equal_ids: int
    id_correlation: float
    expected_equal: float
    ids_first: tuple[int, ...]
    ids_second: tuple[int, ...]
    embedding: EmbeddingFigure | None


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting of configs, with a value for each model."""

    key: str
    equal: bool
    values: tuple[ConfigValue, ...]


@dataclass(frozen=True, slots=True)
class SettingsPair:
    """Of two configs: how many settings both have, and how many of those are equal."""

    first: str
    second: str
    compared: int
    equal: int


@dataclass(frozen=True, slots=True)
class CaseRecipe:
    """The recipe of a model that is a merge of others of the case."""

    label: str
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class ControlCheck:
    """Whether the measure works here: pairs with controls are unrelated, and known derivatives are found.

    `trusted` is None where there is nothing to check it by. `wrong` are the pairs that came out otherwise than their
    roles say, `unclear` those that could not be told.
    """

    trusted: bool | None
    unrelated: tuple[tuple[str, str], ...]
    found: tuple[tuple[str, str], ...]
    wrong: tuple[tuple[str, str], ...]
    unclear: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made the answer: versions, when, by which command, from which bytes."""

    forebear: str
    fingerprint: int
    packages: Mapping[str, str]
    date: str
    command: str
    case_sha256: str
    bytes_read: int
    bytes_fetched: int
    seconds: float
    budget: int | None


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A case with its answer. `corrected_for` is the number of models that E-values are corrected for."""

    title: str
    question: str
    notes: tuple[str, ...]
    sources: tuple[str, ...]
    models: tuple[CaseModelRow, ...]
    corrected_for: int
    controls: ControlCheck
    pairs: tuple[CasePair, ...]
    claims: tuple[ClaimAnswer, ...]
    gains: GainFigures
    kinds: tuple[KindMatrix, ...]
    evidence: tuple[EvidenceMatrix, ...]
    vocabularies: tuple[ModelVocabulary, ...]
    vocabulary_pairs: tuple[VocabularyPair, ...]
    settings: tuple[SettingRow, ...]
    settings_pairs: tuple[SettingsPair, ...]
    parameters: tuple[ParameterRow, ...]
    comparability: tuple[Comparability, ...]
    map: ModelMap
    distributions: tuple[Distribution, ...]
    recipes: tuple[CaseRecipe, ...]
    provenance: Provenance | None = None
