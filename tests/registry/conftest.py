"""How the tests of the registry and its command line run commands, and small models to run them on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
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
