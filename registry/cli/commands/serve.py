"""`forebear serve`: the registry as pages and a REST API."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from ....ingest.errors import ForebearError, RegistryError
from ..log import logged
from ..options import QuietOption, RegistryOption, VerboseOption, registry_path

TOKEN = "FOREBEAR_SERVE_TOKEN"
_LEAST_TOKEN = 16


def serve(
    context: typer.Context,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Where to listen. Default: this machine alone.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="N", min=1, max=65_535, help="The port.")] = 8_765,
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name", metavar="HOST", help="A name that readers use for the server. May repeat.", show_default=False
        ),
    ] = None,
    rate: Annotated[
        float,
        typer.Option("--rate", metavar="N", min=0, help="Requests a second of one address; 0 sets no limit."),
    ] = 30.0,
    allow_ingest: Annotated[
        bool,
        typer.Option("--allow-ingest", help=f"Let the holder of the token in ${TOKEN} ingest repositories of the Hub."),
    ] = False,
    proxy: Annotated[
        str,
        typer.Option("--proxy", metavar="ADDRESS", help="A proxy whose word on who asks is taken.", show_default=False),
    ] = "",
    registry: RegistryOption = None,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Serve the registry as pages and a REST API.

    Only reads, on this machine alone unless --host says otherwise. Readers see a copy of the registry that is renewed
    while other processes ingest. The API is described at /api and in /api/openapi.json. Needs `forebear[serve]`.
    """
    token = os.environ.get(TOKEN, "")
    if allow_ingest and len(token) < _LEAST_TOKEN:
        raise typer.BadParameter(
            f"set ${TOKEN} to a secret of at least {_LEAST_TOKEN} characters", param_hint="--allow-ingest"
        )
    try:
        from ...server.serving import Serving, is_loopback
        from ...server.serving import serve as run
    except ModuleNotFoundError as error:
        raise missing_extra("serve", error) from error
    from ...store.database import registry_place
    from ..forms import forms

    def say(line: str) -> None:
        if not quiet:
            typer.echo(line, err=True)

    if not is_loopback(host):
        say("forebear: whoever reaches this address reads the registry; put a proxy with TLS before it")
    serving = Serving(host, port, tuple(name or ()), rate, token if allow_ingest else None, proxy)
    with logged(verbose):
        run(
            registry_place(registry_path(context, registry)),
            forms(),
            serving,
            lambda address: say(f"serving {address}"),
        )


def missing_extra(extra: str, error: ModuleNotFoundError) -> ForebearError:
    """The error for libraries that come with an extra."""
    return RegistryError(
        f"{error.name} is not installed here, which `forebear {extra}` needs: pip install 'forebear[{extra}]'"
    )
