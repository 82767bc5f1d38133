"""Questions to the registry: SQL, statistics, evidence of a pair, lineage of a family, and the answers made of them."""
