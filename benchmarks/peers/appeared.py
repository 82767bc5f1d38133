"""Ask forebear about every model of a zoo as it appeared, each said to be the newest, and tell where its parents stood.

    python -m benchmarks.peers.appeared ZOO...

Each ZOO holds the models and truth.json of benchmarks/zoo/generate.py; models that are not there are left out, so that
a few families of an edition are enough. Nothing is kept.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from forebear.registry import Registry

from . import product
from .markdown import share, table
from .progress import Progress
from .summary import Answer, Ranking, answers, product_ranking
from .truth import Protocol, read_zoo


def asked(folder: Path) -> list[Answer]:
    """The answers to the derivatives of one zoo that are there, in the order in which they appeared."""
    zoo = read_zoo(folder / "truth.json", present=folder)
    with tempfile.TemporaryDirectory() as place, Registry(Path(place) / "registry.duckdb") as registry:
        aliases = product.anonymous(zoo, folder, Path(place))
        grown = product.as_they_appeared(registry, zoo, aliases, Progress(Path(place) / "progress.jsonl"))
    return answers(grown.answers, zoo)


def report(found: Sequence[tuple[str, Sequence[Answer]]]) -> str:
    """A row a zoo and one of all together, then every derivative whose parent is not at the top."""
    rows = [(name, product_ranking(mine, Protocol.AS_THEY_APPEARED)) for name, mine in found]
    together = product_ranking([a for _, mine in found for a in mine], Protocol.AS_THEY_APPEARED)
    rows += [("all", together)] if len(rows) > 1 else []
    head = ["zoo", *(field.name for field in fields(Ranking))]
    lines = [table(head, [shown(name, rank) for name, rank in rows])]
    lines += [
        f"- {a.member.name} ({a.member.category}, from {' and '.join(a.member.parents)}): {', '.join(a.names[:3])}"
        + ("" if a.ranked else "; the parent is not in the first rank")
        for _, mine in found
        for a in mine
        if a.member.parents and not a.member.rewritten and not a.topped
    ]
    return "\n".join(lines)


def shown(name: str, rank: Ranking) -> list[str]:
    """The row of one zoo."""
    first, top = share(rank.first, rank.asked), share(rank.top, rank.asked)
    return [name, str(rank.asked), first, top, f"{rank.tie:g}", str(rank.largest), str(rank.merges), str(rank.both)]


def main() -> None:
    """Ask and print."""
    parser = argparse.ArgumentParser(description="where forebear puts the parents of models as they appeared")
    parser.add_argument("zoo", nargs="+", type=Path)
    print(report([(str(folder), asked(folder)) for folder in parser.parse_args().zoo]))


if __name__ == "__main__":
    main()
