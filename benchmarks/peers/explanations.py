"""Why forebear is not the best in a category, and what would mend it: a paragraph each, printed where it is so."""

from __future__ import annotations

EXPLANATIONS: dict[str, str] = {
    "permuted_flipped_scaled": """
        What finds these copies are the magnitudes of the cosines between rows (gram) of matrices whose leading rows
        stayed in their places: flipped signs leave them as they are. Where a copy's first heads all moved, its
        leading rows are other rows, and nothing is left to compare. AWM reads the whole embedding, finds the signed
        permutation of its columns by assignment, and undoes it. Mend: one row of every head instead of the first
        sixteen rows, which costs a read a head.
    """,
    "everything_rewritten": """
        The residual stream is rotated, which leaves only what does not depend on its basis: cosines between rows of
        one matrix. Turned heads and shuffled neurons make those rows others, so the leading rows hold no evidence.
        HuRef reads all of two layers and multiplies matrices whose inner bases cancel. Mend: keep the cosines
        between the rows of the chosen tokens, whole rows instead of 64 columns. They survive every orthogonal
        change of the residual stream and correlate at 1.000 with the parent's in this category. But strangers of
        the same text reach 0.98 there (0.71 without three principal directions), so they need a null of their own
        and can speak for near copies only.
    """,
    "auc": """
        An AUC below 1 comes from the categories below in which nothing is found. Mend: what they name.
    """,
    "found": """
        What is missed is in the categories below. Mend: what they name.
    """,
    "first": """
        The order of near relatives rests on sampled distances. Mend: more samples where two candidates are close.
    """,
    "top": """
        forebear ties what its samples cannot tell apart, and a tie is not alone. Mend: more samples for ties.
    """,
    "merges": """
        Mend: more samples of the models that come near a merge.
    """,
    "files": """
        A model of this zoo has 1 MB, so that reading all of them costs little; of models of real size they would read
        gigabytes. What forebear spends is the comparison of all blocks by every kind. Mend: leave out kinds that add
        nothing for candidates that positions already show.
    """,
    "bytes": """
        They look at fewer tensors, and so cannot say which parts of a model are whose. Mend: fewer rows of tokens.
    """,
    "memory": """
        They compare what is at equal places, once, with no null, no choice of blocks and no answer in words; and they
        hold whole models in memory, which forebear does not. Mend: the search alone, without evidence, for bulk scans.
    """,
    "light": """
        At light drift the order of siblings and parents rests on distances of a few thousandths. Mend: more samples.
    """,
    "calibration": """
        Conservative in the middle, because the spread of the null takes its 80th percentile. In the tail the pairs
        repeat each other: a rewritten model meets all derivatives of another root with one draw of luck.
    """,
}


def explanation(category: str) -> str:
    """The paragraph about a category, on one line."""
    return " ".join(EXPLANATIONS.get(category, "Not yet explained.").split())
