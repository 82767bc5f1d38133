"""The copy that is read: whole, private, renewed while others write, and never in their way."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from forebear.ingest.errors import RegistryError, RegistryInUse
from forebear.registry import Registry
from forebear.registry.server import copying
from forebear.registry.server.copying import copy_registry
from forebear.registry.server.snapshot import Snapshots, file_of
from forebear.registry.store.file_state import state_of

from ..conftest import COMMAND, MakeModel

WRITER = """
import sys, time
from forebear.registry import Registry
with Registry(sys.argv[1]) as registry:
    registry.connection.execute("SELECT 1").fetchall()
    print("held", flush=True)
    sys.stdin.readline()
"""


def bytes_of(path: Path) -> bytes:
    return path.read_bytes()


def waited(done: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if done():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("in_kernel", [True, False])
def test_a_copy_is_the_file_and_a_later_one_takes_over_the_blocks_that_did_not_change(
    tmp_path: Path, zoo_registry: Path, monkeypatch: pytest.MonkeyPatch, in_kernel: bool
) -> None:
    def refused(*_: object) -> int:
        raise OSError(errno.EXDEV, "between two devices")

    if not in_kernel:
        monkeypatch.setattr(os, "copy_file_range", refused, raising=False)
    place, copy = tmp_path / "registry.duckdb", tmp_path / "copy.duckdb"
    place.write_bytes(bytes_of(zoo_registry))
    copy_registry(place, copy)
    assert bytes_of(copy) == bytes_of(place)
    with Registry(place) as registry:
        registry.remove("birch")
        registry.connection.execute("CHECKPOINT")
    moved: list[int] = []
    whole = copying._move

    def counted(source: int, target: int, begin: int, end: int) -> None:
        moved.append(end - begin)
        whole(source, target, begin, end)

    monkeypatch.setattr(copying, "_move", counted)
    copy_registry(place, copy)
    assert bytes_of(copy) == bytes_of(place) and 0 < sum(moved) < 0.9 * place.stat().st_size
    with Registry(copy, read_only=True) as registry:
        assert registry.find("birch") is None and registry.find("alder")


def test_a_copy_has_what_only_the_log_holds(tmp_path: Path, make_model: MakeModel) -> None:
    place, copy = tmp_path / "registry.duckdb", tmp_path / "copy.duckdb"
    with Registry(place) as registry:
        registry.ingest(make_model("one"))
    text = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]);"
        "c.execute(\"UPDATE model SET license = 'logged'\"); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", text, str(place)], check=True)
    assert state_of(place).log[0] > 0
    copy_registry(place, copy)
    with Registry(copy, read_only=True) as registry:
        assert registry.model("one").license == "logged"


def test_no_copy_is_made_while_a_process_writes(tmp_path: Path, zoo_registry: Path) -> None:
    place = tmp_path / "registry.duckdb"
    place.write_bytes(bytes_of(zoo_registry))
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", WRITER, str(place)], stdin=pipe, stdout=pipe, text=True) as writer:
        assert writer.stdout and writer.stdin and writer.stdout.readline() == "held\n"
        with pytest.raises(RegistryInUse):
            copy_registry(place, tmp_path / "copy.duckdb")
        writer.stdin.write("\n")
        writer.stdin.flush()
        assert writer.wait() == 0
    copy_registry(place, tmp_path / "copy.duckdb")


def test_no_process_writes_while_a_copy_is_made(tmp_path: Path, zoo_registry: Path) -> None:
    place = tmp_path / "registry.duckdb"
    place.write_bytes(bytes_of(zoo_registry))
    text = "import duckdb, sys; duckdb.connect(sys.argv[1])"
    with copying._held(place):
        ran = subprocess.run([sys.executable, "-c", text, str(place)], capture_output=True, text=True, check=False)
        assert ran.returncode and "Could not set lock" in ran.stderr
    subprocess.run([sys.executable, "-c", text, str(place)], check=True)


def test_readers_see_what_an_ingest_brings_and_the_ingest_is_not_kept_out(
    tmp_path: Path, make_model: MakeModel
) -> None:
    place = tmp_path / "registry.duckdb"
    with Registry(place) as registry:
        registry.ingest(make_model("first"))
    errors: list[Exception] = []
    ended = threading.Event()

    def read(copy: Snapshots) -> None:
        while not ended.is_set():
            try:
                with copy.reading() as (registry, _):
                    assert registry.model("first").name == "first"
                time.sleep(0.01)
            except (duckdb.Error, RegistryError, AssertionError) as error:
                errors.append(error)

    with Snapshots(place, least=0.05) as copy:
        before = copy.version
        threads = [threading.Thread(target=read, args=(copy,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        more = [make_model(f"more-{i}", i + 1) for i in range(3)]
        subprocess.run([*COMMAND, "--registry", str(place), "ingest", *map(str, more), "--quiet"], check=True)

        def there() -> bool:
            with copy.reading() as (registry, _):
                return registry.find("more-2") is not None

        assert waited(there) and copy.version != before
        ended.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert not list(tmp_path.glob("forebear-serve-*"))


def test_the_copies_are_gone_at_the_end(tmp_path: Path, zoo_registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Snapshots(zoo_registry) as copy:
        assert copy.version and len(list(tmp_path.glob("forebear-serve-*/*.duckdb"))) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_registry_that_breaks_is_served_as_it_was_and_no_copies_heap_up(
    tmp_path: Path, zoo_registry: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    place = tmp_path / "registry.duckdb"
    place.write_bytes(bytes_of(zoo_registry))
    with Snapshots(place, least=0.02) as copy:
        before = copy.version
        place.write_bytes(b"no database" * 1000)
        assert waited(lambda: caplog.text.count("the registry as it was is still served") >= 3)
        assert copy.version == before and len(list(tmp_path.glob("forebear-serve-*/*.duckdb"))) == 2
        with copy.reading() as (registry, _):
            assert registry.find("alder")
        place.write_bytes(bytes_of(zoo_registry))
        assert waited(lambda: copy.version != before)


def test_what_is_no_registry_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="no registry there"):
        Snapshots(tmp_path / "missing.duckdb")
    (tmp_path / "text").write_text("no database", encoding="utf-8")
    with pytest.raises(RegistryError, match=f"^{tmp_path}/text: cannot be opened") as refused:
        Snapshots(tmp_path / "text")
    assert "forebear-serve-" not in str(refused.value)
    with pytest.raises(RegistryError, match="needs a registry file"):
        file_of("ducklake:x")
