"""Config, parameters and comparability of models side by side: context, never part of a verdict."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

from ....ingest.metadata.card import text_config
from ...data.component import FFN_ROLES, Component
from ..records.comparison import (
    ArchitectureComparison,
    Comparability,
    ConfigRow,
    ConfigValue,
    Incomparable,
    ParameterRow,
)
from .config_keys import LEFT_OUT, USUAL
from .matching import place
from .sides import Part, Side

_FIRST = ("architectures", "model_type")


def compare_architectures(
    sides: Sequence[Side], pairs: Sequence[tuple[Side, Part, Side, Part]]
) -> ArchitectureComparison:
    """Everything about the shapes of models; `pairs` are those whose comparability is asked for."""
    return ArchitectureComparison(
        config=tuple(config_rows(sides)),
        parameters=tuple(row for side in sides for part in side.parts for row in parameter_rows(part)),
        comparability=tuple(_comparability(*pair) for pair in pairs),
    )


def config_rows(sides: Sequence[Side]) -> list[ConfigRow]:
    """Every setting of any config, by its usual name; nested ones of the language stack count as its own."""
    found = {side.label: _settings(side.config) for side in sides}
    keys = sorted({key for settings in found.values() for key in settings}, key=lambda k: (k not in _FIRST, k))
    return [_config_row(key, found) for key in keys]


def _settings(config: Mapping[str, object]) -> dict[str, tuple[str, object]]:
    """Usual name -> (the name in the config, its value)."""
    found: dict[str, tuple[str, object]] = {}
    for name, value in text_config(config).items():
        if name not in LEFT_OUT:
            usual = USUAL.get(name, name)
            if usual not in found or name == usual:
                found[usual] = (name, value)
    return found


def _config_row(key: str, found: Mapping[str, Mapping[str, tuple[str, object]]]) -> ConfigRow:
    absent: tuple[str | None, object] = (None, None)
    values = tuple(ConfigValue(label, *settings.get(key, absent)) for label, settings in found.items())
    a, b = values[:2]
    return ConfigRow(key, _status(a, b), len({v.name for v in values if v.name}) > 1, values)


def _status(a: ConfigValue, b: ConfigValue) -> Literal["equal", "different", "only A", "only B", "only controls"]:
    if a.name is None and b.name is None:
        return "only controls"
    if b.name is None:
        return "only A"
    if a.name is None:
        return "only B"
    return "equal" if a.value == b.value else "different"


def part_of(component: Component, tensor: int) -> str:
    """What a tensor's parameters are counted as."""
    role, slot = component.roles[tensor], component.slots[tensor]
    if role in FFN_ROLES:
        if component.expert[tensor] >= 0:
            return "routed experts"
        return "shared experts" if slot == "shared" else role
    return {"embed": "embedding"}.get(role, role)


def parameter_rows(part: Part) -> list[ParameterRow]:
    """Parameters of every part of a component, of the whole of it (layer None) and of each layer."""
    component = part.component
    tensors: dict[tuple[int, str], int] = defaultdict(int)
    counts: dict[tuple[int, str], int] = defaultdict(int)
    for tensor, layer in enumerate(component.layer.tolist()):
        name = part_of(component, tensor)
        for key in {(-1, name), (layer, name)}:
            tensors[key] += 1
            counts[key] += int(component.represents[tensor])
    return [
        ParameterRow(part.label, component.name, place(layer), name, tensors[layer, name], counts[layer, name])
        for layer, name in sorted(tensors)
    ]


def _comparability(first: Side, mine: Part, second: Side, theirs: Part) -> Comparability:
    gone, missing = _incomparable(mine, theirs), _incomparable(theirs, mine)
    unread, unread_there = _unread(first), _unread(second)
    return Comparability(
        pair=f"{first.label}-{second.label}",
        component=mine.component.name,
        tensors=len(mine.component.names) - len(gone),
        share_first=_share(mine, gone, unread),
        share_second=_share(theirs, missing, unread_there),
        incomparable=tuple(gone + missing + unread + unread_there),
    )


def _share(part: Part, gone: Sequence[Incomparable], unread: Sequence[Incomparable]) -> float:
    known = float(part.component.represents.sum())
    total = known + sum(one.parameters for one in unread)
    return (known - sum(one.parameters for one in gone)) / total if total else 0.0


def _unread(side: Side) -> list[Incomparable]:
    """What has no fingerprint at all. Of which component it is, nobody knows: it counts to each."""
    return [
        Incomparable(side.label, s.name, "other", None, s.parameters, f"not read: {s.reason}") for s in side.skipped
    ]


def _incomparable(first: Part, second: Part) -> list[Incomparable]:
    """The tensors of the first part that have no counterpart of their width anywhere in the second, and why."""
    mine, theirs = first.component, second.component
    widths: dict[str, set[int]] = defaultdict(set)
    read: dict[str, bool] = defaultdict(bool)
    for j, key in enumerate(theirs.keys):
        widths[key].add(int(theirs.inputs[j]) if not second.is_vector(j) else math.prod(theirs.shapes[j]))
        read[key] |= bool(theirs.read[j])
    found = []
    for i, key in enumerate(mine.keys):
        if reason := _reason(first, i, second, key, widths, read):
            at = place(int(mine.layer[i]))
            found.append(Incomparable(first.label, mine.names[i], mine.roles[i], at, int(mine.represents[i]), reason))
    return found


def _reason(
    first: Part, i: int, second: Part, key: str, widths: Mapping[str, set[int]], read: Mapping[str, bool]
) -> str:
    """Why a tensor cannot be compared; empty when it can."""
    component, other = first.component, second.label
    if not component.read[i]:
        return "not read: a buffer, a tied head, or without elements"
    if key not in widths:
        slot = f" ({component.slots[i]})" if component.slots[i] else ""
        return f"{other} has no {component.roles[i]}{slot} {'in its layers' if component.layer[i] >= 0 else 'there'}"
    if not read[key]:
        return f"not read in {other}"
    own = math.prod(component.shapes[i]) if first.is_vector(i) else int(component.inputs[i])
    if own not in widths[key]:
        listed = ", ".join(str(w) for w in sorted(widths[key]))
        return f"its width {own} differs from {listed} in {other}"
    if component.roles[i] in {"embed", "head"} and not component.tokens:
        return "no tokenizer: rows cannot be matched by token"
    return ""
