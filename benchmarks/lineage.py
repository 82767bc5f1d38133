"""Is the true parent in the first rank? On families denser than the bundled zoo, beside the distance alone.

python benchmarks/lineage.py FOLDER     (make bench-lineage trains the models)
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

from forebear.queries.answers.ancestors import ancestors
from forebear.queries.data.query import registered_query
from forebear.registry import Registry

EVERYONE = 100


def main(folder: Path) -> None:
    """Print a line a model, and the shares."""
    truth: dict[str, list[str]] = json.loads((folder / "truth.json").read_text())
    ranked, topped, nearest, ties = 0, 0, 0, []
    with tempfile.TemporaryDirectory() as place, Registry(Path(place) / "registry.duckdb") as registry:
        registry.ingest(*(folder / name for name in truth))
        asked = [m for m in registry.models() if truth[m.name]]
        for model in asked:
            query = registered_query(registry.connection, model.model_id)
            rows = ancestors(registry.connection, query, EVERYONE)[0].ancestors
            first = [row.name for row in rows if row.rank == 1]
            parents = truth[model.name]
            ranked += any(parent in first for parent in parents)
            topped += rows[0].name in parents
            nearest += min(rows, key=lambda row: row.distance).name in parents
            ties.append(len(first))
            print(f"{model.name:22} parents {'+'.join(parents):24} first rank {', '.join(first)}")
    print(
        f"\n{len(asked)} derivatives: parent in the first rank {ranked}, at its top {topped}, median tie"
        f" {statistics.median(ties):g}; nearest by distance alone {nearest}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
