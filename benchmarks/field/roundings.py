"""What quantised files were made from: every one asked among all relatives of its family.

    python -m benchmarks.field.roundings ZOO FILES --registry FILE [--split held_out]

FILES is made by `benchmarks.field.rounded_files`. A file is right where its source is told to be what was rounded;
wrong where another model is that does not hold the source's values. Prints a line a kind of file, and every wrong one.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from benchmarks.peers.truth import Zoo
from forebear.registry import Registry

from .asking import Asker
from .relations import Lineage
from .small_registries import together

TOLD = 0.95
COPIES = frozenset({"identical", "numeric_copy"})


def asked(registry: Registry, zoo: Zoo, path: Path, source: str) -> Counter[str]:
    """What one file's answer says of its source, and of the models that do not hold its values."""
    rows = registry.ancestors(path, k=len(zoo.members)).components[0].ancestors
    copies = {row.name for row in rows if not COPIES.isdisjoint(row.relation)}
    told = {row.name for row in rows if row.name in copies and (row.direction_probability or 0) >= TOLD}
    holding = Lineage(zoo)
    same = {n for n in zoo.members if n == source or holding.relation(n, source) == "copy"}
    for name in sorted(told - same):
        print(f"  {path.name}: told to be a rounding of {name}")
    return Counter(
        files=1,
        found=source in copies,
        told=source in told,
        wrong=bool(told - same),
        others_called=len(copies - same),
        others=len({row.name for row in rows} - same),
        first=any(row.name in same and row.rank == rows[0].rank for row in rows),
    )


def main() -> None:
    """Ask and print."""
    parser = argparse.ArgumentParser(description="what quantised files were made from")
    parser.add_argument("zoo", type=Path)
    parser.add_argument("files", type=Path)
    parser.add_argument("--registry", type=Path, required=True, help="where fingerprints are kept")
    parser.add_argument("--split", choices=("development", "held_out"), default="held_out")
    given = parser.parse_args()
    zoo, places = together([given.zoo.resolve()], given.split)
    Asker(given.registry, places, list(zoo.members), [n for n, one in zoo.members.items() if not one.parents])
    kinds: dict[str, Counter[str]] = {}
    with Registry(given.registry, read_only=True) as registry:
        for path in sorted(p for p in given.files.iterdir() if not p.name.endswith(".partial")):
            source, kind = path.name.removesuffix(".gguf").rsplit(".", 1)
            if source in zoo.members:
                label = f"{source.split('-')[0]} {kind}{'' if path.is_file() else ' unpacked'}"
                kinds.setdefault(label, Counter()).update(asked(registry, zoo, path, source))
    for label, found in sorted(kinds.items()):
        print(
            f"{given.split}, {label}: of {found['files']} files {found['told']} told their source, {found['found']}"
            f" called it a copy, {found['first']} had it in the first rank; {found['wrong']} told another;"
            f" {found['others_called']} of {found['others']} other relatives called a copy"
        )
    print(json.dumps({label: dict(found) for label, found in sorted(kinds.items())}))


if __name__ == "__main__":
    main()
