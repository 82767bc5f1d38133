"""What forebear answered to derivatives and twins: the report's sections on ranks and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .markdown import share, table
from .summary import Answer, Ranking, Table, negatives
from .truth import Zoo


def ranks(found: Sequence[Answer], total: Ranking, zoo: Zoo) -> str:
    """Forebear's ranks by category, and every derivative whose parent is not in the first rank."""
    mine = [a for a in found if a.member.parents]
    rows = [by_category(category, mine, zoo) for category in dict.fromkeys(a.member.category for a in mine)]
    lines = [missed(a, zoo) for a in mine if not a.ranked]
    plain = [a for a in mine if not a.member.rewritten]
    nearest = [sum(a.nearest for a in plain)]
    nearest += [sum(a.without(zoo.descendants(a.member.name)).nearest for a in plain)]
    sizes = [len(a.tied(0)) for a in mine]
    counted = ", ".join(f"{n} x {sizes.count(n)}" for n in sorted(set(sizes)))
    text = (
        f"Of {total.asked} derivatives not rewritten on purpose, the parent is in the first rank for"
        f" {share(total.first, total.asked)} and at its top for {share(total.top, total.asked)}; with the query's own"
        f" descendants set aside {share(total.older[0], total.asked)} and {share(total.older[1], total.asked)}. By the"
        f" distance alone the parent is nearest for {share(nearest[0], total.asked)}, descendants set aside"
        f" {share(nearest[1], total.asked)}. Both parents in the first two ranks for {share(total.both, total.merges)}"
        f" merges. Sizes of the first rank (size x how often): {counted}.\n"
    )
    head = ["category", "models", "first rank", "top", "first of older", "top of older", "median tie (largest)"]
    after = "\nParent not in the first rank:\n\n" + "\n".join(lines) + "\n" if lines else ""
    return "## The parent's rank in forebear's answers\n\n" + text + "\n" + table(head, rows) + after


def verdicts(found: Sequence[Answer]) -> str:
    """What forebear concludes about derivatives, and about which it does not say `derived`."""
    mine = [a for a in found if a.member.parents]
    lines = []
    for verdict in dict.fromkeys(a.verdict for a in mine):
        names = [a.member.name for a in mine if a.verdict == verdict]
        listed = "" if verdict == "derived" else f": {', '.join(names)}"
        lines.append(f"- `{verdict}`: {share(len(names), len(mine))}{listed}")
    return "## Verdicts on derivatives\n\n" + "\n".join(lines) + "\n"


def by_category(category: str, found: Sequence[Answer], zoo: Zoo) -> list[str]:
    """One row of the table."""
    mine = [a for a in found if a.member.category == category]
    older = [a.without(zoo.descendants(a.member.name)) for a in mine]
    ties = sorted(len(a.tied(0)) for a in mine)
    counts = [sum(a.ranked for a in mine), sum(a.topped for a in mine)]
    counts += [sum(a.ranked for a in older), sum(a.topped for a in older)]
    return [category.replace("_", " "), str(len(mine)), *map(str, counts), f"{ties[len(ties) // 2]} ({ties[-1]})"]


def missed(one: Answer, zoo: Zoo) -> str:
    """A derivative whose parent is not in the first rank: what is there, and where the parent is."""
    later = zoo.descendants(one.member.name)
    first = [f"{name} (its descendant)" if name in later else name for name in one.tied(0)]
    more = f" and {len(first) - 4} more" if len(first) > 4 else ""
    ranks = dict(zip(one.names, one.ranks, strict=True))
    places = ", ".join(f"{p} at {ranks.get(p, 'none')}" for p in one.member.parents)
    return f"- `{one.member.name}`: first {', '.join(first[:4])}{more}; {places}; {one.verdict}"


def twins(found: Sequence[Answer], tables: Mapping[str, Table], zoo: Zoo) -> str:
    """Models trained apart from one initialisation: what forebear says, and who would call them derivatives."""
    mine = [a for a in found if a.member.initialisation]
    if not mine:
        return ""
    rows = [[f"`{a.member.name}`", a.verdict, ", ".join(a.tied(0)[:3]) or "-"] for a in mine]
    right = sum(a.verdict == "shared_initialisation" for a in mine)
    above = []
    for name, one in tables.items():
        highest = np.nanmax(negatives(one, zoo))
        scores = [s for a in mine if (s := one.score(a.member.name, str(a.member.initialisation))) is not None]
        if scores:
            above.append(f"{name} {sum(s > highest for s in scores)} of {len(scores)}")
    text = (
        "\nThey share random weights with their root and nothing of its training. Above every unrelated pair, and so"
        f" taken for relatives: {'; '.join(above)}. forebear says which kind of relation it is for {right} of"
        f" {len(mine)}.\n"
    )
    return "## Twins\n\n" + table(["model", "forebear's verdict", "first rank"], rows) + text
