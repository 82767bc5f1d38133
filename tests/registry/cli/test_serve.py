"""`forebear serve` and `forebear mcp` as processes, and what they say when something is missing."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import COMMAND, Run


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_it_serves_until_it_is_told_to_end_and_leaves_nothing(zoo_registry: Path, tmp_path: Path) -> None:
    port = free_port()
    command = [*COMMAND, "--registry", str(zoo_registry), "serve", "--port", str(port)]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stderr and server.stderr.readline() == f"serving http://127.0.0.1:{port}/\n"
            with socket.create_connection(("127.0.0.1", port), 30) as one:
                one.sendall(b"GET /api/model?name=alder HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = b"".join(iter(lambda: one.recv(65536), b""))
            assert answer.startswith(b"HTTP/1.1 200") and b"LlamaForCausalLM" in answer
            assert b"server:" not in answer.lower()
            server.terminate()
            assert server.wait(30) == 0 and server.stderr.read() == ""
        finally:
            server.kill()
    assert not list(tmp_path.glob("forebear-serve-*"))


def test_the_tools_speak_on_stdin_and_stdout_alone(zoo_registry: Path) -> None:
    def message(number: int, method: str, **parameters: object) -> str:
        return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}) + "\n"

    about = {"name": "test", "version": "1"}
    hello = message(1, "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=about)
    ready = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}) + "\n"
    asked = message(2, "tools/call", name="model", arguments={"name": "alder"})
    with subprocess.Popen(
        [*COMMAND, "--registry", str(zoo_registry), "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin and server.stdout
        try:
            for text in (hello, ready, asked):
                server.stdin.write(text)
                server.stdin.flush()
            answers = [json.loads(server.stdout.readline()) for _ in range(2)]
            server.stdin.close()
            assert server.wait(30) == 0
        finally:
            server.kill()
    assert answers[0]["result"]["serverInfo"]["name"] == "forebear"
    assert answers[1]["result"]["structuredContent"]["model"]["name"] == "alder"


@pytest.mark.parametrize(("command", "library"), [("serve", "starlette"), ("mcp", "mcp")])
def test_without_its_extra_a_command_names_it(command: str, library: str, zoo_registry: Path) -> None:
    text = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "from forebear.registry.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", text, "--registry", str(zoo_registry), command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1 and f"pip install 'forebear[{command}]'" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_ingest_is_not_allowed_without_a_secret(run: Run, zoo_registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for secret in ("", "short"):
        monkeypatch.setenv("FOREBEAR_SERVE_TOKEN", secret)
        ran = run("--registry", zoo_registry, "serve", "--allow-ingest")
        assert ran.code == 2 and "FOREBEAR_SERVE_TOKEN" in ran.err


@pytest.mark.parametrize("command", ["serve", "mcp"])
def test_a_registry_that_is_not_there_is_an_error(command: str, run: Run, tmp_path: Path) -> None:
    ran = run("--registry", tmp_path / "missing.duckdb", command)
    assert ran.code == 1 and "no registry there" in ran.err
