"""The operating curve of every threshold: `make thresholds`."""
