"""`ingest --dry-run` says what an ingest reads, and writes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forebear.ingest.expected import expected_reading
from forebear.ingest.model import fingerprint_model
from forebear.ingest.sources import open_source
from forebear.ingest.sources.hub import open_hub

from ...hub_server import HubServer
from ..conftest import MakeModel, Run

ZOO = Path(__file__).parents[2] / "zoo" / "models"


@pytest.mark.parametrize("name", ["alder", "alder-4bit", "alder-moe"])
@pytest.mark.parametrize("budget", [None, 100_000])
def test_what_is_expected_is_what_is_read(name: str, budget: int | None) -> None:
    source = open_source(str(ZOO / name))
    expected, read = expected_reading(source, budget=budget), fingerprint_model(source, budget=budget)
    source.close()
    assert (expected.bytes_read, expected.requests) == (read.bytes_read, read.requests)
    assert (expected.parameters, expected.bytes_total) == (read.parameters, read.bytes_total)


def test_of_the_hub_no_weights_are_read() -> None:
    with HubServer() as hub:
        hub.add("org/alder", ZOO / "alder")
        source = open_hub("org/alder", endpoint=hub.endpoint)
        expected = expected_reading(source)
        before = hub.storage.bytes
        read = fingerprint_model(source)
        source.close()
    assert (expected.bytes_read, expected.requests) == (read.bytes_read, read.requests)
    assert before < read.bytes_read / 2


def test_a_dry_run_writes_nothing_and_knows_what_is_unchanged(
    run: Run, make_model: MakeModel, registry_path: Path, tmp_path: Path
) -> None:
    ash, beech = make_model("ash", 1), make_model("beech", 2)
    first = run("ingest", "--dry-run", ash, "--format", "json")
    assert first.code == 0 and not registry_path.exists()
    (row,) = json.loads(first.out)["results"]
    assert (row["status"], row["name"], row["bytes_read"] > 0, row["requests"] > 0) == ("to read", "ash", True, True)
    run("ingest", ash)
    before = registry_path.read_bytes()
    again = run("ingest", "--dry-run", ash, beech, tmp_path / "nowhere")
    assert (again.code, registry_path.read_bytes() == before) == (4, True)
    assert [line.split()[0] for line in again.out.splitlines()[2:]] == ["unchanged", "to", "failed"]
    assert "nothing was written" in again.err
