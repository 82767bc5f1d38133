"""What checks a registry that travelled notices a lost row, another value, and rows of a model that is not there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from .travel import Held, NotWhole, held, require_whole


@pytest.fixture(scope="module")
def expected(zoo_registry: Path) -> Held:
    """What the zoo's registry holds."""
    return held(zoo_registry)


@pytest.fixture
def copy(zoo_registry: Path, tmp_path: Path) -> Iterator[Path]:
    """A registry to damage."""
    yield Path(shutil.copy(zoo_registry, tmp_path / "copy.duckdb"))


def test_an_equal_registry_is_whole(expected: Held, copy: Path) -> None:
    assert require_whole(copy, expected) == 17


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            "DELETE FROM positions WHERE model_id = 3 AND tensor_id = (SELECT min(tensor_id) FROM positions)",
            "positions",
        ),
        ("UPDATE tensor SET std = std * 2 WHERE model_id = 3 AND tensor_id = 1", "tensor"),
        ("DELETE FROM gram WHERE model_id = 3", "gram"),
        ("UPDATE vector SET model_id = 999 WHERE model_id = 3", "vector: rows of 1 models that are not there"),
    ],
)
def test_what_is_not_whole_is_noticed(expected: Held, copy: Path, damage: str, said: str) -> None:
    with duckdb.connect(str(copy)) as connection:
        connection.execute(damage)
    with pytest.raises(NotWhole, match=said):
        require_whole(copy, expected)
