"""What forebear answered to derivatives and twins: the report's sections on ranks and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .markdown import share, table
from .summary import Answer, Ranking, Table, negatives
from .truth import Zoo


def ranks(found: Sequence[Answer], total: Ranking) -> str:
    """Forebear's ranks by category, and every derivative whose parent is not in the first rank."""
    rows = []
    for category in dict.fromkeys(a.member.category for a in found if a.member.parents):
        mine = [a for a in found if a.member.category == category]
        ties = sorted(len(a.first_rank) for a in mine)
        rows.append(
            [
                category.replace("_", " "),
                str(len(mine)),
                str(sum(a.ranked for a in mine)),
                str(sum(a.topped for a in mine)),
                f"{ties[len(ties) // 2]} ({ties[-1]})",
            ]
        )
    lost = [a for a in found if a.member.parents and not a.ranked]
    lines = [
        f"- `{a.member.name}` ({' + '.join(a.member.parents)}): first {', '.join(a.first_rank[:4])}"
        + (f" and {len(a.first_rank) - 4} more" if len(a.first_rank) > 4 else "")
        + f"; {a.verdict}"
        for a in lost
    ]
    sizes = [len(a.first_rank) for a in found if a.member.parents]
    counted = ", ".join(f"{n} x {sizes.count(n)}" for n in sorted(set(sizes)))
    text = (
        f"Parent in the first rank for {share(total.first, total.asked)} derivatives not rewritten on purpose, at its"
        f" top for {share(total.alone_or_top, total.asked)}; both parents in the first two ranks for"
        f" {share(total.both, total.merges)} merges. Sizes of the first rank (size x how often): {counted}.\n"
    )
    head = ["category", "models", "first rank", "top", "median tie (largest)"]
    after = "\nParent not in the first rank:\n\n" + "\n".join(lines) + "\n" if lines else ""
    return "## The parent's rank in forebear's answers\n\n" + text + "\n" + table(head, rows) + after


def twins(found: Sequence[Answer], tables: Mapping[str, Table], zoo: Zoo) -> str:
    """Models trained apart from one initialisation: what forebear says, and who would call them derivatives."""
    mine = [a for a in found if a.member.initialisation]
    if not mine:
        return ""
    rows = [[f"`{a.member.name}`", a.verdict, ", ".join(a.first_rank[:3]) or "-"] for a in mine]
    above = []
    for name, one in tables.items():
        highest = np.nanmax(negatives(one, zoo))
        scores = [s for a in mine if (s := one.score(a.member.name, str(a.member.initialisation))) is not None]
        if scores:
            above.append(f"{name} {sum(s > highest for s in scores)} of {len(scores)}")
    text = (
        "\nThey share random weights with their root and nothing of its training. Above every unrelated pair, and so"
        f" taken for relatives: {'; '.join(above)}. Only forebear says which kind of relation it is.\n"
    )
    return "## Twins\n\n" + table(["model", "forebear's verdict", "first rank"], rows) + text
