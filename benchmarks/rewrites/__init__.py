"""Rewrites that leave a model's function as it is, and damage: what is seen through."""
