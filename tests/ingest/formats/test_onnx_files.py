"""ONNX models in several files, by range over HTTP, and as onnxruntime's quantiser leaves them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from forebear.ingest.errors import FormatError
from forebear.ingest.formats import read_checkpoint, resolve_files
from forebear.ingest.model import ModelFingerprint, fingerprint_model
from forebear.ingest.sources import open_source
from forebear.ingest.sources.hub import open_hub
from forebear.registry import Registry

from ...hub_server import HubServer
from ...writers import MemorySource, model_files, write_files
from ..layouts.test_fused import evidence
from .test_onnx import folder, values
from .writers_fused import load_model
from .writers_onnx import embedded, external, model, node, onnx_quantised

GOLDEN = Path(os.environ.get("FOREBEAR_GOLDEN") or Path(__file__).parent / "golden")


@pytest.mark.parametrize("beside", ["model.bin", "weights.bin"])
@pytest.mark.parametrize("below", ["", "onnx/"])
def test_data_called_bin_are_no_torch_checkpoint(zoo: Path, beside: str, below: str) -> None:
    files = folder(zoo, "alder", beside=beside)
    moved = {below + n if n in {"model.onnx", beside} else n: data for n, data in files.items()}
    made = fingerprint_model(MemorySource(moved))
    assert made.format == "onnx" and not made.skipped
    plain = fingerprint_model(MemorySource(folder(zoo, "alder", beside=None)))
    assert evidence(made) == evidence(plain)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights.bin"])
def test_a_torch_checkpoint_beside_onnx_is_read_before_it(name: str) -> None:
    torch = (Path(__file__).parent / "torch_export.bin").read_bytes()
    graph = model([], [external("a.weight", 1, (20, 32), location="model.data")])
    source = MemorySource({name: torch, "model.onnx": graph, "model.data": bytes(2560)})
    form, contents = read_checkpoint(source)
    assert form.name == "torch" and contents.tensors and resolve_files(source).paths == (name,)


def test_a_named_graph_brings_its_data_whatever_they_are_called_after_it(zoo: Path, tmp_path: Path) -> None:
    write_files(tmp_path, folder(zoo, "alder", beside="model.bin"))
    (tmp_path / "pytorch_model.bin").write_bytes(b"another model")
    assert fingerprint_model(open_source(str(tmp_path / "model.onnx"))).format == "onnx"


def test_data_behind_a_link_that_leaves_the_folder_are_refused(zoo: Path, tmp_path: Path) -> None:
    files = folder(zoo, "alder", beside="model.onnx_data")
    inside = write_files(tmp_path / "inside", files)
    secret = tmp_path / "secret"
    (inside / "model.onnx_data").rename(secret)
    (inside / "model.onnx_data").symlink_to(secret)
    for spec in (inside, inside / "model.onnx"):
        with pytest.raises(FormatError, match=r"kept in 'model\.onnx_data', a link that leaves the folder"):
            fingerprint_model(open_source(str(spec)))
    (inside / "model.onnx_data").unlink()
    secret.rename(inside / "elsewhere")
    (inside / "model.onnx_data").symlink_to("elsewhere")
    assert fingerprint_model(open_source(str(inside))).format == "onnx"


def test_scales_behind_a_link_that_leaves_the_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "secret").write_bytes(bytes(4096))
    (tmp_path / "model" / "w").symlink_to(tmp_path / "secret")
    name = "model.layers.0.mlp.up_proj.weight"
    stored = [embedded(f"{name}_quantized", np.ones((20, 32)), "I8"), external(f"{name}_scale", 1, (20,), location="w")]
    dequantise = node("DequantizeLinear", [f"{name}_quantized", f"{name}_scale"], "d", axis=0)
    (tmp_path / "model" / "model.onnx").write_bytes(model([dequantise], stored))
    with pytest.raises(FormatError, match="a link that leaves the folder"):
        fingerprint_model(open_source(str(tmp_path / "model")))


@pytest.mark.parametrize("below", ["", "onnx"])
def test_links_inside_a_hub_cache_are_followed(zoo: Path, tmp_path: Path, below: str) -> None:
    files = folder(zoo, "alder", beside="model.onnx_data")
    snapshot = tmp_path / "models--org--x" / "snapshots" / "0123" / below
    snapshot.mkdir(parents=True)
    (tmp_path / "models--org--x" / "blobs").mkdir()
    for number, (name, data) in enumerate(files.items()):
        blob = tmp_path / "models--org--x" / "blobs" / f"{number:040x}"
        blob.write_bytes(data)
        (snapshot / name).symlink_to(os.path.relpath(blob, snapshot))
    for spec in (snapshot, snapshot.parent if below else snapshot, snapshot / "model.onnx"):
        assert fingerprint_model(open_source(str(spec))).format == "onnx"


@pytest.mark.parametrize("beside", [None, "model.onnx_data"])
def test_over_http_the_fingerprint_is_that_of_the_folder_and_few_bytes_are_read(
    zoo: Path, tmp_path: Path, beside: str | None
) -> None:
    """Matrices as [out, in], as torch's exporter leaves those of Gemm: the others are read whole (layouts.py)."""
    padded = folder(zoo, "alder", style="gemm", beside=beside)
    if beside:
        padded[beside] += bytes(32 << 20)
    write_files(tmp_path, padded)
    local = fingerprint_model(open_source(str(tmp_path)))
    with HubServer() as hub:
        hub.add("org/alder", tmp_path)
        remote = fingerprint_model(open_hub("org/alder", endpoint=hub.endpoint, token=False))
        sent = hub.storage.bytes + hub.hub.bytes
    assert remote.format == "onnx" and bits(remote) == bits(local)
    assert evidence(remote) == evidence(local)
    weights = local.bytes_total - (32 << 20 if beside else 0)
    assert remote.bytes_read <= sent < weights + (1 << 20)  # of a model this narrow 16 rows are a fifth of a matrix


def bits(made: ModelFingerprint) -> object:
    return [(t.named.tensor.name, t.statistics, t.positions is None or t.positions.tobytes()) for t in made.tensors]


@pytest.mark.parametrize("by_output", [False, True])
def test_a_copy_in_eight_bits_ranks_its_source_first(
    zoo: Path, zoo_registry: Path, tmp_path: Path, by_output: bool
) -> None:
    for name in ("cedar", "alder-docs-tests"):
        tensors, config, tokenizer = load_model(zoo / name)
        files = model_files({}, config=config, tokenizer=tokenizer)
        del files["model.safetensors"]
        write_files(tmp_path / name, files | onnx_quantised(tensors, by_output=by_output))
    with Registry(zoo_registry, read_only=True) as registry:
        first = registry.ancestors(tmp_path / "cedar").components[0].ancestors[0]
        rows = registry.ancestors(tmp_path / "alder-docs-tests").components[0].ancestors
    assert first.name == "cedar" and first.relation == ("numeric_copy",)
    assert first.identity > 0.999 and first.coverage > 0.95
    assert rows[0].name == "alder-docs-tests" and rows[0].identity > 0.999
    # with one scale a tensor its rounding is uneven enough to pass for a short training: `finetuned`
    assert not by_output or rows[0].relation == ("numeric_copy",)
    others = [row for row in rows[1:] if row.relation]
    assert "finetuned" in others[0].relation
    assert "alder-docs" in {row.name for row in others if row.rank == others[0].rank}


@pytest.mark.parametrize("kind", ["qdq", "qdq_by_output", "qoperator", "dynamic", "dynamic_by_output"])
def test_files_of_onnxruntimes_quantiser_have_the_values_that_onnxruntime_makes_of_them(kind: str) -> None:
    """Made by golden/make.py: products with square and other matrices, a Gemm with a bias, an embedding."""
    kept = load_file(GOLDEN / "onnxruntime.safetensors")
    expected = {name.removeprefix(f"{kind}/"): rows for name, rows in kept.items() if name.startswith(f"{kind}/")}
    data = (GOLDEN / f"onnxruntime_{kind}.onnx").read_bytes()
    contents = read_checkpoint(MemorySource({"model.onnx": data}))[1]
    found = values({"model.onnx": data})
    left = {one.name for one in contents.skipped} - {"constants of the graph: scales of activations"}
    assert left == ({"head.bias_quantized"} if kind == "qoperator" else set())
    assert set(found) == set(expected) and len(found) >= 4
    for name, rows in expected.items():
        np.testing.assert_allclose(found[name], rows, rtol=0, atol=1e-7, err_msg=name)


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
@pytest.mark.parametrize("turned", [False, True])
def test_the_axis_says_whether_outputs_or_inputs_have_scales_of_their_own(axis: int, turned: bool) -> None:
    """Square matrices, of which the shapes do not tell."""
    random = np.random.default_rng(abs(axis) * 2 + turned)
    codes, scale = random.integers(-127, 127, (24, 24)), random.uniform(0.1, 1, 24).astype(np.float32)
    name = "model.layers.0.mlp.up_proj.weight"
    stored = [embedded(f"{name}_quantized", codes, "I8"), embedded(f"{name}_scale", scale)]
    nodes = [node("DequantizeLinear", [f"{name}_quantized", f"{name}_scale"], "d", axis=axis)]
    nodes += [node("MatMul", ["x", "d"], "y")] if turned else [node("Gemm", ["x", "d"], "y", transB=1)]
    kept: Any = codes * (scale[None] if axis % 2 else scale[:, None])
    (found,) = values({"model.onnx": model(nodes, stored)}).values()
    np.testing.assert_allclose(found, kept.T if turned else kept, rtol=1e-6)


def test_a_place_in_a_file_is_told_in_ascii_digits_only() -> None:
    graph = model([], [external("a.weight", 1, (20, 32), location="w", offset="\u0661")])
    with pytest.raises(FormatError, match="its offset or length is no number of bytes"):
        read_checkpoint(MemorySource({"model.onnx": graph, "w": bytes(2561)}))


@pytest.mark.parametrize("kind", ["a FIFO", "a device", "a link that leads in a circle"])
def test_data_that_are_no_file_are_refused_by_their_kind(tmp_path: Path, kind: str) -> None:
    write_files(tmp_path, {"model.onnx": model([], [external("a.weight", 1, (20, 32), location="w")])})
    if kind == "a FIFO":
        os.mkfifo(tmp_path / "w")
    else:
        (tmp_path / "w").symlink_to("/dev/zero" if kind == "a device" else "w")
    with pytest.raises(FormatError, match=f"kept in 'w', which is {kind}, not a file"):
        read_checkpoint(open_source(str(tmp_path)))
