"""Fused, transposed and stacked weights as the matrices that an architecture means: q, k, v, gate, up, one an expert.

`unfuse` runs before naming. What it makes has the rows of the unfused model in the same order, so that both have the
same fingerprint. The tables stand in architectures.py. A tensor whose name fits a line of them and whose shape does not
fit the config stays as it is.

Sources: the modelling code of each architecture in Hugging Face transformers (how it splits or reshapes the product).

Limitations: leading rows of a matrix stored as [in, out] are scattered over all of it. Of such matrices the first of a
model are read, by layer, up to TRANSPOSED_VALUES values; further ones are skipped with that reason.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ..budget import TENSORS, charge
from ..metadata.card import text_config
from ..names.architectures import (
    ALTERNATING_GATE_UP,
    BESIDE,
    FUSED_GATE_UP,
    FUSED_QKV,
    RENAMED,
    STACKED_EXPERTS,
    STACKS,
    SWIGLU,
    TRANSPOSED,
)
from ..storage.logical import LogicalTensor, Storage
from ..storage.skipped import SkippedTensor
from ..storage.views import Stack, Strides, Transposed, alternating, groups, transposed
from ..text import printable
from .channels import with_colours_first
from .flax import KERNEL, apart, turned, with_whole_heads
from .frameworks import hugging_face
from .heads import count, qkv_rows
from .ldm import as_diffusers
from .rearranged import MOST_EXPERTS, cut_rows
from .weight_norm import without_weight_norm

TRANSPOSED_VALUES = 1 << 27
"""Values of [in, out] matrices that are read of a model: all of GPT-2 (85 million), 4 of the 48 layers of GPT-2 XL."""
MOST_INPUTS = 1 << 16
_READ_EXPERTS = 4  # of a layer, as plan.py has it
_PARTS = ("q_proj", "k_proj", "v_proj")
_FOURTH = {"flux": "proj_mlp", "delta": "z_proj"}


@dataclass(frozen=True, slots=True)
class Layout:
    """The tensors as the architecture means them, and those that would cost too much to read."""

    tensors: tuple[LogicalTensor, ...]
    skipped: tuple[SkippedTensor, ...] = ()


def unfuse(tensors: Sequence[LogicalTensor], config: Mapping[str, object]) -> Layout:
    """Every tensor as it is, or in its logical parts."""
    config = text_config(config)
    model_type = str(config.get("model_type") or "")
    plain = with_colours_first(with_whole_heads(_plainly_named(apart(without_weight_norm(tensors)))))
    whole, skipped = _turn(hugging_face(as_diffusers(plain), config))
    stacks = _Stacks(whole, model_type, count(config, "hidden_size", "n_embd", "d_model"))
    whole = [part for tensor in whole for part in stacks.split(tensor)]
    shapes = {t.name: t.shape for t in whole}
    told = {t.name: replace(t, name=name) for t in whole if (name := _by_what_stands_beside(t.name, shapes))}
    taken = set(shapes)
    found: list[LogicalTensor] = []
    for tensor in whole:
        parts = [
            _renamed(part, model_type) for part in _split(told.get(tensor.name, tensor), shapes, config, model_type)
        ]
        names = [part.name for part in parts if part.name != tensor.name]
        clash = len(set(names)) < len(names) or any(name in taken for name in names)
        found += [tensor] if clash else parts
        taken.update(names)
    return Layout(tuple(found), (*skipped, *stacks.skipped))


@lru_cache(maxsize=512)
def _tail(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?P<head>(?:.*\.)?)(?P<leaf>{pattern})(?P<kind>\.weight|\.bias|_weight|_bias)?")


_ANY_FUSED = _tail("|".join(line[0] for line in (*FUSED_QKV, *FUSED_GATE_UP)))
_ANY_STACKED = _tail("|".join(tail for tail, _ in STACKED_EXPERTS))
_ROUTER = re.compile(r"(?:gate|router)(?:\.(?:wg|layer|classifier|linear))?\.weight$")
_PARAMETRIZED = ".parametrizations.weight.original"
"""How torch calls a weight that something is added to, such as a LoRA inside a model."""
_BASE = re.compile(r"\.base_layer(?=\.(?:weight|bias)$)")
"""How PEFT calls a layer beside which a LoRA stands, in models that are saved with it."""
_UNDERSCORED = re.compile(
    r"(?P<stack>(?P<before>(?:.*?[./])??)(?:(?:layers|blocks)[./])?(?:\w{1,40}_)?(?:layers?|blocks?|encoderblock|h))"
    r"_(?P<layer>\d{1,6})(?P<rest>[./].*)"
)
"""A layer of Flax, of T5X and MaxText, of Keras and of torchvision: `layers_0`, `layers.encoder_layer_0`."""
_DEEP = re.compile(r"[./]\w+[./]\w+[./]")
"""What is behind a layer: two modules and more. `mlp.layer_1` is a module, and stays."""
_DOTTED = re.compile(rf"(?:^|[./])(?:{STACKS})[./]\d")
_ANY_BESIDE = _tail("|".join((*(line[0] for line in BESIDE), *SWIGLU)))
_ANY_RENAMED = _tail("|".join(tail for _, tail, _ in RENAMED))


def _match(pattern: str, name: str) -> re.Match[str] | None:
    return _tail(pattern).fullmatch(name)


def _kind(found: re.Match[str]) -> str:
    return (found["kind"] or ".weight").replace("_", ".")


def _sibling(found: re.Match[str], leaf: str) -> str:
    """The name with another last part: `h.0.attn.c_attn.weight` -> `h.0.attn.q_proj.weight`."""
    inside = found["leaf"].rpartition(".")[0]
    return found["head"] + (inside + "." if inside else "") + leaf + _kind(found)


def _plainly_named(tensors: Sequence[LogicalTensor]) -> list[LogicalTensor]:
    """Tensors under the names that say the same elsewhere: without what wraps a weight, layers between dots."""
    names = [
        f"{t.name.removesuffix(_PARAMETRIZED)}.weight" if t.name.endswith(_PARAMETRIZED) else _BASE.sub("", t.name)
        for t in tensors
    ]
    found = [None if _DOTTED.search(name) else _UNDERSCORED.match(name) for name in names]
    stacks = {one["stack"] for one in found if one and _DEEP.match(one["rest"])}
    names = [
        f"{one['before']}layers.{one['layer']}{one['rest']}" if one and one["stack"] in stacks else name
        for one, name in zip(found, names, strict=True)
    ]
    if len(set(names)) < len(names):
        return list(tensors)
    return [t if t.name == name else replace(t, name=name) for t, name in zip(tensors, names, strict=True)]


def _by_what_stands_beside(name: str, shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """The name that says the same elsewhere, where its neighbours tell what it is; None where they do not."""
    if not (found := _ANY_BESIDE.fullmatch(name)):
        return None
    for tail, beside, leaf in BESIDE:
        if (one := _match(tail, name)) and f"{one['head']}{beside}.weight" in shapes:
            return _sibling(one, leaf)
    leaf = found["leaf"]
    if leaf in SWIGLU:
        gate, up, down = (shapes.get(f"{found['head']}{one}.weight", ()) for one in SWIGLU)
        if len(gate) == 2 and gate == up == down[::-1] and gate[0] != gate[1]:
            return _sibling(found, ("gate_proj", "up_proj", "down_proj")[SWIGLU.index(leaf)])
    return None


def _renamed(tensor: LogicalTensor, model_type: str) -> LogicalTensor:
    if not _ANY_RENAMED.fullmatch(tensor.name):
        return tensor
    for types, tail, leaf in RENAMED:
        if re.fullmatch(types, model_type) and (found := _match(tail, tensor.name)):
            return replace(tensor, name=_sibling(found, leaf))
    return tensor


# -- transposed -------------------------------------------------------------------------------------------------------


def _turn(tensors: Sequence[LogicalTensor]) -> tuple[list[LogicalTensor], list[SkippedTensor]]:
    """Matrices of Conv1D and of Flax as [out, in], and those that a format has turned, as far as the budget goes."""
    conv = any(
        len(t.shape) == 2 and t.shape[1] == 3 * t.shape[0] > 0 for t in tensors if _match(r"attn\.c_attn", t.name)
    )
    by_format = {t.name: t for t in tensors if isinstance(getattr(t.storage, "codes", t.storage), Transposed)}
    flax = [t for t in tensors if len(t.shape) in (2, 4) and KERNEL.search(t.name) and t.name not in by_format]
    scattered = flax + [t for t in tensors if conv and len(t.shape) == 2 and _match(TRANSPOSED, t.name)]
    if not scattered and not by_format:
        return list(tensors), []
    costs = {t.name: t.parameters for t in (*by_format.values(), *scattered)}
    inputs = {t.name: math.prod(t.shape[:-1]) for t in scattered} | {n: t.matrix[1] for n, t in by_format.items()}
    chosen = affordable({n: cost for n, cost in costs.items() if inputs[n] <= MOST_INPUTS}, TRANSPOSED_VALUES)
    made, skipped = [], []
    for tensor in tensors:
        if tensor.name not in costs or tensor.name in chosen & by_format.keys():
            made.append(tensor)
        elif tensor.name not in chosen:
            skipped.append(too_scattered(tensor))
        else:
            made.append(turned(tensor) or tensor)
    return made, skipped


def _depth(name: str) -> tuple[bool, list[int], str]:
    numbers = [int(part[:9]) for part in re.findall(r"\d+", name)]
    return not numbers, numbers, name  # a head costs more than several layers


def affordable(costs: Mapping[str, int], budget: int) -> set[str]:
    """The names whose costs fit the budget together, lower layers first."""
    spent, chosen = 0, set()
    for name in sorted(costs, key=_depth):
        if spent + costs[name] <= budget:
            spent += costs[name]
            chosen.add(name)
    return chosen


def too_scattered(tensor: LogicalTensor) -> SkippedTensor:
    """The reason why a matrix stored as [in, out] is not read."""
    reason = f"stored as [in, out], which takes the whole matrix to read; {TRANSPOSED_VALUES} values of such are read"
    return SkippedTensor(printable(tensor.name), tensor.parameters, reason)


# -- stacked experts --------------------------------------------------------------------------------------------------


class _Stacks:
    """3-D tensors of experts [E, out, in] or [E, in, out], and their biases [E, out], as one tensor an expert."""

    def __init__(self, tensors: Sequence[LogicalTensor], model_type: str, hidden: int) -> None:
        self._hidden = hidden
        routers = [(found, t.shape[1]) for t in tensors if len(t.shape) == 2 and (found := _ROUTER.search(t.name))]
        self._routers = {found.string[: found.start()]: width for found, width in routers}
        self._alternating = re.fullmatch(ALTERNATING_GATE_UP, model_type) is not None
        self._found: dict[str, tuple[re.Match[str], str]] = {}
        self.skipped: list[SkippedTensor] = []
        shapes: dict[tuple[str, str], tuple[int, ...]] = {}
        for tensor in map(self._with_three_axes, tensors):
            if not _ANY_STACKED.fullmatch(tensor.name):
                continue
            for tail, what in STACKED_EXPERTS:
                if (found := _match(tail, tensor.name)) and len(tensor.shape) == (
                    3 if _kind(found) == ".weight" else 2
                ):
                    self._found[tensor.name] = (found, what)
                    if len(tensor.shape) == 3:
                        shapes[found["head"], what] = tensor.shape
                    break
        self._turned = {head: _is_turned(head, shapes, self._width(head)) for head, _ in shapes}
        inputs = {name: shapes.get((found["head"], what), (0, 0))[1] for name, (found, what) in self._found.items()}
        costs = {
            name: self._cost(found["head"], shapes.get((found["head"], what)))
            for name, (found, what) in self._found.items()
            if inputs[name] <= MOST_INPUTS
        }
        self._affordable = affordable(costs, TRANSPOSED_VALUES)

    def _width(self, head: str) -> int:
        """The width of the residual stream: that of the config, else that of the layer's router; 0 unknown."""
        return self._hidden or self._routers.get(head, 0)

    def _with_three_axes(self, tensor: LogicalTensor) -> LogicalTensor:
        """[E, 2, out, in] and [E, in, 2, out] of gate and up as one axis of both."""
        if len(tensor.shape) != 4 or 2 not in tensor.shape[1:3] or not _ANY_STACKED.fullmatch(tensor.name):
            return tensor
        e, a, b, c = tensor.shape
        if a == 2:
            return replace(tensor, shape=(e, 2 * b, c))
        return replace(tensor, shape=(e, a, 2 * c)) if a == self._hidden else tensor

    def _cost(self, head: str, shape: tuple[int, ...] | None) -> int:
        if shape is None or not self._turned[head]:
            return 0
        return min(shape[0], _READ_EXPERTS) * shape[1] * shape[2]

    def split(self, tensor: LogicalTensor) -> list[LogicalTensor]:
        """One tensor an expert and part, or the tensor itself."""
        tensor = self._with_three_axes(tensor)
        if tensor.name not in self._found or not 0 < tensor.shape[0] <= MOST_EXPERTS:
            return [tensor]
        found, what = self._found[tensor.name]
        is_turned = len(tensor.shape) == 3 and self._turned[found["head"]]
        if is_turned and tensor.name not in self._affordable:
            self.skipped.append(too_scattered(tensor))
            return []
        charge(TENSORS, tensor.shape[0] * (2 if what == "gate_up" else 1), printable(tensor.name, 80))
        parts = [part for e in range(tensor.shape[0]) for part in self._expert(tensor, e, found, what, is_turned)]
        return parts or [tensor]

    def _expert(
        self, tensor: LogicalTensor, number: int, found: re.Match[str], what: str, is_turned: bool
    ) -> list[LogicalTensor]:
        rest = tensor.shape[1:]
        first = number * (tensor.parameters // tensor.shape[0])
        stem = f"{found['head']}experts.{number}."
        view: Storage | None
        if len(rest) == 2 and is_turned:
            rest = (rest[1], rest[0])
            view = transposed(tensor.storage, rest[1], rest[0], first)
        else:
            view = tensor.storage.cut(first, rest[-1]) if isinstance(tensor.storage, Stack) else None
        if view is None or (what == "gate_up" and rest[0] % 2):
            return []
        kind = ".bias" if len(rest) == 1 else ".weight"
        one = LogicalTensor(stem + what + kind, tensor.dtype, rest, view)
        if what != "gate_up":
            return [one]
        cuts = alternating(2, rest[0]) if self._alternating else groups((rest[0] // 2,) * 2, 1)
        return cut_rows(one, [f"{stem}{leaf}{kind}" for leaf in ("gate_proj", "up_proj")], cuts)


def _is_turned(head: str, shapes: Mapping[tuple[str, str], tuple[int, ...]], hidden: int) -> bool:
    """Whether a layer's experts are stored as [in, out].

    Gate and up in one matrix say it by themselves: only one order makes it and down fit each other. Apart from each
    other they fit in both; the width `hidden` of what goes in and out says which it is.
    """
    both = shapes.get((head, "gate_up"))
    up = both or shapes.get((head, "up_proj")) or shapes.get((head, "gate_proj"))
    down = shapes.get((head, "down_proj"))
    if up is None or down is None:
        return False
    if both is None:
        return up[1:] == down[:0:-1] and down[1] != hidden == down[2]
    plain = up[1] == 2 * down[2] and up[2] == down[1]
    return not plain and up[2] == 2 * down[1] and up[1] == down[2]


# -- fused ------------------------------------------------------------------------------------------------------------


def _split(
    tensor: LogicalTensor, shapes: Mapping[str, tuple[int, ...]], config: Mapping[str, object], model_type: str
) -> list[LogicalTensor]:
    """The q, k, v or gate, up of one matrix or bias."""
    known = _ANY_FUSED.fullmatch(tensor.name)
    if known is None or len(tensor.shape) != (2 if _kind(known) == ".weight" else 1):
        return [tensor]
    for tail, types, order in FUSED_QKV:
        if (found := _match(tail, tensor.name)) and re.fullmatch(types, model_type):
            stem = found["head"] + found["leaf"]
            weight = shapes.get(f"{stem}.weight") or shapes.get(f"{stem}_weight") or tensor.shape
            cuts = qkv_rows(order, weight, config) if len(weight) == 2 and weight[0] == tensor.shape[0] else None
            if order == "beside_z":
                cuts = _beside(weight[0], shapes.get(f"{found['head']}linear_attn.in_proj_z.weight", (0,))[0])
            names = [_sibling(found, p) for p in (*_PARTS, *([_FOURTH[order]] if order in _FOURTH else []))]
            return cut_rows(tensor, names, cuts) if cuts else [tensor]
    for tail, types, leaves in FUSED_GATE_UP:
        if (found := _match(tail, tensor.name)) and re.fullmatch(types, model_type) and tensor.shape[0] % 2 == 0:
            return cut_rows(tensor, [_sibling(found, p) for p in leaves], groups((tensor.shape[0] // 2,) * 2, 1))
    return [tensor]


def _beside(rows: int, values: int) -> list[Strides] | None:
    """The rows of q, k and v of a gated delta net whose gate has as many rows as v; None where that does not fit."""
    keys, over = divmod(rows - values, 2)
    return groups((keys, keys, values), 1) if keys > 0 and values > 0 and not over else None
