"""The fingerprints of a model as arrays, and how they come out of the registry."""
