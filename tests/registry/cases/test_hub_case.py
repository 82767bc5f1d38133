"""A case on a Hub: read by range at pinned commits, gone on with, made again, with models that are not there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from forebear.ingest.errors import SourceError
from forebear.ingest.sources import Source
from forebear.ingest.sources.hub import open_hub
from forebear.queries.comparison.case.question import Case
from forebear.queries.comparison.case.records import CaseResult
from forebear.registry.cases.case_file import parse_case
from forebear.registry.cases.document import case_document, differences
from forebear.registry.cases.running import CaseOptions, run_case
from forebear.registry.cases.verifying import read_answer
from forebear.registry.reports.numbers import plain

from ...hub_server import Fault, HubServer
from ..conftest import COMMAND, Ran
from . import disputed

CLAIMS = [
    {"name": "gains", "metric": "cosine", "models": ["solar", "glm"], "tensors": ["norm attention"], "value": "0.95"},
    {"name": "descent", "metric": "relation", "models": ["solar", "glm"], "value": "derived"},
]
LABELS = ("solar", "glm", "phi")
Answer = Callable[..., CaseResult]


@pytest.fixture
def hub(models: dict[str, Path]) -> Iterator[HubServer]:
    with HubServer() as server:
        for label in LABELS:
            server.add(f"org/{label}", models[label])
        yield server


@pytest.fixture
def asked() -> Case:
    """Three of the five models, by the Hub."""
    fields = json.loads(disputed.case({label: f"hf://org/{label}" for label in disputed.LABELS}, CLAIMS))
    fields["models"] = {label: fields["models"][label] for label in LABELS}
    del fields["mixed_layers"]
    return parse_case(json.dumps(fields).encode(), "case.yaml")


@pytest.fixture
def answer(hub: HubServer) -> Answer:
    """Answers a case from the Hub, in this process."""

    def opener(spec: str) -> Source:
        return open_hub(spec.removeprefix("hf://"), endpoint=hub.endpoint)

    return partial(_answer, opener)


def _answer(opener: Callable[[str], Source], case: Case, folder: Path | None = None) -> CaseResult:
    return run_case(case, opener, CaseOptions(folder=folder), lambda *_: None)


def run_on(hub: HubServer, *arguments: object) -> Ran:
    """A command in a process of its own: huggingface_hub reads its environment when it is imported."""
    nowhere = {"FOREBEAR_REGISTRY": "", "XDG_DATA_HOME": os.environ["FOREBEAR_REGISTRY"] + ".none"}
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_HUB_DISABLE_IMPLICIT_TOKEN": ""} | nowhere,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def test_a_case_is_read_at_pinned_commits_and_a_second_run_asks_for_nothing(
    hub: HubServer, asked: Case, answer: Answer, tmp_path: Path
) -> None:
    first = answer(asked, tmp_path)
    assert {one.label: one.revision for one in first.models} == {
        label: hub.repositories[f"org/{label}"].branches["main"] for label in LABELS
    }
    assert [one.status for one in first.claims] == ["reproduced", "contradicted"]
    weights = [file for one in first.models for file in one.files if file.path.endswith(".safetensors")]
    assert len(weights) == 6 and all(file.sha256 and not file.hashed for file in weights)
    assert first.provenance is not None and first.provenance.bytes_fetched == first.provenance.bytes_read > 0

    asked_for = hub.storage.bytes
    again = answer(asked, tmp_path)
    assert again.provenance is not None and again.provenance.bytes_fetched == 0
    assert again.provenance.bytes_read == first.provenance.bytes_read and hub.storage.bytes == asked_for
    assert list(differences(case_document(asked, first), case_document(asked, again))) == []


def test_a_written_answer_is_made_again_from_what_it_says(
    hub: HubServer, asked: Case, answer: Answer, tmp_path: Path
) -> None:
    result = tmp_path / "result.json"
    found_now = plain(case_document(asked, answer(asked, tmp_path / "kept")))
    result.write_text(json.dumps(found_now), encoding="utf-8")
    kept = read_answer(result)
    hub.repositories["org/solar"].commit(next(iter(hub.repositories["org/phi"].commits.values())))  # a newer main
    assert kept.case.model("solar").revision in hub.repositories["org/solar"].commits
    document = json.loads(result.read_text(encoding="utf-8"))
    del document["provenance"]
    document["pairs"][0]["verdict"] = "related"
    result.write_text(json.dumps(document), encoding="utf-8")
    found = run_on(hub, "case", "--verify", result, "--keep", tmp_path / "kept", "--format", "jsonl")
    assert found.code == 11, found.err
    assert [json.loads(line) for line in found.out.splitlines()] == [
        {"place": "pairs[0].verdict", "before": "related", "after": "unrelated"}
    ]


def test_a_model_that_is_not_there_leaves_the_others(hub: HubServer, asked: Case, answer: Answer) -> None:
    del hub.repositories["org/glm"]
    found = answer(asked)
    (missing,) = (one for one in found.models if one.failure)
    assert missing.label == "glm" and "org/glm" in str(missing.failure)
    assert {one.status for one in found.claims} == {"not checkable"}
    assert [(pair.first, pair.second) for pair in found.pairs] == [("solar", "phi")]


def test_a_case_goes_on_where_it_was_interrupted(hub: HubServer, asked: Case, answer: Answer, tmp_path: Path) -> None:
    late = hub.repositories.pop("org/phi")
    answer(asked, tmp_path)
    hub.repositories["org/phi"] = late
    before = hub.storage.bytes
    found = answer(asked, tmp_path)
    assert not any(one.failure for one in found.models) and found.provenance is not None
    (phi,) = (one for one in found.models if one.label == "phi")
    fetched = found.provenance.bytes_fetched  # phi, and some rows that the others share with it
    assert hub.storage.bytes - before <= fetched and phi.bytes_read <= fetched < phi.bytes_read + 50_000


def test_a_case_without_two_models_is_an_error(hub: HubServer, asked: Case, answer: Answer) -> None:
    hub.repositories.clear()
    with pytest.raises(SourceError, match="a case needs two models that can be read, and 0 could be"):
        answer(asked)


def test_a_hub_that_fails_at_times_changes_nothing(hub: HubServer, asked: Case, answer: Answer) -> None:
    hub.storage.fail(Fault(status=503), times=2)
    assert not any(one.failure for one in answer(asked).models)


def test_one_more_file_is_one_difference() -> None:
    before = {"models": [{"files": [{"path": "a", "size": 1}, {"path": "c", "size": 3}]}]}
    after = {"models": [{"files": [{"path": "a", "size": 1}, {"path": "b", "size": 2}, {"path": "c", "size": 4}]}]}
    found = {place: (one, other) for place, one, other in differences(before, after)}
    assert found == {"models[0].files.b": (None, {"path": "b", "size": 2}), "models[0].files.c.size": (3, 4)}
