"""What geometry is worth: regressions that were fitted on families whose trees are known, and their weights."""
