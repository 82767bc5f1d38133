"""A page run from its first block to its last: where what it shows is not what is printed, and the page put right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .blocks import Block, blocks, printed_by, shown, written
from .session import Session
from .varying import settled


@dataclass(frozen=True, slots=True)
class Page:
    """A page after its blocks were run: `differences` for people, and its text with the output of today."""

    differences: tuple[str, ...]
    text: str
    blocks: int


def run_page(path: Path, session: Session) -> Page:
    """Run the blocks of a page in order, in a folder of its own.

    Raises Failed when a command ends with an exit code that the page does not ask for by `echo $?`, and whatever a
    Python or SQL block raises.
    """
    text = path.read_text(encoding="utf-8")
    found = blocks(text)
    session.begin()
    differences: list[str] = []
    changes: list[tuple[Block, list[str]]] = []
    for number, block in enumerate(found):
        where = f"{path.name}:{block.first + 1}"
        try:
            if block.role:
                _changed(block, session)
            elif block.language == "console":
                changes.append((block, _console(block, session, where, differences)))
            elif block.language == "python":
                printed = session.python(block.text)
                if (output := printed_by(found, number, text)) is not None:
                    changes.append((output, _compared(output.lines, printed, f"{where}: python", differences)))
            elif block.language == "sql":
                session.sql(block.text)
        except BaseException as error:
            error.add_note(f"in the block at {where}")
            raise
    return Page(tuple(differences), written(text, changes), len(found))


def _changed(block: Block, session: Session) -> None:
    """Make the file, or the change of one, that a block shows."""
    if block.role == "file":
        session.write(block.path, block.text)
    else:
        session.edit(block.path, block.lines)


def _console(block: Block, session: Session, where: str, differences: list[str]) -> list[str]:
    """The lines of a console block as they are today."""
    lines: list[str] = []
    commands = block.commands
    for number, command in enumerate(commands):
        asked = number + 1 < len(commands) and commands[number + 1].text == "echo $?"
        printed = session.run(command.text, may_fail=asked)
        lines += [f"$ {command.text}", *_compared(command.expected, printed, f"{where}: $ {command.text}", differences)]
    return lines


def _compared(expected: tuple[str, ...], printed: list[str], where: str, differences: list[str]) -> list[str]:
    """What the page should show: what it shows, where only what varies is different."""
    now = shown(expected, printed)
    if settled(expected) == settled(now):
        return list(expected)
    differences.append(f"{where}\n--- the page shows\n" + "\n".join(expected) + "\n--- printed\n" + "\n".join(now))
    return list(now)
