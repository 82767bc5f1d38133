"""What a published registry of 10,000 models costs to pull, whole or by its sketches, and what an answer fetches then.

    python benchmarks/travel.py [MODELS]     (make bench-travel)

The registry is synthetic (`scale_registry`): sketches and metadata of all models, tensor rows of those asked and of
all their candidates, 32 layers each. It is pushed to a folder and pulled with --sketches; then each model is asked.
Everything is kept in .bench/travel/figures.json; the registries are removed.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.scale_models import MEMBERS
from benchmarks.scale_registry import Layout, build
from benchmarks.scale_tensors import keep
from forebear.queries.data.query import registered_sketches
from forebear.queries.search.candidates import candidates
from forebear.queries.search.scan import SqlScan
from forebear.registry import Registry

PLACE = Path(".bench/travel")
K = 10


def asked_models(layout: Layout) -> dict[str, int]:
    """What is asked: a member of a family, one of the crowd of fine-tunes, and a stranger."""
    return {
        "family": 2 + 3 * MEMBERS,
        "other family": 5 + 7 * MEMBERS,
        "crowd": layout.first_of_crowd + 5,
        "stranger": layout.first_stranger + 3,
    }


def main(count: int) -> int:
    """Measure one size."""
    layout = Layout(count, count // 100, count // 5)
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    whole, part, place = PLACE / "whole.duckdb", PLACE / "part.duckdb", PLACE / "published"
    asked = asked_models(layout)
    with Registry(whole) as registry:
        build(registry.connection, layout)
        wanted = set(asked.values())
        for model_id in asked.values():
            for sketch in registered_sketches(registry.connection, model_id):
                found = candidates(SqlScan(registry.connection), model_id, sketch, sketch.component, count - 1, K)
                wanted |= {model for model, _ in found}
        keep(registry.connection, layout, sorted(wanted))
    figures: dict[str, object] = {"models": count, "with_tensors": len(wanted)}
    with Registry(whole, read_only=True) as registry:
        began = time.monotonic()
        pushed = registry.push(place)
        figures |= {"push_seconds": round(time.monotonic() - began, 1), "push_bytes": pushed.bytes}
        by_id = {model.model_id: model for model in registry.models()}
        named = {kind: by_id[model_id].uri for kind, model_id in asked.items()}
        expected = {kind: registry.ancestors(uri, k=K) for kind, uri in named.items()}
    with Registry(part) as registry:
        began = time.monotonic()
        pulled = registry.pull(place, sketches=True)
        figures |= {"pull_seconds": round(time.monotonic() - began, 1), "sketch_bytes": pulled.bytes}
        figures["sketch_bytes_a_model"] = round(pulled.bytes / count)
    with Registry(part, read_only=True) as registry:
        for kind, uri in named.items():
            before, began = _left(registry), time.monotonic()
            answer = registry.ancestors(uri, k=K)
            after = _left(registry)
            figures[f"asked {kind}"] = {
                "bytes": before[1] - after[1],
                "models": before[0] - after[0],
                "seconds": round(time.monotonic() - began, 2),
                "as_the_whole": answer.components == expected[kind].components,
            }
    (PLACE / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))
    for path in (whole, part):
        path.unlink()
    shutil.rmtree(place)
    return 0


def _left(registry: Registry) -> tuple[int, int]:
    """Models that are here by sketches alone, and the bytes of the rest of them."""
    question = "SELECT count(*), coalesce(sum(bytes), 0)::BIGINT FROM remote_fingerprint"
    (found,) = registry.connection.execute(question).fetchall()
    return int(found[0]), int(found[1])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
