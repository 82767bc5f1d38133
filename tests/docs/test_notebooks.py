"""Notebooks of docs/ show what their cells give today."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .blocks import ROOT
from .notebooks import run_notebook
from .session import Session

NOTEBOOKS = sorted((ROOT / "docs").glob("*.ipynb"))


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with Session(tmp_path_factory.mktemp("notebooks") / "checkout") as opened:
        yield opened


def test_there_is_a_notebook() -> None:
    assert [path.name for path in NOTEBOOKS] == ["tour.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_every_cell_shows_what_the_notebook_says(path: Path, session: Session) -> None:
    text = path.read_text(encoding="utf-8")
    found = run_notebook(path, session)
    assert found == text, "python -m docs.make_notebooks writes it anew"
    notebook = json.loads(found)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
