"""What does it cost to compare all weights of two models? Seconds against sha256sum of the same files, and memory.

    python benchmarks/compare_full.py     (make bench-compare-full)

Speed: two models of the widths of Llama 2 7B with two layers in bfloat16, every byte of them real (1.3 GB each, in a
temporary folder, removed afterwards); both tools read them from the page cache. Memory: two models of all 32 layers as
sparse files (benchmarks/sparse.py, 13.5 GB nominal each), and the peak of the resident size. Each run is a process of
its own; seconds are those of the whole process.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import ml_dtypes
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.sparse import Values, shapes, write_checkpoint

MOST_MEGABYTES, LEAST_RATIO = 2000.0, 0.5
LAYERS = 2
RUNS = 3
PIECE = 1 << 22
CHILD = """
import sys
from forebear.ingest.sources import open_source
from forebear.registry.jobs.whole import weights_of
found = weights_of(open_source(sys.argv[1]), open_source(sys.argv[2]))
print(found.bytes_read, len(found.tensors), found.neurons.log10_p, found.attention.z)
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One process: seconds, those of the processor, peak memory in MB, and what it printed."""

    seconds: float
    processor: float
    megabytes: float
    printed: str


def run(*command: str) -> Run:
    """Run a command to its end."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        printed = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[0]} ended with {child.returncode}")
    return Run(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, printed.strip())


def write_real(folder: Path, seed: int, noise: float) -> None:
    """A model of LAYERS layers in bfloat16, every value written: common ones plus noise of relative size `noise`."""
    write_checkpoint(folder, Values(), shards=1, layers=LAYERS)  # config and tokenizer
    wanted = shapes(LAYERS)
    header: dict[str, object] = {}
    end = 0
    for name, shape in wanted.items():
        size = 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        _write_values(file.fileno(), file.tell(), wanted, seed, noise)


def _write_values(descriptor: int, at: int, wanted: Mapping[str, tuple[int, ...]], seed: int, noise: float) -> None:
    common, own = np.random.default_rng(0), np.random.default_rng([1, seed])
    for shape in wanted.values():
        left = int(np.prod(shape))
        while left:
            count = min(left, PIECE)
            values = common.standard_normal(count, np.float32)
            values += np.float32(noise) * own.standard_normal(count, np.float32)
            at += os.pwrite(descriptor, (values * np.float32(0.02)).astype(ml_dtypes.bfloat16).tobytes(), at)
            left -= count


def speed(folder: Path) -> float:
    """Seconds of sha256sum over seconds of the comparison, on the same files; best of RUNS of each, in turns."""
    models = [folder / "real-a", folder / "real-b"]
    for seed, model in enumerate(models):
        write_real(model, seed, 0.05)
    files = [str(m / "model.safetensors") for m in models]
    summed, compared = [], []
    for _ in range(RUNS):
        summed.append(run("sha256sum", *files))
        compared.append(run(sys.executable, "-c", CHILD, *map(str, models)))
    size = sum(os.stat(f).st_size for f in files)
    ours, theirs = min(r.seconds for r in compared), min(r.seconds for r in summed)
    used, needed = min(r.processor for r in compared), min(r.processor for r in summed)
    print(f"real bytes    {size / 1e9:.2f} GB in two models")
    print(f"sha256sum     {theirs:.1f} s, {size / theirs / 1e6:.0f} MB/s, {needed:.1f} s CPU")
    resident = max(r.megabytes for r in compared)
    print(f"compare       {ours:.1f} s, {size / ours / 1e6:.0f} MB/s, {used:.1f} s CPU, {resident:.0f} MB")
    print(f"              {compared[0].printed}")
    for model in models:
        shutil.rmtree(model)
    return theirs / ours


def memory(folder: Path, layers: int) -> float:
    """Peak resident megabytes of comparing two sparse models of `layers` layers."""
    models = [folder / "sparse-a", folder / "sparse-b"]
    write_checkpoint(models[0], Values(1), layers=layers)
    write_checkpoint(models[1], Values(2, related=1), layers=layers)
    found = run(sys.executable, "-c", CHILD, *map(str, models))
    print(f"{layers} layers     {found.seconds:.0f} s, {found.megabytes:.0f} MB resident ({found.printed})")
    return found.megabytes


def main() -> int:
    """Print the figures; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description="the cost of comparing all weights")
    parser.add_argument("--layers", type=int, default=32, help="layers of the sparse models (32)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="forebear-bench-") as name:
        ratio = speed(Path(name))
        fast = ratio >= LEAST_RATIO
        print(
            f"ratio         {ratio:.2f} of sha256sum  {'PASS' if fast else 'FAIL'} (at least {LEAST_RATIO})", flush=True
        )
        megabytes = memory(Path(name), asked.layers)
        passed = megabytes < MOST_MEGABYTES
        print(f"peak memory   {megabytes:.0f} MB  {'PASS' if passed else 'FAIL'} (under {MOST_MEGABYTES:.0f} MB)")
    return 0 if passed and fast else 1


if __name__ == "__main__":
    sys.exit(main())
