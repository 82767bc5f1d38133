"""Every root against every model, by all methods on the same pairs: RESULTS.md's first page for a run in progress.

    python -m benchmarks.peers.roots ZOO OUT [--results FILE]

It needs no finished run: of forebear and modelDNA the questions about roots, which come first, and forebear's answers
to derivatives as they appeared. The block between two comments of FILE is replaced.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from . import model_dna, product
from .explanations import explanation
from .headline import four
from .markdown import seconds, share, table
from .measured import file_of
from .metrics import auc, rate_without_false_positives
from .scoring import METHODS
from .summary import Answer, Ranking, Table, answers, product_ranking, ranking
from .truth import Protocol, Relation, Zoo, read_zoo

BEGIN, END = "<!-- made by `benchmarks.peers.roots`: begin -->", "<!-- made by `benchmarks.peers.roots`: end -->"
Score = Callable[[str, str], float | None]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One method: AUC, found of how many children of roots, what it cannot compare, ranks if all were scored.

    CPU seconds of a query with everything in memory, and of one that starts with files (and a registry, if it has one).
    """

    name: str
    auc: float
    found: int
    children: int
    silent: int
    pairs: int
    rank: Ranking | None
    query: float
    files: float


def own_seconds(lines: list[list[Any]], zoo: Zoo) -> tuple[float, float]:
    """Forebear's: the mean question for 64 rows, and that and the reading of one model."""
    asked = [c["seconds"] for s, n, c in lines if s == "against all" and plain(zoo, n)]
    reading = [c["seconds"] for s, _, c in lines if s in {"standing", "appeared"}]
    query = sum(asked) / len(asked)
    return query, query + sum(reading) / len(reading)


def plain(zoo: Zoo, name: str) -> bool:
    """Whether a model asks for the nearest few alone, as a user does."""
    return bool(zoo.members[name].parents) and not zoo.members[name].rewritten


def scans_seconds(place: Path) -> tuple[float, float]:
    """Those of modelDNA: a scan without the fingerprint, and the whole scan."""
    lines = [json.loads(line) for line in (place / "results.jsonl").read_text("utf-8").splitlines()]
    scans = [line["seconds"] for line in lines if "scanned" in line and "error" not in line]
    added = [line["seconds"] for line in lines if "added" in line and "error" not in line]
    whole = sum(scans) / len(scans)
    return max(0.0, whole - sum(added) / len(added)), whole


def scored(lines: list[list[Any]], roots: set[str]) -> dict[Pair, float]:
    """Forebear's scores of roots with all others, from the answers that were kept."""
    return {
        (name, other): float(score)
        for step, name, content in lines
        if step == "against all" and name in roots
        for other, score in content["score"].items()
    }


def probabilities(place: Path, roots: set[str]) -> dict[Pair, float]:
    """Probabilities that modelDNA gives the candidates of roots; nan of those that it rules out."""
    names = {link.name: link.resolve().name for link in place.glob("model[0-9]*") if link.is_symlink()}
    found: dict[Pair, float] = {}
    for line in map(json.loads, (place / "results.jsonl").read_text("utf-8").splitlines()):
        query = names.get(Path(line.get("scanned", "")).name, "")
        if query in roots:
            found |= dict.fromkeys(((query, other) for other in names.values()), math.nan)
            found |= {(query, names[Path(path).name]): p for path, p in line.get("candidates", {}).items()}
    if {query for query, _ in found} != roots:
        raise ValueError(f"{place}: modelDNA has not scanned every root yet; run it on")
    return found


def row(name: str, score: Score, zoo: Zoo, roots: set[str], rank: Ranking | None, taken: tuple[float, float]) -> Row:
    """One method's figures over the pairs of a root and another model."""
    children, apart = [], []
    for root in roots:
        for member in zoo.members.values():
            value = score(root, member.name) if member.name != root else None
            value = math.nan if value is None else value
            if root in member.parents:
                children.append(value)
            elif member.name != root and zoo.relation(root, member.name) is Relation.UNRELATED:
                apart.append(value)
    mine, others = np.array(children), np.array(apart)
    found = round(rate_without_false_positives(mine, others) * len(mine))
    silent = int(np.isnan(mine).sum() + np.isnan(others).sum())
    return Row(name, auc(mine, others), found, len(mine), silent, len(mine) + len(others), rank, *taken)


def rows(zoo: Zoo, out: Path) -> list[Row]:
    """A row a method, forebear first."""
    roots = {n for n, m in zoo.members.items() if m.category == "root"}
    lines = [json.loads(line) for line in (out / "unfinished" / "progress.jsonl").read_text("utf-8").splitlines()]
    own = scored(lines, roots)
    kept: Mapping[Pair, float] = probabilities(out / "unfinished-modeldna", roots)
    told: list[Answer] = answers([c["answer"] for step, _, c in lines if step == "appeared"], zoo)
    order = Protocol.AS_THEY_APPEARED
    found = [
        row(
            product.NAME,
            lambda a, b: own.get((a, b)),
            zoo,
            roots,
            product_ranking(told, order),
            own_seconds(lines, zoo),
        ),
        row(
            model_dna.NAME, lambda a, b: kept.get((a, b)), zoo, roots, None, scans_seconds(out / "unfinished-modeldna")
        ),
    ]
    for method in METHODS:
        path = out / f"{file_of(method.name)}.parquet"
        if path.exists():
            one = Table(pq.read_table(path))
            cost = json.loads(path.with_suffix(".json").read_text("utf-8"))
            count = len(zoo.members)
            query = cost["pair_seconds"] * (count - 1)
            files = cost["reading_seconds"] * count / cost["models"] + query
            found.append(row(method.name, one.score, zoo, roots, ranking(one, zoo, order), (query, files)))
    return found


def block(zoo: Zoo, found: list[Row]) -> str:
    """The page, with its markers."""
    head = ["method", "AUC", "found", "parent first", "alone or at the top", "both of a merge", "cannot compare"]
    head += ["a query", "from files"]
    cells = []
    for one in found:
        ranks = ["-"] * 3
        if one.rank:
            ranks = [share(one.rank.first, one.rank.asked), share(one.rank.top, one.rank.asked)]
            ranks.append(share(one.rank.both, one.rank.merges))
        cells.append([one.name, four(one.auc), share(one.found, one.children), *ranks, share(one.silent, one.pairs)])
        cells[-1] += [seconds(one.query), seconds(one.files)]
    strangers = sum(m.category == "stranger" for m in zoo.members.values())
    text = (
        f"\n{len(zoo.members)} models of edition 1: 9 roots, {len(zoo.derivatives)} derivatives, {strangers} strangers,"
        " every root against all models. The sections below are an earlier run over both full zoos of 307 models,"
        " before modelDNA, GhostSpec-like and MDIR-like were beside forebear. *Found*: of a root's children, those"
        " above every unrelated pair. *Parent first*, *top*, *merges*: each model asked for as it appeared, rewritten"
        " ones left out."
        " A pair that a method cannot compare scores lowest. *A query*: CPU seconds of one model against all (forebear:"
        " for 64 rows) with everything in memory; *from files*: of a process that has files alone, and a registry if it"
        " keeps one. modelDNA was scanned for the roots and a few more; its ranks were not measured.\n"
    )
    parts = [BEGIN, "## Five figures, and where forebear loses", "", table(head, cells) + text, losses(found), END]
    return "\n".join(parts) + "\n"


def losses(found: list[Row]) -> str:
    """What another method is ahead in, and what forebear itself misses, with what would mend it."""
    own, lines = found[0], []
    figures: list[tuple[str, str, Callable[[Row], float]]] = [
        ("AUC", "auc", lambda r: r.auc),
        ("found", "found", lambda r: r.found),
        ("parent first", "first", lambda r: r.rank.first if r.rank else -1),
        ("alone or at the top", "top", lambda r: r.rank.top if r.rank else -1),
        ("both of a merge", "merges", lambda r: r.rank.both if r.rank else -1),
    ]
    for title, mend, value in figures:
        ahead = [f"{one.name} {value(one):g}" for one in found[1:] if value(one) > value(own) + 1e-9]
        if ahead:
            lines.append(f"- **{title}**: {', '.join(ahead)}; forebear {value(own):g}. {explanation(mend)}")
    for title, mend, taken in (("a query", "memory", "query"), ("from files", "files", "files")):
        faster = [
            f"{one.name} {seconds(getattr(one, taken))}"
            for one in found[1:]
            if getattr(one, taken) < getattr(own, taken)
        ]
        if faster:
            lines.append(
                f"- **{title}**: {', '.join(faster)}; forebear {seconds(getattr(own, taken))}. {explanation(mend)}"
            )
    text = "\n".join(lines) or "- Of these figures in none."
    missed = ""
    if own.rank:
        missed = (
            f"\n- forebear's own misses: of {own.rank.asked} parents {own.rank.asked - own.rank.first} are not in the"
            f" first rank, and {own.rank.asked - own.rank.top} not at its top. {explanation('top')}"
        )
    return "Where another method is ahead:\n\n" + text + missed + "\n"


def put(path: Path, page: str) -> None:
    """Replace the block of a file, or put it before the first section."""
    text = path.read_text("utf-8")
    if BEGIN in text:
        text = text[: text.index(BEGIN)] + page + text[text.index(END) + len(END) + 1 :]
    else:
        at = text.index("\n\n") + 2
        text = text[:at] + page + "\n" + text[at:]
    path.write_text(text, "utf-8")


def main() -> None:
    """Print the page, or put it into a file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.roots")
    parser.add_argument("zoo", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--results", type=Path)
    asked = parser.parse_args()
    zoo = read_zoo(asked.zoo / "truth.json", asked.zoo)
    page = block(zoo, rows(zoo, asked.out))
    if asked.results:
        put(asked.results, page)
    else:
        print(page)


if __name__ == "__main__":
    main()
