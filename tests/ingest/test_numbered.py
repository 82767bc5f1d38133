"""Rows of an embedding by number: the same for every matrix of a shape, and no key in common with another shape."""

from __future__ import annotations

import numpy as np
import pytest

from forebear.ingest.fingerprint.numbered import NUMBERED, numbered_rows


@pytest.mark.parametrize("rows", [1, 23, 24, 25, 96, 32_000, 1 << 40])
def test_rows_are_inside_ascending_and_different(rows: int) -> None:
    ids, keys = numbered_rows(rows, 64)
    assert len(ids) == len(keys) == len(set(keys.tolist()))
    assert min(rows, NUMBERED - 4) <= len(ids) <= NUMBERED
    assert (np.diff(ids) > 0).all() and ids[0] >= 0 and ids[-1] < rows


def test_other_shapes_share_no_key() -> None:
    keys = [set(numbered_rows(rows, columns)[1].tolist()) for rows, columns in ((96, 64), (97, 64), (96, 65))]
    assert not keys[0] & keys[1] and not keys[0] & keys[2] and not keys[1] & keys[2]


def test_nothing_is_read_of_no_rows() -> None:
    assert len(numbered_rows(0, 64)[0]) == 0
