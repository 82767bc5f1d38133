"""What does it cost to compare two 7B models beside a control? Seconds and memory, in a process of its own.

    python benchmarks/compare.py     (make bench-compare)

Three checkpoints of `benchmarks/sparse.py`, Llama-2-7B-shaped: one, its fine-tune (5 % noise), and a stranger as the
control; none is registered, all are dropped from the page cache before. The verdicts must be right.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from forebear.registry import Registry

MOST_SECONDS = 60.0
SPARSE = Path(__file__).with_name("sparse.py")
MODELS = {"base": ("--seed", "1"), "tuned": ("--seed", "2", "--related", "1"), "stranger": ("--seed", "3")}


def main() -> int:
    """Print the figures; 1 when the bar is missed or a verdict is wrong."""
    with tempfile.TemporaryDirectory(prefix="forebear-bench-") as name:
        root = Path(name)
        for model, options in MODELS.items():
            subprocess.run([sys.executable, str(SPARSE), str(root / model), *options], check=True)
            forget(root / model)
        Registry(root / "empty.duckdb").close()
        command = [sys.executable, "-m", "forebear.registry.cli", "--registry", str(root / "empty.duckdb"), "compare"]
        command += [str(root / "tuned"), str(root / "base"), "--control", str(root / "stranger"), "--format", "json"]
        began = time.perf_counter()
        with subprocess.Popen([*command, "-o", str(root / "out.json")]) as child:
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
        if child.returncode:
            raise SystemExit(f"the comparison ended with {child.returncode}")
        size = (root / "out.json").stat().st_size
        found = json.loads((root / "out.json").read_text(encoding="utf-8"))
    passed = seconds < MOST_SECONDS
    right = found["verdict"] in {"related", "derived"} and found["trusted"] is True
    print(f"seconds      {seconds:.1f}  {'PASS' if passed else 'FAIL'} (under {MOST_SECONDS:g} s)")
    print(f"peak memory  {usage.ru_maxrss / 1024:.0f} MB resident")
    print(f"document     {size / 1e6:.1f} MB of JSON, {len(found['components'][0]['metrics'])} rows of metrics")
    print(f"verdict      {found['verdict']}, controls trusted: {found['trusted']}  {'PASS' if right else 'FAIL'}")
    return 0 if passed and right else 1


def forget(folder: Path) -> None:
    """Write what is dirty and drop the folder's files from the page cache."""
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
