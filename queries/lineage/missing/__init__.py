"""Missing ancestors: what a family comes from where no registered model stands there."""
