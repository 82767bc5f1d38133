"""Ask every model of a field family with all its relatives registered: parents, ties, merges and copies.

    python -m benchmarks.field.whole_family ZOO --registry FILE [--split held_out]

Prints one line a question that is not answered as the truth has it, then the figures.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

from .asking import OPTIONS, Asker
from .draws import SmallRegistry
from .relations import Relation
from .small_registries import questions, together
from .summary import COPIES, Share, called_copy, first_tie, nearest_first


def family_questions(asker: Asker, zoo: Any, option: str) -> list[dict[str, Any]]:
    """Every member asked with all members of its family; of the newest those that appeared before it."""
    families: dict[str, list[str]] = {}
    for name in zoo.members:
        families.setdefault(name.split("-")[0], []).append(name)
    found = []
    for number, members in enumerate(families.values()):
        drawn = SmallRegistry(number, tuple(members), (), members[0], orphan=False)
        found += list(questions(asker, zoo, drawn, option))
    return found


def figures(asked: list[dict[str, Any]]) -> dict[str, str]:
    """What issue and docs quote of a whole family."""
    child = [q for q in asked if q["nearest"] and q["rows"]]
    merges = [q for q in child if q["category"].startswith("merge_") and len(q["nearest"]) > 1]
    rows = [row for q in asked for row in q["rows"]]
    copies = [row for row in rows if row["truth"] == Relation.COPY]
    others = [row for row in rows if row["truth"] != Relation.COPY]
    ties = [len(first_tie(q)) for q in child]
    top = [q for q in child if first_tie(q)[0]["name"] in q["nearest"]]
    both = [q for q in merges if {r["name"] for r in q["rows"] if r["merged_with"]} == {*q["nearest"]}]
    false = [q for q in asked if q not in merges and any(r["merged_with"] for r in q["rows"])]
    return {
        "nearest ancestor in the first rank": str(Share(sum(map(nearest_first, child)), len(child))),
        "at its top": str(Share(len(top), len(child))),
        "median tie": f"{statistics.median(ties):g}",
        "merges that name both parents": str(Share(len(both), len(merges))),
        "others called a merge": str(len(false)),
        "copies called so": str(Share(sum(map(called_copy, copies)), len(copies))),
        "others called a copy": str(Share(sum(not COPIES.isdisjoint(r["relation"]) for r in others), len(others))),
    }


def main() -> None:
    """Ask and print."""
    parser = argparse.ArgumentParser(description="a field family, asked whole")
    parser.add_argument("zoo", type=Path, help="folder with models and truth.json")
    parser.add_argument("--registry", type=Path, required=True, help="where fingerprints are kept")
    parser.add_argument("--split", choices=("development", "held_out"), help="this half and its bases (all)")
    given = parser.parse_args()
    zoo, places = together([given.zoo.resolve()], given.split)
    asker = Asker(given.registry, places, list(zoo.members), [n for n, m in zoo.members.items() if not m.parents])
    for option in OPTIONS:
        asked = family_questions(asker, zoo, option)
        for question in asked:
            if question["nearest"] and question["rows"] and not nearest_first(question):
                first = [row["name"] for row in first_tie(question)]
                print(f"{option}: {question['query']} ({question['category']}): {question['nearest']}, said {first}")
        for name, value in figures(asked).items():
            print(f"{option}: {name}: {value}")


if __name__ == "__main__":
    main()
