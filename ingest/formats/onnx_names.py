"""What the initialisers of an ONNX graph are called in the model that was exported, and how they lie.

An exporter keeps the name of a weight that it stores as it was, and makes a new one (`onnx::MatMul_123`, `val_12`) for
one that it transposed; its module then stands in the node that uses it (`/model/layers.0/self_attn/q_proj/MatMul`), or
in that node's notes. onnxruntime-genai writes the module and the operator (`model.layers.0.attn.q_proj.MatMul.weight`).

Source: torch/onnx/_internal; onnxruntime-genai `models/builder.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .onnx_graph import Graph, Node

ANONYMOUS = re.compile(r"(onnx::\w+|val|_val|\w*[Cc]onst\w*|initializer|t|_to_copy|)[_\d]*(_quantized)?|\d+")
PASSED = frozenset({"Identity", "Cast", "Transpose"})
PRODUCTS = frozenset({"MatMul", "FusedMatMul", "MatMulInteger", "DynamicQuantizeMatMul", "QLinearMatMul"})
NORMS = frozenset({
    "LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization", "SkipLayerNormalization",
    "SkipSimplifiedLayerNormalization", "GroupNormalization",
})  # fmt: skip
_SCOPE = re.compile(r"'([^']*)'")
_OPERATOR = re.compile(
    r"(?:[./]|^)(?:MatMul|Gemm|Gather|Add|Mul|Conv|LayerNorm|SimplifiedLayerNorm)[A-Za-z]*(?:_\d+)?(?:_MatMul)?(?:_quant)?$"
)
_GENAI = re.compile(r"\.(?:MatMul|Gemm|Add|Gather)(?=\.(?:weight|bias|qweight|scales)$)")
_LAST_NORM = re.compile(r"model\.layers\.\d+\.final_norm_layernorm(?=\.(weight|bias)$)")


@dataclass(frozen=True, slots=True)
class Use:
    """How a graph uses an initialiser: the node, which input of it, and whether a transpose lies between."""

    node: Node
    place: int
    flipped: bool = False

    @property
    def is_turned(self) -> bool:
        """Whether the stored matrix is [in, out]."""
        op, weight = self.node.op, 3 if self.node.op in {"QLinearMatMul", "QGemm"} else 1
        if self.place != weight or op not in PRODUCTS | {"Gemm", "QGemm"}:
            return False
        straight = self.node.numbers.get("transB", (0,))[0] == 1
        return straight == self.flipped


def find_uses(graph: Graph) -> dict[str, Use]:
    """The first node that says what an initialiser is, seen through identities, casts, transposes and dequantisation.

    Nodes stand in the order of their data, so one pass follows every chain.
    """
    initial = {one.name for one in graph.initializers}
    aliases: dict[str, tuple[str, bool]] = {name: (name, False) for name in initial}
    uses: dict[str, Use] = {}
    for node in graph.nodes:
        first = aliases.get(node.inputs[0]) if node.inputs else None
        if first and (node.op in PASSED or node.op == "DequantizeLinear"):
            swaps = node.op == "Transpose" and node.numbers.get("perm", (1, 0)) == (1, 0)
            aliases[node.output] = (first[0], first[1] != swaps)
            continue
        for place, name in enumerate(node.inputs):
            if name in aliases:
                source, flipped = aliases[name]
                uses.setdefault(source, Use(node, place, flipped))
    return uses


def module_name(name: str, use: Use | None) -> str | None:
    """The name of a weight in the exported model; None for a constant of the graph."""
    plain = name.removesuffix("_quantized")
    if not ANONYMOUS.fullmatch(plain):
        return _LAST_NORM.sub("model.norm", _GENAI.sub("", plain))
    if use is None:
        return None
    scopes = [path for path in _SCOPE.findall(use.node.scope) if path]
    path = _OPERATOR.sub("", use.node.name or use.node.output).strip("/").replace("/", ".")
    if scopes:
        path = next((s for s in reversed(scopes) if "." in s or s == scopes[0]), scopes[-1])
    if not path or path.startswith("node_"):
        return None
    is_bias = use.node.op == "Add" or use.place == (3 if "Skip" in use.node.op else 2)
    return f"{path}.{'bias' if is_bias else 'weight'}"


def by_output(graph: Graph, op: str) -> Mapping[str, Node]:
    """The nodes of one operator by their first input."""
    return {node.inputs[0]: node for node in graph.nodes if node.op == op and node.inputs}
