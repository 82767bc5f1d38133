"""Names of ONNX initialisers as the exported model has them.

torch's exporter keeps the name of a weight that it stores as it was, and makes a new one (`onnx::MatMul_123`, `val_12`,
a number) for one that it transposed or folded; its module then follows from the bias beside it, from the node that uses
it (`/model/layers.0/self_attn/q_proj/MatMul`), or from that node's notes. onnxruntime-genai writes the module and the
operator (`model.layers.0.attn.q_proj.MatMul.weight`). onnxruntime's optimiser puts q, k and v into one matrix, which
belongs beside the output of that attention. Where no node has a module, operators are numbered in the order of the
graph: `conv.0.weight`.

Source: torch/onnx/_internal; onnxruntime-genai `models/builder.py`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from .onnx_graph import Graph, Initializer, Node
from .onnx_uses import ATTENTIONS, RECURRENT, Use, Uses

_MADE_UP = frozenset({"", "val", "_val", "initializer", "t", "_to_copy"})
"""Words that exporters number."""
_SUFFIXES = ("_quantized", "_quant", "_q", "_f", "_fp16", "_int8", "_weight")
_COPY = re.compile(r"~\d+\Z")
_OUTPUT = re.compile(r"_output_\d+\Z")
_WORD = re.compile(r"\w+")
_PACKED = re.compile(r"_(?:quantized|quant|q|int8|Q4|Q8|DequantizeLinear)$|(?<=\.)qweight$")
_SCOPE = re.compile(r"'([^']*)'")
_OPERATOR = re.compile(
    r"(?:[./]|^)(?:MatMul|Gemm|Gather|Add|Mul|Conv|LayerNorm|SimplifiedLayerNorm)[A-Za-z]*(?:_\d+)?(?:_MatMul)?(?:_quant)?$"
)
_GENAI = re.compile(r"\.(?:MatMul|Gemm|Add|Gather)(?=\.(?:weight|bias|qweight|scales)$)")
_LAST_NORM = re.compile(r"model\.layers\.\d+\.final_norm_layernorm(?=\.(weight|bias)$)")
_IN_LAYER = re.compile(r"(.*\.\d+\.[^.]+)\..+")
_KIND = re.compile(r"\.(?:weight|bias)(?:_(?:quantized|q))?$")
_PARTS: Mapping[str, Mapping[int, str]] = {
    "BatchNormalization": {1: "weight", 2: "bias", 3: "running_mean", 4: "running_var"},
    "QLinearConv": {3: "weight", 8: "bias"}, "QGemm": {3: "weight", 6: "bias"},
    "QLinearMatMul": {0: "weight", 3: "weight"},
    "SkipLayerNormalization": {2: "weight", 3: "bias"}, "SkipSimplifiedLayerNormalization": {2: "weight", 3: "bias"},
    "DynamicQuantizeMatMul": {1: "weight", 4: "bias"}, "MatMulIntegerToFloat": {1: "weight", 6: "bias"},
    "EmbedLayerNormalization": {2: "word_embeddings.weight", 3: "position_embeddings.weight",
                                4: "token_type_embeddings.weight", 5: "LayerNorm.weight", 6: "LayerNorm.bias"},
    "Add": {0: "bias", 1: "bias"}, "Mul": {0: "weight", 1: "weight"}, "MatMulNBits": {1: "weight", 5: "bias"},
}  # fmt: skip
_USUAL = {
    "MatMul", "FusedMatMul", "MatMulInteger", "Gemm", "Conv", "ConvTranspose", "ConvInteger", "Gather", "PRelu",
    "LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization", "GroupNormalization",
    "InstanceNormalization", "Attention", "QAttention", "GatherBlockQuantized",
}  # fmt: skip
"""Operators whose inputs 0 and 1 are weights, and 2 the bias."""


class Names:
    """The names of the initialisers of one graph."""

    def __init__(self, initial: Mapping[str, Initializer], uses: Uses) -> None:
        self._initial, self._uses = initial, uses
        self._numbers: dict[str, dict[int, int]] = defaultdict(dict)
        for use in sorted(uses.first.values(), key=lambda u: uses.order.get(id(u.node), 0)):
            if (part_name(use) or use.node.op in RECURRENT) and not scope_path(use.node):
                self._numbers[use.node.op].setdefault(id(use.node), len(self._numbers[use.node.op]))

    def name(self, one: Initializer, *, packed: bool) -> str | None:
        """The name of a weight in the exported model; None for a constant of the graph."""
        plain = _PACKED.sub("", one.name) if packed else one.name
        attention = self._attention(one.name)
        if attention is not None:
            return attention
        if not is_anonymous(plain):
            return _LAST_NORM.sub("model.norm", _GENAI.sub("", plain))
        use = self._uses.first.get(one.name)
        part = part_name(use) if use else None
        if use is None or part is None:
            return None
        return f"{self.module(one.name, use)}.{part}"

    def _attention(self, name: str) -> str | None:
        """The name of q, k and v in one matrix, by that of the output: `Attention_3_qkv_weight` says a number alone."""
        use = self._uses.first.get(name)
        if use is None or use.node.op not in ATTENTIONS or use.place not in (1, 2):
            return None
        output = self._uses.outputs.get(id(use.node), "")
        of_output = self._uses.first.get(output)
        found = _IN_LAYER.fullmatch(self.module(output, of_output)[:512]) if of_output else None
        return f"{found[1]}.qkv.{'weight' if use.place == 1 else 'bias'}" if found else None

    def module(self, name: str, use: Use) -> str:
        """The module of the node that uses an initialiser: by its partner's name, by its scope, by its number."""
        for partner in (use.partner, self._uses.partners.get(name, "")) if use.node.op not in RECURRENT else ():
            found = _KIND.search(partner)
            if found and found.start() and not is_anonymous(partner):
                return partner[: found.start()]
        path = scope_path(use.node)
        if path:
            return path
        operator = self._numbers[use.node.op]
        return f"{use.node.op.lower()}.{operator.setdefault(id(use.node), len(operator))}"


def is_anonymous(name: str) -> bool:
    """Whether an exporter or an optimiser made the name up: `onnx::MatMul_470`, `val_49_q`, `/lstm/Constant_output_0`.

    Graphs put together have a prefix before every name (`g_onnx::LSTM_352`).
    """
    plain = _COPY.sub("", name)
    plain = next((plain.removesuffix(suffix) for suffix in _SUFFIXES if plain.endswith(suffix)), plain)
    if not plain or plain.startswith("/") or _OUTPUT.search(plain):
        return True
    before, _, last = plain.rpartition("::")
    if not _WORD.fullmatch(last):
        return False
    word = last.rstrip("_0123456789")
    if before.endswith("onnx") or word in _MADE_UP:
        return True
    return "const" in word.lower() or word.endswith("_val") or word.startswith("anon")


def part_name(use: Use) -> str | None:
    """What an initialiser is to the module of its node; None where the node does not say."""
    op, place = use.node.op, use.place
    if op in _PARTS:
        return _PARTS[op].get(place)
    return ("weight", "weight", "bias")[place] if op in _USUAL and place < 3 else None


def scope_path(node: Node) -> str:
    """The path of the module that a node was made from; empty where its name does not say.

    A module that has its parent's name in its own (`/layer1/layer1.0/conv1`) is named once.
    """
    scopes = [path for path in _SCOPE.findall(node.scope) if path]
    if scopes:
        return next((s for s in reversed(scopes) if "." in s or s == scopes[0]), scopes[-1])
    text = node.name or node.output
    before, slash, scoped = text.partition("/")
    if slash and (not before or before[-1] in "_:"):  # graphs put together have a prefix for all names of one
        modules = scoped.split("/")[:-1]
        following = [*modules[1:], ""][: len(modules)]
        kept = [m for m, inner in zip(modules, following, strict=True) if not inner.startswith(f"{m}.")]
        return before + ".".join(kept) if kept else before.rstrip("_:")
    if not _OPERATOR.search(text):
        return ""
    path = _OPERATOR.sub("", text).strip("/").replace("/", ".")
    return "" if path.startswith("node_") else path


def recurrent_layers(graph: Graph) -> dict[int, int]:
    """The layer of each LSTM, GRU or RNN node, by identity: torch makes one node a layer of a module."""
    seen: dict[str, int] = defaultdict(int)
    layers: dict[int, int] = {}
    for node in graph.nodes:
        if node.op in RECURRENT:
            path = scope_path(node)
            layers[id(node)] = seen[path]
            seen[path] += 1
    return layers
