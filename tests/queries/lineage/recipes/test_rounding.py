"""Factors within half a step of every value: exact where least squares stop, and what replays make of them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.recipes.trees import claimed, tree
from forebear.queries.lineage.recipes import trials as trials_module
from forebear.queries.lineage.recipes.methods.karcher import estimate_karcher
from forebear.queries.lineage.recipes.methods.linear import LINEAR
from forebear.queries.lineage.recipes.methods.sce import SCE, starts_of_sce
from forebear.queries.lineage.recipes.mixtures.pursuit import Mixture, without_base
from forebear.queries.lineage.recipes.proposal import Arithmetic, Proposal
from forebear.queries.lineage.recipes.refining import Fit, proven
from forebear.queries.lineage.recipes.rounding import factors_within, graded_weights, half_steps, tensor_factors
from forebear.queries.lineage.recipes.trials import trials
from forebear.queries.thresholds.recipes import RECIPE_CLAIMED

from .family import BFLOAT16, LAYERS, ROOT, TENSORS, Weights, family, karcher, linear, sampled, sce, slerp
from .test_trials import best

FIRST, SECOND = 1, 3


def over_layers(first: Weights, second: Weights, start: float, end: float) -> Weights:
    """A mean whose weights go in a line over layers, to more digits than anybody would write."""
    share = np.repeat(np.linspace(start, end, LAYERS), TENSORS)[:, None].astype(np.float32)
    return linear([first, second], [1 - share, share])


@pytest.mark.parametrize("bits", [7, 10, 23])
def test_half_a_step_is_half_the_way_to_the_next_value_of_the_type(bits: int) -> None:
    values = np.array([1.0, -1.5, 2.0, 0.3, 0.0], np.float32)
    assert half_steps(values, bits) == pytest.approx(2.0 ** (-bits - 1) * np.array([1, 1, 2, 0.25, np.inf]))


def test_factors_come_back_ten_times_as_exact_as_by_least_squares() -> None:
    models = family(51)
    places = sampled(linear([models[FIRST], models[SECOND]], [0.6123456, 0.3876544]), models)
    factors = tensor_factors(places, (FIRST, SECOND))
    off = np.abs(factors - np.array([[0.6123456], [0.3876544]]))
    values = places.relatives[[FIRST, SECOND]].reshape(2, LAYERS * TENSORS, -1)
    squares = [
        np.linalg.lstsq(v.T, y)[0]
        for v, y in zip(np.moveaxis(values, 1, 0), places.query.reshape(LAYERS * TENSORS, -1), strict=True)
    ]
    assert np.median(off) * 10 < np.median(np.abs(np.array(squares).T - np.array([[0.6123456], [0.3876544]])))


def test_no_sum_is_further_off_than_it_must_be_and_cells_do_not_meet() -> None:
    parts = np.array([[1.0, 2.0, 4.0, 1.0, 2.0, 4.0]])
    target = np.array([0.5, 1.0, 2.0, 3.0, 6.0, 12.1])
    factors = factors_within(parts, target, np.full(6, 0.05), np.array([0, 0, 0, 1, 1, 1]))
    assert factors.shape == (1, 2)
    assert factors[0, 0] == pytest.approx(0.5, abs=0.0125)
    assert (np.abs(parts[0, 3:] * factors[0, 1] - target[3:]) <= 0.05).all()


def test_parts_that_are_one_leave_the_factors_short_and_no_error() -> None:
    parts = np.ones((2, 5))
    assert factors_within(parts, np.ones(5), np.full(5, 0.1), np.zeros(5, np.int64)).sum() == pytest.approx(1, abs=0.11)


def test_graded_weights_are_exact_to_the_last_value() -> None:
    models = family(52)
    found = best(sampled(over_layers(models[FIRST], models[SECOND], 0.1234567, 0.7654321), models))
    assert (found.best.method.name, found.best.share) == ("linear", 1.0)


@pytest.mark.parametrize("fused", [False, True], ids=["rounded twice", "fused"])
def test_a_graded_mean_kept_in_float32_is_linear_and_no_arc(fused: bool) -> None:
    models = family(61, dtype=np.float32)
    share = np.repeat(np.linspace(0.123, 0.77, LAYERS), TENSORS)[:, None].astype(np.float32)
    first, second = (1 - share) * models[FIRST], share * models[SECOND]
    total = (first + share.astype(np.float64) * models[SECOND]).astype(np.float32) if fused else first + second
    found = best(sampled((total / (1 - share + share)).astype(np.float32), models, bits=23))
    assert (found.best.method.name, set(found.best.proposal.members)) == ("linear", {FIRST, SECOND})


def test_graded_weights_are_left_alone_where_there_is_one_or_the_arithmetic_rounds() -> None:
    models = family(52)
    places = sampled(over_layers(models[FIRST], models[SECOND], 0.2, 0.8), models)
    every = int(places.cells.max()) + 1
    for cells, arithmetic in ((1, Arithmetic(7, stepwise=False)), (every, Arithmetic(7))):
        proposal = Proposal((FIRST, SECOND), None, np.full((2, cells), 0.5), arithmetic)
        assert graded_weights(places, proposal) is proposal
    single = Proposal((FIRST, SECOND), None, np.full((2, every), 0.5), Arithmetic(23))
    assert graded_weights(places, single) is not single, "steps in float32 round nothing that bfloat16 shows"


def test_weights_found_beside_a_base_that_has_nothing_are_tried_without_it() -> None:
    plain = [Mixture((ROOT, FIRST), (0.5, 0.5), 0.0)]
    changes = [Mixture((FIRST, SECOND), (0.5, weight), 0.1, base=ROOT) for weight in (0.55, 0.52, 0.8)]
    found = without_base(changes, plain)
    assert [(one.members, one.base) for one in found] == [((FIRST, SECOND), None)]
    assert found[0].weights == pytest.approx((0.5 / 1.05, 0.55 / 1.05))
    assert without_base(changes, [*plain, *found]) == []


def test_mixtures_that_methods_start_from_hold_those_without_their_base(monkeypatch: pytest.MonkeyPatch) -> None:
    models = family(52)
    places = sampled(over_layers(models[FIRST], models[SECOND], 0.2, 0.8), models)
    monkeypatch.setattr(trials_module, "plain_mixture", lambda apart, members: None)
    monkeypatch.setattr(trials_module, "arc_mixture", lambda span, members: None)
    found = trials_module.nearest_mixtures(places, range(len(models)), None)
    assert {FIRST, SECOND} in [set(one.members) for one in found if one.base is None]
    assert all(one.base == ROOT for one in trials_module.nearest_mixtures(places, range(len(models)), ROOT))


def test_an_arc_over_layers_is_told_though_its_mean_reproduces_nothing() -> None:
    models = family(53, drift=0.6)
    share = np.repeat(np.linspace(0.9, 0.1, LAYERS), TENSORS)
    rows = [slerp(models[FIRST][[n]], models[SECOND][[n]], t) for n, t in enumerate(share.tolist())]
    found = best(sampled(np.concatenate(rows), models))
    assert (found.best.method.name, set(found.best.proposal.members)) == ("slerp", {FIRST, SECOND})
    assert found.best.share >= 0.995


@pytest.mark.parametrize("t", [0.46, 0.49, 0.6])
def test_an_arc_off_its_middle_is_no_karcher_mean(t: float) -> None:
    models = family(54, drift=0.5)
    models[FIRST] *= np.linspace(0.9, 1.1, LAYERS * TENSORS, dtype=np.float32)[:, None]
    models = models.astype(BFLOAT16).astype(np.float32)
    mixture = Mixture((FIRST, SECOND), (0.5, 0.5), 0.0)
    for query, count in ((slerp(models[FIRST], models[SECOND], t), 0), (karcher([models[FIRST], models[SECOND]]), 1)):
        assert len(estimate_karcher(sampled(query, models), mixture, [Arithmetic(23)])) == count


def test_a_mean_of_three_whose_shares_lean_one_way_is_no_karcher_mean() -> None:
    models = family(58, drift=0.5)
    parents = [models[FIRST], models[2], models[SECOND]]
    mixture = Mixture((FIRST, 2, SECOND), (0.35, 0.33, 0.32), 0.0)
    for query, count in ((linear(parents, [0.354, 0.323, 0.323]), 0), (karcher(parents), 1)):
        assert len(estimate_karcher(sampled(query, models), mixture, [Arithmetic(23)])) == count


def test_a_mean_whose_tensors_have_shares_of_their_own_is_no_karcher_mean() -> None:
    models = family(55, drift=0.5)
    query = over_layers(models[FIRST], models[SECOND], 0.35, 0.65)
    found = trials(sampled(query, models))
    assert found is not None and found.best.method.name == "linear"


@pytest.mark.parametrize("top", [0.2, 0.5, 0.8])
def test_sce_is_replayed_nearly_to_the_last_value_whatever_the_energies(top: float) -> None:
    models = family(57)
    models[1] = models[ROOT] + 6 * (models[1] - models[ROOT])
    models = models.astype(np.float32)
    places = sampled(sce(models[ROOT], [models[1], models[2], models[4]], top), models)
    found = best(places)
    assert (found.best.method.name, set(found.best.proposal.members)) == ("sce", {1, 2, 4})
    assert found.best.share >= 0.995


def test_weights_of_sce_are_moved_together_and_reproduce_no_less() -> None:
    models = family(57)
    places = sampled(sce(models[ROOT], [models[1], models[2]], 0.5), models)
    start = next(m for m in starts_of_sce(places, range(5), ROOT) if set(m.members) == {1, 2})
    rough = SCE.estimate(places, start, [Arithmetic(7)])[0]
    assert SCE.within is not None
    exact = SCE.within(places, rough)
    assert places.share(SCE.replay(places, exact)) > places.share(SCE.replay(places, rough))
    assert SCE.within(places, exact).setting is not None


@pytest.mark.parametrize(
    ("seed", "asked"),
    [
        pytest.param(1022, 2, id="another child of its root is as near as the root"),
        pytest.param(1064, 1, id="all that it changed is in what was trained from it"),
        pytest.param(1117, 4, id="a choice at each of 150 changed values gives 0.98 of them"),
    ],
)
def test_a_model_of_a_tree_that_hardly_left_its_root_is_no_merge(seed: int, asked: int) -> None:
    models = tree(seed)
    assert claimed(sampled(models[asked], np.delete(models, asked, axis=0))) is None


def test_what_gives_a_base_back_says_nothing_of_what_was_changed() -> None:
    models = tree(1022)
    places = sampled(models[2], np.delete(models, 2, axis=0))
    base = Proposal((2,), 0, np.zeros((1, 1)), Arithmetic(7))
    fit = Fit(LINEAR, base, places.relatives[0] == places.query)
    assert fit.share_of(places.changed) > RECIPE_CLAIMED and proven(places, fit) == 0
