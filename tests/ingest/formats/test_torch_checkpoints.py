"""What of a torch checkpoint is the model: below which key, in which module, beside which trainer's state."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from forebear.ingest.checkpoint import open_checkpoint
from forebear.ingest.errors import FormatError
from forebear.ingest.formats.contents import Contents
from forebear.ingest.formats.torch_file import read_torch

from ...writers import MemoryReader, MemorySource
from .test_torch_zip import values
from .writers_torch import START, STOP, View, made, mapping, name, number, state, tensor, text, tuple_of, zip_bytes

GOLDEN = Path(__file__).parent / "golden"
WEIGHT, OTHER = View("0", "F32", 0, (4, 3), (3, 1)), View("1", "F32", 0, (4, 3), (3, 1))
STORED = {"0": np.arange(12, dtype=np.float32).tobytes(), "1": bytes(48)}
STATE, AVERAGE = state({"a.weight": WEIGHT, "b.weight": WEIGHT}), state({"a.weight": OTHER, "b.weight": OTHER})
EMPTY = name("collections", "OrderedDict") + b")R"
MODULE = ("_parameters", "_buffers", "_modules")


def read(body: bytes) -> Contents:
    return read_torch(MemoryReader(zip_bytes(START + body + STOP, STORED)), "f")


def names(body: bytes) -> list[str]:
    return [one.name for one in read(body).tensors]


@pytest.mark.parametrize("file", ["old", "checkpoint", "checkpoint_old", "module", "module_old", "script", "trace"])
def test_what_torch_saved_has_the_names_and_values_of_the_state_dict(file: str) -> None:
    data = (GOLDEN / f"torch_{file}.pt").read_bytes()
    found = {one.tensor.name: one.tensor for one in open_checkpoint(MemorySource({"model.pt": data})).named}
    expected = load_file(GOLDEN / "torch.safetensors")
    attributes = {"script": {"fleeting", "scale"}, "trace": {"fleeting", "constants.0"}}  # TorchScript has no others
    assert set(found) == set(expected) | attributes.get(file, set())
    kept = values(data)
    for key, rows in expected.items():
        np.testing.assert_array_equal(kept[key], rows.astype(np.float32), err_msg=key)


def test_a_frozen_module_gives_its_weights_as_constants() -> None:
    found = values((GOLDEN / "torch_frozen.pt").read_bytes())
    expected = load_file(GOLDEN / "torch.safetensors")
    for key in ("embed.weight", "head.weight"):  # the others are folded
        assert any(np.array_equal(expected[key], rows) for rows in found.values()), key
    assert all(key.startswith("constants.") for key in found)


@pytest.mark.parametrize("file", ["odd", "odd_old"])
def test_tensors_of_other_kinds_are_skipped_with_their_size_and_the_plain_ones_are_read(file: str) -> None:
    data = (GOLDEN / f"torch_{file}.pt").read_bytes()
    skipped = {one.name: (one.parameters, one.reason) for one in read_torch(MemoryReader(data), "f").skipped}
    assert skipped["codes"] == (12, "values of torch's own quantisation are not decoded")
    assert skipped["sparse"] == (6, "a sparse tensor is not read")
    assert ("nothing" in skipped) == (file == "odd")
    np.testing.assert_array_equal(values(data)["channels_last"], np.arange(24).reshape(2, 3, 2, 2))


@pytest.mark.parametrize("file", ["checkpoint", "checkpoint_old"])
def test_what_a_trainer_keeps_beside_the_weights_is_a_row_that_counts_no_parameter(file: str) -> None:
    found = open_checkpoint(MemorySource({"last.ckpt": (GOLDEN / f"torch_{file}.pt").read_bytes()}))
    assert {one.name: one.reason for one in found.skipped} == {
        "optimizer.*": "state of the optimiser: 21 tensors of 119 values, set aside",
        "best_acc1.*": "kept beside the weights: 1 tensors of 1 values, set aside",
        "history.*": "kept beside the weights: 1 tensors of 4 values, set aside",
        "ema.*": "a moving average beside the weights: 11 tensors of 69 values, set aside",
    }
    assert not any(one.parameters for one in found.skipped) and found.parameters == 69


ADAM = mapping(state=b"}(K\x00" + mapping(exp_avg=tensor(OTHER), step=tensor(OTHER)) + b"u", param_groups=b"]")
ENVELOPES = {
    "state_dict": mapping(state_dict=STATE, epoch=b"K\x01"),
    "model beside an optimiser": mapping(optimizer=ADAM, model=STATE),
    "two deep": mapping(checkpoint=mapping(model=STATE, epoch=b"K\x01"), step=b"K\x01"),
    "an unknown key": mapping(generator_weights=STATE, version=text("v2")),
    "a list of both": b"](" + STATE + ADAM + b"e",
    "an optimiser under any name": mapping(model=STATE, something=ADAM),
    "scalars beside": mapping(state_dict=STATE, best=tensor(View("0", "F32", 0, (), ()))),
    "a parallel wrapper": mapping(model=state({f"module._orig_mod.{key}.weight": WEIGHT for key in "ab"})),
    "a dictionary of another class": mapping(model=made("box", "Box") + STATE.removeprefix(EMPTY)),
    "keys of Python 2": b"}(U\x08a.weight" + tensor(WEIGHT) + b"U\x08b.weight" + tensor(WEIGHT) + b"u",
    "a default dictionary": name("collections", "defaultdict") + name("builtins", "list") + b"\x85R("
    + text("a.weight") + tensor(WEIGHT) + text("b.weight") + tensor(WEIGHT) + b"u",
}  # fmt: skip


@pytest.mark.parametrize("body", ENVELOPES.values(), ids=ENVELOPES.keys())
def test_the_weights_are_found_below_the_keys_of_a_checkpoint(body: bytes) -> None:
    assert names(body) == ["a.weight", "b.weight"]


@pytest.mark.parametrize("other", ["ema", "model_ema", "state_dict_ema", "ema_state_dict", "teacher", "params_ema"])
@pytest.mark.parametrize("model", ["model", "state_dict", "student"])
def test_of_weights_and_their_average_in_one_file_the_weights_are_the_model(model: str, other: str) -> None:
    data = zip_bytes(START + mapping(**{other: AVERAGE, model: STATE}) + STOP, STORED)
    found = open_checkpoint(MemorySource({"last.ckpt": data}))
    assert [one.tensor.name for one in found.named] == ["a.weight", "b.weight"]
    np.testing.assert_array_equal(values(data)["a.weight"], np.arange(12).reshape(4, 3))
    (row,) = found.skipped
    assert row.name == f"{other}.*" and "2 tensors of 24 values, set aside" in row.reason and row.parameters == 0


def test_an_average_that_stands_alone_is_the_model() -> None:
    assert names(mapping(params_ema=STATE, epoch=b"K\x01")) == ["a.weight", "b.weight"]


def test_two_networks_of_one_file_are_both_read() -> None:
    found = names(mapping(generator=STATE, discriminator=state({"c.weight": WEIGHT})))
    assert found == ["generator.a.weight", "generator.b.weight", "discriminator.c.weight"]


def module(**parts: bytes) -> bytes:
    """A pickled module of an unknown class."""
    own = {key: parts.get(key, b"}") for key in MODULE}
    more = {key: value for key, value in parts.items() if key not in MODULE}
    return made("my.net", "Net", state=mapping(**own, **more))


def test_a_module_gives_what_it_would_save_and_names_the_rest() -> None:
    fleeting = name("builtins", "set") + tuple_of(b"](" + text("mask") + b"e") + b"R"
    inner = module(
        _parameters=mapping(weight=tensor(WEIGHT), bias=b"N"),
        _buffers=mapping(mean=tensor(WEIGHT), mask=tensor(OTHER)),
        _non_persistent_buffers_set=fleeting,
    )
    found = read(module(_modules=mapping(layer=inner), cache=b"](" + tensor(OTHER) + b"e", hook=name("os", "system")))
    assert [one.name for one in found.tensors] == ["layer.weight", "layer.mean"]
    assert [one.reason for one in found.skipped] == ["plain attributes of modules: 2 tensors of 24 values, set aside"]


def test_parameters_of_old_torch_and_subclasses_of_tensors_are_the_tensors_they_wrap() -> None:
    old = made("torch.nn.parameter", "Parameter", state=tuple_of(tensor(WEIGHT), b"\x88", b"\x89", b"}"))
    rebuilt = name("torch._utils", "_rebuild_tensor_v2")
    arguments = tensor(WEIGHT)[len(rebuilt) : -1]
    kind = name("my.package", "Fancy")
    typed = name("torch._tensor", "_rebuild_from_type_v2") + tuple_of(rebuilt, kind, arguments, b"}") + b"R"
    wrapped = name("torch._utils", "_rebuild_wrapper_subclass")
    wrapped += tuple_of(kind, name("torch", "float32"), tuple_of(number(5), number(6))) + b"R"
    found = read(mapping(old=old, typed=typed, wrapped=wrapped))
    assert [one.name for one in found.tensors] == ["old", "typed"]
    assert [(one.name, one.parameters) for one in found.skipped] == [("wrapped", 30)]


def test_arrays_of_numpy_among_the_weights_are_skipped_with_their_size() -> None:
    array = (
        name("numpy.core.multiarray", "_reconstruct")
        + tuple_of(name("numpy", "ndarray"), tuple_of(number(0)), text("b"))
        + b"R"
    )
    array += tuple_of(number(1), tuple_of(number(3), number(5)), b"N", b"\x89", text("x")) + b"b"
    found = read(mapping(model=mapping(weight=tensor(WEIGHT), table=array)))
    assert [(one.name, one.parameters) for one in found.skipped] == [("table", 15)]


def test_a_file_of_an_optimiser_alone_is_refused_with_what_it_holds() -> None:
    with pytest.raises(FormatError, match=r"holds no weights \(\*: state of the optimiser: 2 tensors of 24 values"):
        read(ADAM)


def test_tensors_that_lists_of_a_recurrent_module_repeat_are_read_once() -> None:
    inner = module(_parameters=mapping(weight_ih_l0=tensor(WEIGHT)), _flat_weights=b"](" + tensor(WEIGHT) + b"e")
    found = read(module(_modules=mapping(rnn=inner)))
    assert [one.name for one in found.tensors] == ["rnn.weight_ih_l0"] and not found.skipped


LEAVES = st.sampled_from([tensor(WEIGHT), tensor(OTHER), b"N", b"K\x01", text("x"), name("a", "B"), ADAM])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["model", "ema", "optimizer", "args", "a", *MODULE]), inner, max_size=4).map(
            lambda entries: mapping(**entries)
        ),
        st.lists(inner, max_size=3).map(lambda items: b"](" + b"".join(items) + b"e"),
        st.tuples(inner, inner).map(lambda pair: made("a", "B", pair[0], state=pair[1])),
        st.lists(inner, max_size=3).map(lambda items: tuple_of(*items)),
    ),
    max_leaves=24,
)


@settings(max_examples=200)
@given(TREES)
def test_whatever_a_checkpoint_holds_no_value_is_lost(body: bytes) -> None:
    """Every tensor is read or counted by a row, whichever containers it stands in."""
    with contextlib.suppress(FormatError):
        found = read(body)
        rows = sum(int(row.reason.split(" tensors of ")[1].split()[0]) for row in found.skipped)
        read_values = sum(math.prod(one.shape) for one in found.tensors)
        assert read_values + rows >= 12 * sum(tensor(view) in body for view in (WEIGHT, OTHER))
        assert len({one.name for one in found.tensors}) == len(found.tensors)


SHADOW = b"](" + tensor(OTHER) + tensor(OTHER) + b"e"
"""A moving average as torch_ema keeps it: a list in the order of the parameters, without names."""


@pytest.mark.parametrize("model", ["model", "score_net"])
def test_an_average_without_names_is_set_aside_beside_weights_of_its_shapes(model: str) -> None:
    average = mapping(decay=b"K\x01", num_updates=b"K\x05", shadow_params=SHADOW, collected_params=b"]")
    data = zip_bytes(START + mapping(**{model: STATE, "ema": average}) + STOP, STORED)
    found = open_checkpoint(MemorySource({"checkpoint.pth": data}))
    assert [one.tensor.name for one in found.named] == ["a.weight", "b.weight"]
    (row,) = found.skipped
    assert (row.name, row.parameters) == ("ema.*", 0) and "a moving average beside the weights: 2 tensors" in row.reason


def test_a_list_of_other_shapes_or_alone_is_no_average() -> None:
    three = mapping(shadow_params=b"](" + tensor(OTHER) * 3 + b"e")
    assert len(names(mapping(model=STATE, ema=three))) == 5
    assert len(names(mapping(ema=three, epoch=b"K\x01"))) == 3
