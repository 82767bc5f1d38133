"""The documentation site: its navigation names every page once, and links stay whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs import make_reference, make_site

from .blocks import ROOT

SETTINGS = ROOT / "mkdocs.yml"
pytestmark = pytest.mark.skipif(not SETTINGS.exists(), reason="the wheel has no documentation")


class _Loader(yaml.SafeLoader):
    """Reads mkdocs.yml; what it names of Python is left out."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: None)


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    read: dict[str, Any] = yaml.load(SETTINGS.read_text(encoding="utf-8"), _Loader)
    return read


def named(nav: list[dict[str, Any]]) -> list[str]:
    """The pages of the navigation, in order."""
    found: list[str] = []
    for entry in nav:
        for target in entry.values():
            found += named(target) if isinstance(target, list) else [target]
    return found


def test_the_navigation_names_every_page_once(settings: dict[str, Any]) -> None:
    pages = [name for name in make_site.site_files() if name.endswith(".md")]
    assert sorted(named(settings["nav"])) == sorted(pages)


def test_every_page_of_docs_is_in_the_site() -> None:
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert pages <= set(make_site.site_files())


def test_the_build_is_strict_and_asks_no_other_host(settings: dict[str, Any]) -> None:
    assert settings["strict"] is True and settings["theme"]["font"] is False
    assert settings["plugins"] == ["search"] and settings["extra"] == {"generator": False}
    assert not {"repo_url", "extra_css", "extra_javascript", "edit_uri"} & set(settings)


def test_there_is_a_tutorial_for_each_of_six_users(settings: dict[str, Any]) -> None:
    tutorials = [name for name in named(settings["nav"]) if name.startswith("tutorials/")]
    assert len(tutorials) == 6
    for name in tutorials:
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert "```console" in text and "Read next:" in text, name


@pytest.mark.parametrize(
    ("name", "path", "text", "expected"),
    [
        ("index.md", "README.md", "[a](docs/audit.md#x) [b](tests/zoo)", "[a](audit.md#x) b"),
        ("tutorials/t.md", "docs/tutorials/t.md", "[a](../audit.md)", "[a](../audit.md)"),
        ("sql.md", "docs/sql.md", "[a](../schema) [b](../README.md) [c](#d)", "a [b](index.md) [c](#d)"),
        ("sql.md", "docs/sql.md", "```text\n[a](../schema)\n```\n", "```text\n[a](../schema)\n```\n"),
        ("sql.md", "docs/sql.md", "[a](https://example.org)", "[a](https://example.org)"),
    ],
)
def test_links_lead_to_pages_of_the_site_or_keep_their_words(name: str, path: str, text: str, expected: str) -> None:
    assert make_site.staged(text, name, ROOT / path, make_site.site_files()) == expected


def test_every_link_of_a_staged_page_leads_to_a_file_of_the_site(tmp_path: Path) -> None:
    make_site.stage(tmp_path)
    for page in tmp_path.rglob("*.md"):
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\((?!https?:|#)([^)\s#]+)", text):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ('<img src="https://a.example/x.png">', ["https://a.example/x.png"]),
        ('<link rel="stylesheet" href="//fonts.example/x.css">', ["//fonts.example/x.css"]),
        ('<script src="assets/x.js"></script><a href="https://a.example">x</a>', []),
        ('<link rel="canonical" href="https://a.example/">', []),
    ],
)
def test_what_a_browser_would_fetch_elsewhere_is_found(page: str, found: list[str], tmp_path: Path) -> None:
    assert make_site.foreign(page) == found
    (tmp_path / "x.html").write_text(page, encoding="utf-8")
    assert bool(make_site.check(tmp_path)) is bool(found)


def test_the_reference_of_the_python_interface_is_that_of_the_code() -> None:
    text = make_reference.PAGE.read_text(encoding="utf-8")
    assert make_reference.reference_page() == text, "make docs writes it anew"
    assert "### Registry.ancestors" in text and not re.search(r"0x[0-9a-f]{6}", text)
