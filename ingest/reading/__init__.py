"""A read plan carried out, and whole tensors front to back."""
