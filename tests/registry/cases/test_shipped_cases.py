"""Every case that comes with forebear, run on a loopback Hub with small models under the names that it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from forebear.ingest.sources import Source
from forebear.ingest.sources.hub import open_hub
from forebear.queries.comparison.case.question import Case
from forebear.queries.comparison.case.records import CaseResult
from forebear.registry.cases.running import CaseOptions, run_case
from forebear.registry.cases.shipped import find_case, shipped_cases

from ...hub_server import HubServer
from ...writers import Floats, llama, llama_config, model_files, tokenizer_json, words, write_files
from . import disputed

QUICK = {"solar-glm", "llama3v-minicpm"}
"""Those that are run with every test; the others by `make test-cases`."""
HUB = [
    pytest.param(one.name, marks=[] if one.name in QUICK else pytest.mark.cases)
    for one in shipped_cases()
    if one.name != "zoo"
]
FOUNDING = {"solar": "solar", "glm": "glm", "intellect": "intellect", "phi": "phi", "deepseek": "deepseek"}
RELATED = {
    "solar-glm": {("glm", "intellect")},
    "llama3v-minicpm": {("llama3v", "minicpm")},
    "rio-nex": {("rio", "nex"), ("rio", "qwen"), ("nex", "qwen")},
}
"""Case -> pairs that are made related here; in the others nothing is."""


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


def noisy(tensors: Mapping[str, Floats], seed: int, size: float) -> dict[str, Floats]:
    """One Gaussian noise added to all tensors."""
    random = np.random.default_rng(seed)
    return {name: (v + size * random.standard_normal(v.shape)).astype(np.float32) for name, v in tensors.items()}


def small_models(case: str, labels: list[str]) -> dict[str, dict[str, Floats]]:
    """Label -> tensors: unrelated ones, but for what RELATED says."""
    found: dict[str, dict[str, Floats]] = {label: llama(seed) for seed, label in enumerate(labels, 1)}
    if case == "llama3v-minicpm":
        found["llama3v"] = noisy(found["minicpm"], 50, 0.001)
    if case == "rio-nex":
        found["nex"] = disputed.trained_on(found["qwen"], 60, 0.2)
        nex, qwen = found["nex"], found["qwen"]
        found["rio"] = {name: (0.571 * nex[name] + 0.429 * qwen[name]).astype(np.float32) for name in nex}
    return found


def serve(hub: HubServer, case: Case, name: str, folder: Path, models: Mapping[str, Path]) -> None:
    """The sources of a case as repositories."""
    labels = [model.label for model in case.models]
    small = small_models(name, labels)
    for model in case.models:
        if name == "solar-glm" and model.label in FOUNDING:
            path = models[model.label]
        else:
            tensors = small[model.label]
            files = model_files(tensors, config=llama_config(tensors), tokenizer=tokenizer_json(words(96)))
            path = write_files(folder / model.label, files)
        hub.add(model.source.removeprefix("hf://"), path)


@pytest.mark.parametrize("name", HUB)
def test_it_runs_on_a_hub_and_says_what_was_made(
    name: str, hub: HubServer, models: dict[str, Path], tmp_path: Path
) -> None:
    case = find_case(name)
    serve(hub, case, name, tmp_path / "models", models)

    def opener(spec: str) -> Source:
        return open_hub(spec.removeprefix("hf://"), endpoint=hub.endpoint)

    found = run_case(case, opener, CaseOptions(folder=tmp_path / "kept"), lambda *_: None)
    assert not any(one.failure for one in found.models)
    related = {(p.first, p.second) for p in found.pairs if p.verdict in {"related", "derived", "shared_initialisation"}}
    assert related == RELATED.get(name, set())
    assert found.controls.trusted is True and len(found.claims) == len(case.claims)
    _check(name, found)


def _check(name: str, found: CaseResult) -> None:
    """What the claims of the cases with made relations come to."""
    status = {one.name: one.status for one in found.claims}
    match name:
        case "solar-glm":
            assert status["descent"] == "contradicted" and status["no descent"] == "reproduced"
            assert status["Pearson INTELLECT-GLM"] == "reproduced" and status["z of 485"] == "contradicted"
            assert status["first ids of Solar"] == "reproduced" and status["id 0 of GLM"] == "reproduced"
            assert status["input_layernorm 45"] == "not checkable"  # these have twelve layers
        case "llama3v-minicpm":
            assert status == {"one noise": "reproduced"}
        case "rio-nex":
            assert status == {"weight of Nex-N2-Pro": "reproduced"}, found.claims
        case "yi-llama":
            assert status == {"no copied weights": "reproduced"}
        case _:
            assert set(status.values()) <= {"contradicted", "not checkable"}
