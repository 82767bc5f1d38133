"""Options that several commands share, each defined once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


RegistryOption = Annotated[
    Path | None,
    typer.Option(
        "--registry",
        metavar="PATH",
        help="The registry's DuckDB file. Default: $FOREBEAR_REGISTRY, or one in the user's data folder.",
        show_default=False,
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="How rows are printed.", case_sensitive=False)]
OutputOption = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write there instead of stdout.", show_default=False),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on stderr but errors.")]


def registry_path(context: typer.Context, registry: Path | None) -> Path | None:
    """`--registry` of the command, else the one before the command; None for the default place."""
    before = context.obj
    return registry or (before if isinstance(before, Path) else None)
