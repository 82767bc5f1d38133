"""Merges that are put together from whole pieces: layers, experts, an adapter in its base."""
