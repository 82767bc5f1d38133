"""Merges of the bundled zoo that mergekit makes, and whether `recipe` gets their recipes back."""
