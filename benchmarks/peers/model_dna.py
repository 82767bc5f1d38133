"""modelDNA 0.1.0 on the zoo, by its own library in its own environment, offline on local folders.

Bin Adil and Aamir 2026, arXiv 2607.10617: sampled weights, spreads by layer, gains and sketched spectra, and a logistic
model that makes one probability of them. Every model is added to a reference database and then scanned against it,
under numbers drawn at random, as forebear is asked. The score of a pair is the probability that its scan gives the
candidate; what a scan rules out (another depth, other shapes, a format that it cannot read) has no score.
"""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from .kit import children_seconds, offline
from .product import anonymous
from .scoring import SCHEMA, Cost
from .truth import Zoo

NAME = "modelDNA"
POSITIVE = 0.9
"""modelDNA's own threshold for calling a lineage (`modeldna.verdict.Thresholds.positive`)."""
COLD = 3


def run(zoo: Zoo, folder: Path, python: Path, place: Path) -> tuple[pa.Table, Cost]:
    """Scores of all ordered pairs, and what they cost; a run that was stopped goes on with what it left in `place`."""
    place.mkdir(parents=True, exist_ok=True)
    home = str(place.absolute())
    aliases = anonymous(zoo, folder, place.absolute())
    lines = drive([str(path) for path in aliases.path.values()], python, home)
    cold = cold_seconds([str(path) for path in list(aliases.path.values())[: COLD + 1]], python, home)
    table = pa.table([list(c) for c in zip(*scored(lines, aliases.name, zoo), strict=True)], schema=SCHEMA)
    return table, cost(lines, zoo, folder, cold)


def scored(lines: list[dict[str, Any]], names: Mapping[str, str], zoo: Zoo) -> list[tuple[str, str, str, float]]:
    """A row an ordered pair; nan where the scan failed or ruled the candidate out."""
    found = {names[Path(line["scanned"]).name]: line.get("candidates", {}) for line in lines if "scanned" in line}
    rows = []
    for query in zoo.members:
        probability = {names[Path(path).name]: p for path, p in found[query].items()}
        rows += [(NAME, query, other, probability.get(other, math.nan)) for other in zoo.members if other != query]
    return rows


def cost(lines: list[dict[str, Any]], zoo: Zoo, folder: Path, cold: float) -> Cost:
    """CPU seconds and bytes, from the driver's lines."""
    added = [line for line in lines if "added" in line]
    scans = [line for line in lines if "scanned" in line and "error" not in line]
    kept = [line for line in added if "error" not in line]
    reading = sum(line["seconds"] for line in kept)
    background = next(line["background"] for line in lines if "background" in line)
    whole = sum(line["seconds"] for line in scans) / max(1, len(scans))
    query = max(0.0, whole - reading / max(1, len(kept)))
    compared = sum(len(line["candidates"]) for line in scans) / max(1, len(scans))
    total = sum(f.stat().st_size for name in zoo.members for f in weight_files(folder / name))
    note = (
        f"a scan fingerprints the model and reads the fingerprints of all of equal depth from disk; {cold:.1f} s a pair"
        f" as a command from the shell; {background:.0f} s once for its background of unrelated pairs;"
        f" {len(added) - len(kept)} models it cannot read; it reads"
        f" {100 * sum(line['bytes'] for line in kept) / total:.0f} % of these small models"
    )
    return Cost(
        NAME,
        "modeldna 0.1.0, by its library",
        len(zoo.members),
        sum(len(line["candidates"]) for line in scans),
        reading,
        query / max(1.0, compared),
        query,
        float(lines[-1]["peak_megabytes"]),
        note,
    )


def weight_files(folder: Path) -> list[Path]:
    """The files of weights of a model."""
    return [*folder.glob("*.safetensors"), *folder.glob("*.gguf")]


def drive(folders: list[str], python: Path, home: str) -> list[dict[str, Any]]:
    """The driver's lines."""
    script = Path(__file__).with_name("model_dna_driver.py")
    results = Path(home) / "results.jsonl"
    subprocess.run(
        [str(python), str(script), f"{home}/database", str(results)],
        input="".join(f"{folder}\n" for folder in folders),
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        env=offline(home),
    )
    return [json.loads(line) for line in results.read_text("utf-8").splitlines()]


def cold_seconds(folders: list[str], python: Path, home: str) -> float:
    """Mean CPU seconds of the bare command `modeldna compare` over the first folder and each of the others."""
    started = children_seconds()
    for other in folders[1:]:
        command = [str(python.with_name("modeldna")), "compare", "--json", folders[0], other]
        subprocess.run(command, capture_output=True, env=offline(home), check=False)
    return (children_seconds() - started) / max(1, len(folders) - 1)
