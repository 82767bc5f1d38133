"""What the globals of a torch pickle stand for: records and plain containers. Nothing here imports or runs anything.

Source: torch/_utils.py for what rebuilds a tensor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NAME_LIMIT = 1024
"""Characters of a key; the longest published names are below 200."""


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


def is_key(key: object) -> bool:
    """Whether a dictionary keeps a key: a short name or a number, whose hash is cheap."""
    return (isinstance(key, str) and len(key) <= NAME_LIMIT) or isinstance(key, int)


def is_torch_type(name: Global) -> bool:
    """A dtype or the class of a storage, in `torch`, `torch.storage` or `torch.cuda`: names without arguments."""
    if name.module not in {"torch", "torch.storage", "torch.cuda"}:
        return False
    return name.name.endswith("Storage") or name.name in _DTYPE_NAMES


_DTYPE_NAMES = frozenset(
    [
        "float32",
        "float16",
        "bfloat16",
        "float64",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "bool",
        "complex64",
        "complex128",
        "half",
        "float",
        "double",
        "long",
        "int",
        "short",
        "float8_e4m3fn",
        "float8_e5m2",
        "float8_e4m3fnuz",
        "float8_e5m2fnuz",
        "float8_e8m0fnu",
    ]
)


def _tensor(storage: Any, offset: Any, sizes: Any, strides: Any, *rest: Any) -> TensorRecord:
    counts = (offset, *sizes, *strides)
    if not isinstance(storage, PersistentId) or len(sizes) != len(strides) or len(sizes) > 64:
        raise ValueError("a tensor of no storage")
    if not all(type(n) is int and 0 <= n < 1 << 62 for n in counts):
        raise ValueError("sizes that are no counts")
    return TensorRecord(storage, offset, tuple(sizes), tuple(strides))


def _tensor_of_dtype(storage: Any, offset: Any, sizes: Any, strides: Any, *rest: Any) -> TensorRecord:
    made = _tensor(storage, offset, sizes, strides)
    dtype = rest[2]
    if not isinstance(dtype, Global):
        raise ValueError("a dtype that is none")
    return TensorRecord(made.storage, made.offset, made.sizes, made.strides, dtype)


def _ordered(*arguments: Any) -> dict[Any, Any]:
    if not arguments:
        return {}
    return {k: v for k, v in arguments[0] if is_key(k)}


def _same(value: Any, *rest: Any) -> Any:
    return value


CALLS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _ordered,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_of_dtype,
    "torch._utils._rebuild_parameter": _same,
    "torch._utils._rebuild_parameter_with_state": _same,
    "torch.Size": _same,
    "torch.device": lambda *arguments: None,
    "torch.serialization._get_layout": lambda *arguments: None,
}
"""Global -> the record that a call of it stands for."""
