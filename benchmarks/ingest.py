"""What does it cost to ingest a 7B model? Seconds, resident memory and bytes read, each run in a process of its own.

    python benchmarks/ingest.py     (make bench-ingest)

The checkpoint is that of `benchmarks/sparse.py`: Llama-2-7B-shaped, 13.5 GB nominal, dropped from the page cache before
every run. Seconds are those of the whole process, interpreter and imports included; memory is its peak resident size.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

RUNS = 3
MOST_SECONDS, MOST_MEGABYTES, MOST_SHARE = 10.0, 500.0, 0.005
SPARSE = Path(__file__).with_name("sparse.py")
CHILD = """
import json, sys
from forebear.registry import Registry
with Registry(sys.argv[1]) as registry:
    (outcome,) = registry.ingest(sys.argv[2])
assert outcome.status == "ingested", outcome
print(json.dumps([outcome.bytes_read, outcome.bytes_total, outcome.tensors, outcome.requests, outcome.seconds]))
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One ingest: seconds of the process and of the work inside it, peak memory in MB, and what was read."""

    seconds: float
    inside: float
    megabytes: float
    bytes_read: int
    bytes_total: int
    tensors: int
    requests: int


def run(registry: Path, folder: Path) -> Run:
    """Ingest once, in a fresh process with a fresh registry."""
    forget(folder)
    began = time.perf_counter()
    command = [sys.executable, "-c", CHILD, str(registry), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        printed = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if child.returncode:
        raise SystemExit(f"the ingest ended with {child.returncode}")
    read, total, tensors, requests, inside = json.loads(printed)
    return Run(seconds, inside, usage.ru_maxrss / 1024, read, total, tensors, requests)


def forget(folder: Path) -> None:
    """Write what is dirty and drop the folder's files from the page cache."""
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def main() -> int:
    """Print the figures; 1 when a bar is missed."""
    with tempfile.TemporaryDirectory(prefix="forebear-bench-") as name:
        folder = Path(name) / "llama-2-7b-shaped"
        subprocess.run([sys.executable, str(SPARSE), str(folder)], check=True)
        on_disk = sum(512 * p.stat().st_blocks for p in folder.iterdir())
        runs = [run(Path(name) / f"{i}.duckdb", folder) for i in range(RUNS)]
    first = runs[0]
    seconds = statistics.median(r.seconds for r in runs)
    inside = statistics.median(r.inside for r in runs)
    megabytes = max(r.megabytes for r in runs)
    share = first.bytes_read / first.bytes_total
    print(
        f"checkpoint   {first.bytes_total / 1e9:.2f} GB nominal, {on_disk / 1e6:.0f} MB on disk,"
        f" {first.tensors} tensors"
    )
    print(
        f"seconds      {seconds:.2f} (median of {RUNS}; {inside:.2f} of it reading and fingerprinting)",
        verdict(seconds < MOST_SECONDS, f"{MOST_SECONDS:g} s"),
    )
    print(f"peak memory  {megabytes:.0f} MB resident", verdict(megabytes < MOST_MEGABYTES, f"{MOST_MEGABYTES:g} MB"))
    print(
        f"bytes read   {first.bytes_read / 1e6:.1f} MB in {first.requests} reads, {share:.3%}",
        verdict(share < MOST_SHARE, f"{MOST_SHARE:.1%}"),
    )
    return 0 if seconds < MOST_SECONDS and megabytes < MOST_MEGABYTES and share < MOST_SHARE else 1


def verdict(passed: bool, bar: str) -> str:
    """How a figure compares with its bar."""
    return f"  {'PASS' if passed else 'FAIL'} (under {bar})"


if __name__ == "__main__":
    sys.exit(main())
