"""Which members of a family are another one rounded to fewer levels."""

from __future__ import annotations

import numpy as np
import pytest

from forebear.queries.lineage.family import _copies


@pytest.mark.parametrize(("levels", "error"), [(6.3, 0.22), (11.7, 0.1), (29.7, 0.006)])
def test_a_member_as_far_from_a_finer_one_as_its_bits_leave_it_is_its_copy(levels: float, error: float) -> None:
    way = error**2
    squared = np.array([[0, way, 1 + way], [way, 0, 1], [1 + way, 1, 0]])
    assert _copies(squared, [levels, 31.6, 31.6]) == {0: 1}
    assert _copies(squared * 2.6**2, [levels, 31.6, 31.6]) == {}, "further than its bits may leave it"
