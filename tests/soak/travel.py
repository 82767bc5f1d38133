"""Push and pull a registry through a folder, a web server and a Hub on loopback, killed at random moments.

    python -m tests.soak.travel [--models 10000] [--kills 4] [--seed 19]     (make test-travel)

Two registries travel: the bundled zoo, and a synthetic one of `--models` models (0: the zoo alone), of which every
hundredth has the tensors of 32 layers. Every command runs in a process of its own, which is killed at a moment drawn
between its start and the time that a whole run took. After every kill:
- a place that was being pushed to shows what it showed before, or all of it;
- a registry that was being pulled into holds whole models alone: of each table every row, equal to that of the registry
  that was pushed, and no row of a model that is not there.
At the end the next push and the next pull finish what was left. The run ends with 1 at the first thing that does not
hold, and prints how many processes were killed at work.
"""

from __future__ import annotations

import argparse
import functools
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb

from forebear.registry import Registry

from ..hub_datasets import HubDatasets

COMMAND = [sys.executable, "-m", "forebear.registry.cli"]
ZOO = Path(__file__).parent.parent / "zoo" / "models"
TOKEN = "hf_for_this_test"
DATASET = "hf://datasets/someone/registry"
SINCE = 0.3
"""Seconds that a process takes to import what it needs, in which a kill shows nothing."""
NO_ROWS_OF_MODELS = {"migration", "setting", "pulled_part", "remote_fingerprint"}
Held = dict[str, dict[str, tuple[int, int]]]
"""Table -> source of a model -> its rows, and a number of their content."""


class NotWhole(AssertionError):
    """What travelled is not what was pushed."""


def held(path: Path) -> Held:
    """What a registry holds of each model. Raises NotWhole where a table has rows of a model that is not there."""
    found: Held = {}
    with Registry(path, read_only=True) as registry:
        connection = registry.connection
        sources = {model.model_id: model.uri for model in registry.models()}
        for table in _tables(connection):
            rows = connection.execute(
                "SELECT model_id, count(*), bit_xor(hash(*COLUMNS(* EXCLUDE (model_id))))::UBIGINT"
                f" FROM {table} GROUP BY model_id"
            ).fetchall()
            if lost := {model for model, *_ in rows} - set(sources):
                raise NotWhole(f"{table}: rows of {len(lost)} models that are not there")
            found[table] = {sources[model]: (count, content) for model, count, content in rows}
    return found


def _tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    names = connection.execute("SELECT DISTINCT table_name FROM duckdb_columns() WHERE column_name = 'model_id'")
    kept = {name for (name,) in names.fetchall()} - NO_ROWS_OF_MODELS
    tables = connection.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'").fetchall()
    return sorted(kept & {name for (name,) in tables})


def require_whole(path: Path, expected: Held) -> int:
    """How many models a registry holds, each of them whole. Raises NotWhole.

    It is opened for writing first, as the next pull does: one that was killed while it was made lacks its settings, and
    until then a reader is told of another version.
    """
    Registry(path).close()
    found = held(path)
    for source in found["model"]:
        for table, of in expected.items():
            if found[table].get(source) != of.get(source):
                raise NotWhole(f"{source}: {table} has {found[table].get(source)} instead of {of.get(source)}")
    return len(found["model"])


@dataclass
class Travel:
    """One registry on its way through one place."""

    kind: str
    whole: Path
    expected: Held
    folder: Path
    chance: random.Random
    environment: dict[str, str]
    push_to: str
    pull_from: str
    killed: int = 0

    def run(self, *arguments: str, registry: Path, seconds: float | None = None) -> float:
        """Run a command, killed after so many seconds where it is given; how long it took."""
        began = time.monotonic()
        environment = {**os.environ, **self.environment, "FOREBEAR_REGISTRY": str(registry)}
        process = subprocess.Popen([*COMMAND, *arguments, "--quiet"], env=environment, stderr=subprocess.PIPE)
        try:
            _, said = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.killed += 1
            return time.monotonic() - began
        if process.returncode:
            raise NotWhole(
                f"{self.kind}: {' '.join(arguments)} ended with {process.returncode}: {said.decode()[-500:]}"
            )
        return time.monotonic() - began

    def go(self, kills: int, push_seconds: float) -> None:
        """Push, killed again and again; then pull likewise. Raises NotWhole."""
        models = len(self.expected["model"])
        for _ in range(kills):
            self.run("push", self.push_to, registry=self.whole, seconds=self.chance.uniform(SINCE, push_seconds))
            self._nothing_or_all(models)
        self.run("push", self.push_to, registry=self.whole)
        there = self.folder / f"{self.kind}.duckdb"
        seconds = self.run("pull", self.pull_from, registry=there)
        if require_whole(there, self.expected) != models:
            raise NotWhole(f"{self.kind}: a pull brought other models than were pushed")
        there.unlink()
        for _ in range(kills):
            self.run("pull", self.pull_from, registry=there, seconds=self.chance.uniform(SINCE, seconds))
            if there.exists():
                require_whole(there, self.expected)
        self.run("pull", self.pull_from, registry=there)
        if require_whole(there, self.expected) != models:
            raise NotWhole(f"{self.kind}: the pull after the killed ones brought other models than were pushed")
        there.unlink()

    def _nothing_or_all(self, models: int) -> None:
        """What a place shows after a killed push: nothing, as before it, or every model."""
        fresh = self.folder / "fresh.duckdb"
        arguments = [*COMMAND, "pull", self.pull_from, "--sketches", "--quiet"]
        environment = {**os.environ, **self.environment, "FOREBEAR_REGISTRY": str(fresh)}
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True)
        if done.returncode and "no registry was pushed there" not in done.stderr:
            raise NotWhole(f"{self.kind}: a pull after a killed push says {done.stderr[-500:]}")
        if fresh.exists():
            with Registry(fresh, read_only=True) as registry:
                count = len(registry.models())
            if count not in {0, models}:
                raise NotWhole(f"{self.kind}: a killed push shows {count} of {models} models")
            fresh.unlink()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a web server that serves a folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def travels(name: str, whole: Path, folder: Path, kills: int, chance: random.Random) -> int:
    """One registry through all three kinds of place; how many processes were killed."""
    expected, killed = held(whole), 0
    first = Travel("first", whole, expected, folder, chance, {}, str(folder / "first"), str(folder / "first"))
    seconds = first.run("push", str(folder / "first"), registry=whole)
    (folder / "web").mkdir()
    with served(folder / "web") as address, HubDatasets(TOKEN) as hub:
        token = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}
        at = str(folder / "folder")
        for travel in (
            Travel("folder", whole, expected, folder, chance, {}, at, at),
            Travel("web", whole, expected, folder, chance, {}, str(folder / "web"), address),
            Travel("hub", whole, expected, folder, chance, token, DATASET, DATASET),
        ):
            began = time.monotonic()
            travel.go(kills, seconds)
            killed += travel.killed
            models, seconds_of = len(expected["model"]), time.monotonic() - began
            at_work = f"{travel.killed} of {2 * kills} processes killed at work"
            print(f"{name}, {travel.kind}: {models} models, {at_work}, {seconds_of:.0f} s", flush=True)
    return killed


def main() -> int:
    """Both registries."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--seed", type=int, default=19)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="forebear-travel-") as place:
        zoo = Path(place) / "zoo"
        zoo.mkdir()
        with Registry(zoo / "registry.duckdb") as registry:
            registry.ingest(*sorted(path for path in ZOO.iterdir() if path.is_dir()))
        try:
            travels("bundled zoo", zoo / "registry.duckdb", zoo, options.kills, chance)
            if options.models:
                many = Path(place) / "many"
                many.mkdir()
                synthetic(many / "registry.duckdb", options.models)
                travels("synthetic", many / "registry.duckdb", many, options.kills, chance)
        except NotWhole as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def synthetic(path: Path, count: int) -> None:
    """A registry of sketches of so many models, and the tensors of every hundredth."""
    from benchmarks.scale_registry import Layout, build, has_vision
    from benchmarks.scale_tensors import keep

    layout = Layout(count, count // 100, count // 5)
    with Registry(path) as registry:
        build(registry.connection, layout)
        keep(registry.connection, layout, [i for i in range(2, count, 100) if not has_vision(i)])


if __name__ == "__main__":
    sys.exit(main())
