"""Weights in one file with their moving average, a teacher or an optimiser's state: one of them is the model.

The weights that were trained are the model, and a copy of them under the name of an average or a teacher is set aside:
one row among the skipped, which counts no parameter, since the model has none in it, and says how many values it holds.
An average or a teacher that stands alone is the model.

Limitations: two networks under other names than those of `AVERAGES` are both read, as parts of one model.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..storage.logical import LogicalTensor
from ..storage.skipped import SkippedTensor
from ..text import printable
from .contents import Contents

AVERAGES = re.compile(
    r"(?:(?:model|net|netG|g|generator|unet|params|weights|state_dict|student)_)?ema"
    r"(?:_(?:model|net|unet|generator|params|weights|state_dict|model_state_dict|state|denoiser))?"
    r"|(?:swa|averaged|average|avg)_(?:model|net|weights|params|state_dict)|model_(?:swa|avg|average)|shadow(?:_params)?"
    r"|(?:ema_)?(?:teacher|momentum|target|key)(?:_(?:model|net|network|encoder|backbone|state_dict))?"
    r"|(?:model|encoder|backbone)_(?:teacher|momentum|target|k)"
)
"""Words for an average of the weights or a teacher, as timm, LDM, k-diffusion, BasicSR, Lightning, DINO, MoCo, BYOL and
others have them. Only a copy of the names and shapes of the rest is set aside, whatever it is called."""
_LOOKED_AT = 500_000
"""Tensors that all such prefixes of a file are compared with, the largest groups first; one or two prefixes are usual,
and each looks at every tensor, 10 microseconds each."""
_INNER = ("module.", "_orig_mod.")
"""What wrappers put between an average's name and those of the weights: `AveragedModel` of torch has `module`."""
_OUTER = frozenset({"model", "module", "net", "state_dict", "_orig_mod", "pl_module"})


def set_aside(name: str, what: str, tensors: int, values: int) -> SkippedTensor:
    """The row for tensors below `name` that are no part of the model: it counts no parameters and says how many."""
    return SkippedTensor(
        printable(f"{name}.*" if name else "*"), 0, f"{what}: {tensors} tensors of {values} values, set aside"
    )


def without_averages(contents: Contents) -> Contents:
    """The contents without moving averages and teachers of the weights that are there themselves."""
    groups: dict[str, list[LogicalTensor]] = defaultdict(list)
    for tensor in contents.tensors:
        if prefix := _prefix(tensor.name):
            groups[prefix].append(tensor)
    kept, skipped = list(contents.tensors), []
    left = _LOOKED_AT
    for prefix, group in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        if left <= 0:
            break
        left -= len(kept)
        names = {tensor.name for tensor in group}
        rest = [tensor for tensor in kept if tensor.name not in names]
        values = sum(tensor.parameters for tensor in group)
        if 2 * _copied(prefix, group, rest) > values:
            kept = rest
            skipped.append(set_aside(prefix.removesuffix("."), _kind(prefix), len(group), values))
    if not skipped:
        return contents
    return replace(contents, tensors=tuple(kept), skipped=(*contents.skipped, *skipped))


_OPTIMISER = frozenset({"optimizer", "optim", "optimizer_state", "optimizer_state_dict", "optim_state", "opt_state"})
_MOMENTS = frozenset(
    {"exp_avg", "exp_avg_sq", "max_exp_avg_sq", "exp_inf", "momentum_buffer", "square_avg", "acc_delta", "step"}
)
"""What optimisers keep of a weight, and the words that tools write it below."""


def _is_of_optimiser(name: str) -> bool:
    head, _, last = name.rpartition(".")
    return last in _MOMENTS and not _OPTIMISER.isdisjoint(head.split("."))


def without_optimiser(contents: Contents) -> Contents:
    """The contents without an optimiser's moments, where weights stand beside them."""
    state = [tensor for tensor in contents.tensors if _is_of_optimiser(tensor.name)]
    if not state or len(state) == len(contents.tensors):
        return contents
    names = {tensor.name for tensor in state}
    values = sum(tensor.parameters for tensor in state)
    first = state[0].name.partition(".")[0]
    said = set_aside(first, "the state of an optimiser beside the weights", len(state), values)
    kept = tuple(tensor for tensor in contents.tensors if tensor.name not in names)
    return replace(contents, tensors=kept, skipped=(*contents.skipped, said))


def _prefix(name: str) -> str:
    """What stands before a tensor's name in an average: `model_ema.`, `model.teacher.`; empty for any other name."""
    first, dot, rest = name.partition(".")
    if dot and AVERAGES.fullmatch(first):
        return f"{first}."
    second, dot, _ = rest.partition(".")
    return f"{first}.{second}." if dot and first in _OUTER and AVERAGES.fullmatch(second) else ""


def _kind(prefix: str) -> str:
    return "a teacher beside the weights" if "teacher" in prefix else "a moving average beside the weights"


def _copied(prefix: str, group: Sequence[LogicalTensor], rest: Iterable[LogicalTensor]) -> int:
    """How many values of `group` have a tensor of that name and shape among the rest, with or without a prefix."""
    outer = prefix[: -len(prefix.rstrip(".").rpartition(".")[2]) - 1]
    shapes: dict[str, set[tuple[int, ...]]] = defaultdict(set)
    for tensor in rest:
        for name in {tensor.name, tensor.name.removeprefix(outer)}:
            for one in {name, name.partition(".")[2], _unwrapped(name)}:
                shapes[one].add(tensor.shape)
                shapes[_squashed(one)].add(tensor.shape)
    stems = [(tensor.name.removeprefix(prefix), tensor) for tensor in group]
    inner = _common_module([name for name, _ in stems])
    copied = 0
    for name, tensor in stems:
        spellings = {_unwrapped(name), name.removeprefix(inner)}
        if any(tensor.shape in shapes[one] or tensor.shape in shapes[_squashed(one)] for one in spellings):
            copied += tensor.parameters
    return copied


def _common_module(names: Sequence[str]) -> str:
    """The module that all names begin with, with its dot: wrappers of averages nest, `online_model.`; or nothing.

    >>> _common_module(["online_model.a.weight", "online_model.b.weight"])
    'online_model.'
    """
    first, last = min(names).split("."), max(names).split(".")
    same = 0
    while same < min(len(first), len(last)) - 1 and first[same] == last[same]:
        same += 1
    return "".join(f"{part}." for part in first[:same])


def _unwrapped(name: str) -> str:
    """A name without the wrappers in front of it."""
    while inner := next((wrapper for wrapper in _INNER if name.startswith(wrapper)), None):
        name = name.removeprefix(inner)
    return name


def _squashed(name: str) -> str:
    """A name as LDM keeps it in its average, a buffer, whose name has no dots; `#` keeps it apart from plain names."""
    return "#" + name.replace(".", "").removesuffix("weight")
