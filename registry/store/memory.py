"""Memory of this process, bounded by the kernel for a while: DuckDB's own limit does not count one long string."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

_STATUS = Path("/proc/self/status")


@contextlib.contextmanager
def bounded(most: int) -> Iterator[None]:
    """Meanwhile the process gets at most `most` bytes more than it has; what asks for more fails, in any thread.

    Linux counts private memory (RLIMIT_DATA, since 4.7), also what is only reserved. Elsewhere nothing is bounded.
    """
    held = _held()
    if held is None:
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    least = held + most if soft == resource.RLIM_INFINITY else min(held + most, soft)
    resource.setrlimit(resource.RLIMIT_DATA, (least, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _held() -> int | None:
    """Bytes that RLIMIT_DATA counts of this process now; None where the system does not say."""
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmData:")), None)
