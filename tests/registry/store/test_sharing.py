"""One process ingests while others read: they get in between, and see models that were reported, each whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from forebear.registry import Registry

from ...hub_server import HubServer
from ...writers import llama, llama_config, model_files, tokenizer_json, words, write_files
from ..conftest import COMMAND

MODELS = 24
EACH = "SELECT m.name, count(t.tensor_id) FROM model AS m LEFT JOIN tensor AS t USING (model_id) GROUP BY ALL"


def test_a_reader_gets_in_between_the_models_of_an_ingest(tmp_path: Path) -> None:
    path = tmp_path / "registry.duckdb"
    Registry(path).close()
    seen: list[int] = []
    with HubServer(latency=0.05) as hub:
        for number in range(MODELS):
            tensors = llama(number, hidden=32)
            files = model_files(tensors, config=llama_config(tensors), tokenizer=tokenizer_json(words(96)))
            hub.add(f"org/m{number}", write_files(tmp_path / f"m{number}", files))
        specs = [f"hf://org/m{number}" for number in range(MODELS)]
        command = [*COMMAND, "--registry", str(path), "ingest", "--quiet", "--format", "jsonl", "--connections", "1"]
        environment = os.environ | {"HF_ENDPOINT": hub.endpoint}
        reported: set[str] = set()
        with subprocess.Popen([*command, *specs], env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            for line in process.stdout:
                reported.add(json.loads(line)["name"])
                if process.poll() is None and len(reported) in {4, 10, 16}:
                    with Registry(path, read_only=True, wait=30) as opened:
                        counts = dict(opened.connection.execute(EACH).fetchall())
                    assert reported <= set(counts)
                    assert len(set(counts.values())) == 1 and min(counts.values()) > 0
                    seen.append(len(counts))
        assert process.returncode == 0
    assert seen and seen[0] < MODELS
    with Registry(path, read_only=True) as opened:
        assert len(opened.models()) == MODELS


def test_ancestors_answers_while_models_are_read(tmp_path: Path, zoo_registry: Path) -> None:
    """A writer that holds the file for moments only, over and over, as an ingest does."""
    path = tmp_path / "registry.duckdb"
    path.write_bytes(zoo_registry.read_bytes())
    text = (
        "import sys, time\nfrom forebear.registry import Registry\n"
        "with Registry(sys.argv[1], wait=30) as opened:\n    print('ready', flush=True)\n"
        "    for _ in range(400):\n        opened.models(); opened.release(); time.sleep(0.1)\n"
    )
    with subprocess.Popen([sys.executable, "-c", text, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        command = [*COMMAND, "--registry", str(path), "ancestors", "alder-docs", "--format", "json"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert process.poll() is None
        process.kill()
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["verdict"] == "related"
