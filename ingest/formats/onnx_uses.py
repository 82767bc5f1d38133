"""How the nodes of an ONNX graph use its initialisers: by which operator, after which transposes, with which scales.

Source: onnx/docs/Operators.md; onnxruntime docs/ContribOperators.md for those of com.microsoft.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .onnx_graph import Graph, Initializer, Node
from .onnx_values import DTYPES, INTEGERS

PASSED = frozenset({
    "Identity", "Cast", "CastLike", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Expand",
})  # fmt: skip
"""Operators through which a weight stays what it is."""
_RESHAPED = frozenset({"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Expand"})
PRODUCTS = frozenset({
    "MatMul", "FusedMatMul", "MatMulInteger", "DynamicQuantizeMatMul", "QLinearMatMul", "MatMulIntegerToFloat",
})  # fmt: skip
ATTENTIONS = frozenset({"Attention", "QAttention"})
"""Operators of com.microsoft whose weight has q, k and v side by side, [in, 3 x out]; ONNX's own one has no weight."""
_CARRIED = PASSED | {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"}
RECURRENT = frozenset({"LSTM", "GRU", "RNN", "DynamicQuantizeLSTM"})
WITH_SCALES: Mapping[str, tuple[tuple[int, int, int], ...]] = {
    "QLinearMatMul": ((0, 1, 2), (3, 4, 5)), "QLinearConv": ((3, 4, 5),), "QGemm": ((3, 4, 5),),
    "DynamicQuantizeMatMul": ((1, 2, 3),), "MatMulIntegerToFloat": ((1, 3, 5),), "QAttention": ((1, 4, 7),),
    "DynamicQuantizeLSTM": ((1, 8, 9), (2, 10, 11)), "MatMulInteger": ((1, -1, 3),), "ConvInteger": ((1, -1, 3),),
}  # fmt: skip
"""Operator -> (input of codes, of their scale, of their zero point); -1: the scale is multiplied in afterwards."""
_WEIGHT_INPUT = {"QLinearMatMul": 3, "QGemm": 3}
_ACTIVATION_SCALES = {
    "QuantizeLinear": (1, 2), "DequantizeLinear": (1, 2), "QLinearMatMul": (1, 2, 6, 7), "QLinearConv": (1, 2, 6, 7),
    "QGemm": (1, 2, 7, 8), "QAttention": (3, 6), "QLinearAdd": (1, 2, 4, 5, 6, 7), "QLinearMul": (1, 2, 4, 5, 6, 7),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scales:
    """Initialisers of scale and zero point (empty: none), and the axis of the stored codes that has its own ones.

    None as axis: a scale for all, or for each output of a product.
    """

    scale: str
    zero: str = ""
    axis: int | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """How a graph uses an initialiser: the node, which input of it, and what lies between.

    `partner` is another initialiser that belongs to the same module: the weight of a bias, or the bias of a weight.
    """

    node: Node
    place: int
    flipped: bool = False
    reshaped: bool = False
    partner: str = ""

    @property
    def is_turned(self) -> bool:
        """Whether the stored matrix is [in, out]."""
        op = self.node.op
        if op in ATTENTIONS and self.place == 1:
            return not self.flipped and not self.reshaped
        if op not in PRODUCTS | {"Gemm", "QGemm"} or self.reshaped:
            return False
        weight = _WEIGHT_INPUT.get(op, 1)
        key = {weight: "transB", 0: "transA"}.get(self.place)
        straight = self.node.numbers.get(key or "", (0,))[0] == 1
        return key is not None and (straight == self.flipped) == (self.place == weight)


@dataclass(frozen=True, slots=True)
class _Alias:
    """A value of the graph that is an initialiser, transposed or not; or rows of its codes that were `gathered`."""

    source: str
    flipped: bool = False
    reshaped: bool = False
    gathered: bool = False


@dataclass(slots=True)
class Uses:
    """What the nodes say of the initialisers: one use each, the first that tells something; scales of codes.

    `outputs` are the initialisers that what an attention makes is multiplied with, by the identity of its node.
    """

    first: dict[str, Use] = field(default_factory=dict)
    scales: dict[str, Scales] = field(default_factory=dict)
    activations: set[str] = field(default_factory=set)
    partners: dict[str, str] = field(default_factory=dict)
    order: dict[int, int] = field(default_factory=dict)
    outputs: dict[int, str] = field(default_factory=dict)


def find_uses(graph: Graph) -> Uses:
    """The uses of all initialisers; nodes stand in the order of their data, so one pass follows every chain."""
    found = _Tracing({one.name: one for one in graph.initializers})
    for node in graph.nodes:
        found.follow(node)
    return found.uses


class _Tracing:
    def __init__(self, initial: Mapping[str, Initializer]) -> None:
        self._initial = initial
        self._aliases = {name: _Alias(name) for name in initial}
        self._products: dict[str, str] = {}
        self._factors: dict[str, str] = {}
        self._attended: dict[str, int] = {}
        self.uses = Uses()

    def follow(self, node: Node) -> None:
        """One node: what passes through it, and what it says."""
        aliases = [self._aliases.get(name) for name in node.inputs]
        first = aliases[0] if aliases else None
        self._attend(node, aliases)
        if node.op in PASSED:
            self._pass(node, first)
        elif node.op == "DequantizeLinear" and first and self._is_codes(first):
            axis = node.numbers.get("axis", (1,))[0]
            self._scale(first, node.inputs[1] if len(node.inputs) > 1 else "", self._input(node, 2), axis)
            self._aliases[node.output] = first
        elif not self._rescales(node, aliases):
            self._use(node, aliases)

    def _attend(self, node: Node, aliases: list[_Alias | None]) -> None:
        """What comes out of an attention, up to the product that it goes into."""
        made = next((self._attended[name] for name in node.inputs if name in self._attended), None)
        if node.op in ATTENTIONS:
            self._attended[node.output] = id(node)
        elif made is not None and node.op in _CARRIED:
            self._attended[node.output] = made
        elif made is not None and node.op in PRODUCTS | {"Gemm", "QGemm"}:
            weight = next((alias.source for alias in aliases if alias), "")
            self.uses.outputs.setdefault(made, weight)

    def _pass(self, node: Node, alias: _Alias | None) -> None:
        if alias:
            swaps = node.op == "Transpose" and node.numbers.get("perm", (1, 0)) == (1, 0)
            reshaped = alias.reshaped or node.op in _RESHAPED or (node.op == "Transpose" and not swaps)
            self._aliases[node.output] = _Alias(alias.source, alias.flipped != swaps, reshaped, alias.gathered)
        elif node.inputs and node.inputs[0] in self._products:
            self._products[node.output] = self._products[node.inputs[0]]

    def _rescales(self, node: Node, aliases: list[_Alias | None]) -> bool:
        """Whether a node only gives codes their scale or zero point: Cast, Sub and Mul instead of DequantizeLinear."""
        if node.op not in ("Mul", "Sub") or len(aliases) != 2:
            return False
        for codes, place in ((aliases[0], 1), (aliases[1], 0)):
            other = aliases[place]
            if codes and self._is_codes(codes) and other and (node.op == "Mul" or place == 1):
                known = self.uses.scales.get(codes.source, Scales(""))
                axis = self._axis(other.source, codes)
                if node.op == "Sub":
                    self._scale(codes, known.scale, other.source, axis)
                else:
                    self._scale(codes, other.source, known.zero, axis)
                self._aliases[node.output] = codes
                return True
        if node.op != "Mul":
            return False
        left, right = node.inputs
        for product, factor in ((left, right), (right, left)):
            source = self._products.get(product)
            if source and self._is_codes(_Alias(source)):
                scale = factor if factor in self._initial else self._factors.get(factor, "")
                given = self.uses.scales.get(source)
                if scale and given and not given.scale:
                    self.uses.scales[source] = Scales(scale, given.zero)
                    self._products[node.output] = source
                    return True
        return False

    def _use(self, node: Node, aliases: list[_Alias | None]) -> None:
        for codes, scale, zero in WITH_SCALES.get(node.op, ()):
            alias = aliases[codes] if codes < len(aliases) else None
            if alias and self._is_codes(alias):
                self._scale(alias, self._input(node, scale), self._input(node, zero), None)
        for place in _ACTIVATION_SCALES.get(node.op, ()):
            if self._input(node, place) in self._initial:
                self.uses.activations.add(node.inputs[place])
        aliases = [alias if alias and not alias.gathered else None for alias in aliases]
        named = [alias.source for alias in aliases if alias]
        for place, alias in enumerate(aliases):
            if alias:
                partner = next((name for name in named if name != alias.source), "")
                if node.op == "Add":
                    partner = self._products.get(node.inputs[1 - place], "") if len(node.inputs) == 2 else ""
                    if partner:
                        self.uses.partners.setdefault(partner, alias.source)
                use = Use(node, place, alias.flipped, alias.reshaped, partner)
                self.uses.first.setdefault(alias.source, use)
                self._continue(node, place, alias)
        if node.op == "Mul" and len(named) == 1:
            self._factors[node.output] = named[0]
        if named:
            self.uses.order.setdefault(id(node), len(self.uses.order))

    def _continue(self, node: Node, place: int, alias: _Alias) -> None:
        """What comes out of a product with a weight, and rows of codes that are scaled after they are gathered."""
        if node.op in PRODUCTS | {"Gemm", "QGemm", "Conv", "ConvInteger", "ConvTranspose"}:
            self._products.setdefault(node.output, alias.source)
        elif node.op == "Gather" and place == 0 and self._is_codes(alias):
            self._aliases[node.output] = replace(alias, gathered=True)

    def _scale(self, codes: _Alias, scale: str, zero: str, axis: int | None) -> None:
        rank = len(self._initial[codes.source].shape)
        if axis is not None and codes.flipped and rank == 2:
            axis = 1 - axis % 2
        known = self.uses.scales.get(codes.source)
        if known is None or (scale and not known.scale) or (zero and not known.zero):
            source = self._aliases[scale].source if scale in self._aliases else ""
            origin = self._aliases[zero].source if zero in self._aliases else ""
            self.uses.scales[codes.source] = Scales(source, origin, axis)

    def _axis(self, scale: str, codes: _Alias) -> int | None:
        """The axis of the codes along which a factor differs, by its shape."""
        shape, rank = self._initial[scale].shape, len(self._initial[codes.source].shape)
        own = [place - len(shape) + rank for place, size in enumerate(shape) if size > 1]
        return own[0] if len(own) == 1 else None

    def _is_codes(self, alias: _Alias) -> bool:
        return DTYPES.get(self._initial[alias.source].dtype) in INTEGERS

    @staticmethod
    def _input(node: Node, place: int) -> str:
        return node.inputs[place] if 0 <= place < len(node.inputs) else ""
