"""Where the blocks of a page run: a folder like a fresh checkout's, with the demo registry and a Hub on loopback."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import duckdb

from forebear.registry import Registry
from forebear.registry.cli import main

from ..hub_server import HubServer
from .blocks import ROOT
from .varying import placed

HOME = "/home/you/forebear"
"""What pages call the checkout."""
_PACKAGE = ("ingest", "queries", "registry", "schema")
_QUOTED = re.compile(r"'[^']*'|\"[^\"$`]*\"|(?<= )#.*")
_SHELL = frozenset("|<>&;*?[$`()~")
_REPOSITORIES: dict[str, tuple[str, str | None]] = {
    "org/birch": ("birch", None),
    "org/gated": ("cedar", "manual"),
    "org/alder": ("alder", None),
    "org/alder-docs": ("alder-docs", None),
}
"""What the Hub on loopback holds, oldest first, a model a day from 1 June 2025 on: models of the zoo, some gated."""
TOKEN = "hf_let_me_in"


class Failed(AssertionError):
    """A command ended with an exit code other than 0, and the page does not ask for it."""


class Session:
    """One folder for all pages, made fresh for each; `close` ends the Hub."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept = folder.parent / f"{folder.name}-registry.duckdb"
        self._hub = HubServer()
        for day, (name, (model, gated)) in enumerate(_REPOSITORIES.items(), 1):
            made = {"createdAt": f"2025-06-{day:02}T12:00:00.000Z"}
            self._hub.add(name, ROOT / "tests" / "zoo" / "models" / model, gated=gated, info=made)
        self.begin()
        with _inside(folder), Registry(self._kept) as registry:
            registry.ingest(*sorted(Path("tests/zoo/models").iterdir()))

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hub.__exit__(kind, error, trace)

    def begin(self) -> None:
        """An empty folder with the zoo, and the registry of it where it was made."""
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "tests").mkdir(parents=True)
        (self.folder / "tests" / "zoo").symlink_to(ROOT / "tests" / "zoo")
        if self._kept.exists():
            shutil.copy(self._kept, self.folder / "zoo.duckdb")
        self._environment = {
            "FOREBEAR_REGISTRY": str(self.folder / "zoo.duckdb"),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "HF_ENDPOINT": self._hub.endpoint,
            "HF_TOKEN": TOKEN,
            "PYTHONUNBUFFERED": "1",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        }
        self._names: dict[str, object] = {"__name__": "page"}
        self._package: Path | None = None
        self._code = 0

    def run(self, command: str, *, may_fail: bool = False) -> list[str]:
        """The lines that a command prints, on stdout and stderr; `Failed` when it fails and may not."""
        if command == "echo $?":
            return [str(self._code)]
        words = shlex.split(command, comments=True)
        if words[:1] == ["export"]:
            self._environment |= dict(word.split("=", 1) for word in words[1:])
            return []
        plain = words[:1] == ["forebear"] and not _SHELL & set(_QUOTED.sub("", command)) and not self._package
        lines = self._called(words[1:]) if plain and not _needs_hub(words) else self._spawned(command)
        if self._code and not may_fail:
            raise Failed(f"$ {command}\nended with exit code {self._code}:\n" + "\n".join(lines))
        return lines

    def _called(self, arguments: list[str]) -> list[str]:
        """A command line in this process: ten times as fast as one of its own."""
        printed = io.StringIO()
        with (
            _inside(self.folder, self._environment),
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
        ):
            self._code = main(arguments)
        return self._placed(printed.getvalue())

    def _spawned(self, command: str) -> list[str]:
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail\n{command}"],
            cwd=self.folder,
            env=os.environ | self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        self._code = 0 if "| head" in command and done.returncode == 141 else done.returncode
        return self._placed(done.stdout)

    def python(self, code: str) -> list[str]:
        """The lines that Python prints; names stay from one block of a page to the next."""
        printed = io.StringIO()
        with _inside(self.folder, self._environment), contextlib.redirect_stdout(printed):
            exec(compile(code, "<page>", "exec"), self._names)  # the project's own pages, from its own checkout
        return self._placed(printed.getvalue())

    def sql(self, text: str) -> int:
        """Run every statement on the registry by DuckDB alone; how many there were."""
        with duckdb.connect(str(self.folder / "zoo.duckdb"), read_only=True) as connection:
            statements = connection.extract_statements(text)
            for statement in statements:
                connection.execute(statement).fetchall()
        return len(statements)

    def write(self, path: str, text: str) -> None:
        """Make a file of a copy of the package, which every later command of the page uses."""
        target = self._copy() / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def edit(self, path: str, lines: tuple[str, ...]) -> None:
        """Change a file of that copy as the lines of a diff say: what they take away stands there exactly once."""
        target = self._copy() / path
        before = "".join(f"{line[1:]}\n" for line in lines if line[:1] in {" ", "-"})
        after = "".join(f"{line[1:]}\n" for line in lines if line[:1] in {" ", "+"})
        text = target.read_text(encoding="utf-8")
        assert before and text.count(before) == 1, f"{path} holds {text.count(before)} times:\n{before}"
        target.write_text(text.replace(before, after), encoding="utf-8")

    def _copy(self) -> Path:
        if self._package is None:
            self._package = self.folder / "package" / "forebear"
            for name in _PACKAGE:
                shutil.copytree(ROOT / name, self._package / name, ignore=shutil.ignore_patterns("__pycache__"))
            self._environment["PYTHONPATH"] = str(self._package.parent)
        return self._package

    def _placed(self, printed: str) -> list[str]:
        places = {str(self.folder): HOME, str(ROOT): HOME, self._hub.endpoint: "https://huggingface.co"}
        return placed(printed, places)


def _needs_hub(words: list[str]) -> bool:
    """Whether a command reads the Hub: huggingface_hub takes its address from the environment when it is imported."""
    return "watch" in words or any(word.removeprefix("hf://").startswith("org/") for word in words)


@contextlib.contextmanager
def _inside(folder: Path, environment: dict[str, str] | None = None) -> Iterator[None]:
    """Work in a folder and with an environment, and leave both as they were."""
    before = dict(os.environ)
    with contextlib.chdir(folder):
        os.environ.update(environment or {})
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
