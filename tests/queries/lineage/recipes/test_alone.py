"""Changes that were kept alone name the parents of a merge and their factors, where least squares does not."""

from __future__ import annotations

import numpy as np
import pytest

from forebear.queries.lineage.recipes.methods.breadcrumbs import estimate_breadcrumbs
from forebear.queries.lineage.recipes.methods.chance.masked import DELLA, estimate_masked
from forebear.queries.lineage.recipes.methods.changes import kept_by_size
from forebear.queries.lineage.recipes.mixtures.alone import kept_alone
from forebear.queries.lineage.recipes.mixtures.pursuit import Mixture, mixtures_of_changes, span_of
from forebear.queries.lineage.recipes.proposal import arithmetics
from forebear.queries.lineage.recipes.refining import proven
from forebear.queries.lineage.recipes.trials import trials, turned_round
from forebear.queries.thresholds.recipes import KEPT_BY_SIZE, RECIPE_CLAIMED

from .family import BFLOAT16, ROOT, Weights, breadcrumbs, dare, family, linear, sampled, ties

EVERY = range(5)
VALUES = 20_000


def twins(seed: int, *, alike: float) -> Weights:
    """A family whose children 1 and 2 were trained on one text: their changes are alike by so much."""
    models = family(seed)
    changes = models - models[ROOT]
    changes[2] = alike * changes[1] + np.sqrt(1 - alike**2) * changes[2]
    return (models[ROOT] + changes).astype(BFLOAT16).astype(np.float32)


def factors(found: Mixture) -> dict[int, float]:
    return dict(zip(found.members, found.weights, strict=True))


@pytest.mark.parametrize("signs", [False, True])
def test_parents_and_factors_are_found_at_once_and_nobody_else(signs: bool) -> None:
    models = family(40)
    merge = dare(models[ROOT], [models[1], models[2], models[3]], [0.67, 0.34, 0.42], 0.5, signs=signs)
    places = sampled(merge, models)
    (first, *_) = kept_alone(places, EVERY, None)
    assert (first.base, set(first.members)) == (ROOT, {1, 2, 3})
    assert factors(first) == pytest.approx({1: 1.34, 2: 0.68, 3: 0.84}, rel=0.05)
    fitted = next(one for one in mixtures_of_changes(span_of(places).apart, [0, 1, 2, 3], [ROOT]))
    assert first.residual == pytest.approx(fitted.residual), "what is unexplained is that of least squares"


@pytest.mark.parametrize("signs", [False, True])
def test_a_recipe_of_three_parents_of_one_text_is_found_without_least_squares(
    signs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forebear.queries.lineage.recipes.trials.over_most_equal", lambda *_: [])
    models, truth = twins(41, alike=0.8), {1: 0.3, 2: 0.7, 3: 0.6}
    found = trials(sampled(dare(models[ROOT], list(models[1:4]), list(truth.values()), 0.5, signs=signs), models))
    assert found is not None and found.best.method.name == ("dare_ties" if signs else "dare_linear")
    assert found.best.proposal.base == ROOT
    weights = dict(zip(found.best.proposal.members, found.best.proposal.shown[:, 0].tolist(), strict=True))
    assert weights == pytest.approx(truth, abs=0.02)


def test_the_base_that_is_given_is_the_only_one() -> None:
    models = family(42)
    places = sampled(dare(models[ROOT], [models[1], models[2]], [0.6, 0.4], 0.5), models)
    assert [found.base for found in kept_alone(places, EVERY, ROOT)] == [ROOT]
    assert all(found.base == 3 for found in kept_alone(places, EVERY, 3))


def test_three_parents_of_ties_leave_a_base_that_hardly_a_value_shows() -> None:
    models = family(43)
    places = sampled(ties(models[ROOT], [models[1], models[2], models[3]], [0.8, 0.4, 0.4], 0.7), models)
    assert 0.02 < (places.relatives[ROOT] == places.query).mean() < 0.04
    named = {found.base: set(found.members) for found in kept_alone(places, EVERY, None)}
    assert named[ROOT] == {1, 2, 3}
    found = trials(places)
    assert found is not None and found.best.method.name == "ties"
    assert (found.best.proposal.base, set(found.best.proposal.members)) == (ROOT, {1, 2, 3})


def test_a_child_a_root_and_a_mean_have_no_changes_that_stand_alone() -> None:
    models = family(44)
    for query, relatives in (
        (models[1], models[[0, 2, 3, 4]]),
        (models[ROOT], models[1:]),
        (linear([models[1], models[2]], [0.6, 0.4]), models),
    ):
        assert kept_alone(sampled(query, relatives), range(len(relatives)), None) == []


def test_where_a_family_drifted_too_little_for_the_steps_of_its_type_nothing_is_found() -> None:
    def found_at(drift: float) -> list[Mixture]:
        models = family(45, drift=drift)
        return kept_alone(sampled(dare(models[ROOT], [models[1], models[2]], [0.6, 0.4], 0.5), models), EVERY, None)

    first = found_at(0.01)[0]
    assert first.base == ROOT
    assert factors(first) == pytest.approx({1: 1.2, 2: 0.8}, rel=0.05)
    assert found_at(0.001) == []


def test_breadcrumbs_whose_smallest_and_largest_balance_are_not_left_out_at_random() -> None:
    models = family(46)
    found = trials(sampled(breadcrumbs(models[ROOT], [models[1], models[2]], [0.76, 0.64], 0.8, 0.05), models))
    assert found is not None and found.best.method.name in {"breadcrumbs", "breadcrumbs_ties"}
    assert found.best.proposal.weights[:, 0] == pytest.approx([0.76, 0.64], abs=0.02)


@pytest.mark.parametrize("density", [0.1, 0.4, 0.8, 0.9])
def test_sizes_tell_what_was_kept_by_chance_from_what_was_kept_by_size(density: float) -> None:
    random = np.random.default_rng(5)
    size = np.abs(random.standard_normal((1, VALUES)))
    rank = size.argsort(axis=1).argsort(axis=1) / VALUES
    epsilon = 0.1
    chance = random.random((1, VALUES))
    assert kept_by_size(chance < density, size)[0] < 0.02, "DARE"
    assert kept_by_size(chance < density + epsilon * (rank - 0.5), size)[0] < KEPT_BY_SIZE / 2, "DELLA"
    assert kept_by_size(rank >= 1 - density, size)[0] > 0.9, "TIES"
    for gamma in (0.01, 0.05):
        middle = (rank < 1 - gamma) & (rank >= 1 - gamma - density)
        assert kept_by_size(middle, size)[0] > KEPT_BY_SIZE, "breadcrumbs"


def test_of_a_few_values_and_of_none_size_says_nothing() -> None:
    random = np.random.default_rng(6)
    size, kept = np.abs(random.standard_normal((2, 40))), random.random((2, 40)) < 0.5
    kept[1] = True
    found = kept_by_size(kept, size)
    assert found[0] < KEPT_BY_SIZE and found[1] == 0


def test_a_model_from_which_others_were_trained_here_and_there_is_no_merge_of_them() -> None:
    random, models = np.random.default_rng(47), family(47)
    here = random.random((2, *models[1].shape)) < 0.1
    children = models[1] + here * random.standard_normal(here.shape) * 0.0016
    relatives = np.concatenate([models[[ROOT]], children.astype(BFLOAT16).astype(np.float32)])
    places = sampled(models[1], relatives)
    found = trials(places)
    assert found is None or proven(places, found.best) < RECIPE_CLAIMED or turned_round(places, found.best) is not None


@pytest.mark.parametrize("seed", [47, 50])
def test_ranks_of_breadcrumbs_are_chosen_again_once_weights_are_known(seed: int) -> None:
    models = family(seed)
    models[1] = (models[ROOT] + 2.5 * (models[1] - models[ROOT])).astype(BFLOAT16).astype(np.float32)
    places = sampled(breadcrumbs(models[ROOT], [models[1], models[2]], [0.76, 0.64], 0.8, 0.05), models)
    rough, known = (
        np.median(one.setting, axis=1)
        for one in estimate_breadcrumbs(
            places, kept_alone(places, EVERY, None)[0], arithmetics(places.bits), consensus=False
        )
        if one.setting is not None
    )
    truth = pytest.approx([0.85, 0.85, 0.05, 0.05])
    assert rough != truth, "least squares of what would be kept leads astray here"
    assert known == truth


def test_a_change_of_della_that_is_kept_alone_says_its_scale() -> None:
    random, models = np.random.default_rng(8), family(51)
    changes = models[[1, 2]] - models[ROOT]
    kept = np.where(random.random(changes.shape) < 0.6, changes, 0).astype(BFLOAT16)
    scale = (np.abs(changes).sum(axis=2) / np.abs(kept.astype(np.float32)).sum(axis=2)).astype(BFLOAT16)
    weights = np.array([0.7, 0.4], BFLOAT16)[:, None, None]
    weighted = ((kept * scale[:, :, None]) * weights).astype(np.float32)
    agree = np.sign(weighted) == np.where(weighted.sum(axis=0) >= 0, 1, -1)
    divisor = (agree * weights.astype(np.float32)).sum(axis=0).astype(BFLOAT16)
    total = (weighted * agree).sum(axis=0).astype(BFLOAT16) / np.where(divisor == 0, BFLOAT16(1), divisor)
    places = sampled((models[ROOT].astype(BFLOAT16) + total).astype(np.float32), models)
    (first, *_) = kept_alone(places, EVERY, None)
    assert factors(first) == pytest.approx({1: 1 / 0.6, 2: 1 / 0.6}, rel=0.05)
    (made,) = estimate_masked(places, first, arithmetics(places.bits), consensus=True, normalized=True)
    assert made.weights[0, 0] / made.weights[1, 0] == pytest.approx(0.7 / 0.4, rel=0.03)
    assert made.stated == pytest.approx((0.6, 0.6), abs=0.05)
    assert places.share(DELLA.replay(places, made)) >= 0.99
