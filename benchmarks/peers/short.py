"""The short table that the README shows: the same block as in RESULTS.md, so that the two never disagree."""

from __future__ import annotations

from pathlib import Path

from . import model_dna, product
from .markdown import number, seconds, share, table
from .measured import Measured
from .scoring import Cost
from .summary import ALL
from .truth import Protocol

BEGIN = "<!-- made by `make bench-peers`: begin -->"
WITH_REGISTRY = frozenset({product.NAME, model_dna.NAME})
"""What keeps fingerprints on disk, so that a question reads the one new model."""
END = "<!-- made by `make bench-peers`: end -->"


def short(first: Measured, second: Measured | None) -> str:
    """The block with its markers: a row a method, where forebear loses, and the held-out edition if it was measured."""
    rows = [row(name, first) for name in first.costs]
    head = ["method", "AUC", "found", "parent first", "alone or at the top", "both of a merge", "a query", "from files"]
    lines = [table(head, rows), notes(first)]
    if second is not None:
        mine = row(product.NAME, second)
        told = ", ".join(f"{word} {value}" for word, value in zip(head[1:6], mine[1:6], strict=True))
        lines.append(f"On a second edition, of other seeds and texts, that no rule of ranking was made on: {told}.\n")
    return "\n".join([BEGIN, *lines, END]) + "\n"


def row(name: str, measured: Measured) -> list[str]:
    """One method, its parents ranked as they appeared."""
    found, rank, cost = (
        measured.detections[name][ALL],
        measured.ranking(name, Protocol.AS_THEY_APPEARED),
        measured.costs[name],
    )
    return [
        name,
        number(found.auc, 4),
        share(found.count, found.positives),
        share(rank.first, rank.asked),
        share(rank.top, rank.asked),
        share(rank.both, rank.merges),
        seconds(cost.query_seconds),
        seconds(from_files(cost)),
    ]


def notes(measured: Measured) -> str:
    """What the columns mean, and the categories in which another method finds more."""
    mine = measured.detections[product.NAME]
    others = [found for name, found in measured.detections.items() if name != product.NAME]
    lost = [c for c, own in mine.items() if c != ALL and any(found[c].rate > own.rate + 1e-9 for found in others)]
    where = ", ".join(category.replace("_", " ") for category in lost) or "none"
    count = measured.zoo.members.values()
    strangers = sum(m.category == "stranger" for m in count)
    return (
        f"{len(count)} small models: {len(measured.zoo.derivatives)} derivatives, {strangers} strangers of equal shape,"
        " tokenizer and text. Found: above every unrelated pair. Parent first: in the first rank when each model is"
        " asked for as it appears. CPU time of a query against all; from files: of a process that has only files"
        " (forebear: and its"
        f" registry). Another method finds more than forebear in: {where}. All of it:"
        " `benchmarks/RESULTS.md`.\n"
    )


def from_files(cost: Cost) -> float:
    """Seconds of a query when nothing is in memory: what has a registry reads the query, the others every model."""
    read = cost.reading_seconds / cost.models if cost.method in WITH_REGISTRY else cost.reading_seconds
    return read + cost.query_seconds


def block_of(text: str) -> str:
    """The block in a text, with its markers. Raises ValueError where there is none."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"no block between {BEGIN} and {END}, or more than one")
    return text[text.index(BEGIN) : text.index(END) + len(END)] + "\n"


def put_block(path: Path, block: str) -> None:
    """Replace the block of a file."""
    text = path.read_text("utf-8")
    path.write_text(text.replace(block_of(text), block), "utf-8")
