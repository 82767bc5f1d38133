"""Published tensor names of many families (tests/ingest/names) -> component, layer, expert, role, slot.

The names and shapes are those of the models of transformers 4.57 and diffusers 0.36 (two layers each, most with the
sizes of their default config), and of original checkpoints whose code is elsewhere; one tensor of every kind is kept.
All names of 96 families are those of the modules of transformers 5.23, of 13 more those of diffusers, made anew from
the default configs. The others are names of files (an expert of its own, the older names of ViT), which 5.23 has
otherwise in memory, options that a default config leaves out, or code that is elsewhere.
"""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import pytest

from forebear.ingest.layouts.fused import unfuse
from forebear.ingest.names.naming import NamedTensor, Place, name_tensors
from forebear.ingest.storage.logical import LogicalTensor, RowMajor

Line = tuple[str, tuple[int, ...], Place]
MATRICES = {"q", "k", "v", "o", "gate", "up", "down", "router", "embed", "head"}


def families() -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for path in sorted(Path(__file__).parent.glob("*.txt")):
        current: list[Line] = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("#"):
                current = found.setdefault(line[1:].strip(), [])
            elif line:
                current.append(parsed(line))
    return found


def parsed(line: str) -> Line:
    name, size, place = (part.strip() for part in line.split("|"))
    component, layer, expert, role, slot = (*place.split(" "), "")[:5]
    numbers = [None if n == "-" else int(n) for n in (layer, expert)]
    shape = () if size == "-" else tuple(int(n) for n in size.split("x"))
    return name, shape, Place(component, numbers[0], numbers[1], role, slot)


FAMILIES = families()


def tensors(family: str) -> list[LogicalTensor]:
    return [
        LogicalTensor(name, "F32", shape, RowMajor("f", 0, "F32", shape[-1] if shape else 1))
        for name, shape, _ in FAMILIES[family]
    ]


def named(family: str) -> list[NamedTensor]:
    return name_tensors(unfuse(tensors(family), {"model_type": family}).tensors, {})


def test_there_are_more_than_a_hundred_families() -> None:
    assert len(FAMILIES) > 100


@pytest.mark.parametrize("family", FAMILIES)
def test_every_name_of_the_family_has_its_place_in_whatever_order(family: str) -> None:
    listed = tensors(family)
    random.Random(family).shuffle(listed)
    found = {n.tensor.name: n.place for n in name_tensors(listed, {})}
    assert found == {name: place for name, _, place in FAMILIES[family]}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_matrix_of_a_block_has_a_role_or_says_by_its_slot_why_not(family: str) -> None:
    unknown = [
        n.tensor.name
        for n in named(family)
        if len(n.tensor.shape) == 2 and n.place.layer is not None and n.place.role == "other" and not n.place.slot
    ]
    assert unknown == []


@pytest.mark.parametrize("family", FAMILIES)
def test_no_two_tensors_of_a_block_share_role_and_slot(family: str) -> None:
    places: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for item in named(family):
        if item.place.role in MATRICES | {"norm", "conv", "bias"}:
            places[item.place.block, item.place.role, item.place.slot].append(item.tensor.name)
    assert {place: names for place, names in places.items() if len(names) > 1} == {}


@pytest.mark.parametrize("family", ["sd15-single", "sdxl-single", "sd15-unet", "sdxl-unet", "vae", "swin", "resnet"])
def test_every_nested_place_is_a_layer_of_its_own(family: str) -> None:
    """Two attentions of one stage must never be one block, however deep their numbers stand."""
    queries = [n for n in named(family) if n.place.role in {"q", "conv"} and n.place.layer is not None]
    stems: dict[str, set[str]] = defaultdict(set)
    for item in queries:
        cut = item.tensor.name.split(".attn")[0].split(".conv")[0].split(".attention")[0].split(".in_layers")[0]
        if item.place.role == "q":
            stems[item.place.block].add(cut)
    assert all(len(found) == 1 for found in stems.values())


def test_a_pipeline_in_one_file_is_split_into_its_networks() -> None:
    components = {n.place.component for n in named("sd15-single")}
    assert components == {"denoiser", "autoencoder", "language"}


def test_the_two_spellings_of_one_u_net_have_the_same_roles() -> None:
    def roles(family: str) -> set[tuple[str, str]]:
        inside = [n.place for n in named(family) if n.place.component == "denoiser"]
        return {(p.role, p.slot) for p in inside if p.role in {"q", "k", "v", "o", "up"}}

    assert roles("sd15-single") == roles("sd15-unet")
