"""Configs and parameter counts of several models: context, never part of a verdict."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from ..pair.architecture import config_rows
from ..pair.sides import Side
from .records import SettingRow, SettingsPair


def setting_rows(sides: Sequence[Side]) -> list[SettingRow]:
    """Every setting of any config by its usual name; `equal` where all models have it with one value."""
    if len(sides) < 2:
        return []
    return [
        SettingRow(row.key, all(v.name is not None and v.value == row.values[0].value for v in row.values), row.values)
        for row in config_rows(sides)
    ]


def settings_pairs(rows: Sequence[SettingRow]) -> list[SettingsPair]:
    """Of every two models, the settings that both have and those that are equal."""
    labels = [value.model for value in rows[0].values] if rows else []
    found = []
    for i, j in itertools.combinations(range(len(labels)), 2):
        both = [row for row in rows if row.values[i].name is not None and row.values[j].name is not None]
        equal = sum(row.values[i].value == row.values[j].value for row in both)
        found.append(SettingsPair(labels[i], labels[j], len(both), equal))
    return found
