"""Weights in sub-folders: pipelines of several networks, one folder of weights, variants, parts of split files."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind

from forebear.ingest.errors import FormatError, SourceError
from forebear.ingest.formats import read_checkpoint, resolve_files
from forebear.ingest.formats.networks import one_variant
from forebear.ingest.model import fingerprint_model
from forebear.ingest.sources import open_source
from forebear.ingest.sources.hub import open_hub
from forebear.ingest.sources.source import NothingToRead
from forebear.registry import Ingested, Registry

from ...hub_server import HubServer
from ...writers import Floats, MemorySource, llama, model_files, safetensors_bytes, write_files
from ..layouts.test_fused import evidence
from .writers_fused import load_model
from .writers_gguf import convert, fields_of, model_bytes, split_bytes

RANDOM = np.random.default_rng(23)
NETWORKS = ["unet", "vae", "text_encoder", "text_encoder_2"]


def matrix(*shape: int) -> Floats:
    return RANDOM.normal(0, 0.02, shape).astype(np.float32)


def unet() -> dict[str, Floats]:
    stem = "down_blocks.0.attentions.{}.transformer_blocks.0"
    names = [f"{stem.format(i)}.{part}" for i in (0, 1) for part in ("attn1.to_q", "attn1.to_k", "attn2.to_q")]
    return {f"{name}.weight": matrix(64, 64) for name in names} | {"conv_in.weight": matrix(64, 4, 3, 3)}


def encoder() -> dict[str, Floats]:
    names = [f"text_model.encoder.layers.{i}.self_attn.{p}_proj.weight" for i in (0, 1) for p in "qkv"]
    return {name: matrix(64, 64) for name in names}


def vae() -> dict[str, Floats]:
    return {f"{side}.mid_block.attentions.0.to_q.weight": matrix(64, 64) for side in ("encoder", "decoder")}


@cache
def _weights() -> dict[str, bytes]:
    made = {"unet": unet(), "vae": vae(), "text_encoder": encoder(), "text_encoder_2": encoder()}
    return {name: safetensors_bytes(tensors) for name, tensors in made.items()}


def pipeline() -> dict[str, bytes]:
    index: dict[str, object] = {"_class_name": "StableDiffusionXLPipeline", "_diffusers_version": "0.36.0"}
    index |= {name: ["diffusers", "X"] for name in [*NETWORKS, "scheduler", "safety_checker"]}
    return {
        "model_index.json": json.dumps(index).encode(),
        "unet/config.json": b"{}",
        "unet/diffusion_pytorch_model.safetensors": _weights()["unet"],
        "vae/diffusion_pytorch_model.safetensors": _weights()["vae"],
        "text_encoder/model.safetensors": _weights()["text_encoder"],
        "text_encoder_2/model.safetensors": _weights()["text_encoder_2"],
        "safety_checker/model.safetensors": _weights()["text_encoder"],
    }


def test_a_pipeline_is_one_model_with_a_component_for_every_kind_of_network() -> None:
    made = fingerprint_model(MemorySource(pipeline()))
    blocks = {(t.named.place.component, t.named.place.layer) for t in made.tensors if t.named.place.layer is not None}
    assert {c for c, _ in blocks} == {"denoiser", "autoencoder", "language"}
    assert sorted(layer for c, layer in blocks if c == "language" and layer is not None) == [0, 1, 2, 3]
    assert made.config["model_type"] == "StableDiffusionXLPipeline"
    assert not any("safety_checker" in t.named.tensor.name for t in made.tensors)
    assert {s.component for s in made.sketches} == {"denoiser", "autoencoder", "language"}


def test_the_bytes_of_a_pipeline_are_those_of_its_networks() -> None:
    files = pipeline()
    source = MemorySource(files)
    assert set(resolve_files(source).paths) == {f for f in files if f.endswith(".safetensors") and "safety" not in f}
    assert fingerprint_model(source).bytes_total == sum(len(files[f]) for f in resolve_files(source).paths)


def test_a_pipeline_comes_before_the_single_file_that_holds_it_again() -> None:
    files = pipeline() | {"v1-5-pruned.safetensors": safetensors_bytes({"x": matrix(4, 4)})}
    assert len(read_checkpoint(MemorySource(files))[1].tensors) == len(
        read_checkpoint(MemorySource(pipeline()))[1].tensors
    )


@pytest.mark.parametrize("left", [["unet/config.json"], []])
@pytest.mark.parametrize("missing", ["unet", "vae", "text_encoder_2"])
def test_a_pipeline_without_the_weights_of_one_of_its_networks_is_refused(missing: str, left: list[str]) -> None:
    files = {path: data for path, data in pipeline().items() if path in left or not path.startswith(f"{missing}/")}
    with pytest.raises(FormatError, match=rf"names a network '{missing}' \(.*\), whose weights are not there"):
        read_checkpoint(MemorySource(files))


def test_a_pipeline_needs_no_weights_of_its_tokenizers_schedulers_and_processors() -> None:
    index = json.loads(pipeline()["model_index.json"])
    index |= {
        "tokenizer_3": ["transformers", "T5TokenizerFast"],
        "guider": ["diffusers", "ClassifierFreeGuidance"],
        "image_encoder": [None, None],
        "video_processor": ["diffusers", "VideoProcessor"],
        "scheduler": ["diffusers", "DDIMScheduler"],
    }
    files = pipeline() | {"model_index.json": json.dumps(index).encode()}
    assert len(read_checkpoint(MemorySource(files))[1].tensors) == len(
        read_checkpoint(MemorySource(pipeline()))[1].tensors
    )


MODULES = (
    b'[{"idx":0,"path":"%s"},{"idx":1,"path":"1_Pooling"},{"idx":2,"path":"2_Dense"},{"idx":3,"path":"3_Normalize"}]'
)


@pytest.mark.parametrize("folder", ["", "0_Transformer"])
def test_the_dense_layer_of_sentence_transformers_is_read_with_its_transformer(folder: str, zoo: Path) -> None:
    at = f"{folder}/" if folder else ""
    model = {at + path: data for path, data in model_files(*load_model(zoo / "alder")[:1], config={"a": 1}).items()}
    dense = {"linear.weight": matrix(32, 80), "linear.bias": matrix(32)}
    files = model | {"2_Dense/model.safetensors": safetensors_bytes(dense), "modules.json": MODULES % folder.encode()}
    made = fingerprint_model(MemorySource(files | {"1_Pooling/config.json": b"{}"}))
    places = {t.named.tensor.name: t.named.place for t in made.tensors}
    assert places["2_Dense/linear.weight"].component == "projector" and made.config == {"a": 1}
    assert len(places) == len(load_model(zoo / "alder")[0]) + 2


@pytest.mark.parametrize("text", [b"{}", b"[1, {}]", b'[{"path": 3}]', b"null"])
def test_a_list_of_modules_that_is_none_changes_nothing(text: bytes, zoo: Path) -> None:
    files = model_files(load_model(zoo / "alder")[0]) | {"modules.json": text}
    assert len(read_checkpoint(MemorySource(files))[1].tensors) == len(load_model(zoo / "alder")[0])


@pytest.mark.parametrize("text", [b"{", b"[]", b"[" * 100_000])
def test_a_broken_index_of_a_pipeline_is_said(text: bytes) -> None:
    with pytest.raises(FormatError, match=r"model_index\.json is not"):
        read_checkpoint(MemorySource(pipeline() | {"model_index.json": text}))


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["a.fp16.safetensors", "a.safetensors"], ["a.safetensors"]),
        (["u/m.fp16.safetensors", "u/m.non_ema.safetensors"], ["u/m.fp16.safetensors"]),
        (["m.fp16-00001-of-00002.safetensors", "m.fp16-00002-of-00002.safetensors"], None),
        (["m-00001-of-00002.fp16.safetensors", "m-00001-of-00001.safetensors"], ["m-00001-of-00001.safetensors"]),
        (["llama-3.1.safetensors", "llama-3.2.safetensors"], None),
        ([], None),
    ],
)
def test_one_variant_is_read_and_a_plain_one_before_others(files: list[str], chosen: list[str] | None) -> None:
    assert one_variant(files) == (files if chosen is None else chosen)


def test_a_network_that_has_only_a_variant_is_read_from_it() -> None:
    files = pipeline()
    for mark in ("fp16", "non_ema"):
        files[f"unet/diffusion_pytorch_model.{mark}.safetensors"] = safetensors_bytes(unet())
    del files["unet/diffusion_pytorch_model.safetensors"]
    found = resolve_files(MemorySource(files)).paths
    assert [f for f in found if f.startswith("unet/")] == ["unet/diffusion_pytorch_model.fp16.safetensors"]


def test_the_only_folder_of_weights_is_the_model_with_its_config_and_tokenizer(zoo: Path) -> None:
    tensors, config, tokenizer = load_model(zoo / "alder")
    plain = model_files(tensors, config=config, tokenizer=tokenizer)
    inside = {f"model/{name}": data for name, data in plain.items()}
    made, expected = fingerprint_model(MemorySource(inside)), fingerprint_model(MemorySource(plain))
    assert evidence(made) == evidence(expected) and made.config == expected.config
    assert made.tokenizer and expected.tokenizer and made.tokenizer.size == expected.tokenizer.size
    assert made.bytes_total == expected.bytes_total


def test_a_gguf_in_a_folder_is_read_and_weights_in_several_folders_are_listed(zoo: Path) -> None:
    data = model_bytes(*load_model(zoo / "alder"), Kind.F16, "llama")
    assert read_checkpoint(MemorySource({"gguf/a.gguf": data}))[0].name == "gguf"
    with pytest.raises(SourceError, match="weights in several folders; name one of them: BF16, Q8_0"):
        read_checkpoint(MemorySource({"BF16/a.gguf": data, "Q8_0/b.gguf": data}))
    with pytest.raises(SourceError, match=r"2 models in gguf files; name one of them: gguf/a\.gguf, gguf/b\.gguf"):
        read_checkpoint(MemorySource({"gguf/a.gguf": data, "gguf/b.gguf": data}))


def test_thousands_of_folders_of_weights_are_refused_at_once() -> None:
    with pytest.raises(SourceError, match=r"weights in several folders.*, \.\.\."):
        read_checkpoint(MemorySource({f"{i}/model.safetensors": b"" for i in range(5000)}))
    with pytest.raises(NothingToRead):
        read_checkpoint(MemorySource({f"{i}/x.txt": b"" for i in range(5000)}))


def test_any_part_of_a_split_gguf_names_the_whole_model(tmp_path: Path, zoo: Path) -> None:
    tensors, config, tokenizer = load_model(zoo / "alder")
    parts = split_bytes(fields_of(config, tokenizer, "llama"), convert(tensors, config, Kind.F16, "llama"), 3)
    write_files(tmp_path, parts | {"other.gguf": b"broken"})
    one, other = (open_source(str(tmp_path / f"model-0000{i}-of-00003.gguf")) for i in (2, 3))
    assert one.uri == other.uri and set(one.files) == set(parts)
    assert evidence(fingerprint_model(one)) == evidence(fingerprint_model(MemorySource(parts)))
    (tmp_path / "model-00001-of-00003.gguf").unlink()
    with pytest.raises(SourceError, match="2 of 3 parts are here"):
        fingerprint_model(open_source(str(tmp_path / "model-00002-of-00003.gguf")))


def test_any_shard_names_the_whole_model(tmp_path: Path) -> None:
    write_files(tmp_path / "org", model_files(llama(), shards=2))
    shards = sorted((tmp_path / "org").glob("*-of-*"))
    assert fingerprint_model(open_source(str(shards[1]))).tensor_count == len(llama())
    assert open_source(str(shards[1])).name == "org"


def test_a_pipeline_on_disk_and_on_the_hub_is_the_same_model(tmp_path: Path) -> None:
    write_files(tmp_path / "pipe", pipeline())
    local = fingerprint_model(open_source(str(tmp_path / "pipe")))
    with HubServer() as hub:
        hub.add("org/pipe", tmp_path / "pipe")
        remote = fingerprint_model(open_hub("org/pipe", endpoint=hub.endpoint, token=False))
    assert remote.content == local.content and remote.config == local.config
    assert [t.named.place for t in remote.tensors] == [t.named.place for t in local.tensors]


def test_the_registry_answers_for_every_network_of_a_pipeline(tmp_path: Path) -> None:
    write_files(tmp_path / "pipe", pipeline())
    write_files(tmp_path / "copy", pipeline())
    with Registry(tmp_path / "r.duckdb") as registry:
        assert isinstance(registry.ingest(tmp_path / "pipe")[0], Ingested)
        answers = registry.ancestors(tmp_path / "copy").components
    assert {a.component for a in answers} == {"denoiser", "autoencoder", "language"}
    assert {a.ancestors[0].name for a in answers if a.ancestors} == {"pipe"}
