"""Figures of the small registries, from the rows of what was asked."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Question = dict[str, Any]
Row = dict[str, Any]
BINS = 10
TOLD = 0.95
COPIES = frozenset({"identical", "numeric_copy"})
NOT_ABOVE = frozenset({"sibling_or_descendant", "sibling", "descendant"})
"""Directions that deny that a row is an ancestor."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many."""

    part: int
    whole: int

    def __str__(self) -> str:
        return f"{self.part} of {self.whole} ({self.part / self.whole:.1%})" if self.whole else "none asked"


def share(questions: Sequence[Question], holds: Callable[[Question], bool]) -> Share:
    """In how many of the questions something holds."""
    return Share(sum(map(holds, questions)), len(questions))


def first_tie(question: Question) -> list[Row]:
    """The rows of the first rank; other true copies of the query come before it, as they should."""
    copies = [
        r for r in question["rows"] if r["direction"] == r["truth"] == "copy" and r["name"] not in question["nearest"]
    ]
    rows = [r for r in question["rows"] if r not in copies] or question["rows"]
    return [row for row in rows if row["rank"] == rows[0]["rank"]]


def falsely_derived(question: Question) -> bool:
    """`derived from` a model that is no ancestor."""
    named = told_ancestor(question)
    return bool(question["verdict"] == "derived" and named and not named["is_ancestor"])


def told_ancestor(question: Question) -> Row | None:
    """The row that the answer derives the query from: the first one that is told to be an ancestor."""
    told = [r for r in question["rows"] if r["probability"] is not None and r["probability"] >= TOLD]
    return next((r for r in told if r["direction"] in {"ancestor", "copy"}), None)


def truly_wrong(question: Question) -> bool:
    """As `falsely_derived`, where the named model stores neither the query's weights nor an ancestor's."""
    row = told_ancestor(question) or {}
    return falsely_derived(question) and not row["stands_for_ancestor"] and row["truth"] != "copy"


def denies_ancestor(question: Question) -> bool:
    """The nearest registered ancestor is called a sibling or a descendant."""
    return any(row["name"] in question["nearest"] and row["direction"] in NOT_ABOVE for row in question["rows"])


def nearest_first(question: Question) -> bool:
    """The nearest registered ancestor shares the first rank."""
    return bool(question["rows"]) and any(row["name"] in question["nearest"] for row in first_tie(question))


def direction_told(question: Question) -> bool:
    """The nearest registered ancestor is called an ancestor, or a copy."""
    return any(r["name"] in question["nearest"] and r["direction"] in {"ancestor", "copy"} for r in question["rows"])


def of_rows(questions: Sequence[Question], chosen: Callable[[Row], bool], holds: Callable[[Row], bool]) -> Share:
    """Of the related rows that are chosen, how many something holds for."""
    rows = [row for q in questions for row in q["rows"] if chosen(row)]
    return Share(sum(map(holds, rows)), len(rows))


def called_copy(row: Row) -> bool:
    """Whether the row is said to hold the query's weights in another type."""
    return row["direction"] == "copy" or not COPIES.isdisjoint(row["relation"])


def row_figures(questions: Sequence[Question]) -> dict[str, str]:
    """What is said of all related rows, whatever their rank."""
    tables: dict[str, tuple[Callable[[Row], bool], Callable[[Row], bool]]] = {
        "rows: called ancestor, is none": (lambda r: r["direction"] == "ancestor", lambda r: not r["is_ancestor"]),
        "rows: called descendant or sibling, is ancestor": (
            lambda r: r["direction"] in NOT_ABOVE,
            lambda r: r["is_ancestor"],
        ),
        "rows: ancestors of unknown direction": (
            lambda r: r["is_ancestor"],
            lambda r: r["direction"] == "unknown",
        ),
        "rows: called a copy, is none": (called_copy, lambda r: r["truth"] != "copy"),
        "rows: copies called so": (lambda r: r["truth"] == "copy", called_copy),
    }
    return {name: str(of_rows(questions, chosen, holds)) for name, (chosen, holds) in tables.items()}


def names_both(question: Question) -> bool:
    """The first rank is a merge, and its parents are the true ones."""
    named = {row["name"] for row in first_tie(question) if row["merged_with"]} if question["rows"] else set()
    return named == {*question["nearest"]}


def figures(questions: Sequence[Question]) -> dict[str, str]:
    """The figures of one option."""
    with_ancestor = [q for q in questions if q["nearest"]]
    without = [q for q in questions if not q["nearest"]]
    merges = [q for q in questions if q["category"].startswith("merge_") and len(q["nearest"]) > 1]
    related = [q for q in questions if q["rows"]]
    ties = [len(first_tie(q)) for q in with_ancestor if q["rows"]]
    false = [row for q in questions for row in q["rows"] if row["truth"] == "unrelated"]
    return {
        "questions": str(len(questions)),
        "derived from no ancestor": str(share(questions, falsely_derived)),
        "  of these neither a copy of it nor of an ancestor": str(share(questions, truly_wrong)),
        "  where no ancestor is registered": str(share(without, falsely_derived)),
        "registered ancestor denied": str(share(with_ancestor, denies_ancestor)),
        "nearest ancestor in the first rank": str(share(with_ancestor, nearest_first)),
        "  at its top": str(
            share(with_ancestor, lambda q: bool(q["rows"]) and first_tie(q)[0]["name"] in q["nearest"])
        ),
        "  its direction told": str(share(with_ancestor, direction_told)),
        "median tie": f"{statistics.median(ties):g}" if ties else "none",
        "related": str(len(related)),
        **{
            f"  of these {v}": str(sum(q["verdict"] == v for q in related))
            for v in ("derived", "related", "inconclusive")
        },
        "merges name their registered parents": str(share(merges, names_both)),
        "unrelated rows": str(len(false)),
    }


def calibration(questions: Sequence[Question]) -> list[str]:
    """Lines of the probability of being an ancestor against how often it was one; empty where none was given."""
    rows = [row for q in questions for row in q["rows"] if row["probability"] is not None]
    lines = []
    for place in range(BINS):
        inside = [r for r in rows if min(BINS - 1, int(r["probability"] * BINS)) == place]
        if inside:
            mean = statistics.fmean(r["probability"] for r in inside)
            true = statistics.fmean(r["is_ancestor"] for r in inside)
            lines.append(
                f"  {place / BINS:.1f} to {(place + 1) / BINS:.1f}: said {mean:.3f}, was {true:.3f}, {len(inside)} rows"
            )
    return lines


def table(questions: Sequence[Question]) -> str:
    """The figures of every zoo and option, for people."""
    lines: list[str] = []
    for zoo, option in dict.fromkeys((q["zoo"], q["option"]) for q in questions):
        asked = [q for q in questions if q["zoo"] == zoo and q["option"] == option]
        lines.append(f"{zoo}, {option}: every member asked, then the chosen one alone")
        every, chosen = figures(asked) | row_figures(asked), figures([q for q in asked if q["chosen"]])
        lines += [f"  {name:52} {value:22} {chosen.get(name, '')}" for name, value in every.items()]
        if known := calibration(asked):
            lines += ["  probability of being an ancestor:", *known]
    return "\n".join(lines)


def main() -> None:
    """Print the figures of files of rows."""
    lines = [line for path in sys.argv[1:] for line in Path(path).read_text("utf-8").splitlines()]
    print(table([json.loads(line) for line in lines]))


if __name__ == "__main__":
    main()
