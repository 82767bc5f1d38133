"""`forebear mcp`: the questions as tools for agents."""

from __future__ import annotations

import typer

from ..log import logged
from ..options import RegistryOption, VerboseOption, registry_path
from .serve import missing_extra


def mcp(context: typer.Context, registry: RegistryOption = None, verbose: VerboseOption = 0) -> None:
    """Serve the questions as tools for agents.

    Speaks the Model Context Protocol on stdin and stdout: models, ancestors, descendants, parts, recipe, compare, audit
    findings and SQL, with typed results. Only reads. Needs `forebear[mcp]`.
    """
    try:
        from ...server.tools import serve_tools
    except ModuleNotFoundError as error:
        raise missing_extra("mcp", error) from error
    from ...store.database import registry_place
    from ..forms import forms

    with logged(verbose):
        serve_tools(registry_place(registry_path(context, registry)), forms())
