"""Registries that travel: published at a place, and brought from there, checked before anything of them is kept."""
