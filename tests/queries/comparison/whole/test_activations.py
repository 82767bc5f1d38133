"""What neurons do, in the panel of a comparison and on whole weights: beside layers apart and beside controls."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from forebear.ingest.sources import open_source
from forebear.queries.comparison.whole import activations
from forebear.queries.evidence.activations import pair_counts
from forebear.registry import Registry
from forebear.registry.cli.commands.compare import compare_result
from forebear.registry.jobs.whole import weights_of
from forebear.registry.reports.html.page import report_page


def test_the_panel_shows_neurons_of_a_rotated_model_beside_layers_apart_and_controls(zoo_registry: Path) -> None:
    with Registry(zoo_registry, read_only=True) as registry:
        found = registry.compare("alder-docs", "alder-rotated", controls=["birch"])
    main, *controls = found.components[0].neurons
    assert (main.pair, [one.pair for one in controls]) == ("A-B", ["A-C1", "B-C1"])
    assert main.paired == main.neurons == 640 and main.log10_p < -200
    assert main.median_counterparts > 0.9 and main.median_apart < 0.5
    assert all(one.log10_p == 0 and one.median_counterparts < 0.5 for one in controls)
    assert [(layer.layer_first, layer.layer_second) for layer in main.layers] == [(0, 0), (2, 2), (3, 3), (5, 5)]
    for shares in (main.counterparts, main.apart):
        assert len(shares) == len(main.edges) - 1 and sum(shares) == pytest.approx(1)
    texts = [line for table in compare_result(found).tables for line in table.above]
    assert "language: what neurons do on 64 tokens, beside the best of the other model" in texts
    page = report_page(found)
    assert "Histograms of best cosines, pairs A-B, A-C1, B-C1" in page
    assert "Neurons that belong together, on 64 tokens" in page


@pytest.mark.parametrize(
    ("first", "second", "neurons", "related"),
    [
        ("alder-docs", "alder-rotated", 6 * 160, True),
        ("alder", "alder-moe", 6 * 4 * 160, True),
        ("alder-twin", "alder", 6 * 160, False),
        ("birch", "alder", 6 * 160, False),
    ],
)
def test_whole_weights_compare_all_neurons_of_all_layers(
    zoo: Path, first: str, second: str, neurons: int, related: bool
) -> None:
    found = weights_of(open_source(str(zoo / first)), open_source(str(zoo / second))).activations
    assert found is not None
    assert {layer.layer_first for layer in found.layers} == set(range(6))
    if related:
        assert found.paired == found.neurons and found.neurons in {neurons, 6 * 160} and found.log10_p < -200
    else:
        assert found.neurons == neurons and found.log10_p == 0


def test_strips_find_the_pairs_that_one_product_of_all_does(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    first, second = (random.normal(size=(count, 64)).astype(np.float32) for count in (90, 70))
    second[:40] += 2 * first[50:]
    first, second = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (first, second))
    counts, cosines = pair_counts([first], [second])
    monkeypatch.setattr(activations, "STRIP", 7)
    found, sums, best = activations.mutual_pairs(first, second)
    assert counts[0, 0].max() >= 40
    np.testing.assert_array_equal(found, counts[0, 0])
    np.testing.assert_allclose(sums, cosines[0, 0], rtol=1e-5)
    np.testing.assert_allclose(best, np.abs(first @ second.T).max(axis=1), rtol=1e-5)
