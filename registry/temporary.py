"""Questions without a registry of one's own: an empty one, gone at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from .registry import Registry

if TYPE_CHECKING:
    from ..queries.comparison.records.comparison import Comparison


@contextmanager
def temporary_registry() -> Iterator[Registry]:
    """An empty registry that is gone at the end, for what needs none of one's own."""
    with TemporaryDirectory(prefix="forebear-") as folder, Registry(Path(folder) / "registry.duckdb") as registry:
        yield registry


def compare(
    a: str | Path, b: str | Path, *, controls: Sequence[str | Path] | None = None, full: bool = False
) -> Comparison:
    """Two sources side by side without any registry: folders, files of weights, or `org/name` of the Hub.

    No registry supplies controls then: without `controls`, `trusted` is None. Raises as
    `Registry.compare` does.
    """
    with temporary_registry() as registry:
        return registry.compare(a, b, controls=controls, full=full)
