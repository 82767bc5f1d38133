"""A batch of sources: whatever one of them raises is its own outcome, and the others are kept."""

from __future__ import annotations

import logging
from pathlib import Path

import duckdb
import pytest

from forebear.ingest.errors import RegistryError
from forebear.ingest.sources import Source
from forebear.registry import Failed, Ingested, Registry
from forebear.registry.jobs import ingesting

from ...writers import llama, model_files, write_files

NAMES = ("first", "second", "third")


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    return [write_files(tmp_path / name, model_files(llama(i))) for i, name in enumerate(NAMES)]


def breaks(at: str, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading or writing the second model raises `error`."""
    whole = getattr(ingesting, at)

    def broken(*arguments: object, **options: object) -> object:
        if any(getattr(one, "name", None) == "second" for one in arguments):
            raise error
        return whole(*arguments, **options)

    monkeypatch.setattr(ingesting, at, broken)


@pytest.mark.parametrize("at", ["fingerprint_model", "put_model"])
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "more memory is needed than there is"),
        (
            ZeroDivisionError("by\x1b[31m nought"),
            r"a bug of forebear (ZeroDivisionError: by\x1b[31m nought); please report",
        ),
        (RecursionError(), "a bug of forebear (RecursionError"),
        (duckdb.ConversionException("a value"), "a bug of forebear (ConversionException"),
    ],
)
def test_what_one_source_raises_is_its_own_failure(
    at: str, error: Exception, reason: str, folders: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    breaks(at, error, monkeypatch)
    with Registry(tmp_path / "r.duckdb") as registry:
        outcomes = registry.ingest(*folders)
        rows = registry.connection.execute("SELECT name FROM model ORDER BY name").fetchall()
    assert [type(o) for o in outcomes] == [Ingested, Failed, Ingested]
    failed = outcomes[1]
    assert isinstance(failed, Failed) and reason in failed.reason
    assert rows == [("first",), ("third",)]


def test_the_traceback_of_a_bug_goes_to_the_debug_log(
    folders: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    breaks("fingerprint_model", ZeroDivisionError("x"), monkeypatch)
    with caplog.at_level(logging.DEBUG, "forebear"), Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(*folders)
    traced = [record for record in caplog.records if record.exc_info]
    assert [record.levelno for record in traced] == [logging.DEBUG]
    assert "ZeroDivisionError" in caplog.text and "Traceback" in caplog.text


@pytest.mark.parametrize("error", [RegistryError("held"), duckdb.IOException("no space left"), KeyboardInterrupt()])
def test_what_is_wrong_with_the_registry_or_said_by_the_user_ends_the_batch(
    error: BaseException, folders: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    breaks("put_model", error, monkeypatch)
    with Registry(tmp_path / "r.duckdb") as registry, pytest.raises(type(error)):
        registry.ingest(*folders)


def test_a_source_that_cannot_be_opened_for_a_bug_fails_alone(folders: list[Path]) -> None:
    def opener(spec: str) -> Source:
        raise AttributeError(spec)

    read = ingesting.read_spec(str(folders[0]), opener=opener, known={}, budget=None)
    assert isinstance(read, Failed) and "a bug of forebear (AttributeError" in read.reason
