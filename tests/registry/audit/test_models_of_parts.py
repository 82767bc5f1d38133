"""Models of several components: what they share beside their main one makes them neither copies nor a family."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

import forebear
from forebear.registry import Registry
from forebear.registry.reports.trees import edge_rows

Weights = dict[str, NDArray[np.float32]]
ENCODER = "text_model.encoder.layers.{}.{}.weight"
BLOCK = "down_blocks.{}.attentions.{}.transformer_blocks.0.{}.weight"
RESNET = "{}.{}.resnets.{}.{}.weight"
WIDTH = 64


def normal(names: list[tuple[str, tuple[int, ...]]], seed: int) -> Weights:
    random = np.random.default_rng(seed)
    return {name: random.normal(0, 0.05, shape).astype(np.float32) for name, shape in names}


def text_encoder(seed: int) -> Weights:
    """It has more parameters than the denoiser, as T5 beside a small one."""
    square = [*(f"self_attn.{k}_proj" for k in "qkv"), "self_attn.out_proj"]
    wide = {"mlp.fc1": (4 * WIDTH, WIDTH), "mlp.fc2": (WIDTH, 4 * WIDTH)}
    shapes = dict.fromkeys(square, (WIDTH, WIDTH)) | wide
    return normal([(ENCODER.format(i, part), shape) for i in range(12) for part, shape in shapes.items()], seed)


def denoiser(seed: int) -> Weights:
    square = [f"{attention}.{k}" for attention in ("attn1", "attn2") for k in ("to_q", "to_k", "to_v", "to_out.0")]
    shapes = dict.fromkeys(square, (WIDTH, WIDTH)) | {"ff.net.2": (WIDTH, 4 * WIDTH)}
    places = [(b, a) for b in range(3) for a in range(2)]
    return normal([(BLOCK.format(b, a, part), shape) for b, a in places for part, shape in shapes.items()], seed)


def autoencoder(seed: int) -> Weights:
    sides, convs = ("encoder.down_blocks", "decoder.up_blocks"), ("conv1", "conv2")
    places = [(side, b, a, conv) for side in sides for b in range(3) for a in range(2) for conv in convs]
    return normal([(RESNET.format(*place), (32, 32, 3, 3)) for place in places], seed)


def tuned(weights: Weights, seed: int) -> Weights:
    random = np.random.default_rng(seed)
    return {n: (v + 0.002 * random.normal(size=v.shape)).astype(np.float32) for n, v in weights.items()}


def pipeline(folder: Path, unet: Weights, vae: Weights, text: Weights) -> Path:
    """A diffusion model as diffusers saves it."""
    parts = {
        "unet": (unet, {"_class_name": "UNet2DConditionModel"}, "diffusion_pytorch_model"),
        "vae": (vae, {"_class_name": "AutoencoderKL"}, "diffusion_pytorch_model"),
        "text_encoder": (text, {"model_type": "clip_text_model", "num_attention_heads": 4}, "model"),
    }
    folder.mkdir(parents=True)
    classes = {"unet": "UNet2DConditionModel", "vae": "AutoencoderKL", "text_encoder": "CLIPTextModel"}
    index = {"_class_name": "StableDiffusionPipeline"} | {part: ["diffusers", name] for part, name in classes.items()}
    (folder / "model_index.json").write_text(json.dumps(index))
    for part, (weights, config, stem) in parts.items():
        (folder / part).mkdir()
        (folder / part / "config.json").write_text(json.dumps(config))
        save_file(weights, folder / part / f"{stem}.safetensors")
    return folder


def encoder_alone(folder: Path, text: Weights) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "clip_text_model"}))
    save_file(text, folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two bases and a tune of each with one text encoder, and a copy of one base that was saved in another layout."""
    place = tmp_path_factory.mktemp("parts")
    first, second = denoiser(1), denoiser(2)
    vae, other_vae, text = autoencoder(3), autoencoder(4), text_encoder(5)
    folders = [
        pipeline(place / "base", first, vae, text),
        pipeline(place / "tune", tuned(first, 6), vae, text),
        pipeline(place / "other", second, other_vae, text),
        pipeline(place / "encoder-too", tuned(second, 7), other_vae, tuned(text, 8)),
    ]
    with Registry(place / "registry.duckdb") as registry:
        registry.ingest(*folders)
        registry.audit()
    return place / "registry.duckdb"


def test_what_shares_a_component_is_no_duplicate(audited: Path) -> None:
    with Registry(audited, read_only=True) as registry:
        rows = registry.connection.execute(
            "FROM public.latest_findings SELECT model, component, relative, kind"
        ).fetchall()
    assert not [row for row in rows if row[3] == "duplicate"]


def test_models_of_one_text_encoder_are_no_family(audited: Path) -> None:
    with Registry(audited, read_only=True) as registry:
        families = registry.connection.execute(
            "FROM audit_model SELECT list(name ORDER BY name) GROUP BY family_id ORDER BY ALL"
        ).fetchall()
        edges = edge_rows(registry.tree())
    assert [names for (names,) in families] == [["base", "tune"], ["encoder-too", "other"]]
    pairs = {frozenset((str(e["child"]), str(e["parent"]))) for e in edges}
    assert pairs == {frozenset(("base", "tune")), frozenset(("other", "encoder-too"))}


def test_the_relation_of_an_edge_is_that_of_its_first_component(audited: Path) -> None:
    with Registry(audited, read_only=True) as registry:
        edges = {frozenset((str(e["child"]), str(e["parent"]))): e for e in edge_rows(registry.tree())}
    edge = edges[frozenset(("base", "tune"))]
    assert edge["components"] == ["denoiser", "language", "autoencoder"]
    assert "finetuned" in str(edge["relation"]) and "identical" not in str(edge["relation"])


def test_an_equal_part_settles_nothing_about_the_part_that_was_trained(audited: Path) -> None:
    """The pair has two components value for value: which of its denoisers came first is still to be found out."""
    with Registry(audited, read_only=True) as registry:
        rows = registry.connection.execute(
            "FROM public.latest_findings SELECT component, status WHERE kind = 'ancestor' AND model IN ('base', 'tune')"
        ).fetchall()
    assert rows == [("denoiser", "direction_unknown")]


def test_what_holds_a_registered_model_whole_is_found_with_it(tmp_path: Path) -> None:
    """Its text encoder is another model value for value; which came first weights cannot tell."""
    text = text_encoder(5)
    encoder_alone(tmp_path / "encoder", text)
    whole = pipeline(tmp_path / "whole", denoiser(1), autoencoder(3), text)
    with Registry(tmp_path / "registry.duckdb") as registry:
        registry.ingest(whole, tmp_path / "encoder")
        registry.audit()
        rows = registry.connection.execute(
            "FROM public.latest_findings SELECT DISTINCT kind, component, status"
            " WHERE kind IN ('ancestor', 'duplicate')"
        ).fetchall()
        (edge,) = edge_rows(registry.tree())
    assert rows == [("ancestor", "language", "direction_unknown")]
    assert edge["components"] == ["language"] and edge["relation"] == ["identical"] and not edge["directed"]


def test_a_comparison_says_in_which_part_two_models_are_of_one_lineage(tmp_path: Path) -> None:
    vae, text = autoencoder(3), text_encoder(5)
    one = pipeline(tmp_path / "one", denoiser(1), vae, text)
    other = pipeline(tmp_path / "other", denoiser(2), vae, tuned(text, 8))
    said = forebear.compare(one, other).sentence
    assert said.startswith("denoiser: one and other are unrelated")
    assert "autoencoder: of one lineage (identical)" in said and "language: of one lineage (finetuned" in said
    said = forebear.compare(one, encoder_alone(tmp_path / "alone", text)).sentence
    assert said.startswith("language: one and alone are of one lineage")
    assert "denoiser of A has no counterpart in B" in said
