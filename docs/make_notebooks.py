"""The notebooks of docs/ with what their cells show today: `python -m docs.make_notebooks`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.docs.blocks import ROOT
from tests.docs.notebooks import run_notebook
from tests.docs.session import Session

if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="forebear-docs-") as folder, Session(Path(folder) / "checkout") as session:
        for path in sorted((ROOT / "docs").glob("*.ipynb")):
            path.write_text(run_notebook(path, session), encoding="utf-8")
