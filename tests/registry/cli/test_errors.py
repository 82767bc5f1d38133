"""Errors are one line and an exit code; only what nobody expected shows a traceback."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import duckdb
import pytest

from forebear.ingest.errors import FormatError, RegistryError
from forebear.ingest.sources.source import NothingToRead
from forebear.registry import Registry
from forebear.registry.cli.errors import explained

from ..conftest import COMMAND, MakeModel, Run
from ..test_registry import held


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (FormatError("x.safetensors: bad"), 1, "forebear: error: x.safetensors: bad\n"),
        (RegistryError("two:\n  a\x1b\n  b"), 1, "forebear: error: two:\n  a\\x1b\n  b\n"),
        (NothingToRead("empty"), 3, "forebear: error: empty\n"),
        (FileNotFoundError(2, "No such file", "x/y"), 1, "forebear: error: x/y: No such file\n"),
        (
            OSError(28, "No space left on device"),
            1,
            "forebear: error: the output cannot be written: No space left on device\n",
        ),
        (
            MemoryError(),
            1,
            "forebear: error: more memory is needed than there is; free some, or ask for less at once\n",
        ),
        (duckdb.IOException("disk full"), 1, "forebear: error: the registry: disk full\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_each_exception_has_its_message_and_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, text: str
) -> None:
    def fail() -> None:
        raise error

    assert explained(fail) == code
    assert capsys.readouterr().err == text


def test_the_unexpected_shows_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ZeroDivisionError("surprise")

    assert explained(fail) == 1
    text = capsys.readouterr().err
    assert "Traceback" in text
    assert "surprise" in text
    assert "bug" in text


@pytest.mark.parametrize(
    "arguments",
    [("bogus",), ("show",), ("list", "--format", "xml"), ("list", "one", "extra"), ("sql",), ("ingest",), ("--bogus",)],
)
def test_misuse_is_exit_code_2_and_says_what_to_try(run: Run, arguments: tuple[str, ...]) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Usage: forebear" in ran.err


def test_a_closed_pipe_is_quiet(zoo_registry: Path) -> None:
    command = [*COMMAND, "--registry", str(zoo_registry), "sql", "FROM range(300000)", "--format", "csv", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == b"range\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_ctrl_c_is_quiet_and_reports_what_is_done(make_model: MakeModel, registry_path: Path) -> None:
    folders = [make_model(f"m{seed}", seed) for seed in range(60)]
    command = [*COMMAND, "ingest", "--format", "jsonl", *map(str, folders)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        error = process.stderr.read()
    assert process.returncode == 130
    assert "Traceback" not in error
    done = [first, *rest.splitlines()]
    assert 0 < len(done) < len(folders)
    assert f"{len(done)} ingested" in error


@pytest.mark.parametrize("seconds", [1.0, 1.5])
def test_ctrl_c_ends_a_long_query(zoo_registry: Path, seconds: float) -> None:
    query = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(1000000) b"
    command = [*COMMAND, "--registry", str(zoo_registry), "sql", query]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        try:
            out, error = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode in {130, -signal.SIGINT}  # a shell calls both 130
    assert (out, error) == ("", "")


def test_a_registry_in_use_is_one_line(
    run: Run, registry_path: Path, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forebear.registry.store.database.WAIT", 0.1)
    monkeypatch.setattr("forebear.registry.store.sql.WAIT", 0.1)
    folder = make_model("a")
    with held(registry_path):
        for command in (["ingest", folder], ["list"], ["ancestors", folder], ["sql", "FROM model"], ["remove", "a"]):
            ran = run(*command)
            assert (ran.code, ran.out) == (1, "")
            assert ran.err.startswith(f"forebear: error: {registry_path}: in use")
            assert ran.err.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [("--version",), ("list", "--format", "json")])
def test_a_full_disk_behind_the_output_is_an_error_without_a_traceback(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    Registry(tmp_path / "registry.duckdb").close()
    with open("/dev/full", "w") as full:
        ran = subprocess.run([*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (
        1,
        "forebear: error: the output cannot be written: No space left on device",
    )
    assert "Traceback" not in ran.stderr
