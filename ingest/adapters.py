"""Adapters: what their files and their config say, and the names of their tensors.

Known: PEFT's LoRA, DoRA, AdaLoRA and LoHa (lora_A, lora_B, hada_w1_a, ...), and the names of kohya and diffusers
(lora_down, lora_up, alpha). Their factors are kept as the matrices A [rank, in] and B [out, rank]. Of the other kinds
(IA3, LoKr, VeRA, OFT, ...) the names, shapes and the declared base are kept: they start from the same values in all
runs, or share them, so that strangers trained alike are alike, and nothing could be told from them.

Sources: the state dicts of Hugging Face PEFT (`peft/tuners/*/layer.py`), kohya-ss sd-scripts `networks/lora.py`.

Limitations: the alpha of kohya's files is not read (a value a module); factors of embeddings and heads, and modules
that an adapter saves whole, are named and not read: they hold what the base holds, for strangers too.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .errors import FormatError
from .naming import NamedTensor, Place, name_tensors
from .sources.source import Source, read_small
from .storage import LogicalTensor
from .text import printable

ADAPTER = "adapter"
"""The component of every tensor of an adapter: candidates are looked for inside a component."""
CONFIG_FILE = "adapter_config.json"
CONFIG_LIMIT = 1 << 20
UNREAD = "unread"
"""Slot of tensors that are named and never read."""
LEAST_RANK = 4
"""Below it the factors of two strangers that saw the same data agree or not as a whole, by the toss of a few coins."""
_LARGEST_NUMBER = 1 << 31
_WRAPPER = re.compile(r"^(base_model\.model\.|base_model\.)")
_FACTOR = re.compile(
    r"(?P<module>.+?)(?:[._])(?P<factor>lora_A|lora_B|lora_down|lora_up|lora\.down|lora\.up|hada_w1_a|hada_w1_b"
    r"|hada_w2_a|hada_w2_b)(?:\.[\w-]{1,64})?(?:\.weight)?"
)
_FACTORS = {
    "lora_A": "A", "lora_down": "A", "lora.down": "A", "lora_B": "B", "lora_up": "B", "lora.up": "B",
    "hada_w1_b": "A1", "hada_w2_b": "A2", "hada_w1_a": "B1", "hada_w2_a": "B2",
}  # fmt: skip
_PART = re.compile(
    r"(?P<module>.+?)\.(?P<part>lora_magnitude_vector|lora_embedding_[AB]|lora_E|ranknum|lokr_\w+|hada_t[12]"
    r"|ia3_l|vera_\w+|oft_\w+|boft_\w+|dora_scale|alpha)(?:\.[\w-]{1,64})*"
)
_PREFIXED = re.compile(
    r"(?:.+\.)?(prompt_embeddings|prompt_encoder\..+|prefix_\w+|adaption_\w+)|base_model\.vera_[AB].*"
)
_KINDS = (("hada_", "LOHA"), ("lokr_", "LOKR"), ("ia3_", "IA3"), ("vera_", "VERA"), ("boft_", "BOFT"), ("oft_", "OFT"))
_FLAT = re.compile(r"lora_(unet|te\d?|transformer|prior)_(.+)")
_FLAT_FOLDERS = {"unet": "unet/", "transformer": "transformer/", "prior": "prior/"}
_FLAT_NUMBER = re.compile(r"_(\d+)(?=_|$)_?")
_FLAT_INSIDE = re.compile(r"((?:^|(?<=\.))(?:self_attn|attn\d?|mlp|ff|img_attn|txt_attn|img_mlp|txt_mlp))_")


@dataclass(frozen=True, slots=True)
class AdapterTarget:
    """A module of the base that an adapter changes; `place` is that of its weight in the base.

    Widths and rank are None where the shapes do not tell.
    """

    module: str
    place: Place
    outputs: int | None
    inputs: int | None
    rank: int | None


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


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter: what it declares, the modules that it changes, and its tensors under the component `adapter`."""

    kind: str
    config: AdapterConfig
    targets: tuple[AdapterTarget, ...]
    named: tuple[NamedTensor, ...]

    @property
    def rank(self) -> int | None:
        """The largest rank of its factors."""
        return max((t.rank for t in self.targets if t.rank is not None), default=None)

    @property
    def dora(self) -> bool:
        """Whether it holds magnitudes, or declares that it does."""
        return self.config.dora or any("lora_magnitude_vector" in n.tensor.name for n in self.named)

    @property
    def layers(self) -> int:
        """The highest adapted layer and one."""
        return max((t.place.layer + 1 for t in self.targets if t.place.layer is not None), default=0)

    @property
    def every_layer(self) -> bool:
        """Whether the layers are adapted without a gap, and the config singles none out."""
        found = {(t.place.component, t.place.layer) for t in self.targets if t.place.layer is not None}
        deepest: dict[str, int] = defaultdict(int)
        for component, layer in found:
            deepest[component] = max(deepest[component], (layer or 0) + 1)
        return bool(found) and len(found) == sum(deepest.values()) and not self.config.singled_out

    @property
    def modules(self) -> tuple[str, ...]:
        """Last parts of the names of the adapted modules, as PEFT's target_modules."""
        return tuple(sorted({t.module.rpartition(".")[2] for t in self.targets}))


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


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < _LARGEST_NUMBER else None


def _text(found: Mapping[str, object], key: str, limit: int) -> str | None:
    value = found.get(key)
    return printable(value.strip(), limit) or None if isinstance(value, str) else None


def find_adapter(tensors: Sequence[LogicalTensor], config: AdapterConfig | None) -> Adapter | None:
    """The adapter that the tensors are, None when they are a model.

    Names decide. Where the weight of an adapted module stands beside its factors, the tensors are a whole model.
    """
    parts = [_split(t.name) for t in tensors]
    modules = {module for module, part in parts if part and module}
    if not any(part for _, part in parts):
        return None
    plain = {_module(t.name).removesuffix(".weight").removesuffix(".base_layer") for t in tensors}
    if modules & plain:
        return None
    places = _places(tensors, parts)
    named = [_named(t, m, p, places) for t, (m, p) in zip(tensors, parts, strict=True)]
    targets = [_target(module, factors, places) for module, factors in sorted(_grouped(tensors, parts).items())]
    kind = (config.kind if config else None) or _kind(tensors)
    return Adapter(kind, config or AdapterConfig(), tuple(targets), tuple(_told_apart(named)))


def _kind(tensors: Sequence[LogicalTensor]) -> str:
    return next((kind for mark, kind in _KINDS if any(mark in t.name for t in tensors)), "LORA")


def _split(name: str) -> tuple[str, str]:
    """The adapted module and the part of it that a tensor is: `A`, `B`, ... or a name; part `` for what is no part."""
    found = _FACTOR.fullmatch(name)
    if found:
        return _module(found["module"]), _FACTORS[found["factor"]]
    if found := _PART.fullmatch(name):
        return _module(found["module"]), found["part"]
    return ("", "prompt") if _PREFIXED.fullmatch(name) else (_module(name), "")


def _module(name: str) -> str:
    """The name of a module in the base: without PEFT's wrapper, kohya's underscores as dots."""
    flat = _FLAT.fullmatch(name)
    if flat is None:
        return _WRAPPER.sub("", name)
    dotted = _FLAT_INSIDE.sub(r"\1.", _FLAT_NUMBER.sub(r".\1.", flat[2]).rstrip("."))
    return _FLAT_FOLDERS.get(flat[1], f"text_encoder{flat[1].removeprefix('te')}/") + dotted


def _places(tensors: Sequence[LogicalTensor], parts: Sequence[tuple[str, str]]) -> dict[str, Place]:
    """Module -> the place of its weight in the base, as the base's own tensor of that name would have it."""
    stand_ins = {
        m: replace(t, name=f"{m}.weight", shape=(2, 2)) for t, (m, p) in zip(tensors, parts, strict=True) if p and m
    }
    return dict(zip(stand_ins, (n.place for n in name_tensors(stand_ins.values(), {})), strict=True))


def _named(tensor: LogicalTensor, module: str, part: str, places: Mapping[str, Place]) -> NamedTensor:
    """The factors of known roles, in layers, keep the role; all else is named and not read."""
    base = places.get(module) if part else None
    if base is None:
        return NamedTensor(tensor, Place(ADAPTER, None, None, "other", UNREAD), tensor.parameters)
    prefix = "" if base.component == "language" else f"{base.component}."
    slot = ".".join(s for s in (prefix.rstrip("."), base.slot, part) if s)
    role = base.role if base.role not in {"embed", "head", "norm", "bias"} else "other"
    factor = part in set(_FACTORS.values()) and len(tensor.shape) > 1 and base.layer is not None
    rank = tensor.matrix[rank_axis(part)] if factor else 0
    if not factor or rank < LEAST_RANK or (role == "other" and base.role != "other"):
        role, slot = "other", UNREAD
    return NamedTensor(tensor, Place(ADAPTER, base.layer, base.expert, role, slot), tensor.parameters)


def rank_axis(slot: str) -> int:
    """The axis of the rank of a factor: 0 for A [rank, in], 1 for B [out, rank]."""
    return int(slot.rpartition(".")[2].startswith("B"))


def _told_apart(named: Sequence[NamedTensor]) -> list[NamedTensor]:
    """Of factors of one place (several adapters in a file, two modules of one role) all but the first unread."""
    seen: set[tuple[object, ...]] = set()
    told = []
    for item in named:
        place = item.place
        key = (place.layer, place.expert, place.role, place.slot)
        if place.slot != UNREAD and place.role != "other" and key in seen:
            item = replace(item, place=replace(place, role="other", slot=UNREAD))
        seen.add(key)
        told.append(item)
    return told


def _grouped(tensors: Sequence[LogicalTensor], parts: Sequence[tuple[str, str]]) -> dict[str, dict[str, LogicalTensor]]:
    found: dict[str, dict[str, LogicalTensor]] = defaultdict(dict)
    for tensor, (module, part) in zip(tensors, parts, strict=True):
        if module and part:
            found[module].setdefault(part, tensor)
    return found


def _target(module: str, factors: Mapping[str, LogicalTensor], places: Mapping[str, Place]) -> AdapterTarget:
    down = next((factors[p] for p in ("A", "A1", "A2") if p in factors), None)
    up = next((factors[p] for p in ("B", "B1", "B2") if p in factors), None)
    wide = len(down.shape) > 1 if down else False
    inputs, rank = (down.matrix[1], down.matrix[0]) if down and wide else (None, None)
    outputs = up.matrix[0] if up and len(up.shape) > 1 else None
    return AdapterTarget(printable(module), places[module], outputs, inputs, rank)
