"""Repositories of the Hub through the command line: what is kept of them, what is noted, and what never appears."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from forebear.registry import Registry
from forebear.registry.cli.options import byte_count

from ...hub_server import Fault, HubServer
from ..conftest import COMMAND, MakeModel, Ran, Run

TOKEN = "hf_let_me_in"


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


def run_on(hub: HubServer, *arguments: object, **environment: str) -> Ran:
    """A command in a process of its own: huggingface_hub reads its environment when it is imported."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_HUB_DISABLE_IMPLICIT_TOKEN": ""} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with Registry(path, read_only=True) as opened:
        return opened.connection.execute(query).fetchall()


def test_repositories_lists_and_folders_go_into_one_registry_and_failures_end_nothing(
    hub: HubServer, make_model: MakeModel, tmp_path: Path, registry_path: Path
) -> None:
    hub.add("org/one", make_model("one"))
    hub.add("org/two", make_model("two", 1))
    hub.add("org/three", make_model("three", 2))
    hub.add("org/gated", make_model("gated", 3), gated="manual")
    commit = hub.repositories["org/three"].branches["main"]
    listed = tmp_path / "list.txt"
    listed.write_text(f"# a list\nhf://org/two\n\norg/three@{commit}\n", encoding="utf-8")
    specs = ["org/one", f"@{listed}", make_model("local", 4), "hf://org/gated", "hf://org/missing"]
    ran = run_on(hub, "ingest", *specs, "--format", "jsonl")
    assert ran.code == 4
    found = {row["source"]: row for row in map(json.loads, ran.out.splitlines())}
    assert {s: r["status"] for s, r in found.items()} == {
        "org/one": "ingested",
        "hf://org/two": "ingested",
        f"org/three@{commit}": "ingested",
        str(tmp_path / "local"): "ingested",
        "hf://org/gated": "failed",
        "hf://org/missing": "failed",
    }
    assert "accept its licence" in found["hf://org/gated"]["reason"]
    names = {name for (name,) in rows(registry_path, "SELECT name FROM model")}
    assert names == {"org/one", "org/two", "org/three", "local"}
    noted = rows(registry_path, "SELECT uri, tries, reason FROM attempt ORDER BY uri")
    assert [(uri, tries) for uri, tries, _ in noted] == [("hf://org/gated", 1), ("hf://org/missing", 1)]
    again = run_on(hub, "ingest", *specs, HF_TOKEN=TOKEN)
    assert again.code == 4
    assert "1 ingested, 4 unchanged, 1 failed" in again.err
    assert rows(registry_path, "SELECT uri, tries FROM attempt") == [("hf://org/missing", 2)]


def test_a_token_is_in_no_output_and_no_table(hub: HubServer, make_model: MakeModel, registry_path: Path) -> None:
    hub.add("org/gated", make_model("gated"), gated="auto", info={"createdAt": "2025-03-01T10:00:00.000Z"})
    hub.add("org/bad", make_model("bad", 1))
    hub.hub.fail(Fault(status=403, path="org/bad"), times=None)
    ran = run_on(hub, "ingest", "org/gated", "org/bad", "org/missing", HF_TOKEN=TOKEN)
    watched = run_on(hub, "watch", "--format", "json", HF_TOKEN=TOKEN)
    assert f"Bearer {TOKEN}" in hub.hub.authorizations
    assert not hub.storage.authorizations
    assert (ran.code, watched.code) == (4, 0)
    with Registry(registry_path, read_only=True) as opened:
        tables = [t for (t,) in opened.connection.execute("SHOW TABLES").fetchall()]
        kept = "".join(str(opened.connection.execute(f"FROM {table}").fetchall()) for table in tables)
    assert "org/gated" in kept and "org/bad" in kept
    assert TOKEN not in ran.out + ran.err + watched.out + watched.err + kept
    assert TOKEN.encode() not in registry_path.read_bytes()


def test_what_the_hub_says_of_a_model_is_kept_with_it(
    hub: HubServer, make_model: MakeModel, registry_path: Path
) -> None:
    said = {
        "createdAt": "2025-03-01T10:00:00.000Z",
        "lastModified": "2025-03-02T11:00:00.000Z",
        "downloads": 42,
        "likes": 7,
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["license:mit", "base_model:org/base", "base_model:finetune:org/base"],
    }
    folder = make_model("one")
    hub.add("org/one", folder, info=said)
    hub.add("other/copy", folder)
    assert run_on(hub, "ingest", "org/one", "other/copy").code == 0
    assert rows(
        registry_path,
        "SELECT author, created_at, modified_at, downloads, likes, library, task, gated, license, released_at"
        " FROM hub JOIN model USING (model_id) WHERE name = 'org/one'",
    ) == [
        (
            *("org", datetime(2025, 3, 1, 10), datetime(2025, 3, 2, 11), 42, 7),
            *("transformers", "text-generation", None, "mit", datetime(2025, 3, 1, 10)),
        )
    ]
    parents = rows(registry_path, "SELECT parent, relation FROM declared_parent")
    assert parents == [("org/base", "finetune")]
    files = rows(
        registry_path, "SELECT path, size, sha256 FROM file JOIN model USING (model_id) WHERE name = 'org/one'"
    )
    assert {path: size for path, size, _ in files} == {p.name: p.stat().st_size for p in folder.iterdir()}
    hashes = {path: sha256 for path, _, sha256 in files}
    assert hashes["model.safetensors"] == hub._hash(folder / "model.safetensors")[1]
    equal = rows(registry_path, "SELECT name, path, other FROM equal_files ORDER BY name")
    assert equal == [("org/one", "model.safetensors", "other/copy"), ("other/copy", "model.safetensors", "org/one")]


def test_a_budget_leaves_whole_layers_out_says_so_and_changes_nothing_of_the_others(
    hub: HubServer, make_model: MakeModel, tmp_path: Path
) -> None:
    hub.add("org/one", make_model("one"))
    whole, capped = tmp_path / "whole.duckdb", tmp_path / "capped.duckdb"
    assert run_on(hub, "--registry", whole, "ingest", "org/one").code == 0
    ran = run_on(hub, "--registry", capped, "ingest", "org/one", "--budget", "60kB", "--connections", "2")
    assert ran.code == 0
    assert ran.err.count("left out: its layer is beyond the budget of 60000 bytes") == 1
    for table in ("positions", "gram", "minhash", "vector", "token_row"):
        query = f"SELECT name, value, hash FROM {table} JOIN tensor USING (model_id, tensor_id)"
        all_of, some = (set(map(str, rows(path, query))) for path in (whole, capped))
        assert some and some <= all_of
        assert (some < all_of) == (table != "token_row")  # what stands outside the layers is always kept


def test_what_a_budget_cut_is_read_again_within_a_larger_one_and_never_cut_afterwards(
    hub: HubServer, make_model: MakeModel, registry_path: Path
) -> None:
    hub.add("org/one", make_model("one"))
    found = []
    for budget in ("60kB", "60kB", "50kB", "1GB", "60kB"):
        ran = run_on(hub, "ingest", "org/one", "--budget", budget, "--format", "jsonl")
        found.append((json.loads(ran.out)["status"], rows(registry_path, "SELECT count(*) > 0 FROM skipped_tensor")))
    cut, whole = [(True,)], [(False,)]
    statuses = ["ingested", "unchanged", "unchanged", "ingested", "unchanged"]
    assert found == list(zip(statuses, [cut, cut, cut, whole, whole], strict=True))
    assert rows(registry_path, "SELECT count(*) FROM model") == [(1,)]


def test_the_order_of_results_is_that_of_the_specs_in_python(
    hub: HubServer, make_model: MakeModel, registry_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [make_model(name, seed) for seed, name in enumerate("abc")]
    for folder in folders:
        hub.add(f"org/{folder.name}", folder)
    hub.hub.fail(Fault(delay=0.5, path="org/a"), times=1)
    code = (
        "import sys; from forebear.registry import Registry\n"
        "specs = sys.argv[2:]\n"
        "with Registry(sys.argv[1]) as r: print([o.source for o in r.ingest(*specs)] == specs, len(r.models()))\n"
    )
    specs = [f"hf://org/{name}" for name in "abc"] + [str(folders[0])]
    done = subprocess.run(
        [COMMAND[0], "-c", code, str(registry_path), *specs],
        env=os.environ | {"HF_ENDPOINT": hub.endpoint},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "4"]


def test_ctrl_c_leaves_at_once_and_keeps_every_finished_model(
    hub: HubServer, make_model: MakeModel, registry_path: Path
) -> None:
    for seed in range(6):
        hub.add(f"org/m{seed}", make_model(f"m{seed}", seed))
    for seed in (3, 4, 5):
        hub.hub.fail(Fault(delay=20, path=f"org/m{seed}/"), times=None)
    command = [*COMMAND, "ingest", *(f"org/m{seed}" for seed in range(6)), "--format", "jsonl"]
    environment = os.environ | {"HF_ENDPOINT": hub.endpoint}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        reported = {json.loads(process.stdout.readline())["name"] for _ in range(3)}
        time.sleep(0.2)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=15) == 130
        assert time.monotonic() - began < 5
    assert {name for (name,) in rows(registry_path, "SELECT name FROM model")} == reported
    assert rows(registry_path, "FROM attempt") == []


@pytest.mark.parametrize(
    ("text", "count"),
    [("256MiB", 256 << 20), ("1GB", 10**9), ("1.5 GB", 1_500_000_000), ("4096", 4096), ("10kB", 10_000), ("7B", 7)],
)
def test_sizes_are_read_as_people_write_them(text: str, count: int) -> None:
    assert byte_count(text) == count


@pytest.mark.parametrize("text", ["", "0", "-1", "1XB", "MiB", "1e9", "nan", "1 2", "٣MB", "0.1B"])
def test_a_size_that_is_none_is_a_usage_error(run: Run, make_model: MakeModel, text: str) -> None:
    ran = run("ingest", make_model("a"), f"--budget={text}")
    assert ran.code == 2
    assert "is not a size" in ran.err


def test_an_odd_date_costs_no_model_and_is_said(hub: HubServer, zoo: Path, registry_path: Path) -> None:
    for name, date in (("offset", "2025-03-01T10:00:00+09:00"), ("odd", "01/03/2025"), ("future", "2099-01-01")):
        hub.add(f"org/{name}", zoo / "birch", info={"createdAt": date})
    ran = run_on(hub, "ingest", "org/offset", "org/odd", "org/future")
    assert (ran.code, "3 ingested" in ran.err) == (0, True), ran.err
    assert "org/odd: its createdAt '01/03/2025' is not understood: no date is kept" in ran.err
    assert "org/future: its createdAt 2099-01-01 lies in the future: no date is kept" in ran.err
    kept = rows(registry_path, "SELECT name, released_at FROM model WHERE released_at IS NOT NULL")
    assert kept == [("org/offset", datetime(2025, 3, 1, 1))]
