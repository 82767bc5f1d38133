"""What a scheme sees of a checkpoint, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ...storage.logical import LogicalTensor, RowMajor, Storage

FLOAT_SCALES = frozenset({"F16", "BF16", "F32"})


@dataclass(frozen=True, slots=True)
class Decoded:
    """The weight that some tensors stand for; `used` are the names of all of them.

    `scattered` is what its codes cost in bytes where leading rows lie all over the file; 0 elsewhere.
    """

    tensor: LogicalTensor
    used: frozenset[str]
    scattered: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """Tensors that are known to be a weight of `parameters` values and cannot be decoded, with the reason."""

    parameters: int
    reason: str
    used: frozenset[str]


@dataclass(frozen=True, slots=True)
class Stored:
    """The tensors of a checkpoint by name, its config, and the bytes of the few small tensors that describe others."""

    by_name: Mapping[str, LogicalTensor]
    config: Mapping[str, object]
    small: Mapping[str, bytes]

    def get(self, name: str, dtypes: Iterable[str], dimensions: int | None = None) -> LogicalTensor | None:
        """The plainly stored tensor of that name, if it has one of `dtypes` and so many dimensions."""
        found = self.by_name.get(name)
        if found is None or found.dtype not in dtypes or not isinstance(found.storage, RowMajor):
            return None
        return found if dimensions is None or len(found.shape) == dimensions else None

    def present(self, names: Iterable[str]) -> frozenset[str]:
        """Those of `names` that are there."""
        return frozenset(name for name in names if name in self.by_name)

    @property
    def quantisation(self) -> Mapping[str, object]:
        """What config.json says of the quantisation: `quantization_config`, or `quantization` of MLX; else nothing."""
        inner = self.config.get("text_config")
        for config in (self.config, inner if isinstance(inner, Mapping) else {}):
            for key in ("quantization_config", "quantization", "compression_config"):
                if isinstance(found := config.get(key), Mapping):
                    return found
        return {}

    def said(self, key: str, default: int = 0) -> int:
        """A count of the quantisation's config, or of what HQQ keeps inside of it; `default` where it is none."""
        found: object = self.quantisation
        for inner in ("quant_config", "weight_quant_params"):
            found = found.get(inner, found) if isinstance(found, Mapping) else found
        found = found.get(key) if isinstance(found, Mapping) else None
        return found if type(found) is int and 0 < found < 1 << 31 else default


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way to pack weights. `leaf` is how the name of the tensor of codes ends; `read` answers None for others'."""

    name: str
    leaf: str
    read: Callable[[LogicalTensor, Stored], Decoded | Refused | None]


def row_major(tensor: LogicalTensor, dtype: str | None = None, columns: int | None = None) -> RowMajor:
    """The plain storage of a tensor taken as rows of its last dimension (or `columns`), as another type if wanted.

    `dtype` must have the size of the stored one, or be F4 over bytes, where `columns` counts half bytes.
    """
    assert isinstance(tensor.storage, RowMajor)  # Stored.get gives no others
    wide = columns if columns is not None else (tensor.shape[-1] if tensor.shape else 1)
    return RowMajor(tensor.storage.file, tensor.storage.offset, dtype or tensor.dtype, wide)


def weight(stem: str, dtype: str, shape: tuple[int, ...], storage: Storage) -> LogicalTensor:
    """The logical weight of the module `stem`."""
    return LogicalTensor(f"{stem}.weight" if stem else "weight", dtype, shape, storage)
