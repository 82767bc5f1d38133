"""The process of a command: what is imported for it, and how it ends."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from forebear.registry.cli import COMMANDS, application, main, options


def _python(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True)


@pytest.mark.parametrize("module", ["forebear", "forebear.registry.cli"])
def test_a_process_ends_with_the_code_of_its_command_and_all_that_it_printed(module: str, zoo_registry: Path) -> None:
    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", module, *map(str, arguments)], capture_output=True, text=True)

    listed = run("list", "--registry", zoo_registry, "--format", "csv")
    assert (listed.returncode, len(listed.stdout.splitlines())) == (0, 18)
    missing = run("list", "--registry", zoo_registry.parent / "missing.duckdb")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.startswith("forebear: error: ")
    assert run("list", "--no-such-option").returncode == 2


def test_what_is_to_be_done_at_the_end_of_a_process_is_done() -> None:
    code = (
        "import atexit, sys; atexit.register(print, 'at the end');"
        " from forebear.registry.cli import process; sys.argv = ['forebear', '--version']; process()"
    )
    ran = _python(code)
    assert (ran.returncode, ran.stdout.splitlines()[1:], ran.stderr) == (0, ["at the end"], "")


def test_threads_that_still_work_are_waited_for() -> None:
    code = (
        "import sys, threading, time; threading.Thread(target=lambda: (time.sleep(0.5), print('done'))).start();"
        " from forebear.registry.cli import process; sys.argv = ['forebear', '--version']; process()"
    )
    ran = _python(code)
    assert (ran.returncode, ran.stdout.splitlines()[1:], ran.stderr) == (0, ["done"], "")


@pytest.mark.parametrize("before", [(), ("--registry", "audit"), ("--registry=audit", "--config", "list")])
def test_of_the_commands_the_one_that_is_called_is_imported(before: tuple[str, ...]) -> None:
    code = (
        "import sys; from forebear.registry.cli import main; main([*sys.argv[1:], '--help']);"
        " found = [name for name in sys.modules if name.startswith('forebear.registry.cli.commands.')];"
        " print(*found, file=sys.stderr)"
    )
    ran = _python(code, *before, "card")
    assert ran.stderr.split() == ["forebear.registry.cli.commands.card"]
    assert "forebear card" in ran.stdout


def test_a_command_that_is_not_there_is_told_from_all_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--registry", "list", "ancestor"]) == 2
    assert "ancestors" in capsys.readouterr().err


def test_every_command_has_the_name_of_its_file() -> None:
    app = application()
    names = [*(one.name for one in app.registered_commands), *(one.name for one in app.registered_groups)]
    assert sorted(map(str, names)) == sorted(COMMANDS)


@pytest.mark.parametrize(("command", "imported"), [("ancestors", True), ("show", False)])
def test_what_a_question_needs_is_imported_while_the_registry_opens(
    monkeypatch: pytest.MonkeyPatch, zoo_registry: Path, command: str, imported: bool
) -> None:
    called = threading.Event()
    monkeypatch.setattr(options, "_import_asking", called.set)
    assert main([command, "alder", "--registry", str(zoo_registry)]) == 0
    assert called.wait(5 if imported else 0.2) == imported
