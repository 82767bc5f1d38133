"""Answers in words and records: the ancestors of a model, the verdict of a component, batches for an audit."""
