"""SIGKILL at any moment of an ingest from the Hub: in the end the registry is that of a run that was never killed."""

from __future__ import annotations

import os
import random
import subprocess
import time
from pathlib import Path

from forebear.registry import Registry

from ...hub_server import HubServer
from ...writers import llama, llama_config, model_files, tokenizer_json, words, write_files
from ..conftest import COMMAND

MODELS = 20
ROUNDS = 20
OTHERWISE = {"ingested_at", "requests", "attempted_at", "applied_at", "model_id", "state"}
"""Columns that differ between two runs of the same, or tell when and where."""


def ingest(hub: HubServer, path: Path) -> subprocess.Popen[bytes]:
    specs = [f"hf://org/m{number}" for number in range(MODELS)]
    return subprocess.Popen(
        [*COMMAND, "--registry", str(path), "ingest", *specs],
        env=os.environ | {"HF_ENDPOINT": hub.endpoint},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def contents(path: Path) -> dict[str, list[str]]:
    """All rows of all tables, with the model's name in place of its number."""
    found: dict[str, list[str]] = {}
    with Registry(path, read_only=True) as opened:
        run = opened.connection.execute
        for (table,) in run("SELECT table_name FROM duckdb_tables() WHERE database_name = 'registry'").fetchall():
            columns = [row[0] for row in run(f"DESCRIBE {table}").fetchall()]
            kept = ", ".join(f"t.{name}" for name in columns if name not in OTHERWISE)
            joined = "model_id" in columns and table != "model"
            named = f"SELECT m.uri, {kept} FROM {table} AS t JOIN model AS m USING (model_id)"
            rows = run(named if joined else f"SELECT {kept} FROM {table} AS t").fetchall()
            found[table] = sorted(map(repr, rows))
            if joined:  # no rows of a model that is not there
                assert run(f"SELECT count(*) FROM {table}").fetchall() == [(len(rows),)]
    return found


def test_a_registry_that_was_killed_at_random_ends_as_one_that_never_was(tmp_path: Path) -> None:
    chance = random.Random(os.getpid())
    whole, killed = tmp_path / "whole.duckdb", tmp_path / "killed.duckdb"
    with HubServer(latency=0.01) as hub:
        for number in range(MODELS):
            tensors = llama(number, hidden=32)
            files = model_files(tensors, config=llama_config(tensors), tokenizer=tokenizer_json(words(96)))
            hub.add(f"org/m{number}", write_files(tmp_path / f"m{number}", files))
        assert ingest(hub, whole).wait(timeout=60) == 0
        requests = hub.requests
        ended = 0
        for number in range(ROUNDS):
            if number == ROUNDS // 2:
                killed.unlink(missing_ok=True)  # halfway all is there: the other half begins anew
                killed.with_name("killed.duckdb.wal").unlink(missing_ok=True)
            moment = hub.requests + chance.randint(1, requests // 3)  # by work done: seconds differ between machines
            with ingest(hub, killed) as process:
                while hub.requests < moment and process.poll() is None:
                    time.sleep(0.001)
                process.kill()
            ended += process.returncode == 0
            if killed.exists():
                with Registry(killed) as opened:
                    uris = [model.uri for model in opened.models()]
                assert len(uris) == len(set(uris))
        assert ended < ROUNDS / 2
        assert ingest(hub, killed).wait(timeout=60) == 0
    assert contents(killed) == contents(whole)
    assert len(contents(whole)["model"]) == MODELS
