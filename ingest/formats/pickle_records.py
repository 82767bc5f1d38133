"""What the globals of a torch pickle stand for: records and plain containers. Nothing here imports or runs anything.

A global that is not known stands for itself, and what a pickle makes by calling it is an inert record of the class and
its contents: never an object, so that a checkpoint which holds the arguments of its trainer still gives its tensors.

Source: torch/_utils.py for what rebuilds a tensor.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

NAME_LIMIT = 1024
"""Characters of a key; the longest published names are below 200."""

MOST_VALUES = 1 << 40
"""Values of one tensor that is not read; the largest published ones have below 2^34."""


@dataclass(frozen=True, slots=True)
class Global:
    """A name that the pickle wants imported; it is not."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class PersistentId:
    """What stands outside the pickle: for torch ("storage", its type, its key, device, number of elements)."""

    value: object


@dataclass(frozen=True, slots=True)
class TensorRecord:
    """A tensor as a view of a storage: sizes and strides in elements. `dtype` where the storage has none."""

    storage: PersistentId
    offset: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: Global | None = None


@dataclass(frozen=True, slots=True)
class OpaqueTensor:
    """A tensor whose values are not read, with the reason: quantised, sparse, without values."""

    sizes: tuple[int, ...]
    reason: str


@dataclass(slots=True, eq=False)
class Inert:
    """An object of a class that is not known: what the pickle gave it, as data. It is never made, called or compared.

    `arguments` stand in its making, `state` was set on it, `items` and `elements` were put into it as into a dictionary
    or a list.
    """

    kind: object
    arguments: object = ()
    state: object = None
    items: dict[Any, Any] = field(default_factory=dict)
    elements: list[Any] = field(default_factory=list)

    def __str__(self) -> str:
        return str(self.kind) if isinstance(self.kind, Global) else "an object"


RUNS_CODE = re.compile(
    r"(?:os|posix|nt)\.(?:system|popen|exec\w+|spawn\w+|startfile|fork\w*|kill|remove|unlink|rmdir|rename|putenv)"
    r"|(?:builtins|__builtin__)\.(?:eval|exec|execfile|compile|open|__import__|breakpoint)"
    r"|(?:subprocess|runpy|pty|socket|shutil|ctypes|webbrowser|importlib|code|commands|pip)(?:\.\w+)*"
)
"""Globals that no weights need and that would do harm where a pickle that calls them is loaded."""


def is_key(key: object) -> bool:
    """Whether a dictionary keeps a key: a short name or a number, whose hash is cheap."""
    return (isinstance(key, str) and len(key) <= NAME_LIMIT) or isinstance(key, int)


def _tensor(storage: Any, offset: Any, sizes: Any, strides: Any, *rest: Any) -> TensorRecord:
    if not isinstance(storage, PersistentId) or len(sizes) != len(strides):
        raise ValueError("a tensor of no storage")
    return TensorRecord(storage, _counts((offset,))[0], _counts(sizes), _counts(strides))


def _tensor_of_dtype(storage: Any, offset: Any, sizes: Any, strides: Any, *rest: Any) -> TensorRecord:
    made = _tensor(storage, offset, sizes, strides)
    dtype = rest[2]
    if not isinstance(dtype, Global):
        raise ValueError("a dtype that is none")
    return TensorRecord(made.storage, made.offset, made.sizes, made.strides, dtype)


def _counts(numbers: Sequence[Any]) -> tuple[int, ...]:
    if len(numbers) > 64 or not all(type(n) is int and 0 <= n < 1 << 62 for n in numbers):
        raise ValueError("sizes that are no counts")
    return tuple(numbers)


def are_sizes(numbers: Sequence[Any]) -> bool:
    """Whether numbers can be the sizes of a tensor that has no storage to check them against."""
    plain = len(numbers) <= 64 and all(type(n) is int and 0 <= n <= MOST_VALUES for n in numbers)
    return plain and math.prod(numbers) <= MOST_VALUES


def _opaque(place: int, reason: str) -> Callable[..., OpaqueTensor]:
    """The record of a tensor whose sizes are argument number `place`."""

    def made(*arguments: Any) -> OpaqueTensor:
        if not are_sizes(arguments[place]):
            raise ValueError("sizes that are no counts")
        return OpaqueTensor(tuple(arguments[place]), reason)

    return made


def _sparse(layout: Any, data: Any, *rest: Any) -> OpaqueTensor:
    return _opaque(0, "a sparse tensor is not read")(next((part for part in data if isinstance(part, tuple)), ()))


def _of_type(function: Any, kind: Any, arguments: Any, *rest: Any) -> Any:
    """A subclass of Tensor: the tensor, where it is made as one."""
    name = str(function) if isinstance(function, Global) else ""
    if name.startswith("torch._utils._rebuild") and name in CALLS and isinstance(arguments, tuple):
        return CALLS[name](*arguments)
    return Inert(kind, arguments)


def _ordered(*arguments: Any) -> dict[Any, Any]:
    if not arguments:
        return {}
    pairs = arguments[0].items() if isinstance(arguments[0], dict) else arguments[0]
    return {k if is_key(k) else f"entry_{n}": v for n, (k, v) in enumerate(pairs)}


def _same(value: Any, *rest: Any) -> Any:
    return value


def _set(*arguments: Any) -> list[Any]:
    """The values of a set, which are not hashed."""
    return arguments[0] if arguments and isinstance(arguments[0], list) else []


def _parameter(*arguments: Any) -> Any:
    """A Parameter or Variable of torch before 0.4; its tensor may come with its state."""
    made = arguments[0] if arguments else None
    return made if isinstance(made, TensorRecord | OpaqueTensor) else Inert(PARAMETER, arguments)


PARAMETER = Global("torch.nn.parameter", "Parameter")

CALLS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _ordered,
    "collections.defaultdict": lambda *arguments: {},
    "builtins.set": _set,
    "__builtin__.set": _set,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_of_dtype,
    "torch._utils._rebuild_qtensor": _opaque(2, "values of torch's own quantisation are not decoded"),
    "torch._utils._rebuild_sparse_tensor": _sparse,
    "torch._utils._rebuild_meta_tensor_no_storage": _opaque(1, "a tensor without values (meta)"),
    "torch._utils._rebuild_wrapper_subclass": _opaque(2, "values of a tensor class of another package are not decoded"),
    "torch._utils._rebuild_parameter": _same,
    "torch._utils._rebuild_parameter_with_state": _same,
    "torch._tensor._rebuild_from_type_v2": _of_type,
    "torch._tensor._rebuild_from_type": _of_type,
    "torch.nn.parameter.Parameter": _parameter,
    "torch.autograd.variable.Variable": _parameter,
    "torch.jit._pickle.build_intlist": _same,
    "torch.jit._pickle.build_doublelist": _same,
    "torch.jit._pickle.build_boollist": _same,
    "torch.jit._pickle.build_tensorlist": _same,
    "torch.jit._pickle.restore_type_tag": _same,
    "torch.Size": _same,
    "torch.device": lambda *arguments: None,
    "torch.serialization._get_layout": lambda *arguments: None,
}
"""Global -> the record that a call of it stands for."""
