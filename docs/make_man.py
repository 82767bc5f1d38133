"""docs/forebear.1, the man page, from the help of the commands: `python -m docs.make_man`.

A wheel carries it as share/man/man1/forebear.1, where `man forebear` finds it while the environment is active.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import typer
from typer.core import TyperCommand

from forebear.registry.cli import application

PAGE = Path(__file__).parent / "forebear.1"
_WIDTH = 100


def man_page() -> str:
    """The page, in the man macros of roff."""
    app = application()
    command = typer.main.get_command(app)
    lines = [
        '.TH FOREBEAR 1 "" "forebear" "User Commands"',
        ".SH NAME",
        "forebear \\- finds the ancestors of a machine\\-learning model from its weights",
        ".SH SYNOPSIS",
        ".B forebear",
        "[\\fIoptions\\fR] \\fIcommand\\fR [\\fIarguments\\fR]",
        ".SH COMMANDS",
    ]
    commands: dict[str, TyperCommand] = command.commands  # type: ignore[attr-defined]
    for name, one in _flat(commands):
        context = typer.Context(one, info_name=f"forebear {name}")
        lines += [f".SS {_text(one.get_usage(context).removeprefix('Usage: '))}"]
        for paragraph in re.split(r"\n\s*\n", (one.help or "").strip()):
            lines += [".PP", *map(_text, textwrap.wrap(" ".join(paragraph.split()), _WIDTH))]
        for parameter in one.params:
            if (shown := parameter.get_help_record(context)) is not None:
                lines += [".TP", f"\\fB{_text(shown[0])}\\fR", *map(_text, textwrap.wrap(shown[1], _WIDTH))]
    lines += [".SH EXIT STATUS", *map(_text, textwrap.wrap(str(app.info.epilog), _WIDTH))]
    return "\n".join(lines) + "\n"


def _flat(commands: dict[str, TyperCommand]) -> list[tuple[str, TyperCommand]]:
    """Every command by its whole name: those of a group after the group's."""
    flat = []
    for name, one in commands.items():
        inner = getattr(one, "commands", {})
        flat += [(name, one), *((f"{name} {of}", command) for of, command in inner.items())]
    return flat


def _text(text: str) -> str:
    """Text in which roff sees no command of its own."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    escaped = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in escaped)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    PAGE.write_text(man_page(), encoding="utf-8")
