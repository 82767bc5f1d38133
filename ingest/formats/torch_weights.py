"""Which tensors of an unpickled torch file are the model, by name, and what stands beside them.

A checkpoint is a dictionary of weights, one that keeps them below a key beside what its trainer needs, or a module
with everything in it (`torch.save(model)`, TorchScript). States of optimisers and trainers are set aside: they are no
parameters, so their rows among the skipped count none and say how many values there are.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..budget import TORCH_CONTAINERS, TORCH_WEIGHTS, allowed, beyond, require
from ..errors import FormatError
from ..storage.skipped import SkippedTensor
from ..text import printable
from .companions import AVERAGES, set_aside
from .pickle_records import (
    NAME_LIMIT,
    PARAMETER,
    RUNS_CODE,
    Global,
    Inert,
    OpaqueTensor,
    TensorRecord,
    are_sizes,
    is_key,
)
from .pickle_subset import Pickle

WRAPPERS = (
    "state_dict", "model_state_dict", "model_state", "model", "module", "net", "network", "params", "weights", "weight",
    "student", "online_network", "encoder_q", "base_encoder",
)  # fmt: skip
"""Keys below which checkpoints keep the weights, beside optimizer and epoch."""
PREFIXES = ("module.", "_orig_mod.")
_ALL_KEYS = 16 << 20  # characters
_ENVELOPES = 8
_LONG_NAME = 32  # characters that count as one tensor more
_HOLDERS = (dict, list, tuple, Inert, TensorRecord, OpaqueTensor)
_OPTIMISER = re.compile(r"opt|opts|.*optim.*|.*adam.*|.*(?:^|_)(?:exp_avg|momentum_buffer).*", re.IGNORECASE)
_TRAINER = re.compile(
    r".*(?:sched|scaler|callback|rng|random_state|hparam|hyper_param|loops?$|metric|history|dataloader|sampler).*|args?|"
    r"(?:\w+_)?(?:loss|losses|epoch|step|iteration|criterion_state)|best_\w+|trainer\w*",
    re.IGNORECASE,
)
_LISTED = re.compile(r"(?:^|\.)_flat_weights\.\d+$")
Named = tuple[str, TensorRecord | OpaqueTensor]


@dataclass(frozen=True, slots=True)
class Weights:
    """The model's tensors by name, in the order of the file, and what is set aside."""

    tensors: list[Named]
    skipped: list[SkippedTensor]


@dataclass(slots=True)
class _Walk:
    """The tensors below one value. `beside` are those of plain attributes of a module, which it does not save."""

    tensors: list[Named] = field(default_factory=list)
    beside: list[Named] = field(default_factory=list)

    def once(self) -> _Walk:
        """Without the lists in which recurrent modules keep their parameters a second time."""
        views = {_view(record) for name, record in self.tensors if not _LISTED.search(name)} - {None}
        self.tensors = [
            (name, one) for name, one in self.tensors if not _LISTED.search(name) or _view(one) not in views
        ]
        self.beside = [(name, one) for name, one in self.beside if _view(one) not in views]
        return self


def read_weights(pickle: Pickle, file: str, *, beside: bool = False) -> Weights:
    """The weights of what a torch file holds.

    Raises FormatError where there are none, and none `beside` the pickle either, over TORCH_CONTAINERS, and for names
    over NAME_LIMIT.
    """
    weights = find_weights(pickle.value)
    if not weights.tensors and not beside:
        found = [f"{one.name}: {one.reason}" for one in weights.skipped[:1]]
        found += [f"objects of {', '.join(printable(name, 120) for name in pickle.unknown[:4])}"] * bool(pickle.unknown)
        in_brackets = f" ({'; '.join(found)})" if found else ""
        raise FormatError(f"{file}: holds no weights{in_brackets}; name the file that does")
    code = [name for name in pickle.unknown if RUNS_CODE.fullmatch(name)]
    rows = [SkippedTensor(name, 0, "code that torch would run on loading this file; nothing was run") for name in code]
    return Weights(weights.tensors, weights.skipped + rows)


def find_weights(found: object) -> Weights:
    """The tensors of the model and what is set aside. Raises FormatError over TORCH_CONTAINERS and NAME_LIMIT."""
    skipped: list[SkippedTensor] = []
    others: list[Named] = []
    level, left = found, [allowed(TORCH_CONTAINERS)]
    for _ in range(_ENVELOPES):
        pairs = list(_children(level))
        children = dict(pairs)
        if _is_module(level) or _is_script(level) or not pairs or len(children) < len(pairs):
            break
        if _is_optimiser(level):
            skipped.append(_training("", _walk(level, left)))
            return Weights(others, skipped)
        walks = {key: w for key, value in children.items() if (w := _walk(value, left)).tensors or w.beside}
        skipped += [_training(str(key), walks.pop(key)) for key in list(walks) if _is_training(key, children[key])]
        shadows = [key for key in walks if _is_shadow(children[key]) and _has_shapes_of(walks, key)]
        skipped += [
            set_aside(str(key), "a moving average beside the weights", *_count(walks.pop(key).tensors))
            for key in shadows
        ]
        direct = {key: None for key in walks if _record(children[key]) is not None}
        inner = _wrapped(walks, direct, beside=len(children) > 1)
        if inner is None:
            return _collected(walks, others, skipped)
        level = children[inner]
        skipped += [set_aside(str(key), "kept beside the weights", *_count(walks[key].tensors)) for key in direct]
        for key in (key for key in walks if key != inner and key not in direct):
            others += _below(str(key), _plain(walks[key].tensors))
    return _collected({"": _walk(level, left)}, others, skipped)


def _wrapped(walks: dict[object, _Walk], direct: Mapping[object, None], *, beside: bool) -> object | None:
    """The key below which the weights stand; None where this is the level of the weights themselves."""
    branches = [key for key in walks if key not in direct]
    inner: object | None = next((key for key in WRAPPERS if key in branches), None)
    plain = [key for key in branches if not (isinstance(key, str) and AVERAGES.fullmatch(key))]
    if inner is None and len(plain or branches) == 1 and beside and not direct:
        inner = (plain or branches)[0]
    own = sum(_count(walks[key].tensors)[1] for key in direct)
    return inner if inner is not None and own < _count(walks[inner].tensors)[1] else None


def _collected(walks: dict[object, _Walk], others: list[Named], skipped: list[SkippedTensor]) -> Weights:
    tensors = [named for key, walk in walks.items() for named in _below(str(key), walk.tensors)]
    for key, walk in walks.items():
        if walk.beside:
            skipped.append(set_aside(str(key), "plain attributes of modules", *_count(walk.beside)))
    return _of_one_name([(name or "tensor", one) for name, one in _plain(tensors)] + others, skipped)


def _of_one_name(tensors: list[Named], skipped: list[SkippedTensor]) -> Weights:
    """The first tensor of each name; an object may hold a name among its items and again among its attributes."""
    first: dict[str, Named] = {}
    again = [(name, one) for name, one in tensors if first.setdefault(name, (name, one))[1] is not one]
    rows = [set_aside(name, "a second tensor of this name", *_count([(name, one)])) for name, one in again]
    return Weights(list(first.values()), skipped + rows)


def _below(key: str, tensors: list[Named]) -> list[Named]:
    """The tensors under names that begin with a key. Raises FormatError for more of them than a model has."""
    require(TORCH_WEIGHTS, len(tensors), printable(key, 40))
    if len(tensors) * len(key) > _ALL_KEYS:
        raise FormatError(f"{len(tensors)} tensors below {printable(key, 40)!r}; no file of a model has them")
    return [(".".join(part for part in (key, name) if part), one) for name, one in tensors]


def _plain(names: list[Named]) -> list[Named]:
    """Without the prefixes that wrappers of modules give to all of them."""
    for prefix in (*PREFIXES, *PREFIXES):
        if names and all(name.startswith(prefix) for name, _ in names):
            names = [(name.removeprefix(prefix), record) for name, record in names]
    return names


def _is_training(key: object, value: object) -> bool:
    if _record(value) is not None:
        return False
    words = isinstance(key, str) and (_OPTIMISER.fullmatch(key) or _TRAINER.fullmatch(key))
    return bool(words) or _is_optimiser(value)


def _is_optimiser(value: object) -> bool:
    """What the state_dict of an optimiser is, whatever its key; or the optimiser itself."""
    kind = value.kind if isinstance(value, Inert) else None
    return (isinstance(value, dict) and "param_groups" in value) or (
        isinstance(kind, Global) and kind.module.startswith("torch.optim")
    )


def _is_shadow(value: object) -> bool:
    """What the state_dict of a moving average of torch_ema is: its tensors stand in a list, without names."""
    return isinstance(value, dict) and isinstance(value.get("shadow_params"), list)


def _has_shapes_of(walks: Mapping[object, _Walk], key: object) -> bool:
    """Whether every tensor below a key has one of its shape below the other keys."""
    others = Counter(one.sizes for other, walk in walks.items() if other != key for _, one in walk.tensors)
    return Counter(one.sizes for _, one in walks[key].tensors) <= others


def _training(key: str, walk: _Walk) -> SkippedTensor:
    what = "state of the trainer" if _TRAINER.fullmatch(key) else "state of the optimiser"
    return set_aside(key, what, *_count(walk.tensors + walk.beside))


def _count(tensors: list[Named]) -> tuple[int, int]:
    return len(tensors), sum(math.prod(record.sizes) for _, record in tensors)


def _walk(value: object, left: list[int]) -> _Walk:
    """The tensors below `value` by dotted name; a container that is met again is passed over."""
    walk = _Walk()
    levels: list[Iterator[tuple[str, object, bool]]] = [iter([("", value, True)])]
    seen: set[int] = set()
    while levels:
        name, item, own = next(levels[-1], ("", None, None))
        if own is None:
            levels.pop()
            continue
        record = _record(item)
        if record is not None:
            if len(name) > NAME_LIMIT:
                raise FormatError(f"a tensor's name of {len(name)} characters is over the limit of {NAME_LIMIT}")
            (walk.tensors if own else walk.beside).append((name, record))
        elif isinstance(item, dict | list | tuple | Inert) and id(item) not in seen:
            seen.add(id(item))
            levels.append(_inside(name, item, own=own))
        left[0] -= 1 + len(name) // _LONG_NAME
        if left[0] < 0:
            raise FormatError(beyond(TORCH_CONTAINERS, allowed(TORCH_CONTAINERS) + 1))
    return walk.once()


def _inside(name: str, container: object, *, own: bool) -> Iterator[tuple[str, object, bool]]:
    """What a container holds, by dotted name, and whether it is its own or only stands beside what a module saves."""
    at = f"{name}."[: NAME_LIMIT + 1] if name else ""
    for key, part in _children(container):
        if isinstance(part, _HOLDERS):
            yield f"{at}{key}", part, own
    if isinstance(container, Inert) and _is_module(container):
        for key, part in _beside(container):
            if isinstance(part, _HOLDERS):
                yield f"{at}{key}", part, False


def _view(record: TensorRecord | OpaqueTensor) -> tuple[object, ...] | None:
    """What tells whether two tensors are the same values of one storage."""
    place = record.storage.value if isinstance(record, TensorRecord) else None
    if not isinstance(record, TensorRecord) or not isinstance(place, tuple) or len(place) < 3:
        return None
    return (place[2], record.offset, record.sizes, record.strides) if isinstance(place[2], str) else None


def _record(value: object) -> TensorRecord | OpaqueTensor | None:
    """The tensor that a value is: as it stands, in a Parameter of torch before 0.4, or as an array of numpy."""
    if isinstance(value, TensorRecord | OpaqueTensor):
        return value
    if not isinstance(value, Inert) or not isinstance(value.kind, Global):
        return None
    state = value.state
    if value.kind == PARAMETER and isinstance(state, tuple) and state and isinstance(state[0], TensorRecord):
        return state[0]
    sizes = state[1] if isinstance(state, tuple) and len(state) == 5 else None
    if value.kind.module.startswith("numpy") and isinstance(sizes, tuple) and are_sizes(sizes):
        return OpaqueTensor(sizes, "an array of numpy inside the pickle is not read")
    return None


def _is_module(value: object) -> bool:
    state = value.state if isinstance(value, Inert) else None
    return isinstance(state, dict) and isinstance(state.get("_modules"), dict)


def _is_script(value: object) -> bool:
    """An object of TorchScript, which has its parameters and inner modules as attributes."""
    return isinstance(value, Inert) and isinstance(value.kind, Global) and value.kind.module.startswith("__torch__")


def _children(value: object) -> Iterator[tuple[object, object]]:
    """What a container holds, by key; of a module its parameters, lasting buffers and inner modules."""
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)
    elif isinstance(value, Inert):
        if _is_module(value):
            yield from _registered(value)
            return
        yield from _contents(value)
        if isinstance(value.state, dict | list | tuple):
            yield from _children(value.state)
        else:
            yield "state", value.state


def _contents(value: Inert) -> Iterator[tuple[object, object]]:
    """What was put into an object, and what it was made with."""
    yield from value.items.items()
    yield from enumerate(value.elements)
    if isinstance(value.arguments, tuple):
        yield from ((f"argument_{number}", part) for number, part in enumerate(value.arguments))


def _registered(module: Inert) -> Iterator[tuple[object, object]]:
    state = module.state if isinstance(module.state, dict) else {}
    fleeting = _fleeting(state)
    for part in ("_parameters", "_buffers", "_modules"):
        for key, value in state[part].items() if isinstance(state.get(part), dict) else ():
            if part != "_buffers" or key not in fleeting:
                yield key, value


def _fleeting(state: Mapping[str, object]) -> frozenset[object]:
    """The names of buffers that a module does not save."""
    names = state.get("_non_persistent_buffers_set")
    return frozenset(name for name in names if is_key(name)) if isinstance(names, list) else frozenset()


def _beside(module: Inert) -> Iterator[tuple[object, object]]:
    """The other attributes of a module, buffers that it does not save among them."""
    yield from _contents(module)
    state = module.state if isinstance(module.state, dict) else {}
    for key, value in state.items():
        if key not in ("_parameters", "_buffers", "_modules"):
            yield key, value
    buffers = state.get("_buffers")
    if isinstance(buffers, dict):
        fleeting = _fleeting(state)
        yield from ((key, value) for key, value in buffers.items() if key in fleeting)
