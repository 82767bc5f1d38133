"""Columns of Arrow as numpy arrays, with what stands for NULL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from forebear.queries.data.arrow import list_lengths, list_values, numbers


def test_a_whole_column_is_not_copied_and_keeps_its_type() -> None:
    column = pa.array([1, 2, 2**64 - 1], pa.uint64())
    found = numbers(column)
    assert found.dtype == np.uint64 and found.tolist() == [1, 2, 2**64 - 1]
    assert found.__array_interface__["data"][0] == column.buffers()[1].address


@pytest.mark.parametrize("cut", [slice(0, None), slice(1, None), slice(9, 12), slice(3, 3)])
def test_null_is_nan_wherever_a_part_of_a_column_begins(cut: slice) -> None:
    values = [None if n % 3 == 1 else float(n) for n in range(20)]
    found = numbers(pa.array(values, pa.float32())[cut])
    np.testing.assert_array_equal(found, np.array([np.nan if v is None else v for v in values[cut]]))


def test_null_may_be_another_number_and_large_ones_stay_exact() -> None:
    column = pa.chunked_array([[2**64 - 1, None], [5]], pa.uint64())
    found = numbers(column, np.uint64(0))
    assert found.dtype == np.uint64 and found.tolist() == [2**64 - 1, 0, 5]


@pytest.mark.parametrize("cut", [slice(0, None), slice(1, None), slice(1, 3), slice(2, 2)])
@pytest.mark.parametrize("kind", [pa.list_(pa.int32()), pa.large_list(pa.int32()), pa.list_view(pa.int32())])
@pytest.mark.parametrize("lists", [[[1, 2], [], [3], [4, 5, 6]], [[1, 2], None, [3], [4, 5, 6]]])
def test_lists_are_their_values_and_lengths_wherever_a_part_begins(
    lists: list[list[int] | None], kind: pa.DataType, cut: slice
) -> None:
    column = pa.array(lists, kind)[cut]
    assert list_values(column).tolist() == [value for one in lists[cut] for value in one or ()]
    expected = [float("nan") if one is None else len(one) for one in lists[cut]]
    np.testing.assert_array_equal(list_lengths(column), np.array(expected))


@pytest.mark.parametrize("cut", [slice(0, None), slice(1, None), slice(1, 2), slice(3, 3)])
@pytest.mark.parametrize("lists", [[[1, 2], [3, 4], [5, 6]], [[1, 2], None, [5, 6]]])
def test_lists_of_one_length_are_their_values_wherever_a_part_begins(lists: list[list[int] | None], cut: slice) -> None:
    column = pa.array(lists, pa.list_(pa.int32(), 2))[cut]
    assert list_values(column).tolist() == [value for one in lists[cut] for value in one or ()]


def test_a_question_to_a_registry_imports_neither_pandas_nor_what_reads_checkpoints(zoo_registry: Path) -> None:
    code = (
        "import sys; from forebear import Registry; from forebear.queries.data import loading, query\n"
        "read = query.rows_of_models\n"
        "def turned(*asked):\n"  # models in the order that DuckDB's threads finish in
        "    found = read(*asked); tensors = found['tensor']; first = tensors['model_id'].to_pylist()\n"
        "    half = next((i for i, m in enumerate(first) if m != first[0]), 0)\n"
        "    both = [tensors.slice(half), tensors.slice(0, half)]\n"
        "    return found | {'tensor': loading.pa.concat_tables(both)}\n"
        "query.rows_of_models = turned\n"
        f"with Registry({str(zoo_registry)!r}, read_only=True) as r: r.ancestors(r.models()[0].name)\n"
        "assert not {'pandas', 'pyarrow.compute', 'scipy.sparse', 'forebear.ingest.checkpoint'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
