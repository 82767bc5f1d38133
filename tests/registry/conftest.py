"""How the tests of the registry and its command line run commands, and small models to run them on."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from forebear.registry.cli import main

from ..writers import llama, llama_config, model_files, tokenizer_json, words, write_files

COMMAND = [sys.executable, "-m", "forebear.registry.cli"]
"""The command line in a process of its own."""


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]
MakeModel = Callable[..., Path]


@pytest.fixture(autouse=True)
def registry_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for a registry, which is the default one here: no test can reach the user's."""
    path = tmp_path / "registry.duckdb"
    monkeypatch.setenv("FOREBEAR_REGISTRY", str(path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process, through the entry point."""

    def call(*arguments: object) -> Ran:
        capsys.readouterr()
        code = main([os.fspath(a) if isinstance(a, Path) else str(a) for a in arguments])
        found = capsys.readouterr()
        return Ran(code, found.out, found.err)

    return call


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    """Writes a small random model below the test's folder and returns its folder."""

    def make(name: str, seed: int = 0) -> Path:
        tensors = llama(seed)
        files = model_files(tensors, config=llama_config(tensors), tokenizer=tokenizer_json(words(96)))
        return write_files(tmp_path / name, files)

    return make


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of a PostgreSQL server of this test's own."""
    programs = next((p for p in (shutil.which("initdb"), *map(str, _DEBIAN)) if p and Path(p).exists()), None)
    if programs is None:
        pytest.fail("no PostgreSQL server on this machine: apt-get install postgresql")
    folder = Path(programs).resolve().parent
    place = Path(f"/tmp/forebear-postgres-{os.getpid()}")
    place.mkdir(mode=0o700)
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    if user:
        shutil.chown(place, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    subprocess.run(
        [folder / "initdb", "-D", place / "data", "-A", "trust", "-U", "forebear"],
        user=user, check=True, capture_output=True, cwd="/",
    )  # fmt: skip
    server = subprocess.Popen(
        [folder / "postgres", "-D", place / "data", "-p", str(port), "-k", place, "-h", "127.0.0.1"],
        user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
    )  # fmt: skip
    try:
        for _ in range(100):
            if not subprocess.run(
                [folder / "pg_isready", "-h", "127.0.0.1", "-p", str(port)], capture_output=True
            ).returncode:
                break
            time.sleep(0.1)
        yield f"dbname=postgres host=127.0.0.1 port={port} user=forebear"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)
        shutil.rmtree(place)


_DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
