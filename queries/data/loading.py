"""From the registry's tables, as Arrow, to components: many models at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...ingest.errors import RegistryError
from ...ingest.fingerprint.activations import unpack
from ...ingest.fingerprint.kinds import STORED, StoredKind
from ...ingest.storage.logical import MOST_VALUES
from .arrow import in_one, list_lengths, list_values, numbers
from .component import Component, Evidence, Neurons, Tokens


def load_components(tables: Mapping[str, pa.Table]) -> dict[int, list[Component]]:
    """Model id -> its components, from Arrow tables named and shaped as those of the registry.

    Raises RegistryError for a shape or a count of samples that no ingest keeps, as a forged registry may hold one.
    """
    tensors = _in_order(tables["tensor"])
    _require_shapes(tensors)
    places = _places(tensors)
    owner = places >> 32
    columns = {name: tensors[name].to_pylist() for name in ("component", "name", "role", "slot", "dtype", "shape")}
    _require_samples(tensors, places, tables)
    numbers = {
        n: _column(tensors, n)
        for n in ("layer", "expert", "represents", "sampled", "levels", "std", "hash", "rows_read")
    }
    evidence = {kind.name: _kept(kind, tables.get(kind.name), places) for kind in STORED}
    evidence["vector"] = _rows(_in_order(tables["vector"]), places)
    token_rows = _in_order(tables["token_row"])
    tokens, token_keys = _rows(token_rows, places), _column(token_rows, "token").astype(np.uint64)
    neurons = _neurons(tables.get("activation"))
    skipped = _skipped(tables.get("skipped_tensor"))
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    for row, (model, component) in enumerate(zip(owner.tolist(), columns["component"], strict=True)):
        groups[model, component].append(row)
    loaded: dict[int, list[Component]] = defaultdict(list)
    for (model, name), rows in groups.items():
        index = np.array(rows)
        loaded[model].append(
            Component(
                model_id=model,
                name=name,
                names=_of(columns["name"], rows),
                roles=_of(columns["role"], rows),
                slots=_of(columns["slot"], rows),
                dtypes=_of(columns["dtype"], rows),
                shapes=[tuple(shape) for shape in _of(columns["shape"], rows)],
                layer=_absent(numbers["layer"][index], -1).astype(np.int64),
                expert=_absent(numbers["expert"][index], -1).astype(np.int64),
                represents=numbers["represents"][index].astype(np.float64),
                sampled=numbers["sampled"][index].astype(np.int64),
                levels=_absent(numbers["levels"][index], 0).astype(np.float64),
                hash=_hashes(tensors, index),
                read=numbers["rows_read"][index] > 0,
                kinds={kind: _part(found, index) for kind, found in evidence.items()},
                tokens=_tokens(tokens, token_keys, index, _of(columns["role"], rows)),
                activations=tuple(
                    replace(found, tensor=at) for at, r in enumerate(rows) if (found := neurons.get(int(places[r])))
                ),
                deviation=_absent(numbers["std"][index], 0),
            )
        )
    return {model: _with_skipped(found, skipped.get(model, {})) for model, found in loaded.items()}


def _of(column: list[Any], rows: Sequence[int]) -> list[Any]:
    """The values of some ascending rows; most components stand in one piece."""
    whole = rows[-1] - rows[0] + 1 == len(rows)
    return column[rows[0] : rows[-1] + 1] if whole else [column[row] for row in rows]


def _in_order(table: pa.Table) -> pa.Table:
    """Rows by model and tensor.

    A model's are written so, and models come in the order that DuckDB's threads finish in; `take` would do for any
    order, and imports a part of Arrow, which takes 0.04 s.
    """
    places = _places(table)
    if (places[1:] >= places[:-1]).all():
        return table
    starts = np.flatnonzero(np.diff(places >> 32, prepend=-1))
    ends = np.append(starts[1:], len(places))
    runs = np.argsort(places[starts], kind="stable")
    whole = pa.concat_tables([table.slice(starts[run], ends[run] - starts[run]) for run in runs.tolist()])
    places = _places(whole)
    return whole if (places[1:] >= places[:-1]).all() else whole.take(np.argsort(places, kind="stable"))


def _skipped(table: pa.Table | None) -> dict[int, dict[str | None, float]]:
    """Model id -> component -> parameters that were not read; None for those of which nothing says the component."""
    found: dict[int, dict[str | None, float]] = defaultdict(lambda: defaultdict(float))
    if table is not None:
        columns = (table[name].to_pylist() for name in ("model_id", "component", "parameters"))
        for model, component, parameters in zip(*columns, strict=True):
            found[model][component] += float(parameters)
    return found


def _with_skipped(components: list[Component], skipped: Mapping[str | None, float]) -> list[Component]:
    """Components with what was not read of each; what may belong to any of them counts in the largest one."""
    if not skipped:
        return components
    largest = max(components, key=lambda c: float(c.represents.sum()))
    anywhere = skipped.get(None, 0.0)
    return [replace(c, skipped=skipped.get(c.name, 0.0) + (anywhere if c is largest else 0.0)) for c in components]


def _require_shapes(tensors: pa.Table) -> None:
    column = in_one(tensors["shape"])
    sizes = np.concatenate(([0.0], np.cumsum(np.log2(np.maximum(list_values(column).astype(np.float64), 1)))))
    ends = np.concatenate(([0], np.cumsum(list_lengths(column)))).astype(np.int64)
    wrong = np.flatnonzero(np.diff(sizes[ends]) > np.log2(MOST_VALUES) + 0.5)
    if len(wrong):
        model, shape = tensors["model_id"][int(wrong[0])].as_py(), column[int(wrong[0])].as_py()
        raise RegistryError(f"model {model} has a tensor of shape {shape}: the registry was altered; remove that model")


def _require_samples(tensors: pa.Table, places: NDArray[np.int64], tables: Mapping[str, pa.Table]) -> None:
    """What values are kept of has some; positions and rows of tokens are those of matrices. RegistryError otherwise."""
    axes = list_lengths(in_one(tensors["shape"]))
    scalar, unsampled = axes < 1, _column(tensors, "sampled") < 1
    for table, empty in (("token_row", scalar), ("positions", scalar | unsampled), ("vector", unsampled)):
        held = np.isin(_places(tables[table]), places[empty])
        if held.any():
            model = tables[table]["model_id"][int(np.flatnonzero(held)[0])].as_py()
            raise RegistryError(
                f"model {model} has values of a tensor of which none was sampled: the registry was altered;"
                " remove that model"
            )


def _column(table: pa.Table, name: str) -> NDArray[np.float64]:
    """A column as numpy; NULLs of number columns become NaN."""
    return numbers(table[name])


def _places(table: pa.Table) -> NDArray[np.int64]:
    """Model and tensor of every row as one number, which orders them."""
    return (_column(table, "model_id").astype(np.int64) << 32) | _column(table, "tensor_id").astype(np.int64)


def _absent(values: NDArray[np.float64], value: float) -> NDArray[np.float64]:
    return np.where(np.isnan(values.astype(np.float64)), value, values.astype(np.float64))


def _hashes(tensors: pa.Table, index: NDArray[np.int64]) -> NDArray[np.uint64]:
    return np.asarray(numbers(tensors["hash"], np.uint64(0)), np.uint64)[index]


@dataclass(frozen=True)
class _Rows:
    """Evidence of all models: the row of the sorted tensor table of each vector, ascending, and the vectors."""

    row: NDArray[np.int64]
    value: NDArray[np.float32]

    def of(self, index: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which vectors belong to the tensor rows `index`, ascending, and the place in `index` of each."""
        first, last = np.searchsorted(self.row, (index[0], index[-1] + 1))
        near = np.arange(first, last)
        at = np.searchsorted(index, self.row[near])
        mine = index[at] == self.row[near]
        return near[mine], at[mine]


def _rows(table: pa.Table, places: NDArray[np.int64]) -> _Rows:
    """The vectors of a table in order; `places` are those of the sorted tensors."""
    column = in_one(table["value"])
    return _Rows(np.searchsorted(places, _places(table)), list_values(column).reshape(-1, column.type.list_size))


def _kept(kind: StoredKind, table: pa.Table | None, places: NDArray[np.int64]) -> _Rows:
    """The vectors of one kind; no tensor has any where a model's tables lack it."""
    if table is not None:
        return _rows(_in_order(table), places)
    return _Rows(np.empty(0, np.int64), np.empty((0, kind.width), kind.element))


def _part(found: _Rows, index: NDArray[np.int64]) -> Evidence:
    """The vectors of the tensors in rows `index`, numbered as there."""
    mine, at = found.of(index)
    return Evidence(at, found.value[mine])


def _neurons(table: pa.Table | None) -> dict[int, Neurons]:
    """Model and tensor as one number -> the vectors of its neurons, the tensor not yet numbered in its component."""
    if table is None:
        return {}
    rows = zip(_places(table).tolist(), table["tokens"].to_pylist(), table["value"].to_pylist(), strict=True)
    return {place: Neurons(-1, tokens, unpack(value)) for place, tokens, value in rows}


def _tokens(found: _Rows, keys: NDArray[np.uint64], index: NDArray[np.int64], roles: list[str]) -> dict[str, Tokens]:
    mine, at = found.of(index)
    tokens: dict[str, Tokens] = {}
    for tensor in np.unique(at):
        rows = mine[at == tensor]
        order = rows[np.argsort(keys[rows], kind="stable")]
        tokens[roles[tensor]] = Tokens(int(tensor), keys[order], found.value[order])
    return tokens
