"""Adapters compared with adapters: what a common initialisation, a common training and a copy look like."""

from __future__ import annotations

import numpy as np

from forebear.queries.evidence.pair import PairEvidence, compare
from forebear.queries.relation.adapters import relate_factors, relation_of

from ..components import Model, adapter, base, changed, component, drifted

FIRST = adapter(1)


def evidence(query: Model, candidate: Model = FIRST) -> PairEvidence:
    return compare(component(query, name="adapter"), component(candidate, 2, name="adapter"), 10)


def factor(model: Model, slot: str) -> Model:
    return tuple(t for t in model if t.slot == slot)


def test_a_copy_of_an_adapter_is_derived() -> None:
    found = relation_of(evidence(FIRST))
    assert (found.origin, found.flags) == ("derivation", ("identical",))


def test_adapters_of_one_random_initialisation_share_a_alone() -> None:
    apart = (*factor(FIRST, "A"), *factor(adapter(2), "B"))
    found = relation_of(evidence(apart))
    assert (found.origin, found.flags) == ("shared_initialisation", ("shared_initialisation",))
    assert "lora_A correlates at 1.00" in found.reason


def test_a_training_that_went_on_is_not_told_from_one_that_was_repeated() -> None:
    found = relation_of(evidence(drifted(FIRST, 0.3, 2)))
    assert found.origin == "undetermined" and "continued, or repeated" in found.reason


def test_without_b_a_common_initialisation_is_not_excluded() -> None:
    found = relation_of(evidence(factor(FIRST, "A"), factor(FIRST, "A")))
    assert found.origin == "undetermined" and "no lora_B" in found.reason
    assert not {"identical", "numeric_copy"} & set(found.flags)


def test_b_that_one_of_them_lacks_is_not_compared() -> None:
    assert "no lora_B" in relate_factors(evidence(FIRST, factor(FIRST, "A"))).reason


def test_strangers_that_move_in_the_same_directions_are_no_relatives() -> None:
    """Two adapters of one base: B = u c', with u the base's few directions and c of each adapter's own."""
    shared = adapter(5)
    for seed in range(10):
        random = np.random.default_rng(seed)

        def turned(model: Model, random: np.random.Generator = random) -> Model:
            return changed(model, lambda t: _mixed(t.value, random))

        assert not evidence(turned(shared), turned(shared)).significant


def _mixed(value: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The factor with other weights for the directions it moves in."""
    mixing = random.standard_normal((min(value.shape),) * 2)
    return mixing @ value if value.shape[0] < value.shape[1] else value @ mixing


def test_models_are_not_judged_as_adapters_are() -> None:
    found = compare(component(base(1)), component(drifted(base(1), 0.05, 2), 2), 10)
    assert "lora" not in relation_of(found).reason
