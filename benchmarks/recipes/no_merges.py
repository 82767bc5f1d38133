"""Recipes claimed for models that are no merges: `python -m benchmarks.recipes.no_merges ROWS ZOO...`.

A zoo is a folder of models with a `truth.json` that says what each was made from (`make bench-grown`, `bench-zoo`,
`bench-field-models`). Every model that was made from one other or from none is asked for its recipe with all others of
its zoo registered: fine-tunes, roots between their children, siblings of one text. ROWS keeps a line a model as it is
asked; a run that was stopped goes on. Prints how many were asked, and every claim; recipes of whole copied layers are
no claims where the truth says that the layers were copied.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from forebear.registry import Registry

COPIES_LAYERS = frozenset({"depth_pruned", "depth_upscaled", "merge_stacked"})
"""Categories whose layers are those of others, moved: passthrough is their recipe."""


def asked_of(zoo: Path) -> dict[str, dict[str, Any]]:
    """Names of the models of a zoo that are there and no merges -> what the truth says of them."""
    models: dict[str, dict[str, Any]] = json.loads((zoo / "truth.json").read_text(encoding="utf-8"))["models"]
    return {
        name: said
        for name, said in models.items()
        if len(said["parents"]) < 2 and "merge" not in str(said["category"]) and (zoo / name).exists()
    }


def ask(zoo: Path, known: set[str]) -> Iterator[dict[str, object]]:
    """A row a model that was not asked before."""
    folders = [p for p in sorted(zoo.iterdir()) if p.is_dir() and not p.name.startswith(".")]
    with Registry(zoo.parent / f"{zoo.name}-recipes.duckdb") as registry:
        registry.ingest(*folders)
        for name, said in asked_of(zoo).items():
            if f"{zoo.name}/{name}" in known or registry.find(zoo / name) is None:
                continue
            began = time.monotonic()
            found = registry.recipe(zoo / name).recipes
            yield {
                "name": f"{zoo.name}/{name}",
                "category": said["category"],
                "claimed": [
                    f"{r.method} of {', '.join(p.name for p in r.parents)}, exact {r.exact_share:.3f}"
                    f" of the changed {r.changed_share:.3f}"
                    for r in found
                    if not (r.method == "passthrough" and said["category"] in COPIES_LAYERS)
                ],
                "seconds": time.monotonic() - began,
            }


def main(to: Path, zoos: list[Path]) -> None:
    """Ask what is left, then print what all rows say."""
    rows = [json.loads(line) for line in to.read_text("utf-8").splitlines()] if to.exists() else []
    known = {row["name"] for row in rows}
    with to.open("a", encoding="utf-8") as file:
        for zoo in zoos:
            for row in ask(zoo, known):
                rows.append(row)
                file.write(json.dumps(row) + "\n")
                file.flush()
    claims = [row for row in rows if row["claimed"]]
    print(
        f"{len(claims)} of {len(rows)} models that are no merges have a recipe; {max(r['seconds'] for r in rows):.1f} s"
    )
    for row in claims:
        print(row["name"], row["category"], *row["claimed"], sep="; ")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(zoo) for zoo in sys.argv[2:]])
