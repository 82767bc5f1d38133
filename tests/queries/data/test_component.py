"""Components as arrays: keys, units and vectors that comparisons are made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ..components import LAYERS, Tensor, adapter, base, changed, component, quantised, rounded, upcycled


def matrix(seed: int = 0, columns: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((16, columns)).astype(np.float32)


def test_tensors_of_one_role_and_slot_share_a_key_over_layers_and_count_within_a_block() -> None:
    model = (
        Tensor("q", matrix(), 0),
        Tensor("q", matrix(), 0),
        Tensor("q", matrix(), 1),
        Tensor("q", matrix(), 0, slot="cross"),
        Tensor("q", matrix()),
        Tensor("other", matrix(), 0, slot="named"),
    )
    assert component(model).keys == ["q/", "q/#2", "q/", "q/cross", "q/@", "other/(16, 64)"]


def test_unknown_matrices_of_one_shape_pair_by_slot_and_by_name_in_whatever_order_the_files_have_them() -> None:
    """A torch file has the order of the modules, a safetensors that of the names, and another spelling a third."""
    slots = ("modulation.context", "modulation", "", "")
    names = ["blocks.0.txt_mod", "blocks.0.img_mod", "blocks.0.pool", "blocks.0.fuse"]

    def keys(order: list[int]) -> dict[str, str]:
        model = component(tuple(Tensor("other", matrix(n), 0, slot=slots[n]) for n in order))
        named = replace(model, names=[names[n] for n in order])
        return dict(zip(named.names, named.keys, strict=True))

    assert keys([0, 1, 2, 3]) == keys([3, 1, 0, 2]) == keys([2, 3, 1, 0])
    assert list(keys([0, 1, 2, 3]).values()) == [f"other/(16, 64){end}" for end in ("#4", "#3", "#2", "")]


def test_a_block_is_a_unit_and_its_dense_ffn_one_of_its_own_where_experts_are_compared() -> None:
    found = component(base(1, layers=2))
    units, unit = found.units(False)
    assert units == [(-1, -1, ""), (0, -1, ""), (1, -1, "")]
    assert [found.block(u) for u in units] == ["language", "language.0", "language.1"]
    split, parts = found.units(True)
    assert split == [(-1, -1, ""), (0, -1, ""), (0, -1, "ffn"), (1, -1, ""), (1, -1, "ffn")]
    for i, role in enumerate(found.roles):
        assert units[unit[i]][0] == found.layer[i]
        assert split[parts[i]][2] == ("ffn" if role in {"gate", "up", "down"} else "")


def test_experts_are_units_by_their_number() -> None:
    found = component(upcycled(base(1, layers=1), 2, 0.1, 3))
    assert found.has_experts and not component(base(1)).has_experts
    units, _ = found.units(True)
    assert [found.block(u) for u in units if u[1] >= 0] == ["language.0.0", "language.0.1"]


@pytest.mark.parametrize(("name", "kind"), [("encoder", "language"), ("decoder", "language"), ("vision", "vision")])
def test_encoders_and_decoders_are_compared_as_language(name: str, kind: str) -> None:
    assert component(base(1, layers=1), name=name).kind == kind


def test_one_huge_weight_does_not_decide_a_correlation() -> None:
    values = matrix()
    huge = values.copy()
    huge[:, :] = values
    huge.reshape(-1)[:] = values.reshape(-1)
    first = component((Tensor("q", values, 0),))
    place = int(np.flatnonzero(values.reshape(-1) == first.positions.value[0, 10])[0])
    huge.reshape(-1)[place] = 1000
    second = component((Tensor("q", huge, 0),))
    assert (first.standardised * second.standardised).sum() > 0.9
    assert np.corrcoef(first.positions.value[0], second.positions.value[0])[0, 1] < 0.2


def test_vectors_have_length_one_and_no_mean() -> None:
    found = component(base(1, layers=2))
    for kind in ("positions", "gram"):
        vectors = found.vectors(kind)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5) and np.allclose(
            vectors.mean(axis=1), 0, atol=1e-6
        )


def test_what_can_have_a_match_is_matrices_and_token_rows() -> None:
    found = component(base(1, layers=1))
    assert [r for r, can in zip(found.roles, found.scorable, strict=True) if not can] == ["norm", "norm"]


def test_rows_of_a_key_are_the_vectors_of_its_tensors() -> None:
    found = component(base(1))
    rows = found.rows_by_key("gram")["up/"]
    assert [found.roles[t] for t in found.evidence("gram").tensor[rows]] == ["up"] * LAYERS
    assert np.array_equal(found.vectors_of("gram", "up/"), found.grams[rows])
    assert (found.vectors_of("gram", "up/", unsigned=True) != found.grams[rows]).any()


def test_factors_count_for_fewer_values_than_they_have() -> None:
    found = component(adapter(1, rank=8), name="adapter")
    assert set(found.independent(np.arange(len(found.positions.tensor))).tolist()) == {64}
    plain = component(base(1))
    assert set(plain.independent(np.arange(len(plain.positions.tensor))).tolist()) == {256}


def test_gains_are_found_by_layer() -> None:
    found = component(base(1, layers=3))
    key = (-1, "norm", "ffn", (96,), 0)
    rows, layers = found.vector_layers[key]
    assert layers.tolist() == [0, 1, 2]
    assert found.vector_rows[key].tolist() == [-1, *rows.tolist()]


def test_gains_of_one_shape_in_a_block_are_counted_by_name_in_whatever_order_the_files_have_them() -> None:
    """Batch norms of a backbone have no slots: those of two spellings were compared crosswise."""
    names = ["conv1.norm", "conv2.norm", "short.norm"]

    def counted(order: list[int]) -> dict[str, int]:
        model = component(tuple(Tensor("norm", matrix(n)[0], 0) for n in order))
        named = replace(model, names=[names[n] for n in order])
        rows = {key[-1]: found for key, (found, _) in named.vector_layers.items()}
        return {named.names[int(row[0])]: number for number, row in rows.items()}

    assert counted([0, 1, 2]) == counted([2, 0, 1]) == {name: n for n, name in enumerate(names)}


def test_levels_tell_quantised_weights() -> None:
    model = base(1, layers=1)
    matrices = [i for i, t in enumerate(model) if t.value.ndim == 2 and t.role != "embed"]
    assert (component(quantised(model, 4)).levels[matrices] < 16).all()
    assert (component(model).levels[matrices] > 31).all()


def test_equal_values_have_equal_hashes_in_any_type() -> None:
    short = rounded(base(1, layers=1))
    assert np.array_equal(component(short, dtype="BF16").hash, component(short, dtype="F32").hash)
    other = (replace(short[0], value=short[0].value * 2), *short[1:])
    assert (component(other).hash != component(short).hash).sum() == 1
    assert not np.array_equal(component(changed(short, lambda t: t.value)).hash, component(base(2, layers=1)).hash)
