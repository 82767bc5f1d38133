"""An OpenAI-compatible endpoint on loopback whose models have a known kinship, and which misbehaves as it is told."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

WORDS = [f" w{number}" for number in range(40)]


def synthetic_token(model: str, prompt: str) -> str:
    """A next token of "family/child": 7 in 10 as the family says, else the child's own; of 40 words."""
    family = model.partition("/")[0]
    chance = hashlib.sha256(f"{model} {prompt}".encode()).digest()
    of = family if chance[0] < 179 else model
    return WORDS[hashlib.sha256(f"{of}:{prompt}".encode()).digest()[1] % len(WORDS)]


class OutputsEndpoint:
    """Answers POST /v1/completions; the next of `answers` (a status and a body) goes before a proper one."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self.asked: list[str] = []
        self.keys: list[str | None] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                endpoint.asked.append(body["prompt"])
                endpoint.keys.append(self.headers.get("Authorization"))
                text = synthetic_token(body["model"], body["prompt"])
                proper = (200, json.dumps({"choices": [{"text": text}]}).encode())
                status, data = endpoint.answers.pop(0) if endpoint.answers else proper
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the output of a test is its own."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> OutputsEndpoint:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
