"""Train the large zoo: nine roots, their derivatives of every category, twins, and strangers; and write truth.json.

    python benchmarks/zoo/generate.py FOLDER [--edition N] [--only NAME... | --roots ROOT...] [--workers 2]

Needs torch, tokenizers, safetensors and gguf. Models already in FOLDER are kept, so a run that was stopped goes on
where it was. Each model is trained by one thread and follows from its name alone, whatever else is made beside it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path

import bundled  # noqa: F401  (the next imports need it)
import torch
from checkpoints import write
from derivatives import family
from editions import FIRST, name_of
from lineage import Entry, root_entry, roots, strangers


def entries(edition: int) -> dict[str, Entry]:
    """Every model by name, in the order of work: roots, two whole families, strangers, the other families."""
    listed = [root_entry(root) for root in roots(edition)]
    families = [family(root) for root in roots(edition)]
    listed += [*families[0], *families[1], *strangers(edition), *(entry for others in families[2:] for entry in others)]
    found = {entry.name: entry for entry in listed}
    assert len(found) == len(listed), "two models of one name"
    return found


def make(name: str, folder: Path, edition: int) -> float:
    """Make one model in a process of its own kind; returns the seconds it took."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    started = time.monotonic()
    write(entries(edition)[name].make(folder), folder / name)
    return time.monotonic() - started


def needs(entry: Entry) -> set[str]:
    """Models that must exist first: the parents, and the root, which some merges start from."""
    return {*entry.parents, *({entry.root} if entry.parents else ())}


def missing(every: dict[str, Entry], folder: Path, only: list[str] | None) -> list[str]:
    """Names to make, in order: all, or those asked for and whatever they need."""
    wanted, waiting = set(only or every), list(only or every)
    while waiting:
        more = needs(every[waiting.pop()]) - wanted
        wanted |= more
        waiting += more
    return [name for name in every if name in wanted and not (folder / name).exists()]


def of_roots(edition: int, chosen: list[str] | None) -> list[str] | None:
    """The families of some roots, without what is rewritten on purpose and without twins; None for no choice."""
    if chosen is None:
        return None
    mine = {name_of(root, edition) for root in chosen}
    return [n for n, e in entries(edition).items() if e.root in mine and not e.rewritten and not e.initialisation]


def run(folder: Path, edition: int, only: list[str] | None, workers: int) -> None:
    """Make what is missing, each model as soon as its parents are there."""
    every = entries(edition)
    waiting = missing(every, folder, only)
    (folder / ".partial").mkdir(parents=True, exist_ok=True)
    print(f"{len(waiting)} of {len(every)} models to make", flush=True)
    started, done = time.monotonic(), 0
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        running: dict[Future[float], str] = {}
        while waiting or running:
            for name in [n for n in waiting if all((folder / p).exists() for p in needs(every[n]))]:
                if len(running) < workers:
                    running[pool.submit(make, name, folder, edition)] = name
                    waiting.remove(name)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                done += 1
                name = running.pop(future)
                print(f"{name}: {future.result():.0f} s; {done} done, {time.monotonic() - started:.0f} s", flush=True)


def write_truth(path: Path, edition: int) -> None:
    """Write who comes from whom; the order of the models is the order in which they appeared."""
    models = {name: entry.truth() for name, entry in entries(edition).items()}
    made = {"python": platform.python_version(), "torch": str(torch.__version__)}
    path.write_text(json.dumps({"models": models, **made}, indent=1) + "\n", "utf-8")


def main() -> None:
    """Make and describe the zoo."""
    parser = argparse.ArgumentParser(description="train the large zoo")
    parser.add_argument("folder", type=Path, help="where the models and truth.json go")
    parser.add_argument("--edition", type=int, default=FIRST, metavar="N", help="other seeds, texts, names (1)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these models, and missing parents")
    parser.add_argument(
        "--roots", nargs="+", metavar="ROOT", help="the families of these roots, by their first edition's names"
    )
    parser.add_argument("--workers", type=int, default=2, help="models at a time (2)")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    write_truth(asked.folder / "truth.json", asked.edition)
    run(asked.folder, asked.edition, asked.only or of_roots(asked.edition, asked.roots), asked.workers)


if __name__ == "__main__":
    main()
