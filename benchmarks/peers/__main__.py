"""forebear beside what people would use instead, on one edition of the zoo: scores, costs, and RESULTS.md.

    python -m benchmarks.peers ZOO OUT [--methods NAME...] [--kit PYTHON] [--modeldna PYTHON] [--unrelated N]
    python -m benchmarks.peers ZOO OUT --results FILE [--held-out ZOO OUT] [--readme FILE]

ZOO holds the models and truth.json of benchmarks/zoo/generate.py. The first form measures: each method in a process of
its own, one after the other (with `--method NAME` this process is one of them), all of them unless `--methods` names
some; what OUT holds of the others stays. `--kit` and `--modeldna` are the Pythons of the environments of Cisco's kit
and of modelDNA, which are left out without them. The second form reports what OUT holds, with the held-out edition
beside it if that was measured.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq

from . import kit, model_dna, product, realistic
from .measured import NAMES, keep, read_measured
from .report import write_report
from .scoring import METHODS, run
from .short import put_block
from .truth import Zoo, read_zoo

SIZES = "realistic"
"""The method that is none: bytes and seconds at 7B, which no zoo is needed for."""


def score(asked: argparse.Namespace, zoo: Zoo) -> None:
    """Run the one method that `--method` names."""
    if asked.method == product.NAME:
        left = asked.out / "unfinished"
        found = product.run(zoo, asked.zoo, left)
        keep(found.scores, found.cost, asked.out)
        pq.write_table(found.answers, asked.out / "answers.parquet")
        shutil.rmtree(left)
    elif asked.method == kit.NAME:
        keep(*kit.run(zoo, asked.zoo, asked.kit.absolute()), asked.out)
    elif asked.method == model_dna.NAME:
        left = asked.out / "unfinished-modeldna"
        keep(*model_dna.run(zoo, asked.zoo, asked.modeldna.absolute(), left), asked.out)
        shutil.rmtree(left)
    elif asked.method == SIZES:
        sizes, total = realistic.measure(modeldna=asked.modeldna and asked.modeldna.absolute())
        content = {"bytes_total": total, "sizes": [asdict(size) for size in sizes]}
        (asked.out / f"{SIZES}.json").write_text(json.dumps(content, indent=1), "utf-8")
    else:
        method = next(m for m in METHODS if m.name == asked.method)
        keep(*run(method, zoo, asked.zoo, asked.unrelated), asked.out)


def run_all(asked: argparse.Namespace) -> None:
    """Every method in its own process."""
    left_out = {name for name, given in ((kit.NAME, asked.kit), (model_dna.NAME, asked.modeldna)) if not given}
    every = [name for name in (*NAMES, SIZES) if name not in left_out and (not asked.only or name != SIZES)]
    for name in asked.methods or every:
        print(name, flush=True)
        subprocess.run([sys.executable, "-m", "benchmarks.peers", *sys.argv[1:], "--method", name], check=True)


def report(asked: argparse.Namespace) -> None:
    """Write RESULTS.md, and its short table into the README."""
    held_out = asked.held_out
    there = held_out is not None and (held_out[1] / f"{product.NAME}.parquet").exists()
    second = read_measured(*held_out) if there else None
    light = None
    if asked.light and (asked.light[1] / f"{product.NAME}.parquet").exists():
        light = read_measured(asked.light[0], asked.light[1], "held_out")
    first = read_measured(asked.zoo, asked.out)
    block = write_report(first, second, light, asked.out / f"{SIZES}.json", asked.results, asked.kit)
    if asked.readme:
        put_block(asked.readme, block)


def main() -> None:
    """Measure, or report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description="forebear beside other methods")
    parser.add_argument("zoo", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--methods", nargs="+", choices=(*NAMES, SIZES), metavar="NAME", help="these, not all")
    parser.add_argument("--kit", type=Path, help="the Python that Cisco's kit is installed in")
    parser.add_argument("--modeldna", type=Path, help="the Python that modelDNA is installed in")
    parser.add_argument("--only", metavar="CATEGORY", help="derivatives of one category, as a smoke test")
    parser.add_argument("--split", help="the models of this half only, and roots")
    parser.add_argument("--unrelated", type=int, metavar="N", help="at most N unrelated pairs for the plain methods")
    parser.add_argument("--results", type=Path, help="where the report goes; nothing is measured then")
    parser.add_argument("--held-out", type=Path, nargs=2, metavar=("ZOO", "OUT"), help="the edition to show beside")
    parser.add_argument("--light", type=Path, nargs=2, metavar=("ZOO", "OUT"), help="light drift, its held-out half")
    parser.add_argument("--readme", type=Path, help="the file whose short table is replaced")
    parser.add_argument("--method", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.method:
        score(asked, read_zoo(asked.zoo / "truth.json", asked.zoo, asked.only, asked.split))
    elif asked.results:
        report(asked)
    else:
        run_all(asked)


if __name__ == "__main__":
    main()
