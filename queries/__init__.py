"""Questions to the registry: one .sql file each, and the evidence and ranking over what they return."""
