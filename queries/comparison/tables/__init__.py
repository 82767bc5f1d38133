"""The metric tables of a pair."""
