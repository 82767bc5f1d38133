"""A rounding told value by value: the model that was rounded, its near relatives, and what the test cannot see."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gguf
import ml_dtypes
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray

from forebear.queries.data.component import Component, Evidence
from forebear.queries.evidence.pair import compare
from forebear.queries.relation.flags import relate
from forebear.queries.relation.within import Within, within
from forebear.queries.thresholds.lineage import SURE
from forebear.registry import Registry

from ...ingest.formats.writers_fused import Tensors, load_model
from ...ingest.formats.writers_gguf import model_bytes
from ...writers import safetensors_bytes
from ..bounded import bounded, drifted, on_steps
from ..components import base, component

RANDOM = np.random.default_rng(3)
PARENT = base(1)


def inside(query: Component, candidate: Component) -> Within:
    found = within(compare(query, candidate, 10))
    assert found is not None
    return found


def test_what_was_rounded_is_told_and_a_fine_tune_of_it_is_excluded() -> None:
    copy = bounded(PARENT, 1e-3)
    found = inside(copy, component(PARENT, 2))
    assert found.told and not found.excluded and found.by_query and found.places == 42 * 256
    other = inside(copy, component(drifted(PARENT, 1e-3), 2))
    assert other.excluded and not other.told and 0 < other.outside < other.places / 10
    assert "numeric_copy" in relate(compare(copy, component(PARENT, 2), 10)).flags
    assert "numeric_copy" not in relate(compare(copy, component(drifted(PARENT, 1e-3), 2), 10)).flags


def test_matrices_without_bounds_that_were_trained_make_it_no_copy() -> None:
    tuned = tuple(t if t.role != "q" else drifted((t,), 1e-3)[0] for t in PARENT)
    copy = bounded(PARENT, 1e-3, dtype="F16")
    held = copy.evidence("bounds")
    some = np.array([copy.roles[t] != "q" for t in held.tensor.tolist()])
    of_some = replace(copy, kinds=dict(copy.kinds) | {"bounds": Evidence(held.tensor[some], held.value[some])})
    evidence = compare(of_some, component(tuned, 2), 10)
    assert inside(of_some, component(tuned, 2)).told and "numeric_copy" not in relate(evidence).flags


def test_a_rounding_that_lacks_a_part_of_the_query_is_one_and_a_fuller_model_is_none_of_it() -> None:
    more = (*PARENT, replace(PARENT[2], role="other", layer=-1, slot="pooler", value=base(9)[2].value))
    whole = component(more)
    assert relate(compare(whole, bounded(PARENT, 1e-3, model_id=2), 10)).flags == ("numeric_copy",)
    assert "numeric_copy" not in relate(compare(whole, component(PARENT, 2), 10)).flags, "equal, and a head may be new"
    other = tuple(
        replace(t, value=base(9)[i].value) if (t.role, t.layer) == ("k", 5) else t for i, t in enumerate(PARENT)
    )
    assert "numeric_copy" not in relate(compare(component(other), bounded(PARENT, 1e-3, model_id=2), 10)).flags
    without = tuple(t for t in PARENT if t.layer != 5)
    assert "numeric_copy" not in relate(compare(component(PARENT), bounded(without, 1e-3, model_id=2), 10)).flags


def test_it_is_told_from_either_side() -> None:
    found = inside(component(PARENT), bounded(PARENT, 1e-3, model_id=2))
    assert found.told and not found.by_query
    assert "numeric_copy" in relate(compare(component(PARENT), bounded(PARENT, 1e-3, model_id=2), 10)).flags


def test_steps_as_coarse_that_no_light_training_would_show_tell_nothing() -> None:
    found = inside(bounded(PARENT, 0.2), component(PARENT, 2))
    assert found.outside == 0 and found.foreseen < 5 and not found.told and not found.excluded


def test_what_was_trained_on_the_values_of_a_quantised_file_is_not_what_was_bounded() -> None:
    copy = bounded(PARENT, 1e-3)
    steps = on_steps(PARENT, 1e-3)
    tuned = component(drifted(steps, 4e-4), 2)
    found = inside(copy, tuned)
    assert found.outside == 0 and found.filled < 0.1 and not found.told
    assert inside(copy, component(PARENT, 2)).filled == pytest.approx(0.5, abs=0.01)


def test_values_next_to_the_levels_are_told_nowhere_even_where_some_bounds_are_tight() -> None:
    copy = bounded(PARENT, 1e-3)
    held = copy.evidence("bounds")
    tight = held.value.copy()
    tight[:, 256::10] = copy.positions.value[:, ::10] + 1e-6
    tuned = component(on_steps(PARENT, 1e-3), 2)
    found = inside(replace(copy, kinds=dict(copy.kinds) | {"bounds": Evidence(held.tensor, tight)}), tuned)
    assert found.outside == 0 and found.foreseen >= 5 and found.filled < 0.1 and not found.told


def test_scales_that_may_have_been_fitted_again_exclude_nothing() -> None:
    found = inside(bounded(PARENT, 1e-3, dtype="Q4_1"), component(drifted(PARENT, 1e-3), 2))
    assert found.outside > 0 and not found.excluded and not found.told


@pytest.mark.parametrize("kind", [ml_dtypes.bfloat16, np.float16])
def test_a_file_that_was_made_from_another_float_type_is_a_rounding_all_the_same(kind: type) -> None:
    kept = tuple(replace(t, value=t.value.astype(kind).astype(np.float32)) for t in PARENT)
    assert inside(bounded(kept, 1e-3), component(PARENT, 2)).told
    consistent = inside(bounded(PARENT, 1e-3), component(kept, 2))
    assert consistent.beyond == 0 and not consistent.excluded, "it may be a rounding of what was rounded"


def test_two_models_with_bounds_or_without_any_are_not_held_against_each_other() -> None:
    assert within(compare(bounded(PARENT, 1e-3), bounded(PARENT, 2e-3, model_id=2), 10)) is None
    assert within(compare(component(PARENT), component(PARENT, 2), 10)) is None


@pytest.mark.parametrize("forged", [np.nan, np.inf, -1e30, 1e-45])
def test_bounds_that_nobody_makes_end_nothing(forged: float) -> None:
    copy = bounded(PARENT, 1e-3)
    held = copy.evidence("bounds")
    worse = np.full_like(held.value, forged)
    found = within(
        compare(
            replace(copy, kinds=dict(copy.kinds) | {"bounds": Evidence(held.tensor, worse)}), component(PARENT, 2), 10
        )
    )
    assert found is None or not found.told


def light(tensors: Tensors, drift: float = 3e-3) -> Tensors:
    """As a light fine-tune in bfloat16 leaves a model: a third of a percent."""
    random = np.random.default_rng(3)
    return {
        name: (values * (1 + drift * random.standard_normal(values.shape)))
        .astype(ml_dtypes.bfloat16)
        .astype(np.float32)
        if values.ndim == 2
        else values
        for name, values in tensors.items()
    }


def saved(folder: Path, tensors: Tensors, like: Path) -> Path:
    folder.mkdir()
    kept: dict[str, NDArray[np.float32]] = dict(tensors)
    (folder / "model.safetensors").write_bytes(safetensors_bytes(kept))
    for file in ("config.json", "tokenizer.json"):
        (folder / file).write_bytes((like / file).read_bytes())
    return folder


def test_a_gguf_is_said_to_be_the_copy_of_the_fine_tune_that_it_was_made_from(zoo: Path, tmp_path: Path) -> None:
    tensors, config, tokenizer = load_model(zoo / "cedar")
    tuned = light(tensors)
    (tmp_path / "copy.gguf").write_bytes(model_bytes(tuned, config, tokenizer, Kind.Q8_0, "qwen2"))
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(zoo / "cedar", saved(tmp_path / "cedar-light", tuned, zoo / "cedar"))
        report = registry.ancestors(tmp_path / "copy.gguf")
        compared = [
            registry.compare(a, b).components[0]
            for a, b in (
                (tmp_path / "copy.gguf", tmp_path / "cedar-light"),
                (tmp_path / "cedar-light", tmp_path / "copy.gguf"),
            )
        ]
        registry.ingest(tmp_path / "copy.gguf")
        asked = {r.name: r for r in registry.ancestors(tmp_path / "cedar-light").components[0].ancestors}
        base_asked = {r.name: r for r in registry.ancestors(zoo / "cedar").components[0].ancestors}
    rows = {row.name: row for row in report.components[0].ancestors}
    first, other = rows["cedar-light"], rows["cedar"]
    assert report.verdict == "derived" and first.rank == 1 and other.rank > 1
    assert first.relation == ("numeric_copy",) and first.direction == "copy"
    assert first.direction_probability == SURE and any(
        "values are where its rounding leaves them" in b for b in first.direction_by
    )
    assert "numeric_copy" not in other.relation and any("beyond half a step" in b for b in other.direction_by)
    assert [{row.rounded for row in one.evidence} for one in compared] == [{"A"}, {"B"}]
    assert all("copy is a rounding of cedar-light, as rounding loses values" in one.sentence for one in compared)
    assert asked["copy"].direction == "copy" and asked["copy"].direction_probability == pytest.approx(1 - SURE)
    assert base_asked["copy"].direction != "copy"


@pytest.mark.parametrize("drift", [3e-3, 1e-3])
def test_floats_that_were_unpacked_from_a_gguf_name_the_model_it_was_made_from(
    zoo: Path, tmp_path: Path, drift: float
) -> None:
    tensors, _, _ = load_model(zoo / "cedar")
    tuned = light(tensors, drift)
    unpacked = {
        name: gguf.quants.dequantize(gguf.quants.quantize(v, Kind.Q8_0), Kind.Q8_0)
        .astype(np.float16)
        .astype(np.float32)
        if v.ndim == 2
        else v
        for name, v in tuned.items()
    }
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(zoo / "cedar", saved(tmp_path / "cedar-light", tuned, zoo / "cedar"))
        report = registry.ancestors(saved(tmp_path / "unpacked", unpacked, zoo / "cedar"))
    rows = {row.name: row for row in report.components[0].ancestors}
    assert report.verdict == "derived" and rows["cedar-light"].rank == 1
    assert rows["cedar-light"].relation == ("numeric_copy",) and rows["cedar-light"].direction_probability == SURE
    assert rows["cedar"].direction != "copy" and rows["cedar"].rank > 1


def test_without_what_was_rounded_its_base_is_not_called_a_copy(zoo: Path, tmp_path: Path) -> None:
    tensors, config, tokenizer = load_model(zoo / "cedar")
    (tmp_path / "copy.gguf").write_bytes(model_bytes(light(tensors), config, tokenizer, Kind.Q8_0, "qwen2"))
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(zoo / "cedar")
        report = registry.ancestors(tmp_path / "copy.gguf")
    (row,) = report.components[0].ancestors
    assert row.name == "cedar" and "numeric_copy" not in row.relation and row.direction == "unknown"
    assert report.verdict == "related" and "copy" not in report.components[0].sentence
