"""The tensors of a framework's own files as Hugging Face has them: its names, its order of rows, its halves.

The tables stand in names/frameworks. A tensor that no line names, or whose shape does not fit what a line does,
stays as it is. Only one framework is looked for: files of two would be two models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product, takewhile

from ..budget import TENSORS, charge
from ..names.frameworks import FRAMEWORKS, Framework
from ..storage.logical import LogicalTensor, RowMajor
from ..storage.views import ColumnsOf, RowsOf, Stack, Strides, groups, transposed
from ..text import printable
from .heads import interleaved_rows, key_heads, qkv_rows, query_heads
from .rearranged import (
    MOST_EXPERTS,
    below,
    cut_rows,
    dense,
    flat,
    gate_and_up,
    halves_of_experts,
    kernel_last,
    pointwise,
    turned,
    unfolded,
)
from .slices import RowSlices

MOST_BELOW = 64
"""Matrices that are put below each other; codecs have 32 codebooks at most."""
MOST_NAMES = 20_000
"""Different names without their numbers above which nothing is looked for; naming refuses such files."""
_NUMBER = re.compile(r"(?<=\.)\d+(?=\.|$)")
_WRAPPED = re.compile(r"(?<![^.])(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
"""What a compiler, a sharding or a checkpointing of activations puts before the modules that it wraps."""
_HOLE = re.compile("#(?:-1)?")
_GLUED = re.compile(r"\.(weight|bias)(\d{1,6})$")
_KINDS = (".weight", ".bias", ".kernel", ".running_mean", ".running_var", ".num_batches_tracked")
_MOST_PARTS = 12
_MOST_NUMBERS = 5
_ROTARY = "rope.freqs"
_VISION = ("vision_encoder", "vision_config")
_SELF_ATTENTION = ("q_proj", "k_proj", "v_proj")
_WORDS = {"q": "query", "k": "key", "v": "value"}


def hugging_face(tensors: Sequence[LogicalTensor], config: Mapping[str, object]) -> list[LogicalTensor]:
    """The tensors under the names that Hugging Face has for them; all as they are where no framework is known."""
    bare = [t if (name := _WRAPPED.sub("", t.name)) == t.name else replace(t, name=name) for t in tensors]
    templates = {_template(t.name) for t in bare}
    if len(templates) > MOST_NAMES:
        return list(tensors)
    ends = {end for template in templates for end in _ends(template)}
    framework = next((f for f in FRAMEWORKS if _is_of(f, ends)), None)
    if framework is None:
        return list(tensors)
    made = _Translation(framework, bare, config)
    found = [part for tensor in bare for part in made.parts(tensor)]
    # two names that became one are told apart by no reader: better none than half of them
    return found if len({t.name for t in found}) == len(found) else list(tensors)


def _template(name: str) -> str:
    """`decoder.layers.3.mlp.experts.linear_fc1.weight7` -> `decoder.layers.#.mlp.experts.linear_fc1.#`."""
    spread = _GLUED.sub(r".\2.\1", name)
    for kind in _KINDS:
        spread = spread.removesuffix(kind)
    return _NUMBER.sub("#", spread)


def _templates(path: str) -> list[str]:
    """A path as it is, with `#` for some of its numbers, and for all: `mlp.0` is another line than `mlp.2`.

    Of more than _MOST_NUMBERS the last alone may be meant.
    """
    parts = path.split(".")
    numbers = [at for at, part in enumerate(parts) if at and part.isdecimal()]
    open_ = numbers if len(numbers) <= _MOST_NUMBERS else numbers[-1:]
    kept = sorted(product((False, True), repeat=len(open_)), key=sum, reverse=True)
    masked = [set(numbers) - {at for at, keep in zip(open_, one, strict=True) if keep} for one in kept]
    asked = [set(), *masked] if len(open_) < len(numbers) else masked
    return [".".join("#" if at in mask else part for at, part in enumerate(parts)) for mask in asked]


def _numbered(name: str, numbers: Iterable[str]) -> str:
    """The name with `#` filled in by the numbers in their order, `#-1` by what is one less."""
    left = iter(numbers)
    return _HOLE.sub(lambda hole: _filled(hole[0], next(left, "")), name)


def _filled(hole: str, number: str) -> str:
    if not number:
        return hole
    return str(max(0, int(number[:9]) - 1)) if hole == "#-1" else number


def _ends(template: str) -> Iterable[str]:
    """The template and what is left of it without its first parts, longest first."""
    parts = template.split(".")[-_MOST_PARTS:]
    return (".".join(parts[i:]) for i in range(len(parts)))


def _is_of(framework: Framework, ends: set[str]) -> bool:
    marks = [(mark,) if isinstance(mark, str) else mark for mark in framework.marks]
    return all(any(m in ends for m in mark) for mark in marks) and not any(u in ends for u in framework.unless)


@dataclass(frozen=True, slots=True)
class _Line:
    """The name of a tensor in Hugging Face, and what is done to it."""

    name: str
    done: str


class _Translation:
    """One framework's lines, with the shapes and counts that what they do needs."""

    def __init__(self, framework: Framework, tensors: Sequence[LogicalTensor], config: Mapping[str, object]) -> None:
        self._lines = {ours: (theirs, done) for ours, theirs, done in framework.lines}
        stacks = {
            ours.partition("#")[0]: theirs.partition("#")[0] for ours, theirs, _ in framework.lines if "#" in ours
        }
        self._stacks = {stack: stacks[stack] for stack in sorted(stacks, key=len, reverse=True)}
        self._config = config
        self._tensors = {t.name: t for t in tensors}
        self._shapes = {t.name: t.shape for t in tensors}
        rotary = next((t.shape for t in tensors if t.name.endswith(_ROTARY) and len(t.shape) == 1), (0,))
        self._head = 2 * rotary[0] or framework.head

    def parts(self, tensor: LogicalTensor) -> list[LogicalTensor]:
        """The tensor as it is there, in one part or several."""
        line = self._line(tensor.name)
        if line is None:
            return [replace(tensor, name=self._in_its_stack(tensor.name))]
        match line.done.partition("."):
            case ("unbiased", _, _) if f"{tensor.name.rpartition('.')[0]}.bias" in self._shapes:
                return [replace(tensor, name=line.name)]
            case ("pairs" | "unbiased", _, which):
                return [self._in_halves(tensor, line.name, which)]
            case ("groups" | "stacked" as order, _, pairs):
                found = self._attention(tensor, line.name, order)
                return self._paired(found) if pairs else found
            case ("halves", _, _) if tensor.shape and tensor.shape[0] % 2 == 0:
                names = [_lettered(line.name, letter) for letter in "kv"]
                return cut_rows(tensor, names, groups((tensor.shape[0] // 2,) * 2, 1))
            case ("by_output", _, _):
                return self._by_output(tensor, line.name)
            case ("thirds", _, rest):
                return self._thirds(tensor, line.name, rest)
            case ("swapped", _, twice) if tensor.shape and tensor.shape[0] % 2 == 0:
                if twice and tensor.shape[0] != 2 * self._weight_of(tensor)[-1]:
                    return [replace(tensor, name=line.name)]
                half = tensor.shape[0] // 2
                return cut_rows(tensor, [line.name], [Strides(half, (2, half), (-half, 1))])
            case ("quarters", _, _) if tensor.shape and tensor.shape[0] % 4 == 0:
                high = tensor.shape[0] // 4
                cuts = [Strides(start, (2, high), (2 * high, 1)) for start in (0, high)]
                return cut_rows(tensor, [line.name.replace("?", which) for which in "12"], cuts)
            case ("alternating" | "up_gate" as order, _, _):
                return halves_of_experts(tensor, line.name, order)
            case ("gate_up", _, _):
                return self._gate_up(tensor, line.name)
            case ("gate_and_up", _, _):
                return gate_and_up(tensor, line.name)
            case ("transposed", _, depthwise):
                return [turned(tensor, line.name, (1,) if depthwise else ())]
            case ("flat", _, _) if len(tensor.shape) > 1 and max(tensor.shape) == tensor.parameters > 0:
                return [flat(tensor, line.name)]
            case ("pointwise" | "kernel_last" as kind, _, _) if len(tensor.shape) == 3:
                return [pointwise(tensor, line.name) if kind == "pointwise" else kernel_last(tensor, line.name)]
            case ("experts", _, _):
                return [self._experts(tensor, line.name)]
            case ("dense", _, last) if len(tensor.shape) > 1:
                return [dense(tensor, line.name, 1 if not last else len(tensor.shape) - 1)]
            case ("unfolded", _, _) if len(tensor.shape) in (1, 2):
                return [unfolded(tensor, line.name)]
            case ("rows", _, _) if len(tensor.shape) == 3:
                return [below(tensor, line.name)]
            case ("below", _, _):
                return self._below(tensor, line.name)
            case ("expert_rows", _, inputs_first):
                return self._expert_rows(tensor, line.name, inputs_first=bool(inputs_first))
        return [replace(tensor, name=line.name)]

    def _line(self, name: str) -> _Line | None:
        spread = _GLUED.sub(r".\2.\1", name)
        kind = next((k for k in _KINDS if spread.endswith(k)), "")
        for end, ending in (("", spread), (kind, spread.removesuffix(kind))):
            for tail in chain.from_iterable(zip(*map(_ends, _templates(ending)), strict=True)):  # the longest first
                if (found := self._lines.get(tail)) is not None:
                    parts = ending.split(".")
                    head = parts[: len(parts) - tail.count(".") - 1]
                    named = zip(tail.split("."), parts[len(head) :], strict=True)
                    numbers = [part for template, part in named if template == "#"]
                    return _Line(".".join((*head, _numbered(found[0], numbers))) + end, found[1])
        return None

    def _in_its_stack(self, name: str) -> str:
        """A name that no line has, in the stack that its neighbours are in: else one tensor makes a second stack."""
        for ours, theirs in self._stacks.items():
            head, found, rest = f".{name}".rpartition(f".{ours}")
            if found and rest[:1].isdigit():
                return f"{head}.{theirs}{rest}".removeprefix(".")
        return name

    def _in_halves(self, tensor: LogicalTensor, name: str, which: str) -> LogicalTensor:
        config = self._config
        if "vision_encoder." in tensor.name:
            config = next((c for key in _VISION if isinstance(c := self._config.get(key), Mapping)), {})
        rows = tensor.shape[0] if tensor.shape else 0
        heads = query_heads(config) if which == "q" else key_heads(config)
        if which.isdecimal():
            heads = rows // int(which)
        if not heads and self._head and config is self._config:
            heads = rows // self._head
        order = interleaved_rows(heads, rows)
        if order is None:
            return replace(tensor, name=name)
        view = RowsOf if len(tensor.shape) > 1 else ColumnsOf
        return replace(tensor, name=name, storage=view(tensor.storage, order))

    def _attention(self, tensor: LogicalTensor, name: str, order: str) -> list[LogicalTensor]:
        weight = self._weight_of(tensor)
        config = self._config
        if not query_heads(config):
            config = {**config, **self._counted(tensor.name, weight)}
        fits = len(weight) == 2 and weight[:1] == tensor.shape[:1] and len(tensor.shape) < 3
        cuts = qkv_rows(order, weight, config) if fits else None
        if cuts is None:
            return [tensor]
        stem = re.sub(r"(qkv_proj|in_proj)(?=[._](?:weight|bias)$)", "{}", name).replace("_weight", ".weight")
        stem = stem.replace("_bias", ".bias")
        return cut_rows(tensor, [stem.format(part) for part in _SELF_ATTENTION], cuts)

    def _paired(self, parts: list[LogicalTensor]) -> list[LogicalTensor]:
        """q, k and v of which the first two have their rows in pairs; what was not split is left alone."""
        if len(parts) < len(_SELF_ATTENTION):
            return parts
        q, k, v = parts
        return [self._in_halves(q, q.name, "q"), self._in_halves(k, k.name, "k"), v]

    def _by_output(self, tensor: LogicalTensor, name: str) -> list[LogicalTensor]:
        """q, k and v of which q is as high as the output is wide."""
        stem = tensor.name.rpartition("qkv")[0]
        wide = self._shapes.get(f"{stem}out.weight") or self._shapes.get(f"{stem}o.weight", ())
        rows = tensor.shape[0] if tensor.shape else 0
        if len(wide) != 2 or not 0 < wide[1] < rows or (rows - wide[1]) % 2:
            return [tensor]
        sizes = (wide[1], *((rows - wide[1]) // 2,) * 2)
        return cut_rows(tensor, [name.replace("?", letter) for letter in "qkv"], groups(sizes, 1))

    def _thirds(self, tensor: LogicalTensor, name: str, rest: str) -> list[LogicalTensor]:
        weight = self._weight_of(tensor)
        rows = tensor.shape[0] if tensor.shape else 0
        fits = len(weight) == 2 and weight[0] == rows and weight[1] > 0
        if not fits or (rows <= 3 * weight[1] if rest else rows % 3):
            return [tensor]
        names = [_lettered(name, letter) for letter in "qkv"]
        if not rest:
            return cut_rows(tensor, names, groups((rows // 3,) * 3, 1))
        sizes = (*(weight[1],) * 3, rows - 3 * weight[1])
        return cut_rows(tensor, [*names, name.replace("attn.to_?", f"proj_{rest}")], groups(sizes, 1))

    def _weight_of(self, tensor: LogicalTensor) -> tuple[int, ...]:
        """The shape of the matrix that a bias stands beside; its own of a matrix."""
        if len(tensor.shape) > 1 or not tensor.name.endswith("bias"):
            return tensor.shape
        return self._shapes.get(tensor.name.removesuffix("bias") + "weight", tensor.shape)

    def _counted(self, name: str, weight: tuple[int, ...]) -> dict[str, object]:
        """Heads by the shapes of a layer: a norm over q is as long as a head, `linear_proj` is as wide as q."""
        stem = name.rpartition("linear_qkv")[0]
        gain = self._shapes.get(f"{stem}q_layernorm.weight", ())
        wide = self._shapes.get(f"{stem}linear_proj.weight", ())
        if len(gain) != 1 or len(wide) != 2 or not gain[0] or len(weight) != 2:
            return {}
        heads, rest = divmod(wide[1], gain[0])
        shared = (weight[0] - wide[1]) // (2 * gain[0])
        if rest or shared <= 0:
            return {}
        return {"num_attention_heads": heads, "num_key_value_heads": shared, "head_dim": gain[0]}

    def _gate_up(self, tensor: LogicalTensor, name: str) -> list[LogicalTensor]:
        weight = self._weight_of(tensor)
        if f"{tensor.name.rpartition('.')[0]}_2.weight" in self._shapes:
            return [replace(tensor, name=name.replace("gate_up_proj", "gate_proj"))]
        beside = tensor.name.replace("dense_h_to_4h", "dense_4h_to_h").replace("fc1", "fc2")
        down = self._shapes.get(re.sub(r"bias(?=\d*$)", "weight", beside), ())
        rows = tensor.shape[0] if tensor.shape else 0
        if len(down) != 2 or rows != 2 * down[1] or weight[:1] != tensor.shape[:1]:
            return [replace(tensor, name=name.replace("gate_up_proj", "up_proj"))]
        names = [name.replace("gate_up_proj", part) for part in ("gate_proj", "up_proj")]
        return cut_rows(tensor, names, groups((rows // 2,) * 2, 1))

    def _experts(self, tensor: LogicalTensor, name: str) -> LogicalTensor:
        """[in, experts x out] and [experts x in, out] as [experts, in, out]; the router counts them."""
        experts, hidden = self._routed(tensor.name)
        storage = tensor.storage
        if len(tensor.shape) != 2 or not isinstance(storage, RowMajor) or not experts or not hidden:
            return tensor
        rest, over = divmod(tensor.parameters, experts * hidden)
        if over:
            return tensor
        if tensor.shape == (hidden, experts * rest) and tensor.name.endswith("1"):
            shape = (experts, hidden, rest)
        elif tensor.shape == (experts * rest, hidden):
            shape = (experts, rest, hidden)
        elif tensor.shape == (experts * hidden, rest):
            shape = (experts, hidden, rest)
        else:
            return tensor
        whole = replace(storage, columns=shape[1] * shape[2])
        return replace(tensor, name=name, shape=shape, storage=whole)

    def _below(self, tensor: LogicalTensor, name: str) -> list[LogicalTensor]:
        """All matrices that the last number counts as one, in the place of the first."""
        *_, last = _NUMBER.finditer(tensor.name)
        before, after = tensor.name[: last.start()], tensor.name[last.end() :]
        numbered = (self._tensors.get(f"{before}{number}{after}") for number in range(MOST_BELOW))
        found = list(takewhile(lambda one: one is not None, numbered))
        matrices = [one for one in found if one is not None and (one.shape, one.dtype) == (tensor.shape, tensor.dtype)]
        plain = len(tensor.shape) == 2 and tensor.parameters
        if not plain or len(matrices) < len(found) or tensor not in matrices:
            return [tensor]
        if tensor is not matrices[0]:
            return []
        high, wide = tensor.shape
        storage = RowSlices(tuple(one.storage for one in matrices), high)
        return [replace(tensor, name=name, shape=(high * len(matrices), wide), storage=storage)]

    def _routed(self, name: str) -> tuple[int, int]:
        """How many experts the router beside one of them has, and how wide it is; zeros where there is none."""
        head = name.rpartition("experts.")[0]
        for router in ("router.weight", "router.layer.weight"):
            if len(shape := self._shapes.get(head + router, ())) == 2:
                return shape[0], shape[1]
        shape = self._shapes.get(f"{head}router_DE", ())
        return (shape[1], shape[0]) if len(shape) == 2 else (0, 0)

    def _expert_rows(self, tensor: LogicalTensor, name: str, *, inputs_first: bool) -> list[LogicalTensor]:
        """[experts x rows, columns] as one matrix an expert, or as the transpose of each."""
        experts, hidden = self._routed(tensor.name)
        storage, shape = tensor.storage, tensor.shape
        fits = len(shape) == 2 and 0 < experts <= MOST_EXPERTS and shape[0] % experts == 0 and shape[1] == hidden > 0
        if not fits or not shape[0] or not isinstance(storage, Stack):
            return [tensor]
        charge(TENSORS, experts, printable(tensor.name, 80))
        high, wide = shape[0] // experts, shape[1]
        starts = [number * high * wide for number in range(experts)]
        views = [transposed(storage, high, wide, n) if inputs_first else storage.cut(n, wide) for n in starts]
        shape = (wide, high) if inputs_first else (high, wide)
        made = [
            replace(tensor, name=name.replace("@", str(number)), shape=shape, storage=view)
            for number, view in enumerate(views)
            if view is not None
        ]
        return made if len(made) == experts else [tensor]


def _lettered(name: str, letter: str) -> str:
    return name.replace("??", _WORDS[letter]).replace("?", letter)
