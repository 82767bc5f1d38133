"""What share of a checkpoint is read, by format: one model of the shape of a 1-billion Llama, as each format stores it.

    python benchmarks/formats.py [FOLDER]

The files are sparse: headers are right, weights are holes. The bar: at most 1 % of the bytes, 5 % of a 4-bit file of
this size (its header holds the tokenizer, and 16 rows are a larger share of narrow matrices); files that are
[in, out] or pack across rows (GPTQ, AWQ) excepted, and adapters, which are small: half at most.
"""

from __future__ import annotations

import io
import json
import struct
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from graph_shapes import arrays, blocks, constants, integers
from packed_shapes import BYTES, PACKINGS, SCATTERED, Entry, Packing

from forebear.ingest.model import fingerprint_model
from forebear.ingest.sources import open_source

LAYERS, HIDDEN, INNER, HEADS, SHARED, VOCAB = 16, 2048, 8192, 32, 8, 32_000
CONFIG = {
    "hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": SHARED,
    "vocab_size": VOCAB, "tie_word_embeddings": True, "model_type": "llama",
}  # fmt: skip
Shapes = dict[str, tuple[int, ...]]


def llama() -> Shapes:
    """Names and shapes of the model."""
    kv = HIDDEN // HEADS * SHARED
    shapes: Shapes = {"model.embed_tokens.weight": (VOCAB, HIDDEN), "model.norm.weight": (HIDDEN,)}
    for i in range(LAYERS):
        at = f"model.layers.{i}."
        shapes |= {f"{at}input_layernorm.weight": (HIDDEN,), f"{at}post_attention_layernorm.weight": (HIDDEN,)}
        shapes |= {f"{at}self_attn.{p}_proj.weight": (HIDDEN if p in "qo" else kv, HIDDEN) for p in "qkvo"}
        shapes |= {f"{at}mlp.{p}_proj.weight": (INNER, HIDDEN) for p in ("gate", "up")}
        shapes[f"{at}mlp.down_proj.weight"] = (HIDDEN, INNER)
    return shapes


def fused() -> Shapes:
    """The same with q, k and v in one matrix, gate and up in another."""
    shapes: Shapes = {}
    for name, shape in llama().items():
        if "q_proj" in name:
            shapes[name.replace("q_proj", "qkv_proj")] = (HIDDEN + 2 * HIDDEN // HEADS * SHARED, HIDDEN)
        elif "gate_proj" in name:
            shapes[name.replace("gate_proj", "gate_up_proj")] = (2 * INNER, HIDDEN)
        elif not any(part in name for part in ("k_proj", "v_proj", "up_proj")):
            shapes[name] = shape
    return shapes


def gpt2() -> Shapes:
    """GPT-2, 124 million parameters, matrices as [in, out]."""
    width = 768
    shapes: Shapes = {"wte.weight": (50_257, width), "wpe.weight": (1024, width), "ln_f.weight": (width,)}
    for i in range(12):
        matrices = {"attn.c_attn": 3 * width, "attn.c_proj": width, "mlp.c_fc": 4 * width}
        shapes |= {f"h.{i}.{name}.weight": (width, out) for name, out in matrices.items()}
        shapes |= {
            f"h.{i}.mlp.c_proj.weight": (4 * width, width),
            f"h.{i}.ln_1.weight": (width,),
            f"h.{i}.ln_2.weight": (width,),
        }
    return shapes


def size(shape: tuple[int, ...]) -> int:
    """Number of values."""
    total = 1
    for n in shape:
        total *= n
    return total


def hole(path: Path, header: bytes, length: int) -> None:
    """A file of `header` and `length` bytes that take no room on the disk."""
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + length)


def safetensors(
    folder: Path, shapes: Mapping[str, tuple[int, ...]], dtype: str = "BF16", config: object = CONFIG
) -> None:
    """One safetensors file; with 8-bit matrices each has a scale for every block of 128 x 128."""
    table, at = {}, 0
    for name, shape in shapes.items():
        kind = dtype if len(shape) > 1 and "embed" not in name else "BF16"
        entries = [(name, kind, shape, size(shape) * BYTES[kind])]
        if kind.startswith("F8"):
            blocks = tuple(-(-n // 128) for n in shape)
            entries.append((f"{name}_scale_inv", "F32", blocks, size(blocks) * 4))
        for entry, what, dims, length in entries:
            table[entry] = {"dtype": what, "shape": dims, "data_offsets": [at, at + length]}
            at += length
    header = json.dumps(table).encode()
    hole(folder / "model.safetensors", struct.pack("<Q", len(header)) + header, at)
    (folder / "config.json").write_text(json.dumps(config))


def packed(folder: Path, packing: Packing) -> None:
    """One safetensors file of a packing; what describes other tensors stands first and is there, the rest is holes."""
    entries: list[Entry] = []
    for name, shape in llama().items():
        if len(shape) == 2 and (packing.embeddings or "embed" not in name):
            entries += packing.entries(name.removesuffix(".weight"), *shape)
        else:
            entries.append((name, "BF16", shape, None))
    entries.sort(key=lambda e: e[3] is None)
    table, at = {}, 0
    for name, kind, dims, _ in entries:
        length = size(dims) * BYTES[kind]
        table[name] = {"dtype": kind, "shape": dims, "data_offsets": [at, at + length]}
        at += length
    content = b"".join(data for *_, data in entries if data)
    header = json.dumps(table).encode()
    path = folder / "model.safetensors"
    hole(path, struct.pack("<Q", len(header)) + header + content, at - len(content))
    (folder / "config.json").write_text(json.dumps(CONFIG | packing.config))


def gguf_file(folder: Path, kind: str) -> None:
    """One GGUF file with a tokenizer of made-up words, written by the gguf package."""
    import gguf
    import numpy as np

    types = gguf.GGMLQuantizationType
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, LAYERS)
    writer = gguf.GGUFWriter(folder / "model.gguf", "llama")
    writer.add_block_count(LAYERS)
    writer.add_embedding_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(SHARED)
    writer.add_array("tokenizer.ggml.tokens", [f"Ġword{i}" for i in range(VOCAB)])
    writer.add_array("tokenizer.ggml.merges", [f"Ġword {i}" for i in range(VOCAB)])
    total = 0
    for name, shape in llama().items():
        one = types[kind] if len(shape) > 1 else types.F32
        block, width = gguf.GGML_QUANT_SIZES[one]
        length = size(shape) // block * width
        ours = names.get_name(name, (".weight",))
        assert ours is not None
        writer.add_tensor_info(ours, list(shape), np.dtype(np.float32), length, raw_dtype=one)
        total += -(-length // 32) * 32
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    path = folder / "model.gguf"
    header = path.read_bytes()
    hole(path, header + b"\0" * (-len(header) % 32), total)


class Sparse(io.FileIO):
    """A file that keeps long zeros as holes."""

    def write(self, data: Any) -> int:
        """As a file does."""
        block = bytes(data)
        if len(block) >= 1 << 16 and block.count(0) == len(block):
            self.seek(len(block), io.SEEK_CUR)
            return len(block)
        return super().write(block)


def text(value: str) -> bytes:
    """The opcode of a string."""
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def torch_tensor(key: int, shape: tuple[int, ...]) -> bytes:
    """The opcodes of a bfloat16 tensor of its own storage."""

    def counts(*values: int) -> bytes:
        return b"(" + b"".join(b"J" + struct.pack("<i", v) for v in values) + b"t"

    storage = text("storage") + b"ctorch\nBFloat16Storage\n" + text(str(key)) + text("cpu")
    storage += b"J" + struct.pack("<i", size(shape)) + b"tQ"
    strides = counts(*(size(shape[place:]) for place in range(1, len(shape) + 1)))
    return b"ctorch._utils\n_rebuild_tensor_v2\n((" + storage + b"K\x00" + counts(*shape) + strides + b"\x89}tR"


def torch_file(folder: Path, *, script: bool = False) -> None:
    """One torch zip of bfloat16 tensors: a pickle and a stored entry for each tensor; with code it is TorchScript's."""
    zeros = bytes(1 << 20)
    with Sparse(folder / "pytorch_model.bin", "w") as file, zipfile.ZipFile(file, "w") as archive:
        for key, shape in enumerate(llama().values()):
            left = size(shape) * 2
            with archive.open(zipfile.ZipInfo(f"archive/data/{key}"), "w") as entry:
                while left:
                    left -= entry.write(zeros[: min(left, len(zeros))])
        archive.writestr("archive/data.pkl", b"\x80\x02" + (scripted() if script else plain()) + b".")
        if script:
            archive.writestr("archive/constants.pkl", b"\x80\x02).")
            archive.writestr("archive/code/__torch__.py", "class Llama(Module):\n" + "  pass\n" * 100_000)
    (folder / "config.json").write_text(json.dumps(CONFIG))


def plain() -> bytes:
    """The opcodes of a state_dict."""
    tensors = (text(name) + torch_tensor(key, shape) for key, (name, shape) in enumerate(llama().items()))
    return b"}(" + b"".join(tensors) + b"u"


def scripted() -> bytes:
    """The opcodes of objects in objects, as TorchScript keeps modules."""
    tree: dict[str, Any] = {}
    for key, (name, shape) in enumerate(llama().items()):
        *path, last = name.split(".")
        level = tree
        for module in path:
            level = level.setdefault(module, {})
        level[last] = torch_tensor(key, shape)

    def made(level: dict[str, Any]) -> bytes:
        own = (text(name) + (made(part) if isinstance(part, dict) else part) for name, part in level.items())
        return b"c__torch__\nModule\n)\x81}(" + b"".join(own) + b"ub"

    return made(tree)


def old_torch_file(folder: Path) -> None:
    """The same tensors as torch before 1.6 wrote them: five pickles, then each storage behind its size."""
    shapes = list(llama().values())
    keys = b"](" + b"".join(text(str(key)) for key in range(len(shapes))) + b"e"
    pickles = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19", b"M\xe9\x03", b"}", plain(), keys
    with (folder / "pytorch_model.bin").open("wb") as file:
        file.write(b"".join(b"\x80\x02" + part + b"." for part in pickles))
        for shape in shapes:
            file.write(struct.pack("<q", size(shape)))
            file.seek(size(shape) * 2, io.SEEK_CUR)
        file.truncate(file.tell())
    (folder / "config.json").write_text(json.dumps(CONFIG))


def adapter(folder: Path, rank: int) -> None:
    """A LoRA of q and v in every layer, as PEFT saves it."""
    shapes: Shapes = {}
    for name, (out, inputs) in ((n, s) for n, s in llama().items() if len(s) == 2 and ("q_proj" in n or "v_proj" in n)):
        stem = "base_model.model." + name.removesuffix(".weight")
        shapes |= {f"{stem}.lora_A.weight": (rank, inputs), f"{stem}.lora_B.weight": (out, rank)}
    safetensors(folder, shapes, "F32")
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": rank}))
    (folder / "config.json").unlink()


def onnx_file(folder: Path, *, beside: bool, turned: bool = False) -> None:
    """One ONNX graph of float16 initialisers; `turned` has matrices as [in, out], with the nodes that say so."""

    def varint(value: int) -> bytes:
        low, rest = value & 127, value >> 7
        return bytes([low | 128]) + varint(rest) if rest else bytes([low])

    def part(number: int, data: bytes) -> bytes:
        return varint(number << 3 | 2) + varint(len(data)) + data

    nodes, tensors, at = b"", [], 0
    for key, (name, shape) in enumerate(llama().items()):
        length, stored = size(shape) * 2, name
        if turned and len(shape) > 1 and "embed" not in name:
            shape, stored = shape[::-1], f"onnx::MatMul_{key}"
            module = "/" + name.removesuffix(".weight").replace(".", "/").replace("layers/", "layers.")
            ends = part(1, b"x") + part(1, stored.encode()) + part(2, b"y") + part(3, f"{module}/MatMul".encode())
            nodes += part(1, ends + part(4, b"MatMul"))
        head = b"".join(b"\x08" + varint(n) for n in shape) + b"\x10\x0a" + part(8, stored.encode())
        if beside:
            notes = {"location": "model.onnx_data", "offset": str(at), "length": str(length)}
            head += (
                b"".join(part(13, part(1, k.encode()) + part(2, v.encode())) for k, v in notes.items()) + b"\x70\x01"
            )
            tensors.append((part(5, head), 0))
        else:
            head += b"\x4a" + varint(length)
            tensors.append((b"\x2a" + varint(len(head) + length) + head, length))
        at += length
    total = len(nodes) + sum(len(head) + length for head, length in tensors)
    with (folder / "model.onnx").open("wb") as file:
        file.write(b"\x08\x0a\x3a" + varint(total) + nodes)
        for head, length in tensors:
            file.write(head)
            file.seek(length, io.SEEK_CUR)
        file.truncate(file.tell())
    if beside:
        hole(folder / "model.onnx_data", b"", at)
    (folder / "config.json").write_text(json.dumps(CONFIG))


def described(folder: Path, write: Callable[[Path, Shapes], None]) -> None:
    """What `write` makes of the model, with its config."""
    write(folder, llama())
    (folder / "config.json").write_text(json.dumps(CONFIG))


CASES: tuple[tuple[str, Callable[[Path], None], float], ...] = (
    ("safetensors, bfloat16", lambda f: safetensors(f, llama()), 0.01),
    (
        "safetensors, fused q k v and gate up",
        lambda f: safetensors(f, fused(), config=CONFIG | {"model_type": "phi3"}),
        0.01,
    ),
    ("safetensors, float8 and block scales", lambda f: safetensors(f, llama(), "F8_E4M3"), 0.01),
    ("GGUF F16", lambda f: gguf_file(f, "F16"), 0.01),
    ("GGUF Q8_0", lambda f: gguf_file(f, "Q8_0"), 0.01),
    ("GGUF Q4_K", lambda f: gguf_file(f, "Q4_K"), 0.05),
    ("torch .bin", torch_file, 0.01),
    ("torch .bin, before 1.6", old_torch_file, 0.01),
    ("TorchScript", lambda f: torch_file(f, script=True), 0.01),
    *(
        (f"safetensors, {name}", partial(packed, packing=packing), 1.0 if name in SCATTERED else 0.05)
        for name, packing in PACKINGS.items()
    ),
    ("ONNX, embedded", lambda f: onnx_file(f, beside=False), 0.01),
    ("ONNX, external data", lambda f: onnx_file(f, beside=True), 0.01),
    ("ONNX, external, [in, out]", lambda f: onnx_file(f, beside=True, turned=True), 1.0),
    ("ONNX, weights in Constant nodes", lambda f: described(f, constants), 0.01),
    ("ONNX, MatMulNBits of 4 bits", lambda f: described(f, blocks), 0.05),
    ("ONNX, int8, [in, out]", lambda f: described(f, integers), 1.0),
    ("numpy .npz", lambda f: described(f, partial(arrays, opened=lambda p: Sparse(p, "w"))), 0.01),
    ("LoRA of rank 16 of q and v", lambda f: adapter(f, 16), 0.5),
    ("LoRA of rank 128 of q and v", lambda f: adapter(f, 128), 0.1),
    ("safetensors, GPT-2 as [in, out]", lambda f: safetensors(f, gpt2(), config={"model_type": "gpt2"}), 1.0),
)


def main(place: Path) -> int:
    """Print the table; 1 when a bar is missed."""
    print(f"{'format':40}{'MB':>9}{'read, kB':>11}{'share':>9}{'reads':>7}")
    failed = False
    for number, (name, write, bar) in enumerate(CASES):
        folder = place / str(number)
        folder.mkdir()
        write(folder)
        made = fingerprint_model(open_source(str(folder)))
        share = made.bytes_read / made.bytes_total
        failed |= share > bar
        print(f"{name:40}{made.bytes_total / 1e6:9.0f}{made.bytes_read / 1e3:11.0f}{share:9.3%}{made.requests:7}")
    print("FAIL" if failed else "PASS")
    return int(failed)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as made_here:
        sys.exit(main(Path(made_here)))
