"""From tables to components: whatever the order of the rows, every array lies with its tensor."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from forebear.ingest.fingerprint.kinds import STORED
from forebear.queries.data.component import Component
from forebear.queries.data.loading import load_components

from ..components import base, component, upcycled

STORED_VALUES = {kind.name: (kind.width, kind.element) for kind in STORED} | {"vector": (64, "float32")}
COMPONENTS = [
    component(base(1, layers=2), 7),
    component(upcycled(base(2, layers=1), 2, 0.1, 3), 7, name="vision"),
    component(base(3, layers=1), 9),
]


def rows_of(components: list[Component]) -> dict[str, list[dict[str, object]]]:
    """The registry's rows of these components; tensors count within their model."""
    made: dict[str, list[dict[str, object]]] = {name: [] for name in ("tensor", "token_row", *STORED_VALUES)}
    start: dict[int, int] = {}
    for c in components:
        first = start.get(c.model_id, 0)
        start[c.model_id] = first + len(c.names)
        for i, name in enumerate(c.names):
            ids = {"model_id": c.model_id, "tensor_id": first + i}
            layer, expert = (None if n < 0 else int(n) for n in (c.layer[i], c.expert[i]))
            more = {"hash": int(c.hash[i]), "levels": float(c.levels[i]), "sampled": int(c.sampled[i]), "std": 0.02}
            facts = {"component": c.name, "name": name, "role": c.roles[i], "slot": c.slots[i], "dtype": c.dtypes[i]}
            shape = {"shape": list(c.shapes[i]), "represents": int(c.represents[i]), "rows_read": 16}
            made["tensor"].append({**ids, **facts, **shape, **more, "layer": layer, "expert": expert})
        for kind in STORED_VALUES:
            found = c.evidence(kind)
            for tensor, value in zip(found.tensor.tolist(), found.value.tolist(), strict=True):
                made[kind].append({"model_id": c.model_id, "tensor_id": first + tensor, "value": value})
        for tokens in c.tokens.values():
            for key, value in zip(tokens.keys.tolist(), tokens.values.tolist(), strict=True):
                made["token_row"].append(
                    {"model_id": c.model_id, "tensor_id": first + tokens.tensor, "token": key, "value": value}
                )
    return made


def tables(rows: dict[str, list[dict[str, object]]], seed: int | None) -> dict[str, pa.Table]:
    """The rows as Arrow, shuffled where there is a seed."""
    found = {}
    for name, listed in rows.items():
        if not listed:
            continue
        order = np.arange(len(listed)) if seed is None else np.random.default_rng(seed).permutation(len(listed))
        mine = [listed[i] for i in order]
        columns = {key: [row[key] for row in mine] for key in listed[0]}
        made = {key: pa.array(values) for key, values in columns.items() if key != "value"}
        if name != "tensor":
            width, element = STORED_VALUES.get(name, (64, "float32"))
            flat = np.array(columns["value"], element).reshape(-1)
            made["value"] = pa.FixedSizeListArray.from_arrays(pa.array(flat), width)
        else:
            made["hash"] = pa.array(columns["hash"], pa.uint64())
        if "token" in made:
            made["token"] = pa.array(columns["token"], pa.uint64())
        found[name] = pa.table(made)
    return found


def assert_equal(loaded: Component, made: Component) -> None:
    for name in ("model_id", "name", "names", "roles", "slots", "dtypes", "shapes"):
        assert getattr(loaded, name) == getattr(made, name), name
    for name in ("layer", "expert", "represents", "sampled", "levels", "hash", "read"):
        assert np.array_equal(getattr(loaded, name), getattr(made, name)), name
    for kind in STORED_VALUES:
        assert np.array_equal(loaded.evidence(kind).tensor, made.evidence(kind).tensor), kind
        assert np.array_equal(loaded.evidence(kind).value, made.evidence(kind).value), kind
    assert loaded.tokens.keys() == made.tokens.keys()
    for role, tokens in made.tokens.items():
        assert loaded.tokens[role].tensor == tokens.tensor
        assert np.array_equal(loaded.tokens[role].keys, tokens.keys)
        assert np.array_equal(loaded.tokens[role].values, tokens.values)


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_components_come_back_as_they_were_whatever_the_order_of_the_rows(seed: int | None) -> None:
    loaded = load_components(tables(rows_of(COMPONENTS), seed))
    assert {model: [c.name for c in found] for model, found in loaded.items()} == {
        7: ["language", "vision"],
        9: ["language"],
    }
    for found, made in zip([*loaded[7], *loaded[9]], COMPONENTS, strict=True):
        assert_equal(found, made)


def test_models_in_another_order_come_back_as_they_were() -> None:
    written = tables(rows_of(COMPONENTS), None)
    first = int(written["tensor"]["model_id"].to_pylist().index(9))
    turned = pa.concat_tables([written["tensor"].slice(first), written["tensor"].slice(0, first)])
    loaded = load_components(written | {"tensor": turned})
    for found, made in zip([*loaded[7], *loaded[9]], COMPONENTS, strict=True):
        assert_equal(found, made)


def test_what_was_not_read_has_no_hash_and_is_not_read() -> None:
    rows = rows_of(COMPONENTS[2:])
    rows["tensor"][3] |= {"hash": None, "levels": None, "rows_read": 0}
    found = load_components(tables(rows, 1))[9][0]
    assert found.hash[3] == 0 and found.levels[3] == 0 and found.read.tolist().count(False) == 1 and not found.read[3]


def test_hashes_keep_all_their_bits() -> None:
    rows = rows_of(COMPONENTS[2:])
    rows["tensor"][0]["hash"] = 2**63 - 1
    rows["tensor"][1]["hash"] = 2**63 - 2
    found = load_components(tables(rows, None))[9][0]
    assert found.hash[:2].tolist() == [2**63 - 1, 2**63 - 2]
