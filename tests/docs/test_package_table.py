"""The table of real packages in docs/formats.md holds the figures that `make test-real` checks."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from ..real.test_packages import FAMILIES, FILES, File

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"


def package(path: str) -> str:
    """`silero-vad 5.1.2`; the package of npm has no version in its path."""
    first = path.partition("/")[0]
    return "@ricky0123/vad-web 0.0.31" if first == "vad-web" else first.replace("==", " ")


def rows() -> list[str]:
    """A line of the table for each package, in the order of their names."""
    found: dict[str, list[File]] = defaultdict(list)
    for file in FILES:
        found[package(file.path)].append(file)
    relatives: dict[str, set[str]] = defaultdict(set)
    for family in FAMILIES:
        for path in family:
            relatives[package(path)] |= {package(other) for other in family if other != path}
    lines = []
    for name, files in sorted(found.items()):
        kinds = ", ".join(sorted({"." + file.path.rpartition(".")[2] for file in files}))
        counts = (sum(f.tensors for f in files), sum(f.parameters for f in files), sum(f.skipped for f in files))
        related = ", ".join("its own files" if other == name else other for other in sorted(relatives[name])) or "none"
        lines.append(f"| {name} | {len(files)} {kinds} | {' | '.join(f'{count:,}' for count in counts)} | {related} |")
    return lines


def test_every_package_has_its_line() -> None:
    text = PAGE.read_text(encoding="utf-8")
    section = text.partition("## Real files\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    assert lines[2:] == rows()
