"""Which models are worth the full evidence: by sketch for one query, by sketch for all, by words."""
