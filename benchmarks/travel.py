"""What a published registry of 10,000 models costs to pull, whole or by its sketches, and what an answer fetches then.

    python benchmarks/travel.py [MODELS]     (make bench-travel)

The registry is synthetic (`scale_registry`): sketches and metadata of all models, tensor rows of those asked and of
all their candidates, 32 layers each. It is pushed to a folder and pulled with --sketches; then each model is asked,
every one of a fresh copy of what was pulled: how many bytes its answer fetches, how many candidates it did without,
whether its first rank is that of the whole registry, and of the first of each kind how often it is asked until its
answer is that one.
It ends with 1 where an answer fetched more than 5 MB, said nothing of candidates that it did without, or has another
first rank. Everything is kept in .bench/travel/figures.json; the registries are removed.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.scale_models import MEMBERS
from benchmarks.scale_registry import Layout, build, has_vision
from benchmarks.scale_tensors import keep
from forebear.queries.answers.records import ComponentAnswer
from forebear.queries.data.query import registered_sketches
from forebear.queries.search.candidates import candidates
from forebear.queries.search.scan import SqlScan
from forebear.registry import Registry
from forebear.registry.reports.ancestors import AncestorsReport

PLACE = Path(".bench/travel")
K = 10
EACH = 4
"""Models of each kind that are asked."""
MOST = 5_000_000


def asked_models(layout: Layout) -> dict[str, list[int]]:
    """What is asked: members of families, some of the crowd of fine-tunes, and strangers; one component each."""
    asked = {
        "family": range(2, 2 + 9 * MEMBERS, MEMBERS + 1),
        "crowd": range(layout.first_of_crowd + 5, layout.first_stranger, max(1, layout.crowd // 9)),
        "stranger": range(layout.first_stranger + 3, layout.count, max(1, layout.count // 9)),
    }
    return {kind: [i for i in ids if not has_vision(i)][:EACH] for kind, ids in asked.items()}


def main(count: int) -> int:
    """Measure one size."""
    layout = Layout(count, count // 100, count // 5)
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    whole, part, place = PLACE / "whole.duckdb", PLACE / "part.duckdb", PLACE / "published"
    asked = asked_models(layout)
    with Registry(whole) as registry:
        build(registry.connection, layout)
        wanted = {model for ids in asked.values() for model in ids}
        for model_id in sorted(wanted):
            for sketch in registered_sketches(registry.connection, model_id):
                found = candidates(SqlScan(registry.connection), model_id, sketch, sketch.component, count - 1, K)
                wanted |= {model for model, _ in found}
        keep(registry.connection, layout, sorted(wanted))
    figures: dict[str, object] = {"models": count, "with_tensors": len(wanted)}
    with Registry(whole, read_only=True) as registry:
        began = time.monotonic()
        pushed = registry.push(place)
        figures |= {"push_seconds": round(time.monotonic() - began, 1), "push_bytes": pushed.bytes}
        uris = {model.model_id: model.uri for model in registry.models()}
        expected = {uris[i]: registry.ancestors(uris[i], k=K) for ids in asked.values() for i in ids}
    with Registry(part) as registry:
        began = time.monotonic()
        pulled = registry.pull(place, sketches=True)
        figures |= {"pull_seconds": round(time.monotonic() - began, 1), "sketch_bytes": pulled.bytes}
        figures["sketch_bytes_a_model"] = round(pulled.bytes / count)
    good = True
    for kind, ids in asked.items():
        answers = [_asked(part, uris[i], expected[uris[i]], to_the_end=i == ids[0]) for i in ids]
        good &= all(a["bytes"] <= MOST and a["first_rank"] and a["said"] for a in answers)
        figures[kind] = answers
        print(kind, json.dumps(answers), flush=True)
    (PLACE / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))
    for path in (whole, part):
        path.unlink()
    shutil.rmtree(place)
    return 0 if good else 1


def _asked(pulled: Path, uri: str, expected: AncestorsReport, *, to_the_end: bool) -> dict[str, float]:
    """One model, asked of a copy of what was pulled; `to_the_end`: until nothing is left out."""
    copy = pulled.with_name("copy.duckdb")
    shutil.copyfile(pulled, copy)
    found: dict[str, float] = {}
    with Registry(copy, read_only=True) as registry:
        before, began, times = _left(registry), time.monotonic(), 0
        while True:
            answer, times = registry.ancestors(uri, k=K), times + 1
            (component,), (whole,) = answer.components, expected.components
            if times == 1:
                after = _left(registry)
                found = {"bytes": before[1] - after[1], "models": before[0] - after[0]}
                found |= {"left_out": component.left_out, "seconds": round(time.monotonic() - began, 2)}
                found["first_rank"] = _first(component) == _first(whole)
                found["likeliest"] = [a.source for a in component.ancestors[:1]] == [
                    a.source for a in whole.ancestors[:1]
                ]
                found["said"] = ("not compared" in component.sentence) == (component.left_out > 0)
            if not component.left_out or not to_the_end:
                break
    copy.unlink()
    return found | {"asked": times, "as_the_whole_then": answer.components == expected.components}


def _first(answer: ComponentAnswer) -> tuple[str, set[str]]:
    """Verdict and first rank; of a verdict that nothing is related the order of rows says nothing."""
    related = answer.verdict in {"derived", "related"}
    return answer.verdict, {a.source for a in answer.ancestors if a.rank == 1 and related}


def _left(registry: Registry) -> tuple[int, int]:
    """Models that are here by sketches alone, and the bytes of the rest of them."""
    question = "SELECT count(*), coalesce(sum(bytes), 0)::BIGINT FROM remote_fingerprint"
    (found,) = registry.connection.execute(question).fetchall()
    return int(found[0]), int(found[1])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
