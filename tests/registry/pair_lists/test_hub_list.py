"""A shipped list run on a loopback Hub with small models under its names: asked, scored, stopped and gone on with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from pathlib import Path

import pytest
from huggingface_hub import constants

from forebear.registry import Registry
from forebear.registry.pair_lists.pair_list import PairList
from forebear.registry.pair_lists.reading import Budget, ReadModels, read_models
from forebear.registry.pair_lists.running import run_list
from forebear.registry.pair_lists.shipped import find_list, shipped_lists

from ...hub_server import HubServer
from ...writers import Floats, llama, llama_config, model_files, tokenizer_json, words, write_files
from ..cases.disputed import trained_on
from ..conftest import Run

GONE = "Salesforce/xgen-7b-4k-base"
"""The one repository of the list that this Hub does not have."""


@pytest.fixture(scope="module")
def listed() -> PairList:
    return find_list("model-tracing")


@pytest.fixture(scope="module")
def hub(listed: PairList, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    with HubServer() as server:
        serve(server, listed, tmp_path_factory.mktemp("models"), gone={GONE})
        yield server


def serve(server: HubServer, listed: PairList, folder: Path, *, gone: Set[str] = frozenset()) -> None:
    """Small models under the names of a list, each trained from the one that it descends from there."""
    made: dict[str, dict[str, Floats]] = {}
    parent = {pair.model: pair.other for pair in listed.pairs if pair.directed}  # of several the nearest stands last
    seeds = {name: seed for seed, name in enumerate(listed.repositories, 1)}

    def weights(name: str) -> dict[str, Floats]:
        if name not in made:
            above = parent.get(name)
            made[name] = trained_on(weights(above), seeds[name], 0.05) if above else llama(seeds[name])
        return made[name]

    for name in set(listed.repositories) - gone:
        config, tokenizer = llama_config(weights(name)), tokenizer_json(words(96))
        server.add(name, write_files(folder / name, model_files(weights(name), config=config, tokenizer=tokenizer)))


@pytest.fixture(autouse=True)
def endpoint(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)  # read from the environment once, by whoever came first
    files = hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The registry of the list, which the first test fills."""
    return tmp_path_factory.mktemp("registry") / "list.duckdb"


def read(path: Path, listed: PairList, budget: Budget) -> ReadModels:
    with Registry(path) as registry:
        return read_models(registry, listed.repositories, budget, lambda *_: None)


def test_every_pair_is_asked_and_scored(listed: PairList, place: Path) -> None:
    with Registry(place) as registry:
        found = run_list(registry, listed, Budget(), lambda *_: None)
    assert found.models == 20 and list(found.missing) == [GONE]
    score = found.score
    assert score.auc == 1 and score.at_zero == score.positives == score.found == 69
    assert score.negatives == 121 and score.false == 0  # 20 of 141 are pairs of the model that is gone
    assert sum(one.status == "not read" for one in found.answers) == 20 and found.wrong == []
    assert score.told == score.told_right > 5
    assert all(one.observed <= max(1, 3 * one.expected) for one in score.calibration)


def test_what_is_there_is_not_read_again(listed: PairList, hub: HubServer, place: Path) -> None:
    before = hub.storage.bytes
    again = read(place, listed, Budget())
    assert hub.storage.bytes == before and again.bytes_read == 0 and len(again.models) == 20


def test_a_run_stays_within_its_bytes_and_the_next_goes_on(listed: PairList, tmp_path: Path) -> None:
    path, before = tmp_path / "list.duckdb", 0
    for number in range(3):
        found = read(path, listed, Budget(200_000, 1_500_000))
        assert 0 < found.bytes_read <= 1_500_000 and len(found.models) > before, number
        before = len(found.models)
        assert all("run it again" in why for name, why in found.missing.items() if name != GONE)
    assert before < 20


def test_a_model_that_no_run_may_read_does_not_hold_up_the_others(listed: PairList, tmp_path: Path) -> None:
    found = read(tmp_path / "list.duckdb", listed, Budget(200_000, 100_000))
    assert found.bytes_read == 0 and all("more than the 100000" in w for n, w in found.missing.items() if n != GONE)


def test_a_repository_under_a_newer_name_is_known_again(
    listed: PairList, hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "lmsys/vicuna-7b-v1.1"
    monkeypatch.setitem(hub.repositories[name].info, "id", "lmsys/vicuna-new")
    monkeypatch.setitem(hub.repositories, "lmsys/vicuna-new", hub.repositories[name])
    first = read(tmp_path / "list.duckdb", listed, Budget())
    assert list(first.missing) == [GONE] and first.models[name].uri == "hf://lmsys/vicuna-new"
    before = hub.storage.bytes
    assert len(read(tmp_path / "list.duckdb", listed, Budget()).models) == 20 and hub.storage.bytes == before


@pytest.fixture
def small(place: Path) -> Path:
    """A list of three pairs, one of them of the model that is gone."""
    path = place.with_name("small.yaml")
    path.write_text(
        "list: 1\ntitle: three pairs\nsources: [somebody]\ngroups:\n"
        "  - {truth: related, kind: one root, pairs: [[LLM360/AmberChat, LLM360/Amber]]}\n"
        "  - {truth: unrelated, kind: roots, pairs: [[LLM360/Amber, yahma/llama-7b-hf], [LLM360/Amber, "
        + GONE
        + "]]}\n",
        encoding="utf-8",
    )
    return path


def test_the_command_prints_figures_kinds_and_what_was_not_read(run: Run, small: Path, place: Path) -> None:
    ran = run("bench-public", small, "--registry", place)
    assert ran.code == 4, ran.err
    lines = ran.out.splitlines()
    assert all(len(line) <= 80 for line in lines if "  " in line.strip()), ran.out
    for said in ("three pairs", "3 pairs; 3 of 4 models read", "one root", "expected at most", GONE):
        assert said in ran.out
    figures = {line.rsplit("  ", 1)[0].strip(): line.rsplit("  ", 1)[1].strip() for line in lines if "  " in line}
    assert figures["AUC"] == "1.0000" and figures["related pairs found"] == "1 of 1"
    assert figures["unrelated pairs called related"] == "0 of 1"


def test_json_holds_every_pair(run: Run, small: Path, place: Path) -> None:
    document = json.loads(run("bench-public", small, "--registry", place, "--format", "json", "--quiet").out)
    assert document["schema_version"] == 1 and document["list"] == "small" and document["models"]["read"] == 3
    assert [(pair["truth"], pair["status"], pair["right"]) for pair in document["pairs"]] == [
        ("related", "related", True),
        ("unrelated", "unrelated", True),
        ("unrelated", "not read", None),
    ]
    assert document["score"]["auc"] == 1 and document["score"]["negatives"] == 1


@pytest.mark.cases
@pytest.mark.parametrize("name", sorted({one.name for one in shipped_lists()} - {"model-tracing"}))
def test_every_list_that_ships_runs(name: str, hub: HubServer, tmp_path: Path) -> None:
    listed = find_list(name)
    serve(hub, listed, tmp_path / "models")
    with Registry(tmp_path / "list.duckdb") as registry:
        found = run_list(registry, listed, Budget(), lambda *_: None)
    score = found.score
    assert not found.missing and found.wrong == []
    assert score.auc == 1 and score.positives + score.negatives == sum(pair.scored for pair in listed.pairs)
    assert all(one.observed <= max(1, 3 * one.expected) for one in score.calibration)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "one of the two"),
        (("awm", "--list"), "one of the two"),
        (("awm", "--most", "much"), "is not a size"),
    ],
)
def test_what_is_asked_wrongly_is_usage(run: Run, arguments: tuple[str, ...], said: str) -> None:
    ran = run("bench-public", *arguments)
    assert ran.code == 2 and said in " ".join(ran.err.split())
