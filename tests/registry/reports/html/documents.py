"""Documents of comparisons without models: as many layers, controls and strange names as a test wants."""

from __future__ import annotations

import itertools
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forebear.queries.answers.records import BlockMatch
from forebear.queries.comparison.records.comparison import (
    ArchitectureComparison,
    Comparability,
    ComparedModel,
    Comparison,
    ComponentComparison,
    ConfigRow,
    ConfigValue,
    Incomparable,
    PairEvidenceRow,
    ParameterRow,
)
from forebear.queries.comparison.records.figures import (
    Baseline,
    Change,
    ChangeReading,
    ChangeSummary,
    Distribution,
    Heatmap,
    MetricRow,
    ModelMap,
    Profile,
    RoleSummary,
)
from forebear.queries.comparison.records.whole import FullComparison, TensorComparison, Uncompared
from forebear.queries.comparison.tokenizers.token_rows import TokenRowsComparison
from forebear.queries.comparison.tokenizers.tokenizers import (
    EncodingAgreement,
    MergeBand,
    TokenizerComparison,
    TokenizerFacts,
)
from forebear.queries.comparison.whole.attention import AttentionTest
from forebear.queries.comparison.whole.neurons import NeuronLayer, NeuronTest
from forebear.queries.relation.coverage import Coverage
from forebear.queries.statistics.metrics import Metrics
from forebear.queries.statistics.residual_alignment import Assignment

STEPS = (0.5, *[0.0] * 5, 0.5, *[0.0] * 7)
"""Shares of a change: half of the values kept, half moved by 8 to 16 spacings."""
ROLES = ("q", "norm")
ALL_ROLES = ("q", "k", "v", "o", "router", "gate", "up", "down", "norm")
HOSTILE = (
    '<script src="https://evil.example/x.js">alert(1)</script>" onerror="x\' $\\frac{1}{0}$ {{ 7*7 }} \u202e日本\ud800'
)


def document(layers: int = 4, controls: int = 1, name: str = "model", roles: tuple[str, ...] = ROLES) -> Comparison:
    """A comparison of related models of `layers` layers with that many controls; `name` is in every name."""
    random = np.random.default_rng(0)
    labels = ["A", "B", *(f"C{i}" for i in range(1, controls + 1))]
    pairs = ["A-B", *(f"{x}-{c}" for c in labels[2:] for x in "AB")]
    count = len(labels)
    distances = np.where(np.eye(count) > 0, 0.0, 1.41)
    return Comparison(
        models=tuple(_model(label, f"{name} {label}") for label in labels),
        controls=f"{controls} given",
        corrected_for=16,
        trusted=True if controls else None,
        trust=f"Controls of {name} are unrelated",
        verdict="derived",
        sentence=f"{name} A and {name} B are of one lineage",
        notes=(f"a note on {name}",),
        components=(_component(labels, pairs, layers, name, roles, random),),
        map=ModelMap("language", tuple(labels), distances, random.normal(size=(count, 2)), 0.9),
        architecture=ArchitectureComparison(
            config=(ConfigRow(name, "different", True, tuple(ConfigValue(x, name, [name]) for x in labels)),),
            parameters=tuple(ParameterRow(x, "language", n, "q", 1, 64) for x in labels for n in (None, 0)),
            comparability=(
                Comparability("A-B", "language", 3, 1.0, 0.5, (Incomparable("B", name, "q", 0, 64, f"no {name}"),)),
            ),
        ),
    )


def _model(label: str, name: str) -> ComparedModel:
    origin: Literal["asked", "given"] = "asked" if label in "AB" else "given"
    return ComparedModel(label, name, f"file:///{name}", name, origin, True, 10**9, 10**6, 10**9, "leading rows", None,
                         (name,))  # fmt: skip


def _metrics(cosine: float) -> Metrics:
    return Metrics(4096, cosine, cosine, 0.01, 1.4, 0.02, 0.1, 0.0, 1.0)


def _component(
    labels: list[str], pairs: list[str], layers: int, name: str, roles: tuple[str, ...], random: np.random.Generator
) -> ComponentComparison:
    places = tuple(range(layers))
    scopes = [*pairs, *labels]
    cosine = {pair: 0.99 if pair == "A-B" else 0.01 for pair in scopes}
    keys = list(itertools.product(pairs, roles))

    def grid(pair: str) -> NDArray[np.float32]:
        found = random.normal(0, 0.02, (layers, layers)).astype(np.float32)
        return (found + np.eye(layers) * cosine[pair]).astype(np.float32)

    def metric(pair: str, role: str, layer: int) -> MetricRow:
        return MetricRow(pair, role, "", layer, None, layer, None, f"{name}.{layer}.{role}", f"{name}.{layer}.{role}",
                         True, True, role == "norm", "leading rows", 4096, _metrics(cosine[pair]))  # fmt: skip

    def change(pair: str, role: str, layer: int) -> Change:
        return Change(pair, role, "", layer, None, layer, None, "leading rows", 4096, 0.5, 0.07, "BF16", 11.0, 0.0,
                      STEPS, 29.0, 3.9, False, 16, 15.0, 16)  # fmt: skip

    reading: tuple[ChangeReading, str] = ("training", "tails")
    shares = tuple(np.full(48, 1 / 48).tolist())
    edges = tuple(np.linspace(-1, 1, 49).tolist())
    return ComponentComparison(
        component="language",
        component_b="language",
        verdict="derived",
        sentence=f"{name} is found",
        evidence=tuple(_evidence(x, y, layers, name) for x, y in itertools.permutations(labels, 2)),
        summary=tuple(
            RoleSummary(p, r, "", "block map", r == "norm", "leading rows", layers, _metrics(cosine[p]), 0.9, 1.0, 0.02,
                        -0.1, 0.1)
            for p, r in keys
        ),
        metrics=tuple(metric(p, r, n) for p, r in keys for n in places),
        baselines=tuple(
            Baseline(s, r, "", r == "norm", "leading rows", 4096, 512, *[_metrics(v) for v in (0.0, -0.1, 0.0, 0.1)])
            for s in scopes
            for r in roles
        ),
        changes=tuple(
            ChangeSummary(p, r, "", layers, 0, 0.5, 0.07, 11.0, 0.0, STEPS, 29.0, 3.9, 16.0, 15.0, 16, *reading)
            for p, r in keys
        ),
        change_rows=tuple(change(p, r, n) for p, r in keys for n in places),
        heatmaps=tuple(
            Heatmap(s, r, name if r == "q" else "", places, places, "kept values", 256, 0.06, grid(s), grid(s) / 0.03,
                    tuple((n, n) for n in places))
            for s in scopes
            for r in roles
            if r != "norm"
        ),
        profiles=tuple(
            Profile(p, r, "", "block map", r == "norm", places, places, tuple(random.normal(cosine[p], 0.01, layers)),
                    places, 0.02)
            for p, r in keys
        ),
        distributions=tuple(
            Distribution(x, r, "", r == "norm", "leading rows", 10**6, 0.0, 0.02, 3.0, (0.5,), (0.0,), edges, shares)
            for x in labels
            for r in roles
        ),
    )  # fmt: skip


def _evidence(query: str, candidate: str, layers: int, name: str) -> PairEvidenceRow:
    related = {query, candidate} == {"A", "B"}
    blocks = tuple(BlockMatch(f"language.{n}", f"language.{n}", -300.0, 0.99) for n in range(layers)) if related else ()
    return PairEvidenceRow(
        query, candidate, "language", "language", "derived" if related else "unrelated", "positions",
        {"positions": -300.0 if related else -0.1}, -300.0 if related else 0.5, 16, 0.99 if related else 0.0,
        1.0 if related else 0.0, Coverage(float(related), float(not related), 0.0, 0.0),
        0.1 if related else 1.41, ("finetuned",) if related else (), f"because of {name}",
        0.99, 64, False, (), blocks,
    )  # fmt: skip


def tokenizers(name: str) -> TokenizerComparison:
    """A comparison of two tokenizers in which every text is `name`."""
    facts = TokenizerFacts("BPE", 1000, 990, 700, (name,), "merges")
    rows = TokenRowsComparison("language", "embed", 300, 0.9, 0.0, float("nan"), None)
    return TokenizerComparison(
        a=facts, b=facts, shared=500, share_a=0.5, share_b=0.5, jaccard=0.33, same_id=0.02, merge_prefix=3,
        merge_bands=(MergeBand(0, 1000, 700, 0.4, 0.6),), specials_shared=1, specials_only_a=(name,),
        specials_only_b=(), encoding=(EncodingAgreement(name, 10, 12, 0.8),), rows=(rows,),
        reading=f"Overlap of {name} is what strangers have", reason=None,
    )  # fmt: skip


def whole_weights(name: str) -> FullComparison:
    """A comparison of whole weights in which every name is `name`."""
    layer = NeuronLayer(0, None, 0, 3, 64, 0.9, 0.8, -40.0)
    tensor = TensorComparison(
        "language", "q", "", 0, None, 0, None, name, name, False, 64, True, None, _metrics(1.0)
    )  # fmt: skip
    return FullComparison(
        digests_a=(), digests_b=(), tensors=(tensor,), uncompared=(Uncompared("A", name, 64, f"{name} is alone"),),
        equal_tensors=1, equal_share=1.0, p99_error=0.001, component="language",
        alignment=Assignment(512, 64, 0.9, 0.1, 0.9, 0.9, 1.0, True), alignment_reason=None,
        neurons=NeuronTest(-40.0, None, "identity", ("gate", "up"), (layer,), "the same neurons", None),
        attention=AttentionTest(None, None, None, None, None, 0, 999, (), "", "nothing to test"),
        bytes_read=10**9, notes=(name,),
    )  # fmt: skip
