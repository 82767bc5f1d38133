"""Fills a reference database of modelDNA with models and scans each against it, in modelDNA's own environment.

    python model_dna_driver.py DATABASE RESULTS < folders.txt

It calls what the commands `modeldna db add` and `modeldna scan` call (`extract_fingerprint`, `ReferenceDB.add`,
`scan`), with their defaults, so that libraries are loaded once and not once a model. Nothing of modelDNA is changed. A
run that was stopped goes on after the lines that RESULTS has.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from modeldna.db.store import ReferenceDB  # type: ignore[import-not-found]
from modeldna.fingerprint.extract import extract_fingerprint  # type: ignore[import-not-found]
from modeldna.io.source import open_source  # type: ignore[import-not-found]
from modeldna.scan import scan  # type: ignore[import-not-found]

FAILURES = (RuntimeError, ValueError, LookupError, TypeError, OSError)
"""What its libraries raise of a model that they cannot read."""


def added(folder: str, database: ReferenceDB) -> dict[str, object]:
    """Fingerprint one model into the database; how many bytes that read, or why it failed."""
    started = time.process_time()
    try:
        source = open_source(folder)
        database.add(extract_fingerprint(source, mode="fast", model_id=folder))
    except FAILURES as error:
        return {"added": folder, "error": f"{type(error).__name__}: {error}"[:300]}
    return {"added": folder, "seconds": time.process_time() - started, "bytes": source.bytes_read}


def scanned(folder: str, database: ReferenceDB) -> dict[str, object]:
    """The verdict on one model, and the probability of every candidate that it could be compared with."""
    started = time.process_time()
    try:
        found = scan(folder, db=database).verdict
    except FAILURES as error:
        return {"scanned": folder, "error": f"{type(error).__name__}: {error}"[:300]}
    candidates = {c.candidate_id: c.probability for c in found.candidates if c.probability is not None}
    return {
        "scanned": folder,
        "seconds": time.process_time() - started,
        "verdict": found.verdict.value,
        "candidates": candidates,
    }


def background(database: ReferenceDB) -> dict[str, object]:
    """What modelDNA measures of unrelated pairs, once: the seconds it takes."""
    started = time.process_time()
    database.background()
    return {"background": time.process_time() - started}


def main(place: str, results: Path) -> None:
    """One line of JSON a model and step, then one with the peak memory."""
    folders = [line.rstrip("\n") for line in sys.stdin]
    database = ReferenceDB(Path(place))
    steps: list[Callable[[], dict[str, object]]] = [partial(added, folder, database) for folder in folders]
    steps += [partial(background, database), *(partial(scanned, folder, database) for folder in folders)]
    there = len(results.read_text("utf-8").splitlines()) if results.exists() else 0
    with results.open("a", encoding="utf-8") as file:
        for step in steps[there:]:
            print(json.dumps(step()), file=file, flush=True)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"peak_megabytes": peak}), file=file)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
