"""Weights beside their moving average or their teacher: one is the model, whatever the format."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebear.ingest.formats import companions
from forebear.ingest.formats.companions import without_averages
from forebear.ingest.formats.contents import Contents
from forebear.ingest.storage.logical import LogicalTensor, RowMajor

SHAPES = {"embed.weight": (9, 4), "layers.0.mlp.weight": (4, 4), "layers.0.norm.weight": (4,), "head.bias": (9,)}


def contents(**shapes: tuple[int, ...]) -> Contents:
    return Contents(
        tuple(LogicalTensor(key, "F32", shape, RowMajor("f", 0, "F32", 1)) for key, shape in shapes.items())
    )


def copied(prefix: str, weights: str = "") -> Contents:
    return contents(**{weights + k: s for k, s in SHAPES.items()}, **{prefix + k: s for k, s in SHAPES.items()})


@pytest.mark.parametrize(
    ("average", "weights"),
    [
        ("ema.", ""), ("model_ema.", ""), ("model_ema.", "model."), ("ema_model.", "model."), ("teacher.", "student."),
        ("model.teacher.", "model.student."), ("encoder_k.", "encoder_q."), ("momentum_encoder.", "base_encoder."),
        ("module.ema.", "module."), ("averaged_model.", "model."), ("averaged_model.module.", ""),
        ("ema.module.", "module."), ("ema_model.online_model.", ""), ("model.ema.model.", "model."),
        ("ema_model._orig_mod.module.", "model."), ("target_network.", "online_network."),
    ],
)  # fmt: skip
def test_the_copy_is_set_aside_with_a_row_that_counts_no_parameter(average: str, weights: str) -> None:
    found = without_averages(copied(average, weights))
    assert [t.name for t in found.tensors] == [weights + key for key in SHAPES]
    (row,) = found.skipped
    inner = ("module.", "_orig_mod.", "online_model.")
    stem = average.removesuffix("model.") if average.startswith("model.ema") else average
    for one in inner:
        stem = stem.removesuffix(one)
    assert row.name == f"{stem}*" and row.parameters == 0 and "4 tensors of 65 values, set aside" in row.reason


def test_the_average_of_latent_diffusion_whose_names_have_no_dots_is_set_aside() -> None:
    squashed = {"model_ema." + key.replace(".", ""): shape for key, shape in SHAPES.items()}
    counters: dict[str, tuple[int, ...]] = {"model_ema.decay": (), "model_ema.num_updates": ()}
    whole = contents(**{f"model.{key}": shape for key, shape in SHAPES.items()}, **squashed, **counters)
    found = without_averages(whole)
    assert len(found.tensors) == 4 and "6 tensors of 67 values" in found.skipped[0].reason


@pytest.mark.parametrize("prefix", ["ema.", "teacher."])
def test_what_stands_alone_is_the_model(prefix: str) -> None:
    alone = contents(**{prefix + key: shape for key, shape in SHAPES.items()})
    assert without_averages(alone) is alone


@pytest.mark.parametrize("prefix", ["decoder.", "model.branch.", "net2.", "layers.0.ema."])
def test_a_second_network_under_another_name_is_a_part_of_the_model(prefix: str) -> None:
    both = copied(prefix)
    assert without_averages(both) is both


def test_a_teacher_of_another_shape_is_no_copy() -> None:
    larger = {f"teacher.{key}": tuple(2 * n for n in shape) for key, shape in SHAPES.items()}
    both = contents(**SHAPES, **larger)
    assert without_averages(both) is both


@given(st.lists(st.lists(st.sampled_from(["ema", "teacher", "model", "a", "", "weight"]), max_size=4), max_size=8))
def test_whatever_the_names_no_value_is_lost(paths: list[list[str]]) -> None:
    names = {".".join(path) for path in paths}
    whole = contents(**dict.fromkeys(sorted(names), (2, 3)))
    found = without_averages(whole)
    rows = sum(int(row.reason.split(" tensors of ")[1].split()[0]) for row in found.skipped)
    assert sum(t.parameters for t in found.tensors) + rows == 6 * len(names)
    assert not names or found.tensors


def test_shapes_may_not_be_those_of_another_tensor() -> None:
    names = [f"w{i}" for i in range(6)]
    widths = np.arange(1, 7)
    plain = {name: (int(width), 2) for name, width in zip(names, widths, strict=True)}
    other = {f"ema.{name}": (int(width), 2) for name, width in zip(names, widths[::-1], strict=True)}
    both = contents(**plain, **other)
    assert without_averages(both) is both


def test_prefixes_of_averages_are_compared_with_so_many_tensors_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    counted = companions._copied

    def noted(prefix: str, group: Sequence[LogicalTensor], rest: Sequence[LogicalTensor]) -> int:
        seen.append(len(rest))
        return counted(prefix, group, rest)

    monkeypatch.setattr(companions, "_LOOKED_AT", 100)
    monkeypatch.setattr(companions, "_copied", noted)
    words = ("model", "net", "unet", "params", "weights", "student")
    groups = {f"{first}_ema_{last}": 3 for first in words for last in ("model", "net", "params")}
    names = [f"{prefix}.l{i}" for prefix, count in groups.items() for i in range(count)]
    found = without_averages(contents(**dict.fromkeys([*names, *(f"l{i}" for i in range(4))], (1, 4))))
    assert len(seen) < len(groups) and sum(seen) <= 100 + len(names)
    rows = sum(int(row.reason.split(": ")[1].split()[0]) for row in found.skipped)
    assert len(found.tensors) + rows == len(names) + 4
