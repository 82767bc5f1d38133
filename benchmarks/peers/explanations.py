"""Why forebear is not the best in a category, and what would mend it: a paragraph each, printed where it is so."""

from __future__ import annotations

SHUFFLED = """
Where heads, neurons and hidden dimensions are shuffled together, the 16 leading rows of a matrix are other rows of the
parent's, in another order of columns: positions, cosines between rows and column sets then compare what does not
correspond.
"""
TOKEN_COSINES = """
Mend: keep the cosines between the rows of the chosen tokens, whole rows instead of 64 columns. They survive every
orthogonal change of the residual stream and correlate at 1.000 with the parent's in this category. But strangers of
the same text reach 0.98 there (0.71 without three principal directions), so they need a null of their own and can
speak for near copies only.
"""
EXPLANATIONS: dict[str, str] = {
    "all_permuted": f"{SHUFFLED} Found only where the first head stays in its place. {TOKEN_COSINES}",
    "permuted_flipped_scaled": f"""
        {SHUFFLED} Signs and factors on rows and columns take the rest. AWM reads the whole embedding, finds the signed
        permutation of its columns by assignment, and undoes it. {TOKEN_COSINES}
    """,
    "everything_rewritten": f"""
        The residual stream is rotated, which leaves only what does not depend on its basis: cosines between rows of
        one matrix. Shuffled and turned heads, shuffled and scaled neurons make those rows others. HuRef reads all of
        two layers and multiplies matrices whose inner bases cancel. {TOKEN_COSINES}
    """,
}


def explanation(category: str) -> str:
    """The paragraph about a category, on one line."""
    return " ".join(EXPLANATIONS.get(category, "Not yet explained.").split())
