"""Why forebear is not the best in a category, and what would mend it: a paragraph each, printed where it is so."""

from __future__ import annotations

EXPLANATIONS: dict[str, str] = {
    "permuted_flipped_scaled": """
        What finds the shuffled copies are the cosines between rows (gram) of layers whose first head stayed in its
        place. They change their signs when the signs of rows are flipped too, as here, and then correlate with
        nothing. AWM reads the whole embedding, finds the signed permutation of its columns by assignment, and
        undoes it. Mend: compare the cosines without their signs. Measured on the rows that forebear reads already:
        their absolute values correlate at 1.00 with the parent's for k and v of layers whose first head stayed (all
        of larch-all-hidden, the first of oak-all-hidden), and at 0.11 at most for k and v of two strangers; with
        their signs the copies reach 0.26.
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
    "calibration": """
        Roots and strangers alone, which are nearly independent, keep to it. Among rewritten models the tail is
        heavier than it should be, and two draws make it: of 43 pairs with p <= 1e-4, 34 are fir-rotated against
        derivatives of oak, of 111 with p <= 1e-3 another 35 are larch-neurons against derivatives of fir. An untied
        rotated copy has a head that is its embedding times a gain; both meet oak's one tied embedding, and Fisher
        counts the one lucky draw (z = 4.5) twice. Mend: count a head once where it is the embedding. larch-neurons
        passes by the column sets of single blocks: a MinHash of 64 columns takes few values.
    """,
}


def explanation(category: str) -> str:
    """The paragraph about a category, on one line."""
    return " ".join(EXPLANATIONS.get(category, "Not yet explained.").split())
