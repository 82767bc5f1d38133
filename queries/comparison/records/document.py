"""A comparison as plain values: the JSON document, and the rows of the metric tables for CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass

import numpy as np

from .comparison import Comparison

_DIGITS = 5
"""Decimals of the matrices of heatmaps: far below what unrelated models stray by."""


def comparison_document(comparison: Comparison) -> dict[str, object]:
    """The comparison with the keys of its records, without `schema_version`; arrays are lists, records mappings."""
    return {field.name: plain_record(getattr(comparison, field.name)) for field in fields(comparison)}


def metric_rows(comparison: Comparison) -> list[dict[str, object]]:
    """Every row of the metric tables of all components, flat: one mapping a row, all with the same keys."""
    return comparison.rows()


def plain_record(value: object) -> object:
    """A record with all that it holds as mappings, lists and plain values; arrays are rounded to five decimals."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain_record(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, np.ndarray):
        return np.round(value.astype(np.float64), _DIGITS).tolist()
    if isinstance(value, Mapping):
        return {str(key): plain_record(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_record(item) for item in value]
    return value
