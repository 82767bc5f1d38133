"""Ask about every model of many small random registries, and tell how often the answer was right.

    python -m benchmarks.field.small_registries ZOO... --to ROWS.jsonl [--split development] [--count 500]

Each ZOO is a folder of models with truth.json. Families are drawn from each in turn, unrelated models from all; every
model of a registry is asked, without and with release dates. ROWS.jsonl keeps one question a line with all related
rows and their truth; the fingerprints stay beside it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.peers.truth import Member, Zoo, read_zoo

from .asking import OPTIONS, Asker
from .draws import SEED, SmallRegistry, draw
from .relations import Lineage, Relation, selected
from .summary import table


def questions(asker: Asker, zoo: Zoo, drawn: SmallRegistry, option: str) -> Iterator[dict[str, Any]]:
    """Every member of one registry asked with one option."""
    for query in drawn.members:
        yield question(asker, zoo, drawn, option, query)


def question(asker: Asker, zoo: Zoo, drawn: SmallRegistry, option: str, query: str) -> dict[str, Any]:
    """One member of a registry asked with one option: the answer, and what is true of it."""
    lineage = Lineage(zoo)
    answer = asker.ask(query, drawn.members, option)
    rows = []
    for row in answer.rows:
        relation = lineage.relation(query, row.name)
        above = row.name in lineage.steps_up(query)
        near = lineage.stands_for_ancestor(query, row.name) if relation is not Relation.UNRELATED else False
        rows.append(asdict(row) | {"truth": relation, "is_ancestor": above, "stands_for_ancestor": near})
    return {
        "registry": drawn.number,
        "option": option,
        "query": query,
        "category": zoo.members[query].category,
        "members": drawn.members,
        "chosen": query == drawn.chosen,
        "nearest": lineage.nearest(query, drawn.members),
        "verdict": answer.verdict,
        "sentence": answer.sentence,
        "rows": rows,
    }


def together(folders: Sequence[Path], split: str | None) -> tuple[Zoo, dict[str, Path]]:
    """The models of all folders as one zoo, and where each is; ValueError when two have one name."""
    members: dict[str, Member] = {}
    places: dict[str, Path] = {}
    for folder in folders:
        zoo = selected(read_zoo(folder / "truth.json", present=folder), split)
        if both := members.keys() & zoo.members.keys():
            raise ValueError(f"{folder}: {min(both)} is in another zoo too")
        members |= zoo.members
        places |= {name: folder / name for name in zoo.members}
    return Zoo(members), places


def ask_all(folders: Sequence[Path], to: Path, split: str | None, count: int, seed: int) -> list[dict[str, Any]]:
    """Draw families from each folder in turn, ask, write to the file, and return what was asked."""
    zoo, places = together(folders, split)
    roots = [name for name, member in zoo.members.items() if not member.parents]
    asker = Asker(to.with_suffix(".duckdb"), places, list(zoo.members), roots)
    asked: list[dict[str, Any]] = []
    started = time.monotonic()
    with to.open("w", encoding="utf-8") as lines:
        for number, folder in enumerate(folders):
            share = count // len(folders) + (number < count % len(folders))
            here = {name for name, place in places.items() if place.parent == folder}
            for drawn in draw(zoo, share, seed=seed + number, of=here):
                for option in OPTIONS:
                    new = [{"zoo": folder.name} | found for found in questions(asker, zoo, drawn, option)]
                    lines.writelines(json.dumps(question) + "\n" for question in new)
                    asked += new
            print(f"{folder.name}: {share} registries, {time.monotonic() - started:.0f} s", flush=True)
    return asked


def main() -> None:
    """Ask and print the summary."""
    parser = argparse.ArgumentParser(description="small random registries of models of known lineage")
    parser.add_argument("zoo", type=Path, nargs="+", help="folders with models and truth.json")
    parser.add_argument("--to", type=Path, required=True, help="file of raw rows; what was in it is replaced")
    parser.add_argument("--split", choices=("development", "held_out"), help="this half and its bases (all)")
    parser.add_argument("--count", type=int, default=500, help="registries over all zoos (500)")
    parser.add_argument("--seed", type=int, default=SEED, help="of the draws")
    given = parser.parse_args()
    given.to.parent.mkdir(parents=True, exist_ok=True)
    folders = [folder.resolve() for folder in given.zoo]
    asked = ask_all(folders, given.to, given.split, given.count, given.seed)
    print(table(asked))


if __name__ == "__main__":
    main()
