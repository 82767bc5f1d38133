"""Merges that copy whole layers or experts and have no arithmetic."""
