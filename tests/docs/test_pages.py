"""README and docs: every block runs, and prints what the page shows."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import typer

from forebear.registry.cli import application
from forebear.registry.server.endpoints import API
from forebear.registry.server.openapi import openapi

from .blocks import LANGUAGES, ROOT, blocks, pages
from .running import run_page
from .session import Session

pytestmark = pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="the wheel has no README.md")
PAGES = pages()
CONSOLE = sorted({p for p in PAGES for b in blocks(p.read_text("utf-8")) if b.language == "console"})
RUN = [p for p in PAGES if any(b.language in {"console", "python", "sql"} for b in blocks(p.read_text("utf-8")))]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with Session(tmp_path_factory.mktemp("docs") / "checkout") as opened:
        yield opened


@pytest.mark.parametrize("path", RUN, ids=name)
def test_every_block_of_a_page_prints_what_the_page_shows(path: Path, session: Session) -> None:
    page = run_page(path, session)
    assert not page.differences, "make docs writes them anew\n\n" + "\n\n".join(page.differences)
    assert page.text == path.read_text(encoding="utf-8")


def test_the_pages_show_every_command_at_work() -> None:
    assert {"README.md", "docs/ancestors.md", "docs/compare.md", "docs/audit.md", "docs/hub.md"} <= set(map(name, RUN))
    consoles = [b for p in CONSOLE for b in blocks(p.read_text("utf-8")) if b.language == "console"]
    shown = {word for block in consoles for command in block.commands for word in command.text.split()[:4]}
    assert {command.name for command in application().registered_commands} <= shown


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_fence_has_a_language_that_is_run_or_said_not_to_be(path: Path) -> None:
    assert {block.language for block in blocks(path.read_text("utf-8"))} <= LANGUAGES


def asks_an_endpoint(words: list[str]) -> bool:
    """Whether a `curl` asks the server for what its description has, with parameters that it knows."""
    paths = openapi(API, allow_ingest=True)["paths"]
    address = urlsplit(next(word for word in words if word.startswith("http://127.0.0.1:8765/")))
    operation = paths.get(address.path, {}).get("post" if "-d" in words else "get")
    if operation is None:
        return False
    if "-d" in words:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        return json.loads(words[words.index("-d") + 1]).keys() <= schema["properties"].keys()
    return {key for key, _ in parse_qsl(address.query)} <= {one["name"] for one in operation["parameters"]}


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_commands_that_no_test_runs_exist_with_their_options(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for block in blocks(path.read_text("utf-8")):
        for line in block.text.replace("\\\n", " ").splitlines() if block.language == "sh" else ():
            words = shlex.split(line, comments=True)
            match words[:1]:
                case [] | ["pip" | "source" | "git" | "export"]:
                    continue
                case ["make"]:
                    assert re.search(rf"^{re.escape(words[1])}:", makefile, re.MULTILINE), line
                case ["forebear"]:
                    parse(words[1:])
                case ["curl"]:
                    assert asks_an_endpoint(words), line
                case _:
                    raise AssertionError(f"{path.name}: {line!r} is no command that this test knows")


def parse(words: list[str]) -> None:
    """Raises click's UsageError for a command or an option that forebear does not have."""
    commands: dict[str, Any] = typer.main.get_command(application()).commands  # type: ignore[attr-defined]
    number, word = next((n, w) for n, w in enumerate(words) if w in commands)
    commands[word].make_context(word, words[number + 1 :])


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    for target, anchor in LINK.findall(path.read_text("utf-8")):
        page = (path.parent / target) if target else path
        assert page.exists(), f"{path.name} links to {target}"
        if anchor and page.suffix == ".md":
            assert anchor[1:] in anchors(page.read_text("utf-8")), f"{path.name} links to {target}{anchor}"


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_one_page() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 110
