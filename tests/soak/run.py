"""Soak one registry: processes that write and ask, killed at random, with a full disk, held locks and a bad Hub.

    python -m tests.soak.run --minutes 20 [--seed 1]

After every round all of it has to hold: a model that any process reported as kept is in the registry, its rows are
those of a registry that nothing ever happened to, no table has rows of a model that is not there, nothing hung and
nothing printed a traceback. The run ends with 1 at the first that does not, and keeps the registry in .bench/soak.

Limitations: the full disk is RLIMIT_FSIZE, which needs no rights and stops the registry's file where a full disk would;
what other programs do on a disk that is full is not covered. Power is never cut: what the kernel took is on the disk.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from forebear.registry import Registry

from ..hub_server import Fault, HubServer
from ..writers import llama, llama_config, model_files, tokenizer_json, words, write_files

COMMAND = [sys.executable, "-m", "forebear.registry.cli"]
MODELS = 8
HUNG = 180.0
"""Seconds after which a process that nothing stopped counts as hung; it may wait for the file and for the Hub."""
ALLOWED = {0, 1, 3, 4, -9}
OTHERWISE = {"ingested_at", "requests", "attempted_at", "applied_at", "model_id", "state"}
"""Columns that differ between two runs of the same, or tell when and where."""
FAULTS = (
    Fault(status=503), Fault(status=429), Fault(delay=0.5), Fault(cut=100), Fault(extra=10), Fault(short=5),
    Fault(ignore_range=True), Fault(expire=True), Fault(pause=0.05), Fault(headers={"Content-Encoding": "gzip"}),
    Fault(headers={"Content-Range": "bytes 0-1/2"}),
)  # fmt: skip
HOLD = "import sys, time, duckdb; c = duckdb.connect(sys.argv[1]); time.sleep(float(sys.argv[2]))"


@dataclass(slots=True)
class Job:
    """A process, what it was started for, and the files of its output and errors."""

    kind: str
    process: subprocess.Popen[bytes]
    out: Path
    err: Path
    killed_after: float | None = None


@dataclass(slots=True)
class Soak:
    """One registry under load. `reported` are the sources that some process said it kept; `counts` what happened."""

    folder: Path
    hub: HubServer
    rng: random.Random
    reported: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    expected: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The registry."""
        return self.folder / "soak.duckdb"

    def sources(self) -> list[str]:
        """All models: folders, then repositories."""
        return [str(self.folder / f"m{i}") for i in range(MODELS)] + [f"hf://org/h{i}" for i in range(MODELS)]

    def prepare(self) -> None:
        """Write the models, and a registry that nothing happens to."""
        for prefix in "mh":
            for i in range(MODELS):
                tensors = llama(i + 100 * (prefix == "h"), hidden=32)
                files = model_files(tensors, config=llama_config(tensors), tokenizer=tokenizer_json(words(96)))
                folder = write_files(self.folder / f"{prefix}{i}", files)
                if prefix == "h":
                    self.hub.add(f"org/h{i}", folder)
        whole = self.folder / "whole.duckdb"
        done = subprocess.run(
            [*COMMAND, "--registry", str(whole), "ingest", "-q", *self.sources()],
            env=self.environment(),
            check=False,
            stdout=subprocess.DEVNULL,
        )
        assert done.returncode == 0, "the models cannot be ingested even without faults"
        self.expected = rows_by_source(whole)

    def environment(self) -> dict[str, str]:
        """The Hub is the one on loopback."""
        return os.environ | {"HF_ENDPOINT": self.hub.endpoint, "HF_HUB_DISABLE_TELEMETRY": "1"}

    def start(self, kind: str, *arguments: str, limit: int | None = None) -> Job:
        """A command in a process of its own, with a limit on the size of files where one is given."""
        number = sum(self.counts.values())
        self.counts[kind] += 1
        out, err = self.folder / f"{number}.out", self.folder / f"{number}.err"

        def limited() -> None:
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        command = [*COMMAND, "--registry", str(self.path), *arguments]
        if kind == "lock":
            command = [sys.executable, "-c", HOLD, str(self.path), str(self.rng.uniform(0.5, 3))]
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                command, stdout=stdout, stderr=stderr, env=self.environment(), preexec_fn=limited
            )
        return Job(kind, process, out, err)

    def round(self) -> None:
        """Some processes at once, with faults of the Hub, most of them killed; then everything is checked."""
        for _ in range(self.rng.randint(0, 3)):
            host = self.rng.choice((self.hub.hub, self.hub.storage))
            host.fail(self.rng.choice(FAULTS), times=self.rng.randint(1, 4))
        jobs = [self._any_job() for _ in range(self.rng.randint(2, 4))]
        for job in jobs:
            if job.kind != "lock" and self.rng.random() < 0.5:
                job.killed_after = time.monotonic() + self.rng.uniform(0.5, 6)
        self._wait(jobs)
        self.hub.hub.heal()
        self.hub.storage.heal()
        for job in jobs:
            self._collect(job)
        self.check()
        self.counts["rounds"] += 1

    def _any_job(self) -> Job:
        some = self.rng.sample(self.sources(), self.rng.randint(1, 6))
        known = Path(self.rng.choice(self.sources())).name
        size = self.path.stat().st_size if self.path.exists() else 1 << 20
        kinds: dict[str, Callable[[], Job]] = {
            "ingest": lambda: self.start("ingest", "ingest", "--format", "jsonl", *some),
            "watch": lambda: self.start("watch", "watch", "--format", "jsonl", "--author", "org"),
            "full disk": lambda: self.start(
                "full disk", "ingest", "--format", "jsonl", *some, limit=size + self.rng.randint(0, 1 << 20)
            ),
            "audit": lambda: self.start("audit", "audit", "--format", "json"),
            "ancestors": lambda: self.start("ancestors", "ancestors", known),
            "list": lambda: self.start("list", "list"),
            "lock": lambda: self.start("lock"),
        }
        kind = self.rng.choices(list(kinds), (5, 1, 2, 1, 2, 1, 1))[0]
        if kind == "lock" and not self.path.exists():  # DuckDB alone would make a file that is no registry
            kind = "list"
        return kinds[kind]()

    def _wait(self, jobs: list[Job]) -> None:
        end = time.monotonic() + HUNG
        while any(job.process.poll() is None for job in jobs):
            for job in jobs:
                if job.killed_after and time.monotonic() > job.killed_after and job.process.poll() is None:
                    job.process.kill()
                    self.counts["killed"] += 1
                    job.killed_after = None
            if time.monotonic() > end:
                kinds = [job.kind for job in jobs if job.process.poll() is None]
                for job in jobs:
                    job.process.kill()
                raise AssertionError(f"hung for {HUNG:.0f} s: {kinds}")
            time.sleep(0.02)

    def _collect(self, job: Job) -> None:
        """What a process reported, and how it ended."""
        said = job.err.read_text("utf-8", "replace")
        if job.kind == "lock":
            return
        assert "Traceback" not in said and "bug of forebear" not in said, f"{job.kind}: {said[-2000:]}"
        assert job.process.returncode in ALLOWED, f"{job.kind} ended with {job.process.returncode}: {said[-500:]}"
        self.counts[f"{job.kind} ended {job.process.returncode}"] += 1
        if job.kind in {"ingest", "full disk", "watch"}:
            for line in job.out.read_bytes().split(b"\n")[:-1]:
                row = json.loads(line)
                if row["status"] in {"ingested", "unchanged"}:
                    source = row["source"]
                    self.reported.add(source if "://" in source else Path(source).resolve().as_uri())
                    self.counts["reported"] += 1
        for path in (job.out, job.err):
            path.unlink()

    def check(self) -> None:
        """Nothing reported is lost, and every row is that of the registry that nothing happened to."""
        if not self.path.exists():
            assert not self.reported, "the registry is gone"
            return
        found = rows_by_source(self.path)
        lost = self.reported - set(found)
        assert not lost, f"reported and lost: {sorted(lost)}"
        for source, tables in found.items():
            assert tables == self.expected[source], f"other rows than without faults: {source}"


def rows_by_source(path: Path) -> dict[str, dict[str, list[str]]]:
    """Source -> table -> rows without what tells when; AssertionError for rows of a model that is not there."""
    found: dict[str, dict[str, list[str]]] = {}
    with Registry(path) as opened:
        run = opened.connection.execute
        for (uri,) in run("SELECT uri FROM model").fetchall():
            assert uri not in found, f"{uri} is there twice"
            found[uri] = {}
        for (table,) in run("SELECT table_name FROM duckdb_tables() WHERE database_name = 'registry'").fetchall():
            columns = [row[0] for row in run(f"DESCRIBE {table}").fetchall()]
            if "model_id" not in columns:
                continue
            kept = ", ".join(f"t.{name}" for name in columns if name not in OTHERWISE)
            rows = run(f"SELECT m.uri, {kept} FROM {table} AS t JOIN model AS m USING (model_id)").fetchall()
            assert run(f"SELECT count(*) FROM {table}").fetchall() == [(len(rows),)], f"{table}: rows of no model"
            for uri, *values in rows:
                found[uri].setdefault(table, []).append(repr(values))
    return {uri: {table: sorted(rows) for table, rows in tables.items()} for uri, tables in found.items()}


def soak(minutes: float, seed: int, folder: Path) -> Counter[str]:
    """Rounds until the minutes are over; every 20th begins with a new registry. Raises AssertionError for a loss."""
    with HubServer(latency=0.005) as hub:
        one = Soak(folder, hub, random.Random(seed))
        one.prepare()
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end:
            if one.counts["rounds"] % 20 == 19:
                for path in folder.glob("soak.duckdb*"):
                    path.unlink()
                one.reported.clear()
            one.round()
        return one.counts


def main() -> int:
    """Run, and print what happened."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            counts = soak(given.minutes, given.seed, folder)
        except AssertionError as error:
            kept = Path(".bench/soak") / str(given.seed)
            shutil.copytree(folder, kept, dirs_exist_ok=True)
            print(f"LOST: {error}\nseed {given.seed}, everything is kept in {kept}")
            return 1
    for what, count in sorted(counts.items()):
        print(f"{what:24} {count:6,}")
    print(f"nothing lost in {given.minutes:g} minutes (seed {given.seed})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
