"""The evidence between two components: one file a kind, block alignment, and what a pair shows together."""
