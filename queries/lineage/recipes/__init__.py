"""The recipe of a merge: its parents, the method and the coefficients, proved by replaying the arithmetic."""
