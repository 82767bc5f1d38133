"""Adapters: the modules that they change, and which of their tensors can be compared.

Their factors are kept as the matrices A [rank, in] and B [out, rank], under the names of parts.py and modules.py, so
that an adapter is the same in every spelling. Of ranks below 4, of the other kinds and of the small parts (magnitudes
of DoRA, alpha) statistics and exact hash are kept: copies of them are found by equal content, and nothing else is told
from them. Why not, by kind:

| kind              | why unrelated trainings are alike                                                           |
| IA3               | vectors that all start at 1, moved by the data: nothing random is in them                   |
| VeRA              | A and B are drawn from one seed for all; what is trained starts at constants                |
| OFT, BOFT         | rotations that all start at the identity                                                    |
| ranks 1 to 3      | factors agree or not as a whole, by the toss of as many coins as the rank                   |
| LoKr without rank | full blocks: one starts at zero, the data move it; of decomposed blocks the factors count   |
| prompts           | start from words, or from draws that one seed repeats                                       |

Modules that an adapter saves whole are tensors of the base's shape: they are named and compared as those of a model.

Limitations: factors of embeddings and heads are kept for exact copies only. Of several adapters in one file the first
is compared. One factor A that several modules share (q, k and v of one matrix) counts once (see model.py).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..fingerprint.factors import rank_axis
from ..names.naming import ADAPTER, EXACT, NamedTensor, Place, name_tensors
from ..storage.logical import LogicalTensor
from ..storage.skipped import SkippedTensor
from ..storage.views import RowsOf, groups, transposed
from ..text import printable
from .config import AdapterConfig
from .modules import base_modules, fused_rows
from .parts import FACTORS, UNORDERED, Part, find_part, may_decide

LEAST_RANK = 4
"""Below it two unrelated factors that saw the same data agree or not as a whole, by the toss of a few coins."""
_MAGNITUDES = ("lora_magnitude_vector", "dora_scale")
"""Marks of DoRA; MLX calls its magnitudes `m` and says it in its config."""
_KINDS = (("hada_", "LOHA"), ("lokr_", "LOKR"), ("ia3_", "IA3"), ("vera_", "VERA"), ("boft_", "BOFT"), ("oft_", "OFT"))
_NO_NULL = (
    ("ia3_", "IA3 starts at 1 everywhere"),
    ("vera_", "VeRA trains vectors that start at constants"),
    ("boft_", "BOFT starts at the identity"),
    ("oft_", "OFT starts at the identity"),
    ("lokr_", "a full block of LoKr"),
)
_LORA = frozenset({"A", "B"})
_OUTSIDE = frozenset({"embed", "head", "norm", "bias"})
"""Roles of modules whose factors are not compared."""


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
        return self.config.dora or any(mark in n.tensor.name for n in self.named for mark in _MAGNITUDES)

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


@dataclass(frozen=True, slots=True)
class _Piece:
    """One tensor of an adapter: its module in the base, its part (see parts.py), and whether it is a decisive one."""

    tensor: LogicalTensor
    module: str
    part: str


def find_adapter(tensors: Sequence[LogicalTensor], config: AdapterConfig | None) -> Adapter | None:
    """The adapter that the tensors are, None when they are a model.

    Names decide. Where the weight of an adapted module stands beside its factors, the tensors are a whole model.
    """
    if not any(may_decide(tensor.name) for tensor in tensors):
        return None
    parts = [(tensor, find_part(tensor.name)) for tensor in tensors]
    if not any(part and part.decisive for _, part in parts):
        return None
    lone = _lone([(tensor, part) for tensor, part in parts if part])
    parts = [(tensor, part) for tensor, part in parts if tensor.name not in lone]
    inputs = {base_modules(p.module): _factor(t, p).matrix[1] for t, p in parts if p and p.part == "A" and p.module}
    pieces = [piece for tensor, part in parts if part for piece in _pieces(tensor, part, inputs)]
    plain = {base for tensor, part in parts if part is None for base in base_modules(_stem(tensor.name))}
    if plain & {_stem(piece.module) for piece in pieces if piece.module}:
        return None
    places = _places(pieces)
    named = _plainly_called(_told_apart([_named(piece, places) for piece in pieces]), pieces)
    targets = [_target(module, factors, places) for module, factors in sorted(_grouped(pieces).items())]
    kind = (config.kind if config else None) or _kind(tensors)
    exact = [
        _said(piece.tensor, _why(piece, n, places)) for n, piece in zip(named, pieces, strict=True) if _is_exact(n)
    ]
    saved = name_tensors(_saved(tensor for tensor, part in parts if part is None), {})
    left = tuple(
        _said(tensor, f"a factor {part} without the other one of its module") for tensor, part in lone.values()
    )
    return Adapter(kind, config or AdapterConfig(), tuple(targets), (*named, *saved), tuple(exact), left)


def _lone(parts: Iterable[tuple[LogicalTensor, Part]]) -> dict[str, tuple[LogicalTensor, str]]:
    """Factors of LoRA, by name, whose module has only one of the two in the file: half of an adapter, or a cut one."""
    factors: dict[str, dict[str, LogicalTensor]] = defaultdict(dict)
    for tensor, part in parts:
        if part.part in {"A", "B", UNORDERED}:
            factors[part.module].setdefault(part.part, tensor)
    return {one.name: (one, kind) for pair in factors.values() if len(pair) == 1 for kind, one in pair.items()}


_PARAMETRIZED = re.compile(r"\.parametrizations\.weight(?:\.\d+|\.original\d?)?$")
"""What torch puts behind a module whose weight is made of others: of the weight itself, and of a LoRA inside."""


def _stem(name: str) -> str:
    return _PARAMETRIZED.sub("", name).removesuffix(".weight").removesuffix(".base_layer")


def _saved(tensors: Iterable[LogicalTensor]) -> list[LogicalTensor]:
    """Modules that are saved whole, under their names in the base."""
    made = []
    for tensor in tensors:
        stem, dot, kind = tensor.name.rpartition(".")
        modules = base_modules(stem.replace(".modules_to_save.default", "")) if dot else (tensor.name,)
        made.append(replace(tensor, name=f"{modules[0]}.{kind}" if dot and len(modules) == 1 else tensor.name))
    return made if len({t.name for t in made}) == len(made) else list(tensors)


def _said(tensor: LogicalTensor, reason: str) -> SkippedTensor:
    return SkippedTensor(printable(tensor.name), tensor.parameters, reason)


def _factor(tensor: LogicalTensor, part: Part) -> LogicalTensor:
    """The factor as [rank, in] or [out, rank], whichever way it is stored."""
    if not part.turned or len(tensor.shape) != 2:
        return tensor
    view = transposed(tensor.storage, *tensor.shape)
    return replace(tensor, shape=tensor.shape[::-1], storage=view) if view else tensor


def _pieces(tensor: LogicalTensor, part: Part, inputs: Mapping[tuple[str, ...], int]) -> list[_Piece]:
    """The tensor as the part of one module of the base; B of a matrix that holds several, cut into theirs."""
    modules: tuple[str, ...] = base_modules(part.module) if part.module else ("",)
    if part.part == "B" and len(modules) > 1 and len(tensor.shape) == 2:
        rows = fused_rows(modules, tensor.shape[0], inputs.get(modules))
        if rows is not None:
            return [
                _Piece(replace(tensor, name=f"{m}.lora_B.weight", shape=(n, tensor.shape[1]), storage=cut), m, "B")
                for m, n, cut in zip(modules, rows, (RowsOf(tensor.storage, g) for g in groups(rows, 1)), strict=True)
            ]
    first = next(iter(modules))
    if part.turned and len(tensor.shape) != 2:
        return [_Piece(tensor, first, f"{part.part} of {len(tensor.shape)} axes, a stack of experts or a vector,")]
    return [_Piece(_factor(tensor, part), first, part.part)]


def _is_exact(item: NamedTensor) -> bool:
    return item.place.slot == EXACT


def _why(piece: _Piece, item: NamedTensor, places: Mapping[str, Place]) -> str:
    """Why a tensor is kept for exact copies only."""
    base, part = places.get(piece.module), piece.part
    if part == UNORDERED:
        return "rows of q or k in the order of GGUF or torchtune, and the file does not say how many heads there are"
    if part not in FACTORS or base is None or len(item.tensor.shape) < 2:
        known = next((f": {why}" for mark, why in _NO_NULL if part.startswith(mark)), "")
        return f"{part} is no factor A or B: unrelated ones may share it, and no null is known for it{known}"
    if (rank := item.tensor.matrix[rank_axis(part)]) < LEAST_RANK:
        return f"of rank {rank}: below {LEAST_RANK} nothing tells unrelated ones apart"
    if base.layer is None or base.role in _OUTSIDE:
        return "a factor of an embedding, a head or another module outside the layers"
    return "another tensor of the file has its place: a second adapter, or a second module of one role"


def _kind(tensors: Sequence[LogicalTensor]) -> str:
    return next((kind for mark, kind in _KINDS if any(mark in t.name for t in tensors)), "LORA")


def _places(pieces: Sequence[_Piece]) -> dict[str, Place]:
    """Module -> the place of its weight in the base, as the base's own tensor of that name would have it."""
    stand_ins = {p.module: replace(p.tensor, name=f"{p.module}.weight", shape=(2, 2)) for p in pieces if p.module}
    return dict(zip(stand_ins, (n.place for n in name_tensors(stand_ins.values(), {})), strict=True))


def _named(piece: _Piece, places: Mapping[str, Place]) -> NamedTensor:
    """The factors of known roles, in layers, keep the role; all else is kept for exact copies."""
    tensor, part, base = piece.tensor, piece.part, places.get(piece.module)
    if base is None:
        return NamedTensor(tensor, Place(ADAPTER, None, None, "other", EXACT), tensor.parameters)
    slot = ".".join(s for s in (_network(piece.module, base), base.slot, part) if s)
    role = base.role if base.role not in _OUTSIDE else "other"
    factor = part in FACTORS and len(tensor.shape) > 1 and base.layer is not None
    rank = tensor.matrix[rank_axis(part)] if factor else 0
    if not factor or rank < LEAST_RANK or (role == "other" and base.role != "other"):
        role, slot = "other", EXACT
    return NamedTensor(tensor, Place(ADAPTER, base.layer, base.expert, role, slot), tensor.parameters)


def _network(module: str, base: Place) -> str:
    """What keeps apart the networks of one file: the component, the folder of a second network of one kind."""
    folder = module.partition("/")[0] if "/" in module else ""
    if folder[-2:-1] == "_" and folder[-1:].isdigit():
        return folder
    return "" if base.component == "language" else base.component


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


def _plainly_called(named: Sequence[NamedTensor], pieces: Sequence[_Piece]) -> list[NamedTensor]:
    """All but factors of LoRA that are compared, under module and part as every spelling has them: copies are told so.

    Without the network before it where nothing else of the file is called so; as it was where two have one part.
    """
    for network in (False, True):
        names = [
            f"{piece.module if network else piece.module.rpartition('/')[2]}.{piece.part}"
            if piece.module and (_is_exact(item) or piece.part not in _LORA)
            else item.tensor.name
            for item, piece in zip(named, pieces, strict=True)
        ]
        if len(set(names)) == len(names):
            return [replace(n, tensor=replace(n.tensor, name=name)) for n, name in zip(named, names, strict=True)]
    return list(named)


def _grouped(pieces: Sequence[_Piece]) -> dict[str, dict[str, LogicalTensor]]:
    found: dict[str, dict[str, LogicalTensor]] = defaultdict(dict)
    for piece in pieces:
        if piece.module:
            found[piece.module].setdefault(piece.part, piece.tensor)
    return found


def _target(module: str, factors: Mapping[str, LogicalTensor], places: Mapping[str, Place]) -> AdapterTarget:
    down = next((factors[p] for p in ("A", "A1", "A2") if p in factors), None)
    up = next((factors[p] for p in ("B", "B1", "B2") if p in factors), None)
    wide = len(down.shape) > 1 if down else False
    inputs, rank = (down.matrix[1], down.matrix[0]) if down and wide else (None, None)
    outputs = up.matrix[0] if up and len(up.shape) > 1 else None
    return AdapterTarget(printable(module), places[module], outputs, inputs, rank)
