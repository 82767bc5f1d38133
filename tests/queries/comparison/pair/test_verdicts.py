"""What a comparison says of the zoo, and of models that were made to hide where they come from."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forebear.queries.comparison.records.comparison import Comparison
from forebear.registry import Registry

from ....writers import llama, llama_config, model_files, write_files
from .. import surgery
from ..surgery import Tensors

CONTROLS = ["elm-in-alder-norms", "birch"]
Make = Callable[[Tensors, Tensors], Tensors]


@pytest.fixture(scope="module")
def compare(zoo_registry: Path) -> Any:
    found: dict[tuple[object, ...], Comparison] = {}

    def call(a: str | Path, b: str | Path, *controls: str | Path) -> Comparison:
        if (a, b, *controls) not in found:
            with Registry(zoo_registry, read_only=True) as registry:
                found[a, b, *controls] = registry.compare(a, b, controls=list(controls) or None)
        return found[a, b, *controls]

    return call


@pytest.fixture(scope="module")
def roots(zoo: Path) -> tuple[Tensors, Tensors]:
    return surgery.read_model(zoo / "alder"), surgery.read_model(zoo / "birch")


def test_roots_of_one_architecture_are_unrelated_although_their_norms_look_alike(compare: Any) -> None:
    found = compare("alder", "birch")
    part = found.components[0]
    norms = [row for row in part.summary if row.role == "norm" and row.pair == "A-B"]
    assert len(norms) == 3 and all(row.context for row in norms)
    assert all(row.metrics.cosine > 0.99 and abs(row.metrics.centred_cosine) < 0.1 for row in norms)
    assert (found.verdict, found.trusted) == ("unrelated", True)
    assert any("norm gains" in note.lower() and "0.9" in note for note in found.notes)


def test_every_true_derivative_is_derived(compare: Any, truth: dict[str, Any]) -> None:
    derived = {name: facts for name, facts in truth["models"].items() if facts["parents"]}
    assert len(derived) >= 10
    for name, facts in derived.items():
        for parent in facts["parents"]:
            found = compare(name, parent)
            assert (found.verdict, found.trusted) == ("related", True), (name, found.sentence, found.trust)


def test_the_wearer_of_foreign_norms_is_said_to_be_just_that(compare: Any) -> None:
    found = compare("elm-in-alder-norms", "alder")
    rows = [row for row in found.components[0].metrics if row.pair == "A-B" and row.role == "norm"]
    assert rows and all(row.metrics.equal_share == 1 for row in rows)
    assert (found.verdict, found.trusted) == ("unrelated", True)
    assert "their norm gains are equal, and everything else is that of unrelated models" in found.sentence
    matrices = [row for row in found.components[0].summary if row.pair == "A-B" and not row.context]
    assert all(abs(row.metrics.centred_cosine) < 0.05 for row in matrices)


def test_one_initialisation_is_told_by_neurons_and_by_centred_gains(compare: Any) -> None:
    found = compare("alder-twin", "alder")
    row = found.components[0].evidence[0]
    assert found.verdict == "shared_initialisation" and found.trusted
    assert "no neurons do the same on the same tokens" in found.sentence
    assert row.identity > 0.3 and row.gains_correlation < 0.6 * row.identity  # strangers are at 0.02
    assert {c.reading for c in found.components[0].changes if c.pair == "A-B"} == {"trained apart"}


def test_layers_that_no_block_map_reaches_stand_beside_their_equal_number(compare: Any) -> None:
    found = compare("alder-twin", "alder").components[0]
    v = next(row for row in found.profiles if row.role == "v" and row.pair == "A-B")
    assert v.layers_first == v.layers_second == tuple(range(6))
    assert all(correlation > 0.1 for correlation in v.centred_cosine)


def test_a_change_of_basis_is_no_strangers_difference_and_folded_gains_are_constant(compare: Any) -> None:
    found = compare("alder-rotated", "alder").components[0].changes
    readings = {c.role: c.reading for c in found if c.pair == "A-B"}
    assert readings.pop("norm") == "constant" and readings.pop("head", "rewritten") == "rewritten"
    assert set(readings.values()) == {"rewritten"}
    assert {c.reading for c in found if c.pair == "A-C1" and c.role == "q"} == {"unrelated"}


def test_rounding_ends_at_half_a_spacing_and_training_goes_beyond(
    compare: Any, roots: Any, zoo: Path, tmp_path: Path
) -> None:
    full = surgery.merge_adapter(roots[0], 16, 0.01, 4)
    wide = surgery.write_model(tmp_path / "f32", full, zoo / "alder", "F32")
    narrow = surgery.write_model(tmp_path / "bf16", full, zoo / "alder", "BF16")
    rounded = [c for c in compare(wide, narrow, "birch").components[0].changes if c.pair == "A-B"]
    assert all(sum(c.step_shares[:2]) == pytest.approx(1) for c in rounded)
    trained = [c for c in compare("alder-docs", "alder").components[0].changes if c.pair == "A-B"]
    matrices = [c for c in trained if c.role not in {"norm", "bias"}]
    assert all(sum(c.step_shares) == pytest.approx(1) and sum(c.step_shares[2:]) > 0.8 for c in matrices)


def test_norm_gains_of_strangers_do_not_look_trained(compare: Any, roots: Any, zoo: Path, tmp_path: Path) -> None:
    made = surgery.write_model(tmp_path / "part", surgery.take_over(roots[1], roots[0], "self_attn"), zoo / "alder")
    found = compare(made, "alder", "elm-in-alder-norms").components[0].changes
    assert {c.reading for c in found if c.pair == "A-B" and c.role == "norm"} <= {"unrelated", "mixed"}
    assert {c.reading for c in found if c.pair == "A-B" and c.role == "q"} == {"unchanged"}


def test_each_direction_reads_from_its_own_side(compare: Any) -> None:
    forward, backward = compare("alder-pruned", "alder").components[0].evidence[:2]
    assert (forward.query, forward.relation) == ("A", ("layers_removed",))
    assert (backward.query, backward.relation) == ("B", ("layers_added",))
    assert [(b.query, b.ancestor) for b in forward.blocks if b.query != "language"] == [
        (f"language.{i}", f"language.{j}") for i, j in enumerate((0, 1, 3, 5))
    ]


HIDDEN: list[tuple[str, Make, str, str, str]] = [
    ("rotated", lambda a, b: surgery.rotate_residual(a, 1), "gram", "q, k, v, gate, up", "embed, o, down"),
    ("neurons", lambda a, b: surgery.permute_neurons(a, 1), "positions", "embed, q, k, v, o", "up"),
    ("units", lambda a, b: surgery.permute_hidden(a, 1), "gram", "q, k, v, gate, up", "embed, o, down"),
    (
        "both",
        lambda a, b: surgery.permute_neurons(surgery.permute_hidden(a, 1), 2),
        "gram",
        "q, k, v",
        "embed, o, up, down",
    ),
    (
        "embeddings",
        lambda a, b: {**a, surgery.EMBEDDING: b[surgery.EMBEDDING]},
        "positions",
        "q, k, v, o, gate, up, down",
        "embed",
    ),
    (
        "attention",
        lambda a, b: surgery.take_over(b, a, "self_attn"),
        "positions",
        "q, k, v, o",
        "embed, gate, up, down",
    ),
    ("ffn", lambda a, b: surgery.take_over(b, a, "mlp"), "positions", "gate, up, down", "embed, q, k, v, o"),
    ("merge", lambda a, b: surgery.average(a, b), "positions", "embed, q, k, v, o, gate, up, down", ""),
    ("adapter", lambda a, b: surgery.merge_adapter(a, 4, 0.1, 3), "positions", "embed, q, k, v, o, gate, up, down", ""),
]


@pytest.mark.parametrize(("name", "make", "kind", "where", "missing"), HIDDEN, ids=[row[0] for row in HIDDEN])
def test_what_hides_its_origin_is_found_and_by_what(
    compare: Any,
    roots: tuple[Tensors, Tensors],
    zoo: Path,
    tmp_path: Path,
    name: str,
    make: Make,
    kind: str,
    where: str,
    missing: str,
) -> None:
    made = surgery.write_model(tmp_path / name, make(*roots), zoo / "alder")
    found = compare(made, "alder", "elm-in-alder-norms")
    assert (found.verdict, found.trusted) == ("related", True), found.sentence
    assert found.components[0].evidence[0].evidence == kind
    assert f"found by {kind} in {where};" in found.sentence, found.sentence
    assert (f"; no match in {missing};" in found.sentence) if missing else ("no match" not in found.sentence)


def test_a_merge_of_strangers_is_found_in_both(compare: Any, roots: Any, zoo: Path, tmp_path: Path) -> None:
    made = surgery.write_model(tmp_path / "merge", surgery.average(*roots), zoo / "alder")
    for parent in ("alder", "birch"):
        found = compare(made, parent, "elm-in-alder-norms")
        assert found.verdict == "related" and found.components[0].evidence[0].identity == pytest.approx(0.7, abs=0.05)


def test_a_merged_adapter_has_a_low_rank_and_a_fine_tune_all_of_it(
    compare: Any, roots: Any, zoo: Path, tmp_path: Path
) -> None:
    made = surgery.write_model(tmp_path / "adapter", surgery.merge_adapter(roots[0], 4, 0.1, 3), zoo / "alder")
    matrices = {"q", "k", "v", "o", "gate", "up", "down"}
    changes = compare(made, "alder", "birch").components[0].changes
    merged = [c for c in changes if c.role in matrices and c.pair == "A-B"]
    assert {(c.reading, c.rank) for c in merged} == {("low rank", 4.0)}
    changes = compare("alder-docs", "alder").components[0].changes
    tuned = [c for c in changes if c.role in matrices and c.pair == "A-B"]
    assert {c.reading for c in tuned} == {"training"} and all(c.rank == c.full_rank == 16 for c in tuned)


def test_a_copy_of_fewer_bits_is_rounding(compare: Any, roots: Any, zoo: Path, tmp_path: Path) -> None:
    full = surgery.merge_adapter(roots[0], 16, 0.01, 4)  # values that bfloat16 does not hold
    wide = surgery.write_model(tmp_path / "f32", full, zoo / "alder", "F32")
    narrow = surgery.write_model(tmp_path / "bf16", full, zoo / "alder", "BF16")
    found = compare(wide, narrow, "birch").components[0]
    assert found.evidence[0].relation == ("numeric_copy",)
    moved = [c for c in found.change_rows if c.pair == "A-B" and c.changed_share > 0]
    assert moved and all(c.within_half_step == 1 and c.rank == 0 for c in moved if c.rank is not None)
    four_bits = compare("alder-4bit", "alder").components[0].changes
    assert {c.reading for c in four_bits if c.pair == "A-B"} <= {"rounding", "unchanged"}


def test_a_control_that_is_kin_takes_the_trust_away(compare: Any) -> None:
    found = compare("alder", "birch", "alder-docs")
    assert found.trusted is False and found.verdict == "unrelated"
    assert found.trust.startswith("The measure is not to be trusted here: control C1 (alder-docs) looks related to A")


def test_a_control_that_cannot_be_compared_checks_nothing(compare: Any, tmp_path: Path) -> None:
    tensors = {name: tensor for name, tensor in llama(1).items() if "layers" not in name or "layers.0.mlp.up" in name}
    lone = write_files(tmp_path / "lone", model_files(tensors, config=llama_config(tensors)))
    found = compare("alder", "birch", lone)
    assert found.trusted is None and "nothing here checks the measure" in found.trust


def test_figures_that_are_not_defined_stay_out_of_the_verdict(compare: Any) -> None:
    found = compare("alder-rotated", "alder")  # its norm gains are all 1
    rows = [r for r in found.components[0].summary if r.role == "norm" and r.pair == "A-B"]
    assert all(math.isnan(r.metrics.centred_cosine) for r in rows) and found.verdict == "related"
