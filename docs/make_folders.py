"""The table of folders in docs/architecture.md, from the first line of each package's docstring: `make docs`."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
BEGIN = "<!-- made by `make docs`: begin -->"
END = "<!-- made by `make docs`: end -->"
ADDED = {
    "schema": "Migrations and macros, append-only, in the order of their numbers.",
    "tests": "Mirrors these folders; `tests/zoo` is the bundled zoo, `tests/docs` runs README and docs.",
    "benchmarks": "What measures the figures: `benchmarks/zoo` trains, `benchmarks/peers` asks other methods too.",
}
"""Folders that are no packages of their own."""


def folders() -> dict[str, str]:
    """Folder -> what it holds, in the order of their names, the packages first."""
    found = {}
    for top in ("ingest", "queries", "registry"):
        for init in sorted((ROOT / top).rglob("__init__.py")):
            said = ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))) or ""
            found[init.parent.relative_to(ROOT).as_posix()] = " ".join(said.split("\n\n")[0].split())
    return found | ADDED


def table() -> str:
    """The table in Markdown, between its markers."""
    rows = [f"| `{folder}` | {said} |" for folder, said in folders().items()]
    return "\n".join([BEGIN, "| folder | what it holds |", "| --- | --- |", *rows, END])


def with_table(text: str) -> str:
    """The page with the table of today. Raises ValueError where its markers are missing."""
    begin, end = text.index(BEGIN), text.index(END) + len(END)
    return text[:begin] + table() + text[end:]


def main() -> None:
    """Write the page."""
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
