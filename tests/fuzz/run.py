"""Fuzz every parser, and hold each input to its work: 2 s of CPU, 256 MB of memory, and no error but forebear's own.

    python -m tests.fuzz.run --seconds 60 [--targets gguf,onnx] [--seed 1]

One process a core; each has a counter of its own and reports what every target took at most. An input that is over a
bar, or raises something else, is kept in .bench/fuzz under the name of its target, and the run ends with 1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import random
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from forebear.ingest.errors import ForebearError

from .mutations import mutated
from .seeds import Target, targets

SECONDS, MEGABYTES = 2.0, 256
KEPT = Path(".bench/fuzz")


@dataclass(slots=True)
class Tally:
    """What one process has seen: inputs, answers and refusals a target, the most CPU and memory, and the faults."""

    inputs: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)
    megabytes: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count another process's inputs too."""
        self.inputs.update(other.inputs)
        self.answered.update(other.answered)
        for name in other.inputs:
            self.seconds[name] = max(self.seconds.get(name, 0.0), other.seconds[name])
            self.megabytes[name] = max(self.megabytes.get(name, 0.0), other.megabytes.get(name, 0.0))
        self.faults += other.faults


def peak() -> float:
    """The most memory that this process has held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def resident() -> float:
    """The memory that this process holds now, in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def forget_peak() -> None:
    """Begin to measure the peak anew, where the system can (Linux)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def check(target: Target, data: bytes, tally: Tally) -> None:
    """One input: what it took, and a fault where that is over a bar or the error is none of forebear's."""
    fault = ""
    before, began = resident(), time.process_time()
    try:
        target.read(data)
        tally.answered[target.name] += 1
    except ForebearError:
        pass
    except Exception as error:
        fault = f"{type(error).__name__}: {traceback.format_exc(limit=-3)}"
    seconds = time.process_time() - began
    megabytes = max(0.0, peak() - before)
    tally.inputs[target.name] += 1
    tally.seconds[target.name] = max(tally.seconds.get(target.name, 0.0), seconds)
    if megabytes > tally.megabytes.get(target.name, 0.0):
        tally.megabytes[target.name] = megabytes
        forget_peak()
    if not fault and (seconds > SECONDS or megabytes > MEGABYTES):
        fault = f"{seconds:.1f} s, {megabytes:.0f} MB"
    if fault:
        tally.faults.append(f"{target.name}: {keep(target.name, data)}: {fault}")


def keep(name: str, data: bytes) -> Path:
    """Write an input that was too much down."""
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    return path


def fuzz(names: Sequence[str], seconds: float, seed: int) -> Tally:
    """Inputs of all targets in turn until the seconds are over."""
    rng = random.Random(seed)
    tally = Tally()
    chosen = [one for one in targets() if not names or one.name in names]
    for one in chosen:
        one.read(one.seed)
    forget_peak()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for target in chosen:
            check(target, mutated(rng, target.seed), tally)
    return tally


def main() -> int:
    """Run, print a line a target, and add the figures to .bench/fuzz/runs.jsonl."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--targets", default="")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    names = [name for name in given.targets.split(",") if name]
    tally = Tally()
    context = multiprocessing.get_context("spawn")
    with context.Pool(given.processes) as pool:
        jobs = [(names, given.seconds, given.seed * 1000 + i) for i in range(given.processes)]
        for one in pool.starmap(fuzz, jobs):
            tally.add(one)
    for name, count in sorted(tally.inputs.items()):
        print(
            f"{name:16} {count:9,} inputs, {tally.answered[name]:8,} read; at most {tally.seconds[name]:5.2f} s,"
            f" {tally.megabytes.get(name, 0.0):6.1f} MB"
        )
    total = sum(tally.inputs.values())
    print(f"{total:,} inputs, {len(tally.faults)} faults (seed {given.seed})")
    print("\n".join(tally.faults[:20]))
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "runs.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"seed": given.seed, "inputs": total, "faults": len(tally.faults)}) + "\n")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
