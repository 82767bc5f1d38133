"""What a tensor does (role), and where it stands (component, layer, expert), from its name, shape and neighbours."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from .architectures import COMPONENTS, EXPERTS, NORMS, ROLES, SHARED_EXPERT, STACKS
from .dtypes import FLOATS
from .storage import LogicalTensor

_KINDS = {"weight": "weight", "gamma": "weight", "scale": "weight", "kernel": "weight", "bias": "bias", "beta": "bias"}
_MATRIX_ROLES = frozenset({"q", "k", "v", "o", "gate", "up", "down", "router", "embed", "head"})


def _parts(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|.*\.)(?:{pattern})$")


_ROLES = tuple((_parts(pattern), role, slot) for pattern, role, slot in ROLES)
_NORMS = tuple((_parts(pattern), slot) for pattern, slot in NORMS)
_COMPONENTS = tuple((re.compile(rf"(?:^|.*[./])(?:{pattern})(?:[./]|$)"), name) for pattern, name in COMPONENTS)
_STACK = re.compile(rf"(?:^|\.)(?:{STACKS})\.(\d+)(?:\.|$)")
_EXPERT = re.compile(rf"(?:^|\.)(?:{EXPERTS})\.(\d+)(?:\.|$)")
_SHARED = re.compile(rf"(?:^|\.)(?:{SHARED_EXPERT})(?:\.|$)")


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
    the layers is an embedding, a vector in a layer whose name holds `norm` is a norm. Else the role is `other`.
    """
    named = [NamedTensor(t, _place(t, config), t.parameters) for t in tensors]
    named = _split_encoder_decoder(named)
    named = _number_layers(named)
    return _settle_norms(named)


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
    elif not vector and role in {"norm", "bias"}:
        role, slot = "other", found.slot
    elif role in {"embed", "head"} and found.layer is not None:
        role, slot = "other", role
    elif role == "other" and not slot and found.layer is None and len(tensor.shape) == 2:
        role = "embed" if tensor.shape[0] == config.get("vocab_size") else "other"
    return replace(found, role=role, slot=slot)


@lru_cache(maxsize=1 << 16)
def parse(name: str) -> Place:
    """The place that a name alone tells: `model.layers.7.mlp.experts.3.w1.weight` -> language, 7, 3, gate."""
    path, kind = name.replace("/", "."), "weight"
    head, _, last = path.rpartition(".")
    if last in _KINDS:
        path, kind = head, _KINDS[last]
    component = next((c for pattern, c in _COMPONENTS if pattern.match(name)), "language")
    stack, expert = _STACK.search(path), _EXPERT.search(path)
    layer = int(stack[1][:9]) if stack else None
    number = int(expert[1][:9]) if expert else None
    tail = path[(expert or stack).end() :] if (expert or stack) else path  # type: ignore[union-attr]
    role, slot = _role(tail, kind, "" if stack else path)
    if _SHARED.search(path) and role in {"gate", "up", "down"}:
        slot = "shared"
    return Place(component, layer, number, role, slot)


def _role(tail: str, kind: str, outside: str) -> tuple[str, str]:
    for pattern, slot in _NORMS:
        if pattern.match(tail):
            return ("norm", slot) if kind == "weight" else ("bias", f"norm.{slot}")
    for pattern, role, slot in _ROLES:
        if slot == "buffer" and kind == "bias" and pattern.match(f"{tail}.bias"):
            return role, slot  # GPT-2 and NeoX call the causal mask `attn.bias`: equal in all strangers
        if pattern.match(tail) or (outside and pattern.match(outside)):
            if kind == "bias":
                return "bias", role if not slot else f"{role}.{slot}"
            return role, slot
    if kind == "bias":
        return "bias", tail
    return ("norm", tail) if re.search(r"norm|(^|[._])ln($|[._\d])", tail, re.IGNORECASE) else ("other", "")


def _split_encoder_decoder(named: list[NamedTensor]) -> list[NamedTensor]:
    """`encoder` and `decoder` are components of their own when one component has layers of both."""

    def side(item: NamedTensor) -> str | None:
        found = re.search(r"(?:^|\.)(encoder|decoder)\.(?:.*\.)?(?:block|layers?)\.\d", item.tensor.name)
        return found[1] if found and item.place.component == "language" else None

    if {side(item) for item in named} >= {"encoder", "decoder"}:
        return [replace(n, place=replace(n.place, component=s)) if (s := side(n)) else n for n in named]
    return named


_NUMBERS = re.compile(r"(?<=\.)\d+(?=\.)")


def _number_layers(named: list[NamedTensor]) -> list[NamedTensor]:
    """Layers of nested stacks (`stages.1.blocks.0`) numbered through in the order of their numbers.

    A name has several numbers before its tail only in such stacks; the plain case is left as it is.
    """
    keys: dict[str, set[tuple[str, ...]]] = defaultdict(set)

    def key(item: NamedTensor) -> tuple[str, ...]:
        name = item.tensor.name
        stack = _STACK.search(name)
        return tuple(re.split(r"\.(?=\d)|(?<=\d)\.", name[: stack.end()].rstrip("."))) if stack else ()

    for item in named:
        if item.place.layer is not None:
            keys[item.place.component].add(key(item))
    order: dict[str, dict[tuple[str, ...], int]] = {}
    for component, found in keys.items():
        if any(sum(part.isdigit() for part in k) > 1 for k in found) or len({k[:-1] for k in found}) > 1:
            ordered = sorted(found, key=lambda k: [(0, int(p[:9]), "") if p.isdigit() else (1, 0, p) for p in k])
            order[component] = {k: i for i, k in enumerate(ordered)}
    return [
        replace(n, place=replace(n.place, layer=order[n.place.component][key(n)]))
        if n.place.layer is not None and n.place.component in order
        else n
        for n in named
    ]


def _settle_norms(named: list[NamedTensor]) -> list[NamedTensor]:
    """`post_attention_layernorm` feeds the FFN, unless the block has a norm that says so itself (Gemma 2, OLMo 2)."""
    names = {n.tensor.name for n in named}
    extra = ("pre_feedforward_layernorm", "post_feedforward_layernorm")
    settled = []
    for item in named:
        name = item.tensor.name
        stem = "post_attention_layernorm"
        if item.place.role == "norm" and stem in name and any(name.replace(stem, other) in names for other in extra):
            item = replace(item, place=replace(item.place, slot="post_attention"))
        settled.append(item)
    return settled


def duplicates(named: Iterable[NamedTensor]) -> Counter[tuple[str, str, str]]:
    """How many tensors share (block, role, slot): more than one means that a table line is missing."""
    return Counter((n.place.block, n.place.role, n.place.slot) for n in named if n.place.role in _MATRIX_ROLES)
