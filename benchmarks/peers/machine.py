"""What the figures were measured on: machine, versions, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("duckdb", "numpy", "scipy", "pyarrow", "gguf", "ml_dtypes")


def facts(kit: Path | None) -> list[str]:
    """Lines for a report."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    lines = [
        f"Machine: {os.cpu_count()} cores of {model}, {memory_gigabytes():.0f} GB, {platform.system()}",
        f"Python {platform.python_version()}; " + ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    ]
    return [*lines, kit_version(kit)] if kit else lines


def memory_gigabytes() -> float:
    """Memory of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def commit() -> str:
    """The checkout's commit, short; `-dirty` after it when files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    return done.stdout.strip()


def kit_version(python: Path) -> str:
    """The kit and the torch that it runs on."""
    code = "from importlib.metadata import version as v; print(v('cisco-ai-provenance-kit'), v('torch'), v('numpy'))"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    kit, torch, numpy = done.stdout.split()
    return f"cisco-ai-provenance-kit {kit} with torch {torch} and numpy {numpy}"
