"""The first page of RESULTS.md: every root against all models, with what another method is ahead in."""

from __future__ import annotations

import math
from pathlib import Path

from benchmarks.peers import product, roots
from benchmarks.peers.truth import Member, Zoo

ABOUT = {"oak": ((), "oak"), "fir": ((), "fir"), "oak-docs": (("oak",), "oak"), "oak-far": (("oak-docs",), "oak")}
ZOO = Zoo({n: Member(n, p, "finetuned" if p else "root", "", r, "") for n, (p, r) in ABOUT.items()})
SCORES = {("oak", "oak-docs"): 9.0, ("oak", "fir"): 1.0, ("fir", "oak"): 1.0, ("fir", "oak-docs"): 2.0}


def row(name: str, scores: dict[tuple[str, str], float], query: float) -> roots.Row:
    return roots.row(name, lambda a, b: scores.get((a, b)), ZOO, {"oak", "fir"}, None, (query, query + 1))


def test_children_of_roots_are_set_against_all_unrelated_pairs_and_what_has_no_score_is_counted() -> None:
    found = row(product.NAME, SCORES, 0.5)
    assert (found.found, found.children, found.pairs, found.silent) == (1, 1, 5, 1)  # fir with oak-far has no score
    assert found.auc == 1.0
    assert row("blind", {("oak", "oak-docs"): math.nan}, 0.5).found == 0


def test_the_page_says_what_another_method_is_ahead_in() -> None:
    page = roots.block(ZOO, [row(product.NAME, SCORES | {("fir", "oak"): 10.0}, 0.5), row("other", SCORES, 0.25)])
    assert "- **found**: other 1; forebear 0." in page and "- **a query**: other 250 ms; forebear 500 ms." in page
    assert "- **AUC**" in page and "parent first**" not in page


def test_the_page_stands_before_the_first_section_and_is_replaced_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    path.write_text("# title\n\nwords\n", "utf-8")
    roots.put(path, f"{roots.BEGIN}\none\n{roots.END}\n")
    roots.put(path, f"{roots.BEGIN}\ntwo\n{roots.END}\n")
    assert path.read_text("utf-8") == f"# title\n\n{roots.BEGIN}\ntwo\n{roots.END}\n\nwords\n"
