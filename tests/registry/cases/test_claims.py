"""What a case finds in models of known lineage: verdicts, controls, claims of every kind, figures."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from forebear.queries.comparison.case.claims.answering import METRICS
from forebear.queries.comparison.case.records import CaseResult, ClaimAnswer
from forebear.queries.comparison.records.gains import GainSummary
from forebear.registry.reports.cases.answer import claims_sentence, limits, published_text
from forebear.registry.reports.cases.prose import Words

from .claimed import CLAIMS, Claimed


def answer(answered: CaseResult, name: object) -> ClaimAnswer:
    return next(one for one in answered.claims if one.name == name)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: str(claim.fields["name"]))
def test_every_claim_comes_to_what_it_must(answered: CaseResult, claim: Claimed) -> None:
    found = answer(answered, claim.fields["name"])
    assert found.status == claim.status, found
    assert (found.reason is not None) == (found.status == "not checkable") or found.found is not None
    if claim.beyond is not None:
        assert found.beyond_null is claim.beyond, found
        assert found.null_from


@pytest.mark.parametrize(("language", "said"), [("en", "shows no relation"), ("ko", "관계를")])
def test_that_a_figure_shows_nothing_is_said_where_there_is_such_a_figure_alone(
    answered: CaseResult, language: str, said: str
) -> None:
    kept = [one for one in answered.claims if one.status == "reproduced" and one.beyond_null]
    empty = [one for one in answered.claims if one.status == "reproduced" and one.beyond_null is False]
    assert kept and empty
    words = Words(language)
    assert said not in claims_sentence(replace(answered, claims=tuple(kept)), words)
    assert said in claims_sentence(replace(answered, claims=(*kept, *empty)), words)


def test_every_metric_is_claimed_and_statuses_of_each_kind_are_there() -> None:
    assert {claim.fields["metric"] for claim in CLAIMS} == set(METRICS)
    assert {claim.status for claim in CLAIMS} == {"reproduced", "contradicted", "not checkable"}


def test_the_true_derivative_alone_is_related_and_told(answered: CaseResult) -> None:
    verdicts = {(pair.first, pair.second): pair.verdict for pair in answered.pairs}
    assert len(verdicts) == 10
    assert verdicts.pop(("glm", "intellect")) == "derived"
    assert set(verdicts.values()) == {"unrelated"}
    (pair,) = (pair for pair in answered.pairs if pair.verdict == "derived")
    assert pair.direction is not None and pair.direction.kind == "descendant" and pair.direction.descendant >= 0.95
    assert any("its makers" in text for text in pair.direction.by)


def test_hashes_of_tensors_say_nothing_of_a_training(answered: CaseResult) -> None:
    assert {pair.hash_jaccard for pair in answered.pairs} == {0.0}  # the derivative too: every value moved


def test_controls_come_out_as_they_must(answered: CaseResult) -> None:
    check = answered.controls
    assert check.trusted is True and check.wrong == check.unclear == ()
    assert check.found == (("glm", "intellect"),) and len(check.unrelated) == 7


def test_gains_of_unrelated_models_have_high_cosines_and_centred_ones_near_nothing(answered: CaseResult) -> None:
    (solar,) = (
        one for one in answered.gains.summaries if (one.first, one.second, one.slot) == ("solar", "glm", "attention")
    )
    assert isinstance(solar, GainSummary)
    assert solar.cosine > 0.94 and solar.highest_cosine > 0.98
    assert abs(solar.cosine - solar.shuffled_cosine) < 0.01 and abs(solar.centred_cosine) < 0.1
    (tuned,) = (
        one
        for one in answered.gains.summaries
        if (one.first, one.second, one.slot) == ("glm", "intellect", "attention")
    )
    assert tuned.centred_cosine > 0.99 and tuned.largest_z > 4


def test_gain_matrices_are_there_for_the_same_mixed_and_inner_layers(answered: CaseResult) -> None:
    found = [(one.arrangement, one.slot, len(one.places)) for one in answered.gains.matrices]
    assert found.count(("same layer", "attention", 5)) == 3 and ("mixed layers", "ffn", 3) not in found
    assert ("mixed layers", "attention", 5) in found and found.count(("within", "attention", 3)) == 5
    mixed = next(one for one in answered.gains.matrices if one.arrangement == "mixed layers")
    assert dict(mixed.places) == {"solar": 3, "glm": 6, "intellect": 9, "phi": 9, "deepseek": 6}
    assert np.allclose(np.diag(mixed.cosine), 1)


def test_only_the_derivative_is_significant_in_any_kind_of_matrix(answered: CaseResult) -> None:
    kinds = {one.kind for one in answered.kinds}
    assert kinds == {
        *("q", "k", "v", "o", "router", "gate routed", "gate shared", "up routed", "up shared"),
        *("down routed", "down shared"),
    }
    for one in answered.kinds:
        i, j = one.labels.index("glm"), one.labels.index("intellect")
        assert one.correlation[i, j] > 0.99 and one.log10_p[i, j] < -100
        others = one.log10_p.copy()
        others[[i, j], [j, i]] = np.nan
        assert np.nanmin(others, initial=0.0) > -3
    output = next(one for one in answered.kinds if one.kind == "o")
    assert math.isnan(output.correlation[0, 1])  # 64 and 96 columns: nothing can be compared


def test_vocabularies_are_shown_by_text_class_and_first_ids(answered: CaseResult) -> None:
    by_label = {one.label: one for one in answered.vocabularies}
    assert by_label["glm"].first[:3] == ("!", '"', "#") and by_label["solar"].first_special == 20
    assert {one.name: one.tokens for one in by_label["solar"].classes}["Korean"] == 100
    assert {one.name: one.tokens for one in by_label["glm"].classes}["CJK"] == 100
    assert {one.name: one.tokens for one in by_label["solar"].classes}["special"] == 20
    figures = {(one.first, one.second): one.embedding for one in answered.vocabulary_pairs}
    unrelated, tuned = figures["solar", "glm"], figures["glm", "intellect"]
    assert unrelated is not None and tuned is not None
    assert abs(unrelated.classes[0].cosine) < 0.05 and tuned.classes[0].cosine > 0.99
    assert math.isclose(sum(tuned.same), 1) and math.isclose(sum(tuned.mismatched), 1)


def test_the_map_puts_the_derivative_beside_its_parent(answered: CaseResult) -> None:
    found = answered.map
    i, j = found.labels.index("glm"), found.labels.index("intellect")
    assert found.distances[i, j] < 0.1
    others = np.delete(found.distances[i], [i, j])
    assert others.min() > 1


def test_what_was_read_is_said_of_every_model(answered: CaseResult) -> None:
    assert all(one.bytes_read > 0 and one.files for one in answered.models)
    made = answered.provenance
    assert made is not None and made.bytes_read == sum(one.bytes_read for one in answered.models)
    assert made.bytes_fetched == made.bytes_read and made.command == "forebear case"


def test_how_many_experts_were_read_is_said(answered: CaseResult) -> None:
    assert {(model.experts_read, model.experts) for model in answered.models} == {(1, 4)}
    for language, said in (("en", "(solar, glm, intellect, phi, deepseek 1 / 4)"), ("ko", "1 / 4")):
        assert any(said in text for text in limits(answered, Words(language)))


def test_how_far_a_value_may_be_off_stands_beside_what_was_published(answered: CaseResult) -> None:
    shown = {published_text(one) for one in answered.claims if one.metric == "cosine"}
    assert {"0.95 ± 0.01", "≥ 0.95", "≤ 0.90"} <= shown
    assert {published_text(one) for one in answered.claims if one.metric == "shared_tokens"} == {"400"}
