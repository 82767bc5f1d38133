"""The process that serves: the copy of the registry, the application, and uvicorn, which needs `forebear[serve]`."""

from __future__ import annotations

import ipaddress
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from ...ingest.errors import RegistryError
from ..store.database import Place
from .app import Settings, application
from .forms import Forms
from .ingests import Ingests
from .site import Site
from .snapshot import Snapshots, file_of

_AT_ONCE = 1_000
"""Connections; further ones are answered with 503."""
_KEEP = 15
"""Seconds that an idle connection is kept."""
_LONGEST_HEAD = 32_768
_SWITCH = 5e-4
"""Seconds for which a thread that ranks keeps the interpreter from others: with Python's 5 ms a page of ten queries,
each of which gives it up, waits for it ten times."""
_WAITING = 1_024
"""Connections that wait to be accepted."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Where to listen, as what, and what is allowed. `token` lets its holder ingest; without one nobody can.

    `proxy` is the address of a proxy whose word on who asks is taken.
    """

    host: str = "127.0.0.1"
    port: int = 8_765
    names: Sequence[str] = ()
    rate: float = 30.0
    token: str | None = None
    proxy: str = ""

    @property
    def settings(self) -> Settings:
        """The names that are answered to: those of this machine on loopback, else those that were given."""
        own = {"127.0.0.1", "localhost", "::1"} if is_loopback(self.host) else {self.host.lower()}
        return Settings(frozenset(own | {name.lower() for name in self.names}), self.rate)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve(place: Place, forms: Forms, serving: Serving, ready: Callable[[str], None]) -> None:
    """Serve the registry until the process is told to end. `ready` hears the address.

    Raises RegistryError when the registry cannot be read.
    """
    path = file_of(place)
    sys.setswitchinterval(_SWITCH)
    ingests = Ingests(path, serving.token)
    with Snapshots(path) as snapshots:
        app = application(Site(forms, ingests.allowed), snapshots, ingests, serving.settings)
        listening = _listening(serving.host, serving.port)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            limit_concurrency=_AT_ONCE,
            timeout_keep_alive=_KEEP,
            timeout_graceful_shutdown=5,
            h11_max_incomplete_event_size=_LONGEST_HEAD,
            proxy_headers=bool(serving.proxy),
            forwarded_allow_ips=serving.proxy or None,
            ws="none",
        )
        shown = f"[{serving.host}]" if ":" in serving.host else serving.host
        ready(f"http://{shown}:{serving.port}/")
        with _ended_by_signal():
            uvicorn.Server(config).run(sockets=[listening])


def _listening(host: str, port: int) -> socket.socket:
    """A socket that connections can come to. Raises RegistryError where there can be none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_WAITING)
    except OSError as error:
        raise RegistryError(
            f"{host}, port {port}: cannot be listened on: {error.strerror}; name another --port or --host"
        ) from error


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """Uvicorn stops at SIGTERM and sends it again when it has: then this process ends in order, its copies removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
