"""The shipped list of base models says nothing that the project does not know, and makes a registry."""

from __future__ import annotations

import csv
import os
import subprocess
from datetime import date
from pathlib import Path

from forebear.registry import Registry

from ..hub_server import HubServer

ROOT = Path(__file__).parents[2]
ZOO = ROOT / "tests" / "zoo" / "models"


def test_every_published_root_is_in_the_list_once_with_a_licence_that_is_known(tmp_path: Path) -> None:
    with (ROOT / "docs" / "base_models.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with Registry(tmp_path / "registry.duckdb") as registry:
        roots = {name for (name,) in registry.connection.execute("SELECT name FROM published_root").fetchall()}
        licences = {name for (name,) in registry.connection.execute("SELECT id FROM licence").fetchall()}
    names = [row["name"].lower() for row in rows]
    assert len(names) == len(set(names)) and set(names) == roots
    assert {row["license"] for row in rows} <= licences | {""}
    assert all(date.fromisoformat(row["announced"]) for row in rows if row["announced"])
    assert all(row["name"].startswith(f"{row['organisation']}/") for row in rows)


def test_the_lists_name_about_a_thousand_models_each_once_and_claim_no_further_root(tmp_path: Path) -> None:
    rows = []
    for file in ("base_models.csv", "base_models_vision.csv"):
        with (ROOT / "docs" / file).open(encoding="utf-8", newline="") as stream:
            rows.append(list(csv.DictReader(stream)))
    with Registry(tmp_path / "registry.duckdb") as registry:
        roots = {name for (name,) in registry.connection.execute("SELECT name FROM published_root").fetchall()}
        licences = {name for (name,) in registry.connection.execute("SELECT id FROM licence").fetchall()}
    names = [row["name"].lower() for some in rows for row in some]
    assert 950 <= len(names) == len(set(names)) <= 1100
    assert not roots & {row["name"].lower() for row in rows[1]}
    assert {row["license"] for row in rows[1]} <= licences | {""} and not any(row["announced"] for row in rows[1])
    assert all(row["name"].startswith("timm/") and row["organisation"] == "timm" for row in rows[1])
    recipe = subprocess.run(["make", "-n", "-o", "dev", "base-registry"], cwd=ROOT, capture_output=True, text=True)
    listed = subprocess.run(["sh", "-c", recipe.stdout.partition("|")[0]], cwd=ROOT, capture_output=True, text=True)
    assert len(listed.stdout.splitlines()) == len(names)


def test_the_recipe_makes_a_registry_and_reads_nothing_again(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("name,organisation\norg/alder,org\norg/birch,org\n", encoding="utf-8")
    make = ["make", "-o", "dev", "base-registry", f"LIST={tmp_path / 'list.csv'}", f"REGISTRY={tmp_path / 'b.duckdb'}"]
    with HubServer() as hub:
        for name in ("alder", "birch"):
            hub.add(f"org/{name}", ZOO / name)
        environment = {**os.environ, "HF_ENDPOINT": hub.endpoint, "HF_TOKEN": ""}
        runs = [
            subprocess.run(make, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
            for _ in range(2)
        ]
    assert [run.stderr.splitlines()[-1].partition(";")[0] for run in runs] == ["2 ingested", "2 unchanged"]
