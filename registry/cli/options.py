"""Options that several commands share, each defined once."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .outputs import OUTPUTS, OutputFormat

if TYPE_CHECKING:
    from ..jobs.engines import Engine
    from ..registry import Registry


def output_format(name: str, formats: Mapping[str, OutputFormat] = OUTPUTS) -> OutputFormat:
    """The format of that name. Raises BadParameter where `formats` has none."""
    found = formats.get(name.lower())
    if found is None:
        raise typer.BadParameter(f"{name!r} is no format; there are {', '.join(formats)}")
    return found


RegistryOption = Annotated[
    str | None,
    typer.Option(
        "--registry",
        metavar="PATH",
        help="The registry's DuckDB file, or ducklake:CATALOGUE. Default: $FOREBEAR_REGISTRY, or one in the user's data"
        " folder.",
        show_default=False,
    ),
]


def format_option(formats: Mapping[str, OutputFormat]) -> object:
    """The type of `--format` of a command that has these formats, the first of them where nothing is asked for."""
    return Annotated[
        OutputFormat | None,
        typer.Option(
            "--format",
            metavar=f"<{'|'.join(formats)}>",
            parser=partial(output_format, formats=formats),
            help=f"How rows are printed. Default: as FILE's ending says, else {next(iter(formats))}.",
            show_default=False,
        ),
    ]


OutputOption = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", metavar="FILE", help="Write the rows to a file instead of stdout.", show_default=False
    ),
]
ConnectionsOption = Annotated[
    int | None,
    typer.Option(
        "--connections",
        metavar="N",
        min=1,
        max=256,
        help="Requests to the Hub at once, over all models. Default: 16.",
        show_default=False,
    ),
]
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}


def byte_count(text: str) -> int:
    """The bytes that a person means by `256MiB`, `1.5 GB` or `4096`. Raises BadParameter for anything else.

    >>> byte_count("256MiB"), byte_count("1.5GB")
    (268435456, 1500000000)
    """
    found = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([a-zA-Z]{0,3})", text)
    unit = _UNITS.get(found[2].upper()) if found else None
    count = int(float(found[1]) * unit) if found and unit else 0
    if count < 1:
        raise typer.BadParameter(f"{text!r} is not a size; write 256MiB, 1GB or a number of bytes")
    return count


BudgetOption = Annotated[
    int | None,
    typer.Option(
        "--budget",
        metavar="SIZE",
        parser=byte_count,
        help="Read at most so many bytes of each model's weights, such as 256MiB; whole layers are left out, evenly.",
        show_default=False,
    ),
]


class EngineName(StrEnum):
    """Where work is done."""

    LOCAL = "local"
    RAY = "ray"


EngineOption = Annotated[
    EngineName,
    typer.Option(
        "--engine",
        help="Where the work is done. ray: on the cluster of $RAY_ADDRESS, or one of this machine (needs forebear[ray]"
        " on every node).",
        case_sensitive=False,
    ),
]
VerboseOption = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        help="Say on stderr what is read, skipped and chosen; -vv says more.",
        show_default=False,
    ),
]
AskedModel = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A model: registered by name, name@revision or source; or a folder, a file or org/name, read now and not"
        " kept.",
        show_default=False,
    ),
]
KeptModel = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="Its name, name@revision, source or path.", show_default=False),
]
SafeCsvOption = Annotated[
    bool,
    typer.Option(
        "--safe-csv",
        help="In CSV, texts that a spreadsheet would run as a formula begin with an apostrophe.",
        show_default=False,
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on stderr but errors.")]


GIVEN = "forebear.given"
"""Where a context keeps the whole command as it was given, for results that say how they came about."""


@dataclass(frozen=True, slots=True)
class Before:
    """What stands before the command: `--registry` and `--config`."""

    registry: str | None = None
    config: str | None = None


def named_registry(context: typer.Context, registry: str | None) -> str | None:
    """`--registry` of the command, else the one before the command."""
    before = context.obj
    return registry or (before.registry if isinstance(before, Before) else None)


def registry_path(context: typer.Context, registry: str | None) -> str | None:
    """The registry that was named, else $FOREBEAR_REGISTRY, else that of forebear.toml; None for the default place."""
    from .settings import read_settings

    before = context.obj
    settings = read_settings(before.config if isinstance(before, Before) else None)
    return named_registry(context, registry) or os.environ.get("FOREBEAR_REGISTRY") or settings.registry


def open_registry(
    context: typer.Context,
    registry: str | None,
    *,
    read_only: bool = False,
    create: bool = True,
    asking: bool = False,
) -> Registry:
    """The registry that a command works on; one that another process holds is waited for.

    What `asking` needs is imported meanwhile.
    """
    from ..registry import Registry
    from ..store.database import WAIT

    if asking:
        threading.Thread(target=_import_asking, daemon=True).start()
    return Registry(registry_path(context, registry), read_only=read_only, create=create, wait=WAIT)


def _import_asking() -> None:
    """Import what a question and its table need, which takes longer than DuckDB takes to open a file."""
    with suppress(Exception):  # where it is needed it is imported again, and raises again
        import_module("..reports.asking", __package__)
        import_module("rich.table")


@contextmanager
def open_registry_or_none_yet(context: typer.Context, registry: str | None) -> Iterator[Registry]:
    """The registry to read; an empty one that is gone at the end where the default one was never made.

    A registry that is named, by option or by environment, has to be there.
    """
    from ..store.database import registry_place
    from ..temporary import temporary_registry

    named = registry_path(context, registry)
    default = registry_place(named)
    if named or not isinstance(default, Path) or default.exists():
        with open_registry(context, registry, read_only=True) as opened:
            yield opened
        return
    with temporary_registry() as empty:
        yield empty


def chosen_engine(name: EngineName) -> Engine | None:
    """The engine of `--engine`, None for the local default. Raises BadParameter where Ray is not installed."""
    if name is EngineName.LOCAL:
        return None
    from ..jobs.engines import RayCluster

    try:
        return RayCluster()
    except ImportError as error:
        raise typer.BadParameter("Ray is not installed here: pip install 'forebear[ray]'") from error
