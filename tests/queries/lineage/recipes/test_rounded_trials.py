"""Merges that rounding and order tell, where least squares sees little: of light models, and parents of no energy."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from forebear.queries.lineage.recipes.methods.arcee_fusion import beyond_bounds
from forebear.queries.lineage.recipes.methods.breadcrumbs import weights_kept_alone
from forebear.queries.lineage.recipes.methods.chance.choices import by_chance, replay_masked
from forebear.queries.lineage.recipes.methods.karcher_rounded import estimate_karcher_rounded
from forebear.queries.lineage.recipes.methods.sce import starts_of_sce
from forebear.queries.lineage.recipes.mixtures.pursuit import Mixture
from forebear.queries.lineage.recipes.mixtures.values import bases_of
from forebear.queries.lineage.recipes.places import rows_of
from forebear.queries.lineage.recipes.proposal import Arithmetic, Proposal
from forebear.queries.lineage.recipes.trials import trials

from .family import BFLOAT16, ROOT, ROWS, Weights, breadcrumbs, family, karcher_in_steps, linear, sampled, sce
from .test_trials import best, told

LIGHT = 0.005


def rows_taken(base: Weights, other: Weights, share: float) -> Weights:
    """Whole rows of another model in a base, as arcee_fusion takes them where the divergence is rounding."""
    shape = (len(base), ROWS, -1)
    taken = np.random.default_rng(3).random((len(base), ROWS, 1)) < share
    changes = (other.astype(BFLOAT16) - base.astype(BFLOAT16)).astype(np.float32)
    return np.asarray(base + np.where(taken, changes.reshape(shape), 0).reshape(base.shape), np.float32)


def test_rows_of_a_light_model_in_another_are_arcee_fusion() -> None:
    models = family(31, drift=LIGHT)
    found = best(sampled(rows_taken(models[1], models[3], 0.75), models, bits=23))
    assert (found.best.method.name, found.best.proposal.base, found.best.proposal.members) == ("arcee_fusion", 1, (3,))
    assert found.best.share == 1.0


@pytest.mark.parametrize("share", [0.1, 0.75])
def test_values_of_a_light_model_at_random_in_another_are_no_arcee_fusion(share: float) -> None:
    models = family(32, drift=LIGHT)
    mixed = np.where(np.random.default_rng(1).random(models[1].shape) < share, models[3], models[1])
    found = trials(sampled(mixed, models))
    assert found is None or found.best.method.name != "arcee_fusion"


def test_values_of_which_the_larger_were_taken_more_often_but_not_always_are_no_arcee_fusion() -> None:
    models = family(38)
    size = np.abs(models[3] - models[1])
    large = size > np.median(size, axis=1, keepdims=True)
    mixed = np.where(large ^ (np.random.default_rng(1).random(size.shape) < 0.15), models[3], models[1])
    found = trials(sampled(mixed, models))
    assert found is None or found.best.method.name != "arcee_fusion"


def test_a_model_between_two_of_a_light_line_is_no_arcee_fusion() -> None:
    random, first = np.random.default_rng(5), family(33, drift=LIGHT)[ROOT]
    line = [first]
    for _ in range(2):
        moved = random.random(first.shape) < 0.3
        step = random.standard_normal(first.shape) * LIGHT * 0.02
        line.append(np.where(moved, line[-1] + step, line[-1]).astype(BFLOAT16).astype(np.float32))
    found = trials(sampled(line[1], [line[0], line[2], *family(33, drift=LIGHT)[1:]]))
    assert found is None or found.best.method.name != "arcee_fusion"


def test_a_bound_a_row_leaves_no_value_wrong_and_either_side_may_be_taken() -> None:
    row = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
    size = np.array([4, 3, 2, 1, 1, 2, 3, 4, 5, 5], np.float32)
    taken = np.array([1, 1, 0, 0, 1, 1, 0, 0, 1, 1], np.bool_)
    assert beyond_bounds(row, size, taken) == 0
    taken[[3, 9]] = True, False  # below one that was left; beside an equal one that was taken
    assert beyond_bounds(row, size, taken) == 2


def test_the_rows_of_samples_are_those_of_the_matrix() -> None:
    assert rows_of((2, 3), 6).tolist() == [0, 0, 0, 1, 1, 1]
    sampled_rows = rows_of((400, 2, 8), 256)
    assert (np.diff(sampled_rows) >= 0).all() and set(sampled_rows.tolist()) == set(range(16))


def test_the_mean_on_a_sphere_of_light_models_is_told_by_its_rounding() -> None:
    models = family(34, drift=LIGHT)
    found = best(sampled(karcher_in_steps([models[1], models[4], models[2]]), models))
    assert found.best.method.name == "karcher"
    assert told(found) == pytest.approx({1: 1 / 3, 2: 1 / 3, 4: 1 / 3})
    assert found.best.share >= 0.99
    assert found.rival is not None and found.rival.share < 0.95


def test_a_parent_of_a_fiftieth_of_the_energy_is_told_by_the_values_it_moves() -> None:
    models = family(35)
    models[1] = (models[ROOT] + 7 * (models[1] - models[ROOT])).astype(BFLOAT16).astype(np.float32)
    found = best(sampled(sce(models[ROOT], [models[1], models[2], models[4]], 0.5), models))
    assert (found.best.method.name, found.best.proposal.base) == ("sce", ROOT)
    assert set(found.best.proposal.members) == {1, 2, 4}
    assert found.best.share >= 0.95


def test_parents_are_added_to_an_sce_merge_only_while_they_give_more_than_chance() -> None:
    models = family(35, drift=LIGHT, children=9)

    def added(query: Weights, relatives: Weights, base: int | None) -> list[set[int]]:
        starts = starts_of_sce(sampled(query, relatives), range(len(relatives)), base)
        return [set(mixture.members) for mixture in starts]

    assert {1, 2, 4} in added(sce(models[ROOT], [models[1], models[2], models[4]], 0.5), models, ROOT)
    mean = added(linear([models[1], models[2]], [0.5, 0.5]), np.delete(models, 1, axis=0), None)
    assert max(len(parents) for parents in mean) <= 3, "further models give a little by rounding"


def test_what_is_no_karcher_mean_of_two_models_is_not_proposed_as_one() -> None:
    models = family(34, drift=LIGHT)
    mixture = Mixture((1, 2), (0.5, 0.5), 0.0)
    for query, count in ((karcher_in_steps([models[1], models[2]]), 1), (models[3], 0)):
        assert len(estimate_karcher_rounded(sampled(query, models), mixture, [Arithmetic(7)])) == count


def test_bases_are_the_models_whose_values_are_held_beyond_chance_the_most_equal_first() -> None:
    models, other = family(39), family(40)[1]
    assert bases_of(sampled(other, models), range(5), None) == bases_of(sampled(other, models), range(5), 2) == []
    draw = np.random.default_rng(2).random(other.shape)
    places = sampled(
        np.select([draw < 0.6, draw < 0.9, draw < 0.95], [models[1], models[ROOT], models[2]], other), models
    )
    assert bases_of(places, range(5), None) == [1, ROOT]
    assert bases_of(places, range(5), 3) == [3]


def test_values_of_the_base_are_given_by_no_chance_where_a_parent_is_more_equal() -> None:
    models = family(37)
    draw = np.random.default_rng(2).random(models[1].shape)
    places = sampled(np.where(draw < 0.5, models[1], np.where(draw < 0.8, models[ROOT], models[3])), models)
    made = Proposal((1, 2), ROOT, np.ones((2, 1)), Arithmetic(7), np.ones((2, int(places.tensor.max()) + 1)))
    assert (places.query == places.relatives[ROOT])[places.changed].mean() > 0.5
    assert by_chance(places, made, partial(replay_masked, consensus=False, normalized=False)) < 0.1


def test_weights_of_breadcrumbs_come_from_changes_that_were_kept_alone() -> None:
    models = family(36)
    models[1] = (models[ROOT] + 4 * (models[1] - models[ROOT])).astype(BFLOAT16).astype(np.float32)
    found = best(sampled(breadcrumbs(models[ROOT], [models[1], models[2]], [0.76, 0.69], 0.4, 0.01), models))
    assert found.best.method.name in {"breadcrumbs", "breadcrumbs_ties"}
    assert told(found) == pytest.approx({1: 0.76, 2: 0.69}, abs=0.01)


def test_a_weight_that_gives_more_values_alone_is_taken_and_not_one_that_gives_some() -> None:
    models = family(36)
    ground = models[ROOT].astype(BFLOAT16)
    draw = np.random.default_rng(5).random(models[ROOT].shape)

    def alone(parent: int, weight: float) -> Weights:
        change = (models[parent].astype(BFLOAT16) - ground) * BFLOAT16(weight)
        return (ground + change).astype(np.float32)

    shares = [
        (0.3, models[ROOT]),
        (0.5, alone(1, 0.7)),
        (0.6, alone(1, 0.25)),
        (0.85, alone(2, 0.4)),
        (1.0, alone(2, 1.1)),
    ]
    query = np.select([draw < share for share, _ in shares], [made for _, made in shares])
    places = sampled(np.asarray(query, np.float32), models)
    proposal = Proposal((1, 2), ROOT, np.ones((2, 1)), Arithmetic(7, stepwise=True))
    assert weights_kept_alone(places, proposal) == pytest.approx(np.array([[0.7], [0.4]]), abs=0.011)
