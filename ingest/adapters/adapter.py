"""Adapters: what their files and their config say, and the names of their tensors.

Known: PEFT's LoRA, DoRA, AdaLoRA and LoHa (lora_A, lora_B, hada_w1_a, ...), and the names of kohya and diffusers
(lora_down, lora_up, alpha). Their factors are kept as the matrices A [rank, in] and B [out, rank]. Of ranks below 4, of
the other kinds (IA3, LoKr, VeRA, OFT, prompts) and of the small parts (magnitudes of DoRA, alpha) statistics and exact
hash are kept: copies of them are found by equal content, and nothing else is told from them, because they start from
the same values in all runs, or share them, so that strangers trained alike are alike.

Sources: the state dicts of Hugging Face PEFT (`peft/tuners/*/layer.py`), kohya-ss sd-scripts `networks/lora.py`.

Limitations: factors of embeddings and heads are kept for exact copies only; modules that an adapter saves whole are
skipped: they hold what the base holds, for strangers too. Of several adapters in one file the first is compared.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..fingerprint.factors import rank_axis
from ..names.naming import ADAPTER, EXACT, NamedTensor, Place, name_tensors
from ..storage.logical import LogicalTensor
from ..storage.skipped import SkippedTensor
from ..text import printable
from .config import AdapterConfig

LEAST_RANK = 4
"""Below it the factors of two strangers that saw the same data agree or not as a whole, by the toss of a few coins."""
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
    r"|ia3_l|vera_\w+|oft_\w+|boft_\w+|dora_scale|trainable_tokens_delta|alpha)(?:\.[\w-]{1,64})*"
)
_PREFIXED = re.compile(
    r"(?:.+\.)?(prompt_embeddings|prompt_encoder\..+|prefix_\w+|adaption_\w+)|base_model\.vera_[AB].*"
)
_KINDS = (("hada_", "LOHA"), ("lokr_", "LOKR"), ("ia3_", "IA3"), ("vera_", "VERA"), ("boft_", "BOFT"), ("oft_", "OFT"))
_OUTSIDE = frozenset({"embed", "head", "norm", "bias"})
"""Roles of modules whose factors are not compared."""
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
class Adapter:
    """An adapter: what it declares, the modules that it changes, and its tensors under the component `adapter`.

    `exact` are those of `named` that only exact copies share, each with the reason; `skipped` are not read.
    """

    kind: str
    config: AdapterConfig
    targets: tuple[AdapterTarget, ...]
    named: tuple[NamedTensor, ...]
    exact: tuple[SkippedTensor, ...] = ()
    skipped: tuple[SkippedTensor, ...] = ()

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
    kept = [(t, m, p) for t, (m, p) in zip(tensors, parts, strict=True) if p]
    named = _told_apart([_named(t, m, p, places) for t, m, p in kept])
    targets = [_target(module, factors, places) for module, factors in sorted(_grouped(tensors, parts).items())]
    kind = (config.kind if config else None) or _kind(tensors)
    exact = [_said(n.tensor, _why(n, m, p, places)) for n, (_, m, p) in zip(named, kept, strict=True) if _is_exact(n)]
    whole = [_said(t, SAVED_WHOLE) for t, (_, p) in zip(tensors, parts, strict=True) if not p]
    return Adapter(kind, config or AdapterConfig(), tuple(targets), tuple(named), tuple(exact), tuple(whole))


SAVED_WHOLE = "a module that is saved whole beside the adapter: it holds what the base holds"


def _said(tensor: LogicalTensor, reason: str) -> SkippedTensor:
    return SkippedTensor(printable(tensor.name), tensor.parameters, reason)


def _is_exact(item: NamedTensor) -> bool:
    return item.place.slot == EXACT


def _why(item: NamedTensor, module: str, part: str, places: Mapping[str, Place]) -> str:
    """Why a tensor is kept for exact copies only."""
    base = places.get(module)
    if part not in set(_FACTORS.values()) or base is None or len(item.tensor.shape) < 2:
        return f"{part} is no factor A or B: strangers may share it, and no null is known for it"
    if (rank := item.tensor.matrix[rank_axis(part)]) < LEAST_RANK:
        return f"of rank {rank}: below {LEAST_RANK} nothing tells strangers apart"
    if base.layer is None or base.role in _OUTSIDE:
        return "a factor of an embedding, a head or another module outside the layers"
    return "another tensor of the file has its place: a second adapter, or a second module of one role"


def _kind(tensors: Sequence[LogicalTensor]) -> str:
    return next((kind for mark, kind in _KINDS if any(mark in t.name for t in tensors)), "LORA")


def _split(name: str) -> tuple[str, str]:
    """The adapted module and the part of it that a tensor is: `A`, `B`, ... or a name; part `` for what is no part."""
    found = _FACTOR.fullmatch(name)
    if found:
        return _module(found["module"]), _FACTORS[found["factor"]]
    if found := _PART.fullmatch(name):
        return _module(found["module"]), found["part"]
    return ("", "this part") if _PREFIXED.fullmatch(name) else (_module(name), "")


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
    """The factors of known roles, in layers, keep the role; all else is kept for exact copies."""
    base = places.get(module)
    if base is None:
        return NamedTensor(tensor, Place(ADAPTER, None, None, "other", EXACT), tensor.parameters)
    prefix = "" if base.component == "language" else f"{base.component}."
    slot = ".".join(s for s in (prefix.rstrip("."), base.slot, part) if s)
    role = base.role if base.role not in _OUTSIDE else "other"
    factor = part in set(_FACTORS.values()) and len(tensor.shape) > 1 and base.layer is not None
    rank = tensor.matrix[rank_axis(part)] if factor else 0
    if not factor or rank < LEAST_RANK or (role == "other" and base.role != "other"):
        role, slot = "other", EXACT
    return NamedTensor(tensor, Place(ADAPTER, base.layer, base.expert, role, slot), tensor.parameters)


def _told_apart(named: Sequence[NamedTensor]) -> list[NamedTensor]:
    """Of factors of one place (several adapters in a file, two modules of one role) the first is compared."""
    seen: set[tuple[object, ...]] = set()
    told = []
    for item in named:
        place = item.place
        key = (place.layer, place.expert, place.role, place.slot)
        if place.slot != EXACT and place.role != "other" and key in seen:
            item = replace(item, place=replace(place, role="other", slot=EXACT))
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
