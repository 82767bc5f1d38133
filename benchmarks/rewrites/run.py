"""Rewritten and damaged models asked about: is the original in the first rank? `make bench-rewrites`.

    python -m benchmarks.rewrites.run [ROOT ...] [--triples N]

Roots are models of the bundled zoo (llama and Qwen2); the registry holds all 17 of it. Of pairs and triples a line says
how many were found, and each that was not stands below. Every rewrite alone is also run forward: its outputs are
the root's to 1e-3.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forebear.ingest.model import fingerprint_model
from forebear.registry import Registry
from forebear.registry.reports.asking import ask
from tests.queries.evidence.rewrites import forward
from tests.writers import MemorySource, model_files, raw

from .cases import VOCABULARY_ORDER, Case, Checkpoint, damage, read_checkpoint, rewrites

ZOO = Path(__file__).resolve().parents[2] / "tests" / "zoo" / "models"
ROOTS = ("alder", "cedar", "alder-pruned")
"""6 layers of 80, llama, tied; 4 layers of 64, Qwen2 with biases, not tied; 4 layers of 80."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was said of one case: the verdict, and the rank, log10 E and kind of evidence of the original."""

    root: str
    case: Case
    verdict: str
    rank: int | None
    log10_evalue: float | None
    evidence: str

    @property
    def right(self) -> bool:
        """Whether the original stands in the first rank of a model that is of its lineage."""
        return self.verdict in {"derived", "related"} and self.rank == 1


def source(made: Checkpoint) -> MemorySource:
    """The files of a checkpoint, in memory, as float32."""
    config = made.config | {"tie_word_embeddings": "lm_head.weight" not in made.tensors, "torch_dtype": "float32"}
    tensors = {name: raw(tensor, "F32") for name, tensor in made.tensors.items()}
    return MemorySource(model_files(tensors, config=config, tokenizer=made.tokenizer))


def asked(registry: Registry, root: str, case: Case, made: Checkpoint) -> Found:
    """What the registry says of a case."""
    report = ask(registry.connection, fingerprint_model(source(made)), 20)
    rows = [row for answer in report.components for row in answer.ancestors if row.name == root]
    row = min(rows, key=lambda one: one.rank, default=None)
    if row is None or row.origin is None:
        return Found(root, case, report.verdict, None, row.log10_evalue if row else None, "")
    return Found(root, case, report.verdict, row.rank, row.log10_evalue, row.evidence or "")


def computes_the_same(root: Checkpoint, made: Checkpoint, case: Case) -> bool:
    """Whether the outputs are the root's to 1e-3, for tokens that both have under the same number."""
    if VOCABULARY_ORDER in case.name:
        return True
    ids = [5, 17, 300, 42, 9, 77, 130]
    expected = forward(root.tensors, root.attention, ids)
    return bool(np.abs(forward(made.tensors, made.attention, ids) - expected).max() < 1e-3 * np.abs(expected).max())


def line(found: Found) -> str:
    """One case as a row of a table in Markdown."""
    e = "-" if found.log10_evalue is None else f"1e{found.log10_evalue:.0f}"
    rank = "-" if found.rank is None else str(found.rank)
    right = "yes" if found.right else "**no**"
    return f"| {found.root} | {found.case.name} | {right} | {found.verdict} | {rank} | {e} | {found.evidence} |"


def row(found: Found) -> dict[str, object]:
    """One case as a line of JSON."""
    case = found.case
    facts: dict[str, object] = {"root": found.root, "group": case.group, "case": case.name, "verdict": found.verdict}
    return facts | {"rank": found.rank, "log10_evalue": found.log10_evalue, "found": found.right}


def summary(found: Iterable[Found]) -> list[str]:
    """Tables: single cases line by line, of pairs and triples how many were found and which were not."""
    groups: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        groups[one.case.group].append(one)
    lines = []
    for group, members in groups.items():
        right = sum(one.right for one in members)
        worst = max((one.log10_evalue for one in members if one.log10_evalue is not None), default=0.0)
        lines += ["", f"{group}: {right} of {len(members)} found; largest E 1e{worst:.0f}", ""]
        shown = [one for one in members if not one.right or group not in {"pair", "triple"}]
        if shown:
            lines += ["| root | case | found | verdict | rank | E | evidence |", "| --- " * 7 + "|", *map(line, shown)]
    return lines


def main() -> None:
    """Ask about every case of every root, and print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("roots", nargs="*", default=list(ROOTS))
    parser.add_argument("--to", type=Path, help="also write a line of JSON a case there")
    arguments = parser.parse_args()
    began = time.monotonic()
    found, wrong = [], []
    with ExitStack() as stack:
        to = stack.enter_context(arguments.to.open("w", encoding="utf-8")) if arguments.to else None
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        registry = stack.enter_context(Registry(Path(folder) / "zoo.duckdb"))
        registry.ingest(*(str(path) for path in sorted(ZOO.iterdir())))
        for number, name in enumerate(arguments.roots):
            root = read_checkpoint(ZOO / name)
            for case in (*rewrites(), *damage()):
                made = case.change(root, np.random.default_rng([7, number]))
                if case.group == "rewrite" and not computes_the_same(root, made, case):
                    wrong.append(f"{name}: {case.name} changes the outputs")
                found.append(asked(registry, name, case, made))
                if to:
                    print(json.dumps(row(found[-1])), file=to, flush=True)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    print("\n".join([*summary(found), *wrong]))


if __name__ == "__main__":
    main()
