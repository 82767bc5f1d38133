"""An encoder is found again as the tower of a larger model, and the reverse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from forebear import Registry

Weights = dict[str, NDArray[np.float32]]
WIDTH, LAYERS = 64, 6


def stack(stem: str, seed: int, *, cross: bool = False) -> Weights:
    """Layers of a transformer as Whisper and BART name them."""
    random = np.random.default_rng(seed)
    attention = ["self_attn", "encoder_attn"] if cross else ["self_attn"]
    shapes = {f"{a}.{p}": (WIDTH, WIDTH) for a in attention for p in ("q_proj", "k_proj", "v_proj", "out_proj")}
    shapes |= {"fc1": (4 * WIDTH, WIDTH), "fc2": (WIDTH, 4 * WIDTH)}
    return {
        f"{stem}.layers.{i}.{part}.weight": random.normal(0, 0.05, shape).astype(np.float32)
        for i in range(LAYERS)
        for part, shape in shapes.items()
    }


def saved(folder: Path, weights: Weights, kind: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": kind, "num_attention_heads": 4}))
    save_file(weights, folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder and decoder, an assistant that hears and sees with encoders, and strangers of both."""
    place = tmp_path_factory.mktemp("towers")
    decoder, language = stack("model.decoder", 2, cross=True), stack("language_model.model", 3)
    folders = [
        saved(place / "speech", stack("model.encoder", 1) | decoder, "whisper"),
        saved(place / "hears", stack("audio_tower", 1) | language, "qwen2_audio"),
        saved(place / "sees", stack("vision_tower", 1) | stack("language_model.model", 5), "llava"),
        saved(place / "deaf", stack("audio_tower", 6) | stack("language_model.model", 7), "qwen2_audio"),
        saved(place / "mute", stack("model.encoder", 8) | stack("model.decoder", 9, cross=True), "whisper"),
    ]
    with Registry(place / "registry.duckdb") as registry:
        registry.ingest(*folders)
        registry.audit()
    return place / "registry.duckdb"


@pytest.mark.parametrize(
    ("asked", "component", "others"),
    [("hears", "audio", {"speech"}), ("sees", "vision", {"speech"}), ("speech", "encoder", {"hears", "sees"})],
)
def test_ancestors_finds_an_encoder_in_a_tower_and_no_stranger(
    audited: Path, asked: str, component: str, others: set[str]
) -> None:
    with Registry(audited, read_only=True) as registry:
        report = registry.ancestors(asked)
    answer = next(one for one in report.components if one.component == component)
    assert {row.name for row in answer.ancestors if row.origin} == others


def test_an_audit_compares_encoders_and_towers_both_ways(audited: Path) -> None:
    with Registry(audited, read_only=True) as registry:
        rows = registry.connection.execute(
            "FROM audit_pair AS p JOIN model AS m ON m.model_id = query_id JOIN model AS r ON r.model_id = relative_id"
            " SELECT m.name, p.component, r.name, p.relative_component WHERE p.origin IS NOT NULL"
        ).fetchall()
    assert set(rows) == {
        ("hears", "audio", "speech", "encoder"),
        ("speech", "encoder", "hears", "audio"),
        ("sees", "vision", "speech", "encoder"),
        ("speech", "encoder", "sees", "vision"),
    }


def test_sql_and_compare_find_it_too(audited: Path) -> None:
    with Registry(audited, read_only=True) as registry:
        near = registry.connection.execute(
            "FROM ancestors('hears') SELECT name, component WHERE component = 'audio' ORDER BY rank LIMIT 1"
        ).fetchall()
        found = registry.compare("hears", "speech", controls=[])
    assert [name for name, _ in near] == ["speech"]
    assert {(c.component, c.verdict) for c in found.components if c.verdict != "unrelated"} == {("audio", "related")}
