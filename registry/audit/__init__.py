"""Audits: every model against all others, kept as runs."""
