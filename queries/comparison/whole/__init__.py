"""Two models by all of their weights: digests, metrics, and two published tests."""
