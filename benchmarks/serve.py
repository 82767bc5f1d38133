"""How many readers does the server bear while another process ingests? 200 clients, a registry of 20,000 models.

    python -m benchmarks.serve [SECONDS] [--models N] [--clients N] [--pause S]     (make bench-serve)

Composition: the rows of one model of the bundled zoo (56 tensors) under 20,000 names of 500 organisations, and a
finished audit: families of 2 to 400 models and answers as in `benchmarks/tree.py`; a finding for every child.
`forebear serve` runs with its defaults, in a process of its own; `forebear ingest` reads copies of the zoo's models
until the end; the clients are one more process. All share the cores of the machine.

Every client is an address of its own (127.x.y.z), asks for a page, waits `--pause` seconds on average (5: a
person reads; 0: asks at once) and asks for the next one. Of 100 pages 30 are lists (of searches), 45 models out of all
20,000, 10 findings, 5 feeds, 10 answers of the API. Rankings are asked beside that, one every two seconds, and are
told apart.

The bar: no error, and 95 % of pages within 0.3 s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.tree import answers, lineage
from forebear.registry import Registry

ZOO = Path(__file__).parent.parent / "tests" / "zoo" / "models"
MODELS, CLIENTS, SECONDS, PAUSE = 20_000, 200, 60.0, 5.0
BAR_SECONDS = 0.3
_COMMAND = [sys.executable, "-m", "forebear.registry.cli"]


def build(path: Path, models: int) -> None:
    """A registry of `models` models with a finished audit."""
    with Registry(path) as registry:
        registry.ingest(ZOO / "alder-docs")
        run = registry.connection.execute
        own = run("SELECT table_name FROM duckdb_tables() WHERE database_name = 'registry'").fetchall()
        with_models = run("SELECT table_name FROM duckdb_columns() WHERE column_name = 'model_id' AND NOT internal")
        for table in sorted({name for (name,) in own} & {name for (name,) in with_models.fetchall()}):
            changed = "model_id + i AS model_id"
            if table == "model":
                name = "'org-' || i % 500 || '/model-' || i"
                changed += f", {name} AS name, 'hf://' || {name} AS uri, md5(i::VARCHAR) AS content"
            rows = f"FROM {table} AS t, range(1, ?) AS r (i) ORDER BY i"
            run(f"INSERT INTO {table} SELECT t.* REPLACE ({changed}) {rows}", [models])
        run("SELECT max(nextval('model_id')) FROM range(?)", [models + 1]).fetchall()
        _audit(registry, models)


def _audit(registry: Registry, models: int) -> None:
    drawn = np.random.default_rng(models)
    family, parent = lineage(drawn, models)
    pairs = answers(drawn, family, parent)
    connection = registry.connection
    connection.execute(
        "INSERT INTO audit_run (run_id, queries, against, max_log10_e, whole, models, newest, asked, started_at,"
        " finished_at) VALUES (1, '', '', -3, false, $n, $n, $n, '2026-01-01', '2026-01-01')",
        {"n": models},
    )
    connection.execute("INSERT INTO audit_model SELECT 1, model_id, name, uri, license, true, NULL FROM model")
    connection.register("pairs", pairs)
    names = ", ".join(pairs.column_names)
    connection.execute(f"INSERT INTO audit_pair ({names}) SELECT {names} FROM pairs")
    connection.execute(
        "INSERT INTO audit_finding (run_id, kind, status, query_id, component, relative_id, relative_component,"
        " declared, reason)"
        " SELECT 1, if(place = 1, 'ancestor', 'relative'),"
        " if(place > 1, 'related', if(direction = 'ancestor', 'undeclared', 'direction_unknown')),"
        " query_id, component, relative_id, relative_component, NULL, reason FROM audit_pair WHERE place <= 3"
    )
    connection.unregister("pairs")


@dataclass(slots=True)
class Measured:
    """Seconds of every answer by kind, what went wrong, and the versions that answers came from."""

    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    bytes: int = 0


def page(drawn: random.Random, models: int) -> tuple[str, str]:
    """The kind of a page, and its address."""
    one = drawn.randrange(models - 1) + 1
    source = f"hf%3A%2F%2Forg-{one % 500}%2Fmodel-{one}"
    kind = drawn.choices(("list", "model", "findings", "feed", "API"), (30, 45, 10, 5, 10))[0]
    return kind, {
        "list": drawn.choice((f"/?page={one % 400 + 1}", f"/?q=org-{one % 500}", f"/?q=model-{one}")),
        "model": f"/model?name={source}",
        "findings": drawn.choice(
            (f"/audit?name=model-{one}", f"/audit?page={one % 50 + 1}", "/audit?status=undeclared")
        ),
        "feed": "/feed.atom",
        "API": drawn.choice((f"/api/model?name={source}", f"/api/models?q=org-{one % 500}")),
    }[kind]


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> tuple[int, int]:
    """Status and bytes of an answer."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    return int(head[9:12]), len(await reader.readexactly(length))


async def client(number: int, port: int, end: float, pause: float, models: int, into: Measured, ranked: bool) -> None:
    """One reader until the time is over."""
    drawn = random.Random(number)
    local = (f"127.{1 + number // 60_000}.{number // 250 % 250}.{number % 250 + 1}", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=local)
    await asyncio.sleep(drawn.random() * max(pause, 0.1))
    while time.monotonic() < end:
        kind, path = page(drawn, models)
        if ranked:
            kind, path = "ranking", path.replace("/model?", "/ancestors?") if kind == "model" else ""
            if not path:
                continue
        began = time.monotonic()
        try:
            status, size = await asyncio.wait_for(ask(reader, writer, path), 60)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError) as error:
            into.errors[f"{kind}: {type(error).__name__}"] += 1
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=local)
            continue
        into.seconds[kind].append(time.monotonic() - began)
        into.bytes += size
        if status != 200:
            into.errors[f"{kind}: {status}"] += 1
        await asyncio.sleep(2.0 if ranked else pause * (0.5 + drawn.random()))
    writer.close()


async def load(port: int, seconds: float, clients: int, pause: float, models: int) -> Measured:
    """What all clients measured."""
    found, end = Measured(), time.monotonic() + seconds
    each = [client(n, port, end, pause, models, found, ranked=n == clients) for n in range(clients + 1)]
    await asyncio.gather(*each)
    return found


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def folders(at: Path) -> list[str]:
    """600 copies of models of the zoo, each a folder and a source of its own."""
    kinds = sorted(p for p in ZOO.iterdir() if p.is_dir())
    made = []
    for number in range(600):
        place = at / f"copy-{number}"
        place.mkdir(parents=True)
        for file in kinds[number % len(kinds)].iterdir():
            os.link(file, place / file.name) if os.stat(file).st_dev == os.stat(at).st_dev else shutil.copy(file, place)
        made.append(str(place))
    return made


def main() -> None:
    """Build, serve, ingest beside it, ask, and say what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", nargs="?", type=float, default=SECONDS)
    parser.add_argument("--models", type=int, default=MODELS)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--pause", type=float, default=PAUSE)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="forebear-serve-bench-") as folder:
        path = (given.keep or Path(folder)) / "registry.duckdb"
        if not path.exists():
            began = time.monotonic()
            build(path, given.models)
            print(
                f"{given.models} models, {path.stat().st_size / 1e9:.2f} GB, built in {time.monotonic() - began:.0f} s"
            )
        sys.exit(_measured(path, Path(folder), given))


def _measured(path: Path, folder: Path, given: argparse.Namespace) -> int:
    port, null = free_port(), subprocess.DEVNULL
    listed = folder / "list.txt"
    listed.write_text("\n".join(folders(folder / "copies")), encoding="utf-8")
    with open(folder / "log", "wb") as log, open(folder / "ingested", "wb") as rows:
        server = subprocess.Popen(
            [*_COMMAND, "--registry", str(path), "serve", "--port", str(port), "-v"], stdout=null, stderr=log
        )
        try:
            _up(port, server)
            command = [*_COMMAND, "--registry", str(path), "ingest", f"@{listed}", "--quiet", "--format", "jsonl"]
            ingest = subprocess.Popen(command, stdout=rows, stderr=log)
            found = asyncio.run(load(port, given.seconds, given.clients, given.pause, given.models))
            running = ingest.poll() is None
            ingest.terminate()
            ingest.wait()
        finally:
            server.terminate()
            _, _, used = os.wait4(server.pid, 0)
    said = (folder / "log").read_text(encoding="utf-8")
    outcomes = [json.loads(line) for line in (folder / "ingested").read_text(encoding="utf-8").splitlines()]
    done = Counter(one["status"] for one in outcomes)
    ended = "" if running else " (ended before)"
    print(f"ingested meanwhile: {dict(done)}{ended}; copies made: {said.count('of copying')}")
    if not done:
        raise SystemExit(f"nothing was ingested meanwhile: {said[-500:]}")
    pages = sum(len(listed) for listed in found.seconds.values())
    spent = used.ru_utime + used.ru_stime
    print(f"the server took {spent:.1f} s of CPU, {1000 * spent / pages:.0f} ms a page: start, copies and rankings too")
    print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return _said(found, given.seconds)


def _up(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server did not start")


def _said(found: Measured, seconds: float) -> int:
    pages = [one for kind, listed in found.seconds.items() if kind != "ranking" for one in listed]
    for kind, listed in {**found.seconds, "all pages": pages}.items():
        low, high, most = np.quantile(listed, [0.5, 0.95, 0.99])
        shares = f"p50 {low:.3f} s, p95 {high:.3f} s, p99 {most:.3f} s, most {max(listed):.2f} s"
        print(f"{kind:10} {len(listed):7} answers, {shares}")
    errors = sum(number for kind, number in found.errors.items() if not kind.startswith("ranking"))
    print(f"{len(pages) / seconds:.0f} pages a second; errors: {dict(found.errors) or 'none'}")
    held = not errors and float(np.quantile(pages, 0.95)) <= BAR_SECONDS
    print(f"the bar: no error, 95 % of pages within {BAR_SECONDS} s: {'held' if held else 'missed'}")
    return 0 if held else 1


if __name__ == "__main__":
    main()
