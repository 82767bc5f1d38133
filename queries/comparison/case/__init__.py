"""A dispute over several models: the question, every figure that both sides used, and what becomes of each claim."""
