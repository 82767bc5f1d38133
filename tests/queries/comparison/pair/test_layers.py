"""Layer against layer: heatmaps, profiles, and what different layers have in common, against plain numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from forebear.queries.comparison.records.comparison import ComponentComparison
from forebear.queries.comparison.records.figures import Heatmap
from forebear.queries.statistics.metrics import metrics
from forebear.registry import Registry

from ..surgery import read_model


@pytest.fixture(scope="module")
def docs(zoo_registry: Path) -> ComponentComparison:
    with Registry(zoo_registry, read_only=True) as registry:
        return registry.compare("alder-docs", "alder", controls=["birch"]).components[0]


@pytest.fixture(scope="module")
def pruned(zoo_registry: Path) -> ComponentComparison:
    with Registry(zoo_registry, read_only=True) as registry:
        return registry.compare("alder-pruned", "alder", controls=["birch"]).components[0]


def heatmap(part: ComponentComparison, pair: str, role: str) -> Heatmap:
    return next(h for h in part.heatmaps if h.pair == pair and h.role == role)


@pytest.mark.parametrize(("pair", "other"), [("A-B", "alder"), ("A-C1", "birch"), ("A", "alder-docs")])
def test_a_heatmap_is_the_correlation_of_leading_rows(
    docs: ComponentComparison, zoo: Path, pair: str, other: str
) -> None:
    first, second = (read_model(zoo / name) for name in ("alder-docs", other))
    rows = [
        np.stack([model[f"model.layers.{i}.mlp.up_proj.weight"][:16].ravel() for i in range(6)])
        for model in (first, second)
    ]
    found = heatmap(docs, pair, "up")
    assert np.allclose(found.correlation, np.corrcoef(rows[0], rows[1])[:6, 6:], atol=1e-5)
    assert found.values == "leading rows" and found.null_sd == pytest.approx(1280**-0.5)


def test_every_role_has_a_heatmap_for_every_pair_and_for_both_models(docs: ComponentComparison) -> None:
    found = {(h.pair, h.role) for h in docs.heatmaps}
    roles = ("q", "k", "v", "o", "gate", "up", "down")
    assert found == {(pair, role) for pair in ("A-B", "A-C1", "B-C1", "A", "B") for role in roles}


def test_strangers_have_a_z_like_noise_and_kin_one_on_the_diagonal(docs: ComponentComparison) -> None:
    strangers = np.concatenate([h.z.ravel() for h in docs.heatmaps if h.pair in {"A-C1", "B-C1"}])
    assert 0.5 < strangers.std() < 1.3 and np.abs(strangers).max() < 5
    kin = heatmap(docs, "A-B", "q").z
    assert np.diagonal(kin).min() > 8
    within = heatmap(docs, "A", "q")
    assert np.isnan(np.diagonal(within.z)).all() and np.allclose(np.diagonal(within.correlation), 1, atol=1e-5)


def test_a_profile_follows_the_block_map(pruned: ComponentComparison) -> None:
    profile = next(p for p in pruned.profiles if p.pair == "A-B" and p.role == "gate")
    assert (profile.matched, profile.layers_first, profile.layers_second) == ("block map", (0, 1, 2, 3), (0, 1, 3, 5))
    assert min(profile.centred_cosine) > 0.99 and min(profile.z) > 8
    stranger = next(p for p in pruned.profiles if p.pair == "A-C1" and p.role == "gate")
    assert stranger.matched == "equal number" and max(np.abs(stranger.centred_cosine)) < 0.15
    rows = [r for r in pruned.metrics if r.pair == "A-B" and r.role == "gate"]
    assert {(r.layer_first, r.layer_second) for r in rows if r.by_number} == {(i, i) for i in range(4)}
    assert {(r.layer_first, r.layer_second) for r in rows if r.by_block_map} == {(0, 0), (1, 1), (2, 3), (3, 5)}


def test_a_baseline_is_over_different_layers_alone(docs: ComponentComparison, zoo: Path) -> None:
    model = read_model(zoo / "alder-docs")
    rows = [model[f"model.layers.{i}.self_attn.v_proj.weight"][:16] for i in range(6)]
    expected = [metrics(rows[i], rows[j]).centred_cosine for i in range(6) for j in range(i + 1, 6)]
    found = next(b for b in docs.baselines if b.scope == "A" and b.role == "v")
    assert (found.pairs, found.values_each) == (15, 1280)
    assert found.mean.centred_cosine == pytest.approx(np.mean(expected))
    assert found.low.centred_cosine == pytest.approx(np.quantile(expected, 0.05))
    between = next(b for b in docs.baselines if b.scope == "A-B" and b.role == "v")
    assert between.pairs == 30 and abs(between.median.centred_cosine) < 0.1


def test_different_layers_of_one_model_share_norm_gains_by_cosine_alone(docs: ComponentComparison) -> None:
    found = next(b for b in docs.baselines if b.scope == "A" and b.role == "norm" and b.slot == "attention")
    assert found.context and found.median.cosine > 0.95 and abs(found.median.centred_cosine) < 0.5


def test_metric_rows_are_those_of_the_leading_rows(docs: ComponentComparison, zoo: Path) -> None:
    a, b = read_model(zoo / "alder-docs"), read_model(zoo / "alder")
    checked = 0
    for row in docs.metrics:
        if row.pair == "A-B" and row.values == "leading rows":
            assert row.metrics == metrics(a[row.tensor_first][:16], b[row.tensor_second][:16])
            checked += 1
        elif row.pair == "A-B" and row.values == "whole tensors":
            assert row.metrics == metrics(a[row.tensor_first], b[row.tensor_second])
            checked += 1
    assert checked == 6 * 9 + 1


def test_distributions_of_one_role_share_their_edges(docs: ComponentComparison, zoo: Path) -> None:
    found = [d for d in docs.distributions if d.role == "down"]
    assert [d.model for d in found] == ["A", "B", "C1"] and len({d.edges for d in found}) == 1
    assert all(sum(d.shares) == pytest.approx(1) for d in found)
    values = np.concatenate(
        [read_model(zoo / "alder")[f"model.layers.{i}.mlp.down_proj.weight"][:16] for i in range(6)]
    )
    assert found[1].std == pytest.approx(values.std(), rel=1e-5)
    assert found[1].quantiles[4] == pytest.approx(np.median(values), abs=1e-6)


def test_routed_experts_stand_by_their_lowest(zoo_registry: Path) -> None:
    with Registry(zoo_registry, read_only=True) as registry:
        part = registry.compare("alder-moe", "alder", controls=[]).components[0]
    found = heatmap(part, "A-B", "gate")
    assert found.correlation.shape == (6, 6) and np.diagonal(found.correlation).min() > 0.98
    rows = [r for r in part.metrics if r.pair == "A-B" and r.role == "gate"]
    assert {r.expert_first for r in rows} == {0, 1, 2, 3} and {r.expert_second for r in rows} == {None}
