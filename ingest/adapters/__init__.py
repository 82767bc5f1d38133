"""Adapters: their config, the names and kinds of their factors."""
