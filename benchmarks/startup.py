"""CPU seconds of the commands that a person waits for: the help, and what only looks at a registry or changes little.

    python benchmarks/startup.py [PYTHON ...]

For each Python (default: this one) the median of RUNS runs of user and system time, on a copy of a registry of the
bundled zoo that this very Python's forebear makes.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RUNS = 5
HELP_SECONDS = 0.3
"""The bar: of CPU, for the help."""
ZOO = Path(__file__).parent.parent / "tests" / "zoo" / "models"
COMMANDS = (("--help",), ("list", "--quiet"), ("show", "cedar"), ("remove", "--quiet"))


def seconds(python: str, arguments: tuple[str, ...], registry: Path) -> float:
    """User and system time of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [python, "-m", "forebear.registry.cli", *arguments]
    environment = {**os.environ, "FOREBEAR_REGISTRY": str(registry)}
    subprocess.run(command, env=environment, capture_output=True, check=True, cwd=registry.parent)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Print a line for each command and Python."""
    for python in sys.argv[1:] or [sys.executable]:
        with tempfile.TemporaryDirectory() as folder:
            registry = Path(folder) / "registry.duckdb"
            models = sorted(str(model) for model in ZOO.iterdir())
            seconds(python, ("ingest", "--quiet", *models), registry)
            for arguments in COMMANDS:
                names = [Path(model).name for model in models] if arguments[0] == "remove" else [""]
                runs = [
                    seconds(python, (*arguments, name) if name else arguments, registry)
                    for name in (names * RUNS)[:RUNS]
                ]
                took = statistics.median(runs)
                bar = (
                    "" if arguments[0] != "--help" else ", the bar is " + ("held" if took < HELP_SECONDS else "missed")
                )
                print(f"{python}: forebear {arguments[0]}: {took:.2f} s of CPU, median of {RUNS}{bar}")


if __name__ == "__main__":
    main()
