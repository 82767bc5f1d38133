"""The fenced blocks of a Markdown page: what stands in them, and how a page is written anew with other output.

A `console` block holds lines `$ command`, each followed by what it prints. A `text` block right after a `python` block
is what that one prints. A comment `<!-- file: PATH -->` before a block makes it that file of the package, and
`<!-- edit: PATH -->` before a `diff` block a change of one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LANGUAGES = frozenset({"console", "python", "sql", "text", "diff", "sh", "yaml"})
"""Of every fence in README and docs; `sh` is what no test can run (installations, clusters, servers)."""
CUT = "..."
"""The last line of an output that is not shown to its end."""
_FENCE = re.compile(r"^(```+)(\w*)$")
_COMMENT = re.compile(r"^<!-- (file|edit): (\S+) -->$")


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a console block, and the lines that it is said to print."""

    text: str
    expected: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its lines stand at `first` to `last` (exclusive) of the page, counted from 0."""

    language: str
    first: int
    last: int
    lines: tuple[str, ...]
    role: str = ""
    path: str = ""

    @property
    def text(self) -> str:
        """All lines, each with its end."""
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def commands(self) -> list[Command]:
        """The commands of a console block. Raises ValueError where it begins with anything else."""
        found: list[tuple[str, list[str]]] = []
        for line in self.lines:
            if line.startswith("$ "):
                found.append((line.removeprefix("$ "), []))
            elif found:
                found[-1][1].append(line)
            else:
                raise ValueError(f"line {self.first + 1}: a console block begins with `$ command`, not with {line!r}")
        return [Command(command, tuple(expected)) for command, expected in found]


def pages() -> list[Path]:
    """Every page whose blocks are run."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in order. Raises ValueError for a fence that does not end."""
    lines = text.splitlines()
    found: list[Block] = []
    at = 0
    while at < len(lines):
        opening = _FENCE.fullmatch(lines[at])
        if not opening:
            at += 1
            continue
        comment = _COMMENT.fullmatch(lines[at - 1]) if at else None
        try:
            end = lines.index(opening[1], at + 1)
        except ValueError:
            raise ValueError(f"line {at + 1}: a fence that does not end") from None
        role, path = comment.groups() if comment else ("", "")
        found.append(Block(opening[2], at + 1, end, tuple(lines[at + 1 : end]), role, path))
        at = end + 1
    return found


def printed_by(found: Sequence[Block], number: int, text: str) -> Block | None:
    """The `text` block that holds what the python block `number` prints: the next, with blanks alone between."""
    following = found[number + 1] if number + 1 < len(found) else None
    if following is None or following.language != "text":
        return None
    between = text.splitlines()[found[number].last + 1 : following.first - 1]
    return following if not any(line.strip() for line in between) else None


def shown(expected: Sequence[str], printed: Sequence[str]) -> tuple[str, ...]:
    """What a page shows of the lines that were printed: all, or as many as before where the expected ones are cut."""
    if expected and expected[-1] == CUT:
        return (*printed[: len(expected) - 1], CUT)
    return tuple(printed)


def written(text: str, changes: Sequence[tuple[Block, Sequence[str]]]) -> str:
    """A page with other lines in some of its blocks."""
    lines = text.splitlines()
    for block, new in sorted(changes, key=lambda change: -change[0].first):
        lines[block.first : block.last] = new
    return "\n".join(lines) + "\n"
