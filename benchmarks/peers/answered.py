"""What forebear answered to derivatives and twins: the report's sections on ranks and verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from .markdown import share, table
from .measured import Measured
from .summary import Answer, negatives
from .truth import Protocol, Zoo


def ranks(measured: Measured) -> str:
    """Forebear's ranks by category under both protocols, and every derivative whose parent is not in the first rank."""
    head = ["category", "models"]
    head += [f"{word}, {p}" for p in Protocol for word in ("first rank", "top", "tie", "both parents")]
    found = {p: measured.answered(p) for p in Protocol}
    order = dict.fromkeys(a.member.category for a in found[Protocol.AGAINST_ALL])
    rows = [by_category(category, found) for category in order]
    parts = [summed(p, found[p]) for p in Protocol if found[p]]
    missing = [listed(p, found[p], measured.zoo) for p in Protocol]
    return (
        "## The parent's rank in forebear's answers\n\n"
        + "".join(parts)
        + "\nMedian tie (largest); *both parents* of merges, in the first two ranks.\n\n"
        + table(head, rows)
        + "".join(missing)
    )


def summed(protocol: Protocol, found: Sequence[Answer]) -> str:
    """One protocol in a line: what the distance alone would say, and how large first ranks are."""
    plain = [a for a in found if not a.member.rewritten]
    sizes = [len(a.tied(0)) for a in found]
    counted = ", ".join(f"{n} x {sizes.count(n)}" for n in sorted(set(sizes)))
    return (
        f"- {str(protocol).capitalize()}: in the first rank for {share(sum(a.ranked for a in plain), len(plain))}, at"
        f" its top for {share(sum(a.topped for a in plain), len(plain))}; nearest by the distance alone for"
        f" {share(sum(a.nearest for a in plain), len(plain))}. Sizes of the first rank, rewritten ones included"
        f" (size x how often): {counted}.\n"
    )


def by_category(category: str, found: dict[Protocol, list[Answer]]) -> list[str]:
    """One row of the table."""
    row: list[str] = []
    for answers in found.values():
        mine = [a for a in answers if a.member.category == category]
        sizes = sorted(len(a.tied(0)) for a in mine)
        merges = [a for a in mine if len(a.member.parents) > 1]
        row = row or [category.replace("_", " "), str(len(mine))]
        row += [str(sum(a.ranked for a in mine)), str(sum(a.topped for a in mine))]
        row += [f"{sizes[len(sizes) // 2]} ({sizes[-1]})" if sizes else "-"]
        row += [str(sum(a.both for a in merges)) if merges else "-"]
    return row


def listed(protocol: Protocol, found: Iterable[Answer], zoo: Zoo) -> str:
    """The derivatives whose parent is not in the first rank."""
    lines = [missed(a, zoo) for a in found if not a.ranked]
    return f"\nParent not in the first rank, {protocol}:\n\n" + "\n".join(lines) + "\n" if lines else ""


def missed(one: Answer, zoo: Zoo) -> str:
    """A derivative whose parent is not in the first rank: what is there, and where the parent is."""
    later = zoo.descendants(one.member.name)
    first = [f"{name} (its descendant)" if name in later else name for name in one.tied(0)]
    more = f" and {len(first) - 4} more" if len(first) > 4 else ""
    ranks = dict(zip(one.names, one.ranks, strict=True))
    places = ", ".join(f"{p} at {ranks.get(p, 'none')}" for p in one.member.parents)
    return f"- `{one.member.name}`: first {', '.join(first[:4])}{more}; {places}; {one.verdict}"


def verdicts(measured: Measured) -> str:
    """What forebear concludes about derivatives, and about which it does not say `derived`."""
    parts = []
    for protocol in Protocol:
        mine, lines = measured.answered(protocol), list[str]()
        for verdict in dict.fromkeys(a.verdict for a in mine):
            names = [a.member.name for a in mine if a.verdict == verdict]
            some = "" if verdict == "derived" else f": {', '.join(names)}"
            lines.append(f"- `{verdict}`: {share(len(names), len(mine))}{some}")
        parts += [f"{str(protocol).capitalize()}:\n\n" + "\n".join(lines) + "\n"] if mine else []
    return "## Verdicts on derivatives\n\n" + "\n".join(parts)


def twins(measured: Measured) -> str:
    """Models trained apart from one initialisation: what forebear says, and who would call them derivatives."""
    every = {p: [a for a in measured.answers if a.member.initialisation and a.protocol is p] for p in Protocol}
    asked = {protocol: answers for protocol, answers in every.items() if answers}
    mine = asked.get(Protocol.AGAINST_ALL)
    if not mine:
        return ""
    rows = []
    for pair in zip(*asked.values(), strict=True):
        row = [f"`{pair[0].member.name}`"]
        for one in pair:
            row += [one.verdict, ", ".join(one.tied(0)[:3]) or "-"]
        rows.append(row)
    right = [sum(a.verdict == "shared_initialisation" for a in answers) for answers in asked.values()]
    above = []
    for name, one in measured.tables.items():
        highest = np.nanmax(negatives(one, measured.zoo))
        scores = [s for a in mine if (s := one.score(a.member.name, str(a.member.initialisation))) is not None]
        if scores:
            above.append(f"{name} {sum(s > highest for s in scores)} of {len(scores)}")
    told = ", ".join(f"{count} of {len(mine)} {protocol}" for count, protocol in zip(right, asked, strict=True))
    text = (
        "\nThey share random weights with their root and nothing of its training. Above every unrelated pair, and so"
        f" taken for relatives: {'; '.join(above)}. forebear says which kind of relation it is for {told}.\n"
    )
    head = ["model", *(f"{w}, {p}" for p in asked for w in ("verdict", "first rank"))]
    return "## Twins\n\n" + table(head, rows) + text
