"""What a tensor does (role), and where it stands (component, layer, expert), from its name, shape and neighbours."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from ..errors import FormatError
from ..storage.dtypes import FLOATS
from ..storage.logical import LogicalTensor
from .architectures import (
    COMPONENTS,
    EXPERTS,
    FOLDERS,
    INNER_STACKS,
    MIDDLES,
    NO_STACKS,
    NORMS,
    ROLES,
    SETTLED,
    SHARED_EXPERT,
    STACKS,
)
from .tables import NameTable

ADAPTER = "adapter"
"""The component of every tensor of an adapter: candidates are looked for inside a component."""
EXACT = "exact"
"""Slot of tensors that are kept for exact copies: statistics and hash of their leading rows, no evidence."""

MOST_SHAPES_OF_NAMES = 20_000
"""Different names of a model when its numbers are left out; the largest published models have below 1,000."""

_KINDS = {"weight": "weight", "gamma": "weight", "scale": "weight", "kernel": "weight", "bias": "bias", "beta": "bias"}
_KINDS |= {"weight_g": "weight", "weight_v": "weight"}
_KINDS |= dict.fromkeys(("original", "original0", "original1"), "weight")
_MATRIX_ROLES = frozenset({"q", "k", "v", "o", "gate", "up", "down", "router", "embed", "head"})
_CONTEXT_SLOTS = frozenset({"buffer", "position", "token_type"})

_ROLES = NameTable(pattern for pattern, _, _ in ROLES)
_NORMS = NameTable(pattern for pattern, _ in NORMS)
_COMPONENTS = NameTable(pattern for pattern, _ in COMPONENTS)
_FOLDERS = {folder: component for folders, component in FOLDERS for folder in folders.split("|")}
_STACK = re.compile(rf"(?:^|\.)(?:(?:{STACKS})\.\d+(?:\.\d+)?|(?:{MIDDLES}))(?:\.(?:{INNER_STACKS})\.\d+)*(?:\.|$)")
_NO_STACK = re.compile(rf"(?:^|\.)(?:{NO_STACKS})\.")
_EXPERT = re.compile(rf"(?:^|\.)(?:{EXPERTS})\.(?:expert_)?(\d+)(?:\.|$)")
_SHARED = re.compile(rf"(?:^|\.)(?:{SHARED_EXPERT})(?:\.|$)")
_ANY_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")
_DIGITS = re.compile(r"\d+")
_NORM_LIKE = re.compile(r"norm|(^|[._])ln($|[._\d])", re.IGNORECASE)
_WRAPPERS = re.compile(
    r"^(?:(?:module|_orig_mod|_fsdp_wrapped_module|_forward_module|base_model|diffusion_model)\."
    r"|model\.(?=(?:module|_orig_mod|diffusion_model|model)\.))+"
)
"""What stands before the names of a wrapped model; no part of the slots of what stands outside the layers."""
_FLAT = re.compile(r"(.*(?:_proj|\.[qkv]))_(weight|bias)")


Key = tuple[str, ...]
"""The name of a layer, cut at its numbers: `encoder.layers`, `0`, `blocks`, `3`."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a tensor does and where it stands. `slot` keeps apart tensors of one role inside one block.

    `component` is a name such as `language` or `vision`; an encoder-decoder has `encoder` and `decoder`.
    `layer` is None outside the stacks, `expert` None outside routed experts.
    """

    component: str
    layer: int | None
    expert: int | None
    role: str
    slot: str = ""

    @property
    def block(self) -> str:
        """`language.7`, `language.7.3` for expert 3, `language` outside the layers."""
        return ".".join(str(p) for p in (self.component, self.layer, self.expert) if p is not None)


@dataclass(frozen=True, slots=True)
class NamedTensor:
    """A tensor with its place; `represents` counts the parameters it stands for (experts that are not read too)."""

    tensor: LogicalTensor
    place: Place
    represents: int


def name_tensors(tensors: Iterable[LogicalTensor], config: Mapping[str, object]) -> list[NamedTensor]:
    """Every tensor with its place, in the order given.

    What a name does not say follows from the shapes beside it, where that is safe: a matrix of vocabulary size outside
    the layers is an embedding where none has that name, a vector in a layer whose name holds `norm` is a norm. Else
    the role is `other`.
    """
    tensors = list(tensors)
    shapes = {_ANY_NUMBER.sub("#", t.name) for t in tensors}
    if len(shapes) > MOST_SHAPES_OF_NAMES:
        raise FormatError(f"{len(shapes)} names of tensors that nothing but their numbers repeats; no model has them")
    named = _without_more_embeddings([NamedTensor(t, _place(t, config), t.parameters) for t in tensors])
    named = _split_encoder_decoder(named)
    named = [_without_head(item) for item in _adopt(named)]
    named = _number_layers(named)
    return _tell_apart(_settle_norms(named))


def _without_more_embeddings(named: list[NamedTensor]) -> list[NamedTensor]:
    """A matrix of vocabulary size is an embedding by its size alone where its component has none by name.

    Heads that guess further tokens (Medusa) have that size too: read as the embedding, they made equal neurons differ.
    """
    by_name = [n.place.role == "embed" and parse(n.tensor.name).role == "embed" for n in named]
    embedded = {n.place.component for n, told in zip(named, by_name, strict=True) if told}
    return [
        replace(n, place=replace(n.place, role="other"))
        if n.place.role == "embed" and not told and n.place.component in embedded
        else n
        for n, told in zip(named, by_name, strict=True)
    ]


def _without_head(item: NamedTensor) -> NamedTensor:
    """The head of a model of images has classes for rows and no tokens: timm's `head` is others' `classifier`."""
    place = item.place
    if place.component != "vision" or place.layer is not None or "head" not in (place.role, place.slot):
        return item
    bias = place.role == "bias"
    role, slot = ("bias", "other.classifier") if bias else ("other", "classifier")
    return replace(item, place=replace(place, role=role, slot=slot)) if bias or place.role == "head" else item


def _place(tensor: LogicalTensor, config: Mapping[str, object]) -> Place:
    found = parse(tensor.name)
    role, slot = found.role, found.slot
    vector = len(tensor.shape) < 2
    if role == "norm" and found.layer is None and slot in {"attention", "ffn"}:
        slot = "final"
    if tensor.dtype not in FLOATS and slot not in {"position", "buffer"}:
        role, slot = "other", "buffer"
    elif vector and role in _MATRIX_ROLES:
        role, slot = ("bias" if role != "other" else role), role
    elif vector and role == "conv":
        role = "norm"
    elif not vector and role in {"norm", "bias"}:
        role, slot = "other", found.slot
    elif role in {"embed", "head"} and found.layer is not None:
        role, slot = "other", role
    elif role == "other" and not slot and len(tensor.shape) > 3:
        role = "conv"
    elif role == "other" and not slot and found.layer is None and len(tensor.shape) == 2:
        role = "embed" if tensor.shape[0] == config.get("vocab_size") else "other"
    return found if (role, slot) == (found.role, found.slot) else replace(found, role=role, slot=slot)


def _find_stack(path: str) -> re.Match[str] | None:
    """The part of a name that numbers its layer."""
    return None if _NO_STACK.search(path) else _STACK.search(path)


def parse(name: str) -> Place:
    """The place that a name alone tells: `model.layers.7.mlp.experts.3.w1.weight` -> language, 7, 3, gate.

    Names that differ by the numbers of layer and expert alone are parsed once.
    """
    if "/" in name or "#" in name:
        return _parsed(name)[0]
    template = _ANY_NUMBER.sub("#", name)
    layer, expert = _numbers_of(template)
    if (layer < 0 and expert < 0) or 0 <= expert < layer:  # of layers inside an expert the slot has the number too
        return _parsed(name)[0]
    numbers = _ANY_NUMBER.findall(name)
    own = {at: numbers[at] for at in (layer, expert) if at >= 0}
    kept = iter(["0" if at in own else number for at, number in enumerate(numbers)])
    place = _parsed(_ANY_NUMBER.sub(lambda _: next(kept), name))[0]
    return Place(
        place.component,
        int(own[layer][:9]) if layer >= 0 else place.layer,
        int(own[expert][:9]) if expert >= 0 else place.expert,
        place.role,
        place.slot,
    )


@lru_cache(maxsize=1 << 15)
def _parsed(name: str) -> tuple[Place, int, int]:
    """The place of a name, and where in it the numbers of its layer and of its expert begin; -1 for none."""
    path, kind = _split_kind(name.replace("/", "."))
    stack, expert = _find_stack(path), _EXPERT.search(path)
    numbers = list(_DIGITS.finditer(path, stack.start(), stack.end())) if stack else []
    layer = int(numbers[-1][0][:9]) if numbers else None
    tail = path[(expert or stack).end() :] if (expert or stack) else path  # type: ignore[union-attr]
    role, slot = _role(f"experts.{tail}" if expert else tail, kind)
    if role in {"gate", "up", "down"} and _SHARED.search(path):
        slot = "shared"
    place = Place(_component(name), layer, int(expert[1][:9]) if expert else None, role, slot)
    return place, numbers[-1].start() if numbers else -1, expert.start(1) if expert else -1


@lru_cache(maxsize=1 << 14)
def _numbers_of(template: str) -> tuple[int, int]:
    """Which of the numbers `#` of a name are those of its layer and of its expert; -1 for one that is none of them."""
    name = template.replace("#", "0")
    _, layer, expert = _parsed(name)
    places = [at for at, letter in enumerate(template) if letter == "#"]
    found = {at: number for number, at in enumerate(places)}
    return found.get(layer, -1), found.get(expert, -1)


def _split_kind(path: str) -> tuple[str, str]:
    """The path of a module, and whether the tensor is its `weight` or its `bias`."""
    head, _, last = path.rpartition(".")
    if last in _KINDS:
        return head.removesuffix(".parametrizations.weight").removesuffix(".base_layer"), _KINDS[last]
    flat = _FLAT.fullmatch(path)
    return (flat[1], flat[2]) if flat else (path, "weight")


def _component(name: str) -> str:
    folder, slash, _ = name.partition("/")
    if slash and folder in _FOLDERS:
        return _FOLDERS[folder]
    return _component_of(_ANY_NUMBER.sub("#", name.replace("/", ".")))


@lru_cache(maxsize=1 << 14)
def _component_of(template: str) -> str:
    found = _COMPONENTS.within(template)
    return "language" if found is None else COMPONENTS[found][1]


@lru_cache(maxsize=1 << 14)
def _role(tail: str, kind: str) -> tuple[str, str]:
    norm = _NORMS.ending(tail)
    if norm is not None:
        slot = NORMS[norm][1]
        return ("norm", slot) if kind == "weight" else ("bias", f"norm.{slot}")
    found = _ROLES.ending(tail)
    if kind == "bias":  # GPT-2 and NeoX call the causal mask `attn.bias`: equal in all models
        mask = _ROLES.ending(f"{tail}.bias")
        if mask is not None and ROLES[mask][2] == "buffer":
            return ROLES[mask][1:]
    if found is not None:
        role, slot = ROLES[found][1:]
        return (role, slot) if kind == "weight" else ("bias", role if not slot else f"{role}.{slot}")
    if kind == "bias":
        return "bias", tail
    return ("norm", tail) if _NORM_LIKE.search(tail) else ("other", "")


_SIDES = r"(?:^|\.)(?:\w{1,40}_)?(enc|dec)(?:oders?)?\."
_SIDE = re.compile(rf"{_SIDES}(?:.*\.)?(?:blocks?|blk|layers?|h|resblocks|encoders|decoders|\w+_layers)\.\d")
_END = re.compile(_SIDES)
_SIDE_NAMES = {"enc": "encoder", "dec": "decoder"}


def _split_encoder_decoder(named: list[NamedTensor]) -> list[NamedTensor]:
    """`encoder` and `decoder` are components of their own when one component has layers of both.

    The embedding that names no side is read by both and belongs to the encoder, which is published alone with it (T5 in
    diffusion models); where the encoder names one of its own, that one does.
    """
    language = [n.place.component == "language" for n in named]
    sides = {f[1] for n, own in zip(named, language, strict=True) if own and (f := _SIDE.search(n.tensor.name))}
    if len(sides) < len(_SIDE_NAMES):
        return named
    placed = [_side(n) if own else None for n, own in zip(named, language, strict=True)]
    if not any(n.place.role == "embed" and side == "encoder" for n, side in zip(named, placed, strict=True)):
        placed = [
            "encoder" if own and n.place.role == "embed" and not _END.search(n.tensor.name) else side
            for n, own, side in zip(named, language, placed, strict=True)
        ]
    return [
        n if side is None else replace(n, place=replace(n.place, component=side))
        for n, side in zip(named, placed, strict=True)
    ]


def _side(item: NamedTensor) -> str | None:
    """The component that a name of an encoder-decoder tells; None for heads and for embeddings of the decoder."""
    found = _END.search(item.tensor.name)
    if found is None or item.place.role == "head" or (item.place.role == "embed" and found[1] == "dec"):
        return None
    return _SIDE_NAMES[found[1]]


_TIMED = re.compile(
    r"(?:^|[._])(?:time_embedding|time_embed|time_embedder|timestep_embedder|t_embedder|adaln_single|time_in)\."
)
"""What tells the step of a diffusion. Asked only of models without text whose layers say nothing else."""


def _adopt(named: list[NamedTensor]) -> list[NamedTensor]:
    """Tensors whose names say nothing belong to the one component with layers, unless the model has text."""
    stacked = {n.place.component for n in named if n.place.layer is not None}
    text = any(n.place.component == "language" and _is_text(n) for n in named)
    others = stacked - {"language", "projector"}
    if not others and not text and any(_TIMED.search(n.tensor.name) for n in named):
        others = {"denoiser"}
    if not others and not text and any("patch_embed" in n.tensor.name for n in named):
        others = {"vision"}
    if len(others) != 1 or (text and "language" in stacked):
        return named
    owner = others.pop()
    return [
        replace(n, place=replace(n.place, component=owner))
        if n.place.component == "language" and "/" not in n.tensor.name
        else n
        for n in named
    ]


def _is_text(item: NamedTensor) -> bool:
    """Whether only a model of text has it: an embedding of tokens, or the head over them that is named so."""
    return item.place.role == "embed" or (item.place.role == "head" and "lm_head" in item.tensor.name)


def _number_layers(named: list[NamedTensor]) -> list[NamedTensor]:
    """Layers of nested stacks (`stages.1.blocks.0`) numbered through in the order of their numbers.

    A name has several numbers before its tail only in such stacks; the plain case is left as it is.
    """
    keys: dict[str, set[Key]] = defaultdict(set)

    def key(item: NamedTensor) -> Key:
        name = item.tensor.name.replace("/", ".")
        stack = _find_stack(name)
        return tuple(re.split(r"\.(?=\d)|(?<=\d)\.", name[: stack.end()].rstrip("."))) if stack else ()

    layered = [item for item in named if item.place.layer is not None]
    kinds = {(item.place.component, _ANY_NUMBER.sub("#", item.tensor.name)): item for item in layered}
    stems: dict[str, set[Key]] = defaultdict(set)
    for (component, _), item in kinds.items():  # one of all that differ by their numbers alone
        one = key(item)
        stems[component].add(one[:-1] if sum(part.isdigit() for part in one) < 2 else ("", *one))
    nested = {c for c, found in stems.items() if len(found) > 1 or any(one[:1] == ("",) for one in found)}
    for item in layered:
        if item.place.component in nested:
            keys[item.place.component].add(key(item))
    order = {
        component: {k: i for i, k in enumerate(sorted(found, key=partial(_by_numbers, _ends_of_stages(found))))}
        for component, found in keys.items()
    }
    return [
        replace(n, place=replace(n.place, layer=order[n.place.component][key(n)]))
        if n.place.layer is not None and n.place.component in order
        else n
        for n in named
    ]


def _by_numbers(ends: Set[Key], key: Key) -> list[tuple[int, int, str]]:
    """What to sort the keys of layers by; `ends` come after the blocks of their stage."""
    parts = [(0, int(p[:9]), "") if p.isdigit() else (1, int(_comes_later(p)), p) for p in key]
    return [*parts, (2, 0, "")] if key in ends else parts


def _ends_of_stages(keys: Set[Key]) -> set[Key]:
    """The keys of what stands in a stage beside its blocks, and comes after them.

    Swin's `layers.0.downsample` ends its stage. In timm it begins the next one, so that the first stage has none.
    """
    stages: dict[str, list[int]] = defaultdict(list)
    for stem, number in {key[:2] for key in keys if len(key) > 2 and key[1].isdigit()}:
        stages[stem].append(int(number[:9]))
    ending = {stem for stem, numbers in stages.items() if len(numbers) > 1 and (stem, str(min(numbers))) in keys}
    return {key for key in keys if len(key) == 2 and key[0] in ending}


def _comes_later(path: str) -> bool:
    """Flux's single-stream blocks come after the double ones, a decoder after its encoder, whatever they are called."""
    return path.rpartition(".")[2].startswith("single") or "decoder" in path


def _settle_norms(named: list[NamedTensor]) -> list[NamedTensor]:
    """The place of a norm, and of its bias, whose name means another where its layer has a certain other norm.

    SETTLED says which.
    """
    names = {n.tensor.name for n in named}
    settled = []
    for item in named:
        name = item.tensor.name
        for stem, others, slot in SETTLED:
            if stem not in name or not any(name.replace(stem, one) in names for one in others):
                continue
            if item.place.role == "norm":
                item = replace(item, place=replace(item.place, slot=slot))
            elif item.place.role == "bias" and item.place.slot.startswith("norm."):
                item = replace(item, place=replace(item.place, slot=f"norm.{slot}"))
        settled.append(item)
    return settled


def _tell_apart(named: list[NamedTensor]) -> list[NamedTensor]:
    """Norms, biases, kernels and nameless ends of one block that share a slot: all but the first get their own names.

    The first is that of the lowest name, whatever the order in the file. Matrices of a role are not touched: two that
    share a slot mean that a line of ROLES is missing.
    """
    groups: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for number, item in enumerate(named):
        place = item.place
        free = place.role in {"norm", "bias", "conv"} or (place.role == "other" and place.slot not in _CONTEXT_SLOTS)
        if (free and (place.slot or place.role != "other")) or (place.layer is None and place.role in _MATRIX_ROLES):
            groups[place.block, place.role, place.slot].append(number)
    told = list(named)
    for numbers in groups.values():
        for number in sorted(numbers, key=lambda n: named[n].tensor.name)[1:]:
            item = named[number]
            path = item.tensor.name.replace("/", ".")
            stack = _find_stack(path)
            own, _ = _split_kind(path[stack.end() :] if stack else _WRAPPERS.sub("", path))
            told[number] = replace(item, place=replace(item.place, slot=own))
    return told
