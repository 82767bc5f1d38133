"""Merges made in known ways give their recipes back; models that are no merges have none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from forebear.queries.lineage.recipes import trials as module
from forebear.queries.lineage.recipes.methods.chance.choices import given_by_scales, replay_masked
from forebear.queries.lineage.recipes.methods.linear import LINEAR
from forebear.queries.lineage.recipes.methods.model_stock import estimate_model_stock
from forebear.queries.lineage.recipes.mixtures.pursuit import Mixture, nearest_pairs, span_of
from forebear.queries.lineage.recipes.places import MergePlaces
from forebear.queries.lineage.recipes.proposal import MASKED, Arithmetic, Proposal
from forebear.queries.lineage.recipes.refining import Fit, claimed
from forebear.queries.lineage.recipes.trials import Trials, nearest_around, trials, turned_round
from forebear.queries.thresholds.recipes import CONSTANT_WEIGHTS, RECIPE_CLAIMED

from . import family as small
from .family import (
    BFLOAT16,
    ROOT,
    Weights,
    arcee_fusion,
    breadcrumbs,
    dare,
    family,
    karcher,
    linear,
    linear_in_steps,
    model_stock,
    nearswap,
    sampled,
    slerp,
    task_arithmetic,
    ties,
)

Merge = Callable[[Sequence[Weights], Sequence[float]], Weights]
DRIFTS = (0.08, 0.003)
"""How far children of a zoo move, and those that people publish."""


def best(places: MergePlaces) -> Trials:
    found = trials(places)
    assert found is not None
    return found


def told(found: Trials) -> dict[int, float]:
    proposal = found.best.proposal
    return dict(zip(proposal.members, proposal.shown.mean(axis=1).tolist(), strict=True))


@pytest.mark.parametrize("drift", DRIFTS)
@pytest.mark.parametrize("merge", [linear, linear_in_steps])
def test_a_linear_merge_gives_its_parents_and_weights_back(merge: Merge, drift: float) -> None:
    models = family(1, drift=drift)
    found = best(sampled(merge([models[1], models[2]], [0.6, 0.4]), models))
    assert found.best.method.name == "linear"
    assert told(found) == pytest.approx({1: 0.6, 2: 0.4}, abs=0.01)
    assert found.best.share >= 0.99
    assert found.rival is None or found.rival.share < found.best.share


def test_of_three_parents_all_weights_come_back() -> None:
    models = family(2)
    found = best(sampled(linear(list(models[1:4]), [0.5, 0.3, 0.2]), models))
    assert told(found) == pytest.approx({1: 0.5, 2: 0.3, 3: 0.2}, abs=0.01)
    assert found.best.share >= 0.99


def test_what_weights_are_divided_by_is_right_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small, "LAYERS", 32)
    monkeypatch.setattr(small, "VALUES", 1_024)
    models = family(2, drift=0.003, children=50)
    found = best(sampled(linear(list(models[1:4]), [0.6, 0.25, 0.15]), models))
    assert (found.best.method.name, found.best.proposal.base) == ("linear", None)
    assert told(found) == pytest.approx({1: 0.6, 2: 0.25, 3: 0.15})
    assert found.best.share == 1.0


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (1.0, 0.5, 0.5)])
def test_weights_in_whole_ratios_are_told_as_shares(weights: tuple[float, ...]) -> None:
    models = family(20)
    found = best(sampled(linear(list(models[1:4]), weights), models))
    assert found.best.method.name == "linear"
    assert told(found) == pytest.approx({n + 1: weight / sum(weights) for n, weight in enumerate(weights)})
    assert found.best.share == 1.0


@pytest.mark.parametrize("merge", [linear, linear_in_steps])
@pytest.mark.parametrize("weights", [(0.3, 0.3), (0.2, 0.6), (0.6, 0.25), (0.8, 0.5, 0.1), (0.5, 0.2, 0.8)])
@pytest.mark.parametrize("drift", [0.02, 0.003])
def test_weights_that_do_not_sum_to_one_are_found_by_what_they_are_divided_by(
    weights: tuple[float, ...], drift: float, merge: Merge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small, "LAYERS", 12)
    models = family(21, drift=drift, children=6)
    places = sampled(merge(list(models[1 : 1 + len(weights)]), weights), models)
    found = best(places)
    assert found.best.method.name == "linear" and claimed(places, found.best)
    assert told(found) == pytest.approx({n + 1: w / sum(weights) for n, w in enumerate(weights)}, abs=0.01)


@pytest.mark.parametrize("weights", [(0.5, 0.3, 0.4), (0.5, 0.6, 0.4), (0.3, 0.1), (0.1, 0.25)])
def test_of_light_changes_the_base_is_the_one_by_which_most_comes_out(
    weights: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small, "LAYERS", 32)
    models = family(22, drift=0.003, children=8)
    found = best(sampled(task_arithmetic(models[ROOT], list(models[1 : 1 + len(weights)]), weights), models))
    assert (found.best.method.name, found.best.proposal.base) == ("task_arithmetic", ROOT)
    assert told(found) == pytest.approx(dict(enumerate(weights, 1)), abs=0.01)
    assert found.best.share >= 0.999


def test_what_a_rival_reproduces_better_is_told_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Among many on one line the search may come to one that stands for a parent: here it sees no other at first."""
    models = family(3, drift=0.003)
    near = linear([models[1], models[ROOT]], [0.98, 0.02])
    places = sampled(linear([models[1], models[2]], [0.5, 0.5]), [*models, near])
    search = module.tried

    def blind(
        places: MergePlaces, *, allowed: Sequence[int] | None = None, base: int | None = None
    ) -> list[tuple[Fit, Mixture]]:
        rest = [member for member in range(len(places.relatives)) if member != 1]
        return search(places, allowed=rest if allowed is None else allowed, base=base)

    monkeypatch.setattr(module, "tried", blind)
    found = trials(places)
    assert found is not None and found.rival is not None
    assert found.best.share >= found.rival.share and set(found.best.proposal.members) == {1, 2}


@pytest.mark.parametrize("share", [0.4, 0.5])
def test_of_mixtures_of_two_models_two_are_told_and_no_more(share: float) -> None:
    """A sweep between a base and its fine-tune: four of them gave one in the middle as well."""
    models = family(4, drift=0.004)
    sweep = [linear([models[ROOT], models[1]], [1 - w, w]) for w in (0.2, 0.3, 0.6, 0.7, 0.8)]
    found = best(sampled(linear([models[ROOT], models[1]], [1 - share, share]), [models[ROOT], models[1], *sweep]))
    proposal = found.best.proposal
    assert len({*proposal.members, proposal.base} - {None}) == 2


def test_weights_that_change_over_layers_come_back_for_every_layer() -> None:
    models = family(3)
    rising = np.repeat([0.2, 0.4, 0.6, 0.8], 3)[:, None].astype(np.float32)
    found = best(sampled(linear([models[1], models[2]], [1 - rising, rising]), models))
    proposal = found.best.proposal
    second = proposal.weights[proposal.members.index(2)]
    assert proposal.weights.shape == (2, 8)  # four layers, two parts of each
    assert second == pytest.approx(np.repeat([0.2, 0.4, 0.6, 0.8], 2), abs=0.01)


def test_an_arc_is_told_from_the_straight_line() -> None:
    models = family(4, drift=0.4)
    found = best(sampled(slerp(models[1], models[2], 0.3), models))
    assert found.best.method.name == "slerp"
    assert told(found) == pytest.approx({1: 0.7, 2: 0.3}, abs=0.01)
    assert {fit.method.name for fit in found.equals} == {"slerp"}


def test_angles_are_tuned_again_once_the_weights_of_an_arc_are_known() -> None:
    models = family(54, drift=0.6)
    found = best(sampled(slerp(models[1], models[2], 0.45), models))
    assert found.best.method.name == "slerp"
    assert told(found) == pytest.approx({1: 0.55, 2: 0.45})
    assert found.best.share >= CONSTANT_WEIGHTS


def test_changes_that_sum_beyond_one_are_task_arithmetic() -> None:
    models = family(5)
    found = best(sampled(task_arithmetic(models[ROOT], [models[1], models[2]], [0.8, 0.6]), models))
    assert (found.best.method.name, found.best.proposal.base) == ("task_arithmetic", ROOT)
    assert told(found) == pytest.approx({1: 0.8, 2: 0.6}, abs=0.01)
    assert found.best.share >= 0.99


def test_trimmed_changes_are_ties_of_the_right_density() -> None:
    models = family(6)
    places = sampled(ties(models[ROOT], [models[1], models[2]], [0.5, 0.5], 0.5), models)
    found = best(places)
    assert (found.best.method.name, found.best.proposal.base) == ("ties", ROOT)
    assert set(told(found)) == {1, 2}
    assert found.best.proposal.setting is not None
    assert np.median(found.best.proposal.setting) == pytest.approx(0.5, abs=0.05)
    assert found.best.share_of(places.changed) >= RECIPE_CLAIMED


def test_model_stock_gives_its_children_and_its_base_back() -> None:
    models = family(11)
    found = best(sampled(model_stock(models[ROOT], list(models[1:4])), models))
    assert (found.best.method.name, found.best.proposal.base) == ("model_stock", ROOT)
    assert set(told(found)) == {1, 2, 3} and found.best.share >= 0.99


def test_a_step_of_fixed_size_towards_another_model_is_nearswap() -> None:
    models = family(12)
    found = best(sampled(nearswap(models[1], models[2], 0.0005), models))
    assert (found.best.method.name, found.best.proposal.base, found.best.proposal.members) == ("nearswap", 1, (2,))
    assert found.best.proposal.setting is not None and float(found.best.proposal.setting[0, 0]) == 0.0005
    assert found.best.share >= 0.99


def test_changes_in_the_middle_are_breadcrumbs_with_density_and_gamma() -> None:
    models = family(13)
    found = best(sampled(breadcrumbs(models[ROOT], [models[1], models[2]], [0.7, 0.4], 0.6, 0.05), models))
    assert (found.best.method.name, found.best.proposal.base) == ("breadcrumbs", ROOT)
    assert told(found) == pytest.approx({1: 0.7, 2: 0.4}, abs=0.01)
    assert found.best.method.parameters is not None
    for said in found.best.method.parameters(found.best.proposal):
        assert said["density"] == pytest.approx(0.6, abs=0.02) and said["gamma"] == pytest.approx(0.05, abs=0.02)


def test_the_mean_on_a_sphere_is_told_from_the_mean_of_values() -> None:
    models = family(16, drift=0.6)
    places = sampled(karcher(list(models[1:4])), models)
    found = best(places)
    assert (found.best.method.name, found.best.proposal.base) == ("karcher", None)
    assert set(told(found)) == {1, 2, 3} and found.best.share_of(places.changed) >= RECIPE_CLAIMED
    assert {fit.method.name for fit in found.equals} == {"karcher"}


def test_of_models_that_hardly_differ_the_mean_on_a_sphere_is_a_twin_of_that_of_values() -> None:
    models = family(17, drift=0.005)
    found = best(sampled(karcher(list(models[1:4])), models))
    assert found.best.method.name == "linear"
    assert told(found) == pytest.approx({1: 1 / 3, 2: 1 / 3, 3: 1 / 3}, abs=0.01)
    assert "karcher" in {fit.method.name for fit in found.equals}


@pytest.mark.parametrize("drift", [0.08, 0.4])
def test_few_large_values_of_another_model_are_arcee_fusion(drift: float) -> None:
    models = family(18, drift=drift)
    found = best(sampled(arcee_fusion(models[1], models[3]), models, bits=23))
    assert (found.best.method.name, found.best.proposal.base, found.best.proposal.members) == ("arcee_fusion", 1, (3,))
    assert found.best.share == 1.0
    assert 0.03 < told(found)[3] < 0.25


def test_values_taken_from_another_model_at_random_are_no_arcee_fusion() -> None:
    models = family(19)
    mixed = np.where(np.random.default_rng(1).random(models[1].shape) < 0.1, models[3], models[1])
    found = trials(sampled(mixed, models))
    assert found is None or found.best.method.name != "arcee_fusion"


@pytest.mark.parametrize(("signs", "name"), [(False, "dare_linear"), (True, "dare_ties")])
def test_changes_left_out_at_random_tell_weights_and_density_without_the_seed(signs: bool, name: str) -> None:
    models = family(14)
    places = sampled(dare(models[ROOT], [models[1], models[2]], [0.6, 0.4], 0.5, signs=signs), models)
    found = best(places)
    assert (found.best.method.name, found.best.proposal.base) == (name, ROOT)
    assert told(found) == pytest.approx({1: 0.6, 2: 0.4}, abs=0.02)
    assert found.best.proposal.stated == pytest.approx((0.5, 0.5), abs=0.05)
    assert found.best.share >= 0.99


@pytest.mark.parametrize("seed", [15, 16, 20])
def test_where_a_family_hardly_drifted_the_parents_of_changes_left_out_at_random_are_told(seed: int) -> None:
    """Weights and densities are rougher there: a change is a few steps of its type."""
    models = family(seed, drift=0.003)
    found = best(sampled(dare(models[ROOT], [models[1], models[2]], [0.6, 0.4], 0.5), models))
    assert (found.best.method.stage, found.best.proposal.base) == (MASKED, ROOT)
    assert told(found) == pytest.approx({1: 0.6, 2: 0.4}, abs=0.15)


@pytest.mark.parametrize("seed", [15, 16, 17, 20])
def test_where_a_family_hardly_drifted_no_other_is_a_parent_of_changes_left_out_at_random(seed: int) -> None:
    models = family(seed, drift=0.003)
    places = sampled(dare(models[ROOT], [models[1], models[2]], [0.6, 0.4], 0.5), np.delete(models, 2, axis=0))
    found = trials(places)
    assert found is None or not claimed(places, found.best)


@pytest.mark.parametrize("drift", DRIFTS)
@pytest.mark.parametrize("asked", [ROOT, 1])
def test_a_root_and_a_child_among_their_relatives_are_no_merges(asked: int, drift: float) -> None:
    models = family(7, drift=drift)
    places = sampled(models[asked], np.delete(models, asked, axis=0))
    found = trials(places)
    assert found is None or found.best.share_of(places.changed) < RECIPE_CLAIMED


@pytest.mark.parametrize("bits", [7, 23])
def test_the_parent_of_a_merge_is_not_made_of_it(bits: int) -> None:
    models = family(8)
    merge = (0.5 * models[1] + 0.5 * models[2]).astype(np.float32)
    if bits == 7:
        merge = linear([models[1], models[2]], [0.5, 0.5])
    places = sampled(models[1], [models[ROOT], models[2], models[3], merge])
    found = trials(places)
    if found is not None and found.best.share_of(places.changed) >= RECIPE_CLAIMED:
        assert turned_round(places, found.best) is not None


@pytest.mark.parametrize("drift", DRIFTS)
@pytest.mark.parametrize("factor", [1.3, 1.5, 2.0])
def test_what_was_moved_on_along_a_change_is_no_parent_of_what_it_was_moved_from(factor: float, drift: float) -> None:
    """A model beyond its fine-tune (ExPO), or with a task vector taken off: the one in the middle is no merge of it."""
    models = family(8, drift=drift)
    start, middle = models[ROOT].astype(np.float64), models[1]
    further = (start + factor * (middle - start)).astype(BFLOAT16).astype(np.float32)
    places = sampled(middle, [models[ROOT], further])
    found = trials(places)
    assert found is None or not claimed(places, found.best) or turned_round(places, found.best) is not None
    merge = linear([models[1], models[2]], [1 / factor, 1 - 1 / factor])
    places = sampled(merge, [models[1], models[2], models[3]])
    assert turned_round(places, best(places).best) is None


def test_a_merge_is_not_called_the_parent_of_its_parents() -> None:
    models = family(9)
    places = sampled(linear([models[1], models[2]], [0.5, 0.5]), models)
    assert turned_round(places, best(places).best) is None


@pytest.mark.parametrize("members", [(1, 2), (1, 2, 3)])
@pytest.mark.parametrize("normalized", [False, True])
def test_scales_of_one_parent_are_counted_as_whole_replays_count_them(
    members: tuple[int, ...], normalized: bool
) -> None:
    random, models = np.random.default_rng(3), family(36)
    kept = [np.where(random.random(models[0].shape) < 0.5, models[m] - models[ROOT], 0) for m in members]
    places = sampled((models[ROOT] + sum(kept)).astype(BFLOAT16).astype(np.float32), models)
    setting = random.uniform(0.8, 2.5, (len(members), int(places.tensor.max()) + 1))
    proposal = Proposal(members, ROOT, np.full((len(members), 1), 0.6), Arithmetic(7), setting)
    for parent in range(len(members)):
        tries = [setting[parent] * factor for factor in (0.9, 1.0, 1.1)]
        found = given_by_scales(places, proposal, parent, tries, consensus=normalized, normalized=normalized)
        for scales, counts in zip(tries, found, strict=True):
            whole = setting.copy()
            whole[parent] = scales
            made = replay_masked(places, replace(proposal, setting=whole), consensus=normalized, normalized=normalized)
            assert np.array_equal(counts, np.bincount(places.tensor, made == places.query))


def test_sums_start_around_the_nearest_mixture_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what weighs little, by each member for the base, and without a base of which next to nothing is left."""

    def of_changes(_: object, allowed: Sequence[int], bases: Sequence[int]) -> list[Mixture]:
        weights = {1: 0.5, 2: 0.25, 3: 0.2, 4: 0.04}
        members = tuple(m for m in allowed if m not in bases or len(bases) > 1)
        return [Mixture(members, tuple(weights[m] for m in members), 0.0, base=0)]

    def around(known: Sequence[Mixture], base: int | None) -> set[tuple[frozenset[int], int | None]]:
        made = nearest_around(sampled(family(23)[1], family(23)), known, [1, 2, 3, 4], base)
        return {(frozenset(one.members), one.base) for one in made}

    monkeypatch.setattr("forebear.queries.lineage.recipes.trials.mixtures_of_changes", of_changes)
    every, heavier = frozenset({1, 2, 3, 4}), frozenset({1, 2, 3})
    changes = {(every, 0), (heavier, 0)}
    turned = {((every | {0}) - {base}, base) for base in every}
    plain = {(every, None), (heavier, None)}
    assert around([], base=0) == changes
    assert around([], base=None) == changes | turned | plain
    assert around([Mixture((1, 2, 3), (0.5, 0.3, 0.2), 0.0)], base=None) == changes | turned | {(every, None)}


def test_among_merges_of_the_same_parents_the_two_parents_and_their_base_are_the_nearest_pair() -> None:
    """A sum of more members always comes nearer, and what lies between the parents stands in for both."""
    models = family(31, drift=0.003)
    others = [linear([models[1], models[2]], [share, 1 - share]) for share in (0.5, 0.6)]
    query = (models[ROOT] + 0.6 * (models[1] - models[ROOT]) + 0.5 * (models[2] - models[ROOT])).astype(np.float32)
    places = sampled(query, [*models, *others], bits=23)
    (pair,) = nearest_pairs(span_of(places).apart, range(len(places.relatives)), [ROOT], 1)
    assert pair.members == (1, 2) and pair.base == ROOT
    assert pair.weights == pytest.approx((0.6, 0.5), abs=0.01)
    starts = module.mixtures_of(places, range(len(places.relatives)), None)
    assert any((set(one.members), one.base) == ({1, 2}, ROOT) for one in starts)


def test_weights_of_light_task_arithmetic_are_had_from_a_grid() -> None:
    """Rounded in steps, least squares took 0.89 and 0.41 for 0.6 and 0.5."""
    models = family(32, drift=0.002)
    query = task_arithmetic(models[ROOT], [models[1], models[2]], [0.6, 0.5])
    found = best(sampled(query, models))
    assert (found.best.method.name, found.best.proposal.base) == ("task_arithmetic", ROOT)
    assert told(found) == pytest.approx({1: 0.6, 2: 0.5}, abs=0.02)


def test_the_base_beside_its_light_fine_tune_is_tried_as_the_base() -> None:
    models = family(33, drift=0.003)
    light = models[ROOT] + 0.1 * (models[3] - models[ROOT])
    places = sampled(ties(models[ROOT], [models[1], models[2]], [0.6, 0.5], 0.5), [*models, light])
    wrong = Proposal((1, 2), len(models), np.full((2, 1), 0.5), Arithmetic(7))
    found = module._on_other_bases(places, Fit(LINEAR, wrong, places.query == 0), range(len(places.relatives)))
    assert ROOT in {one.base for one in found}
    assert all(set(one.members) == {1, 2} for one in found)


def test_what_weighs_next_to_nothing_beside_the_others_is_no_parent() -> None:
    """TIES divides by the sum: 0.03 beside 2.4 is a hundredth."""
    equal = np.ones(4, np.bool_)
    weights = np.array([[1.32], [0.03], [1.1]])
    assert not module._of_all(Fit(LINEAR, Proposal((0, 1, 2), None, weights, Arithmetic(7)), equal))
    assert module._of_all(Fit(LINEAR, Proposal((0, 1, 2), None, weights + 0.1, Arithmetic(7)), equal))


def test_a_model_stock_has_the_steps_that_the_angles_of_its_parents_give() -> None:
    """Layers of the base beside layers that both parents share have steps of 0 and 1, and not for their angles."""
    models = family(34)
    half = len(models[ROOT]) // 2
    frozen = np.concatenate([models[1][:half], models[2][half:]])
    layers = np.concatenate([models[1][:half], models[ROOT][half:]])
    true = model_stock(models[ROOT], [models[1], models[2]])
    for query, parents, there in ((layers, [models[1], frozen], False), (true, [models[1], models[2]], True)):
        places = sampled(query, [models[ROOT], *parents])
        start = Mixture((1, 2), (0.25, 0.25), 0.1, ROOT)
        assert bool(estimate_model_stock(places, start, [Arithmetic(7)])) == there
