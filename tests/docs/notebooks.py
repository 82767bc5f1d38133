"""Notebooks of docs/: run cell by cell without a kernel, and written anew with what the cells show today."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

from .session import Session


def run_notebook(path: Path, session: Session) -> str:
    """The notebook as JSON, with the outputs that its cells have in a fresh folder."""
    session.begin()
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    count = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            count += 1
            cell["execution_count"] = count
            cell["outputs"] = _outputs("".join(cell["source"]), count, session)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _outputs(code: str, count: int, session: Session) -> list[dict[str, Any]]:
    """What a cell prints, and its last expression as text and HTML, as a kernel gives them; nothing for None."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = session.python(ast.unparse(tree)) if tree.body else []
    text: list[str] = []
    if isinstance(last, ast.Expr):
        printed += session.python(f"_shown = {ast.unparse(last)}")
        text = session.python("print('' if _shown is None else repr(_shown))")
    html = session.python("print(_shown._repr_html_() if hasattr(_shown, '_repr_html_') else '')") if any(text) else []
    found: list[dict[str, Any]] = []
    if any(printed):
        found.append({"name": "stdout", "output_type": "stream", "text": _lines(printed)})
    if any(text):
        data = ({"text/html": _lines(html)} if any(html) else {}) | {"text/plain": _lines(text)}
        found.append({"data": data, "execution_count": count, "metadata": {}, "output_type": "execute_result"})
    return found


def _lines(lines: list[str]) -> list[str]:
    return "\n".join(lines).strip("\n").splitlines(keepends=True)
