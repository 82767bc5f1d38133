"""Nulls, p-values and measures on arrays; nothing here knows of models or registries."""
