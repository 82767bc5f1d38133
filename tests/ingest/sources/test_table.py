"""A kind of source is a record in SOURCES: one that these tests add is ingested and asked about like any other."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from forebear.ingest import sources
from forebear.ingest.errors import SourceError
from forebear.ingest.sources import Location, Source, SourceKind, is_remote, open_source, remote_spec, source_uri
from forebear.ingest.sources.card import BaseModel, ProviderCard
from forebear.registry import Failed, Ingested, Registry

from ...writers import MemorySource

SCHEME = "toy://"


def shelf(zoo: Path) -> SourceKind:
    """A provider whose models are the zoo's, that keeps them in memory and calls every one a child of `alder`."""

    def parse(spec: str) -> Location | None:
        name, _, revision = spec.removeprefix(SCHEME).partition("@")
        return Location(f"{SCHEME}{name}", revision or None) if spec.startswith(SCHEME) else None

    def opened(spec: str, connections: int | None) -> Source:
        location = parse(spec)
        assert location is not None
        name = location.uri.removeprefix(SCHEME)
        if not (zoo / name).is_dir():
            raise SourceError(f"{location.uri}: the shelf has no such model")
        files = {path.name: path.read_bytes() for path in (zoo / name).iterdir() if path.name != "README.md"}
        card = ProviderCard(
            provider="toy",
            author="shelf",
            created=datetime(2026, 6, 1, tzinfo=UTC),
            license="mit",
            base_models=(BaseModel("alder", "finetune"),),
        )
        return MemorySource(files, name, location.uri, location.revision or "1", card=card)

    return SourceKind("toy", parse, opened, remote=True)


@pytest.fixture
def toy(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table with one more line."""
    monkeypatch.setattr(sources, "SOURCES", (*sources.SOURCES, shelf(zoo)))


@pytest.mark.usefixtures("toy")
def test_a_source_added_to_the_table_is_ingested_and_asked_about(zoo: Path, tmp_path: Path) -> None:
    with Registry(tmp_path / "r.duckdb") as registry:
        outcomes = registry.ingest("toy://alder@2", "toy://cedar", "toy://oak")
        assert [type(o) for o in outcomes[:2]] == [Ingested, Ingested]
        failed = outcomes[2]
        assert isinstance(failed, Failed) and "the shelf has no such model" in failed.reason
        report = registry.ancestors("toy://alder-docs")
        top = report.components[0].ancestors[0]
        assert (top.name, top.source) == ("alder", "toy://alder") and top.declared
        assert registry.ancestors(zoo / "alder-docs").components[0].ancestors[0].identity == top.identity
        rows = registry.connection.execute(
            "SELECT name, revision, license, year(released_at), author, p.origin FROM model"
            " JOIN hub USING (model_id) JOIN declared_parent AS p USING (model_id) ORDER BY name"
        ).fetchall()
    assert rows == [("alder", "2", "mit", 2026, "shelf", "toy"), ("cedar", "1", "mit", 2026, "shelf", "toy")]


@pytest.mark.usefixtures("toy")
def test_a_registered_model_of_an_added_source_is_opened_again_to_be_compared(tmp_path: Path) -> None:
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest("toy://alder", "toy://cedar")
        found = registry.compare("alder", "cedar", controls=[])
    assert [model.values for model in found.models] == ["leading rows", "leading rows"]
    assert found.tokenizer is not None


@pytest.mark.usefixtures("toy")
def test_an_added_source_has_its_own_uris() -> None:
    assert (source_uri("toy://alder@2"), remote_spec("toy://alder@2")) == ("toy://alder", "toy://alder@2")
    assert is_remote("toy://alder") and not is_remote("toys://alder")


def test_every_kind_of_source_tells_its_own_specifications_from_the_others(tmp_path: Path) -> None:
    owners = {
        str(tmp_path): "folder",
        "hf://org/name": "hub",
        "hf://org/name@main": "hub",
        "org/name": "hub",
        "toy://alder": None,
        "a/b/c": None,
        "nothing": None,
    }
    for spec, owner in owners.items():
        assert next((k.name for k in sources.SOURCES if k.parse(spec)), None) == owner, spec
        if owner is None:
            assert source_uri(spec).startswith("file:///") and not is_remote(spec)
            with pytest.raises(SourceError, match="no such file or folder"):
                open_source(spec)


@pytest.mark.parametrize("spec", ["", " ", "\n"])
def test_an_empty_name_is_no_model_not_even_where_the_folder_of_this_process_is_one(
    spec: str, zoo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(zoo / "alder")
    assert open_source(".").files
    with pytest.raises(SourceError, match="an empty name"):
        open_source(spec)
    assert not is_remote(spec)
