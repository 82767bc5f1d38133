"""What adapter_config.json, of PEFT or of mlx-lm, says of an adapter, and which other adapters a source holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..errors import FormatError
from ..sources.source import Source, read_small
from ..storage.skipped import SkippedTensor
from ..text import printable

CONFIG_FILE = "adapter_config.json"
CONFIG_LIMIT = 1 << 20
_LARGEST_NUMBER = 1 << 31


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """What adapter_config.json declares, as far as it is of the type that it should be."""

    kind: str | None = None
    base: str | None = None
    base_revision: str | None = None
    alpha: float | None = None
    task: str | None = None
    dora: bool = False
    rslora: bool = False
    singled_out: bool = False


def read_adapter_config(source: Source) -> AdapterConfig | None:
    """adapter_config.json, None when there is none.

    A value of another type than it should have counts as not said; target_modules, which may be a regular expression,
    is never used. FormatError when the file is too large or no JSON object.
    """
    text = read_small(source, CONFIG_FILE, CONFIG_LIMIT)
    if text is None:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{source.uri}: {CONFIG_FILE} is not valid JSON") from error
    if not isinstance(found, dict):
        raise FormatError(f"{source.uri}: {CONFIG_FILE} is not a JSON object")
    if "fine_tune_type" in found and "peft_type" not in found:
        return _of_mlx(found)
    alpha = found.get("lora_alpha", found.get("alpha"))
    return AdapterConfig(
        kind=_text(found, "peft_type", 40),
        base=_text(found, "base_model_name_or_path", 512),
        base_revision=_text(found, "revision", 200),
        alpha=_number(alpha),
        task=_text(found, "task_type", 40),
        dora=found.get("use_dora") is True,
        rslora=found.get("use_rslora") is True,
        singled_out=found.get("layers_to_transform") is not None,
    )


def _of_mlx(found: Mapping[str, object]) -> AdapterConfig:
    """The config of mlx-lm, which keeps the arguments of the training: `scale` is alpha over the rank."""
    inner = found.get("lora_parameters")
    parameters = inner if isinstance(inner, Mapping) else {}
    rank, scale = _number(parameters.get("rank")), _number(parameters.get("scale"))
    kind = _text(found, "fine_tune_type", 40)
    return AdapterConfig(
        kind="LORA" if kind == "dora" else kind.upper() if kind else None,
        base=_text(found, "model", 512),
        alpha=_number(rank * scale) if rank is not None and scale is not None else None,
        dora=kind == "dora",
    )


def other_adapters(source: Source, folder: str) -> Iterator[SkippedTensor]:
    """The adapters of other folders than the one that is read: PEFT saves a second one beside the first like this."""
    for path in sorted(source.files):
        at, _, name = path.rpartition("/")
        if name == CONFIG_FILE and at != folder:
            where = f"name its folder {printable(at)!r} to read it" if at else "name its file to read it"
            yield SkippedTensor(printable(path), 0, f"another adapter: {where}")


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < _LARGEST_NUMBER else None


def _text(found: Mapping[str, object], key: str, limit: int) -> str | None:
    value = found.get(key)
    return printable(value.strip(), limit) or None if isinstance(value, str) else None
