"""HTTP hosts on loopback that serve files by range, count what they send, and misbehave on demand."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request; fields combine. `path` limits it to addresses that contain it."""

    status: int | None = None  # answered at once, without a body
    headers: Mapping[str, str | None] = field(default_factory=dict)  # in place of the right ones; None: left out
    delay: float = 0.0  # seconds of silence before the answer
    pause: float = 0.0  # seconds between the pieces of the body
    cut: int | None = None  # bytes of the body after which the connection is reset
    extra: int = 0  # bytes sent beyond the range
    short: int = 0  # bytes that the answer lacks, in its headers too
    ignore_range: bool = False
    expire: bool = False  # the signed address becomes invalid
    method: str | None = None
    path: str = ""


class Host:
    """One HTTP server with its counts: `requests`, `paths`, `bytes` sent (headers too), `authorizations` received."""

    def __init__(self, route: Callable[[Request], None], latency: float, address: str = "127.0.0.1") -> None:
        self.latency = latency
        self.requests = 0
        self.bytes = 0
        self.most_at_once = 0
        self.authorizations: list[str] = []
        self.paths: list[str] = []
        self.connections: set[socket.socket] = set()
        self.lock = threading.Lock()
        self._now = 0
        self._route = route
        self._faults: list[tuple[Fault, list[int | None]]] = []
        self._server = _Server((address, 0), type("Handler", (Request,), {"host": self}))
        self.url = f"http://{address}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def fail(self, fault: Fault, times: int | None = 1) -> None:
        """Meet the next `times` matching requests with a fault; for ever with None."""
        with self.lock:
            self._faults.append((fault, [times]))

    def heal(self) -> None:
        """Forget all faults."""
        with self.lock:
            self._faults.clear()

    def reset_counts(self) -> None:
        """Start counting anew."""
        with self.lock:
            self.requests, self.bytes = 0, 0
            self.authorizations.clear()
            self.paths.clear()

    def handle(self, request: Request) -> None:
        """Count, wait, and answer one request, with the first fault that fits it."""
        with self.lock:
            self.requests += 1
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            self.paths.append(f"{request.command} {request.path}")
            if (sent := request.headers.get("authorization")) is not None:
                self.authorizations.append(sent)
            request.fault = self._next_fault(request)
        try:
            time.sleep(self.latency + request.fault.delay)
            if request.fault.status is not None and not request.fault.expire:
                request.refuse(request.fault.status, {})
            else:
                self._route(request)
        finally:
            with self.lock:
                self._now -= 1

    def close(self) -> None:
        """Stop serving, and hang up on every client."""
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self.connections):
            with suppress(OSError):  # the client was first
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _next_fault(self, request: Request) -> Fault:
        for fault, left in self._faults:
            if left[0] != 0 and fault.path in request.path and fault.method in (None, request.command):
                left[0] = None if left[0] is None else left[0] - 1
                return fault
        return Fault()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up in the middle on purpose here; nothing is printed."""


class Request(BaseHTTPRequestHandler):
    """One connection, and the request that it carries at the moment."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes; the second would wait for a delayed ACK
    host: Host
    fault = Fault()

    def setup(self) -> None:
        super().setup()
        self.host.connections.add(self.connection)

    def finish(self) -> None:
        self.host.connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        self.host.handle(self)

    do_HEAD = do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass

    def write(self, data: bytes) -> None:
        """Send, and count what was sent: before, as a client that has it all may ask for the count at once."""
        self._count(len(data))
        try:
            self.wfile.write(data)
        except OSError:
            self._count(-len(data))
            raise

    def _count(self, sent: int) -> None:
        with self.host.lock:
            self.host.bytes += sent

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send status and headers; the fault's own replace them."""
        head: dict[str, str | None] = {**headers, **self.fault.headers}
        self.close_connection |= head.get("Content-Length") is None  # the end of the connection ends the body
        lines = [
            f"HTTP/1.1 {status} {self.responses.get(status, ('?',))[0]}",
            *(f"{k}: {v}" for k, v in head.items() if v is not None),
        ]
        self.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def refuse(self, status: int, headers: Mapping[str, str]) -> None:
        """An answer without a body."""
        self.start(status, {"Content-Length": "0", **headers})

    def json(self, document: object, headers: Mapping[str, str] | None = None) -> None:
        """A JSON answer."""
        body = json.dumps(document).encode()
        self.start(200, {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})})
        self.write(body)

    def file(self, path: Path, headers: Mapping[str, str]) -> None:
        """A file or the range of it that was asked for; only that much of it is read."""
        size = path.stat().st_size
        asked = None if self.fault.ignore_range else re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", ""))
        first, last = (int(asked[1]), min(int(asked[2]), size - 1)) if asked else (0, size - 1)
        if asked and first >= size:
            self.refuse(416, {"Content-Range": f"bytes */{size}"})
            return
        length = last - first + 1 - self.fault.short + self.fault.extra
        head = {"Accept-Ranges": "bytes", "Content-Length": str(length), **headers}
        if asked:
            head["Content-Range"] = f"bytes {first}-{last}/{size}"
        self.start(206 if asked else 200, head)
        if self.command != "HEAD":
            self._body(path, first, length)

    def _body(self, path: Path, first: int, length: int) -> None:
        allowed = length if self.fault.cut is None else min(length, self.fault.cut)
        piece = max(1, allowed // 8) if self.fault.pause else _CHUNK
        with path.open("rb") as file:
            file.seek(first)
            while allowed > 0 and (data := file.read(min(piece, allowed))):
                self.write(data)
                allowed -= len(data)
                time.sleep(self.fault.pause)
        if self.fault.cut is not None or allowed > 0:
            # SO_LINGER 0: close with RST, not FIN
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.connection.close()
            self.close_connection = True
