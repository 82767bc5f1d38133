"""Bytes kept in a folder: they are the source's own, and what was torn or changed is read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from forebear.ingest.errors import RegistryError, SourceError
from forebear.registry.cases.kept import KeptSource

from ...writers import MemorySource

DATA = bytes(range(256)) * 8


def source(data: bytes = DATA, state: str = "1") -> MemorySource:
    return MemorySource({"a": data, "b/c": data[::-1]}, state=state)


def read(kept: KeptSource, path: str = "a", offset: int = 10, length: int = 20) -> bytes:
    return kept.open(path).read(offset, length)


def test_a_range_is_asked_for_once_and_counted_once(tmp_path: Path) -> None:
    first = KeptSource(source(), tmp_path)
    assert read(first) == DATA[10:30] == read(first) and first.bytes_fetched == first.bytes_used == 20
    first.close()
    again = KeptSource(source(), tmp_path)
    assert read(again) == DATA[10:30] and (again.bytes_fetched, again.bytes_used) == (0, 20)
    assert read(again, "b/c") == DATA[::-1][10:30] and again.bytes_fetched == 20
    again.close()


def test_another_state_of_the_source_has_bytes_of_its_own(tmp_path: Path) -> None:
    first = KeptSource(source(), tmp_path)
    read(first)
    first.close()
    changed = KeptSource(source(DATA[::-1], state="2"), tmp_path)
    assert read(changed) == DATA[::-1][10:30] and changed.bytes_fetched == 20
    changed.close()


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-3], lambda data: data[:-1] + b"?", lambda data: data + b"\x01\x00"]
)
def test_what_was_torn_or_changed_is_read_again(tmp_path: Path, damage: object) -> None:
    first = KeptSource(source(), tmp_path)
    read(first)
    read(first, offset=100)
    first.close()
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    again = KeptSource(source(), tmp_path)
    assert read(again) == DATA[10:30] and read(again, offset=100) == DATA[100:120]
    assert again.bytes_fetched in {0, 20} and again.bytes_used == 40
    again.close()
    last = KeptSource(source(), tmp_path)
    assert read(last, offset=100) == DATA[100:120] and last.bytes_fetched == 0
    last.close()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RegistryError, match="cannot be kept there"):
        KeptSource(source(), tmp_path / "file")


def test_the_errors_of_the_source_are_its_own(tmp_path: Path) -> None:
    kept = KeptSource(source(), tmp_path)
    with pytest.raises(SourceError):
        read(kept, offset=len(DATA))
    assert kept.bytes_fetched == 0
    kept.close()
    assert kept.uri == "memory:///model" and set(kept.files) == {"a", "b/c"}
