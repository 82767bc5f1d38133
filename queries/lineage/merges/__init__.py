"""Merges among relatives: recognised by where they lie, and proved by replaying what would have made them."""
