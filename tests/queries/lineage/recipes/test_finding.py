"""A recipe that replay proves is told, unless the model is a rounding of one that the recipe names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forebear.queries.lineage.recipes import finding
from forebear.queries.lineage.recipes.family import Relative
from forebear.queries.lineage.recipes.methods.linear import LINEAR
from forebear.queries.lineage.recipes.mixtures.pursuit import Mixture
from forebear.queries.lineage.recipes.places import MergePlaces
from forebear.queries.lineage.recipes.proposal import Arithmetic, Proposal
from forebear.queries.lineage.recipes.refining import Fit
from forebear.queries.lineage.recipes.trials import Trials
from forebear.registry import Registry

from ...components import Model, base, component, quantised, rounded, trained
from .folders import relatives, write
from .folders import rounded as folded

PARENT = rounded(base(1))
SIBLING = rounded(trained(PARENT, 0.02, 2))


def mean_of(first: Model, second: Model) -> Model:
    means = ((a.value.astype(np.float32) + b.value.astype(np.float32)) / 2 for a, b in zip(first, second, strict=True))
    return rounded(tuple(replace(a, value=np.asarray(v, np.float32)) for a, v in zip(first, means, strict=True)))


def claimed_for(model: Model, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a recipe of the parent and its sibling, taken for proven, is told of a model."""

    def proven(places: MergePlaces, **_: object) -> Trials:
        made = Proposal((0, 1), None, np.full((2, 1), 0.5), Arithmetic(23, stepwise=False))
        fit = Fit(LINEAR, made, np.ones(len(places.query), np.bool_))
        return Trials(fit, (fit,), None, Mixture((0, 1), (0.5, 0.5), 0.0))

    monkeypatch.setattr(finding, "trials", proven)
    monkeypatch.setattr(finding, "turned_round", lambda *_: None)
    relatives = [Relative(n, n, component(m, i + 2)) for i, (n, m) in enumerate((("p", PARENT), ("s", SIBLING)))]
    return finding.component_recipe(component(model), relatives, models=10) is not None


def test_a_model_that_8_bits_make_of_a_relative_is_no_merge_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not claimed_for(quantised(PARENT, 8), monkeypatch)
    assert claimed_for(mean_of(PARENT, SIBLING), monkeypatch)


def test_a_merge_whose_weights_differ_by_layer_says_so_beside_their_means(tmp_path: Path) -> None:
    first, second, third = relatives(3, drift=0.002)
    made = {}
    for name, values in first.items():
        weight = np.float32(int(name.split(".")[2]) / 5 if ".layers." in name else 0.5)
        made[name] = folded((weight * values + (1 - weight) * second[name]).astype(np.float32))
    with Registry(tmp_path / "registry.duckdb") as registry:
        for name, model in dict(first=first, second=second, third=third).items():
            registry.ingest(write(tmp_path / name, model))
        (recipe,) = registry.recipe(write(tmp_path / "model", made)).recipes
    assert recipe.method == "linear"
    (note,) = [note for note in recipe.notes if "differ by layer" in note]
    assert "first 0.00 to 1.00" in note and "second 0.00 to 1.00" in note
