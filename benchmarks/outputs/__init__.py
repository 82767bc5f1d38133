"""Kinship of behaviour on the benchmark's zoo."""
