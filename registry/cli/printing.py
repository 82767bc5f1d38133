"""The options of every command that prints: one decorator gives them, so that no command lists them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter
from pathlib import Path
from typing import get_type_hints

from .log import logged
from .options import OutputOption, QuietOption, SafeCsvOption, VerboseOption, format_option
from .output import Output
from .outputs import BILLS, CONFIGS, DRAWINGS, FINDINGS, OUTPUTS, PATCHES, OutputFormat

_SHARED: dict[str, tuple[object, object]] = {
    "output": (OutputOption, None),
    "safe_csv": (SafeCsvOption, False),
    "verbose": (VerboseOption, 0),
    "quiet": (QuietOption, False),
}
"""Parameter -> the option that it stands for, and its default; beside `form`, whose formats a command may add to."""


def printing(command: Callable[..., None]) -> Callable[..., None]:
    """A command with `--format`, `-o`, `-v` and `--quiet`; its parameter `to` becomes the Output that they mean."""
    return _printing(command, OUTPUTS)


def drawing(command: Callable[..., None]) -> Callable[..., None]:
    """As `printing`, for a command whose result is a graph: its formats are those of DRAWINGS too."""
    return _printing(command, OUTPUTS | DRAWINGS)


def configuring(command: Callable[..., None]) -> Callable[..., None]:
    """As `printing`, for a command whose result another tool runs: its formats are those of CONFIGS too."""
    return _printing(command, OUTPUTS | CONFIGS)


def reporting(command: Callable[..., None]) -> Callable[..., None]:
    """As `printing`, for a command whose result is findings: its formats are those of FINDINGS too."""
    return _printing(command, OUTPUTS | FINDINGS)


def billing(command: Callable[..., None]) -> Callable[..., None]:
    """As `printing`, for a command whose result is a bill of materials: its formats are those of BILLS alone."""
    return _printing(command, BILLS)


def patching(command: Callable[..., None]) -> Callable[..., None]:
    """As `printing`, for a command whose result is a proposed change: its formats are those of PATCHES alone."""
    return _printing(command, PATCHES)


def _printing(command: Callable[..., None], formats: Mapping[str, OutputFormat]) -> Callable[..., None]:
    hints = get_type_hints(command, include_extras=True)
    own = [p.replace(annotation=hints[p.name]) for p in inspect.signature(command).parameters.values()]
    shared = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in {"form": (format_option(formats), None), **_SHARED}.items()
    ]

    @wraps(command)
    def printed(
        *,
        form: OutputFormat | None,
        output: Path | None,
        safe_csv: bool,
        verbose: int,
        quiet: bool,
        **others: object,
    ) -> None:
        with logged(verbose):
            command(to=Output.chosen(form, output, quiet, formats, safe_csv=safe_csv), **others)

    parameters = [*(p for p in own if p.name != "to"), *shared]
    printed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    printed.__annotations__ = {p.name: p.annotation for p in parameters}
    return printed
