"""forebear beside what people would use instead, on one zoo: scores, costs, and RESULTS.md.

    python -m benchmarks.peers ZOO OUT [--kit PYTHON] [--only CATEGORY] [--unrelated N] [--results FILE] [--report-only]

ZOO holds the models and truth.json of benchmarks/zoo/generate.py. Each method runs in a process of its own, one after
the other; with `--method NAME` this process is one of them. `--kit` is the Python of the environment of Cisco's kit,
which is left out without it. OUT keeps scores.parquet (a row a pair and method), answers.parquet and the costs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from . import kit, product, realistic
from .report import write_report
from .scoring import METHODS, Cost, keep, run
from .truth import Zoo, read_zoo


def score(asked: argparse.Namespace, zoo: Zoo) -> None:
    """Run the one method that `--method` names."""
    if asked.method == product.NAME:
        found = product.run(zoo, asked.zoo)
        keep(found.scores, found.cost, asked.out)
        pq.write_table(found.answers, asked.out / "answers.parquet")
    elif asked.method == kit.NAME:
        keep(*kit.run(zoo, asked.zoo, asked.kit.absolute()), asked.out)
    elif asked.method == "realistic":
        sizes, total = realistic.measure()
        content = {"bytes_total": total, "sizes": [asdict(size) for size in sizes]}
        (asked.out / "realistic.json").write_text(json.dumps(content, indent=1), "utf-8")
    else:
        method = next(m for m in METHODS if m.name == asked.method)
        keep(*run(method, zoo, asked.zoo, asked.unrelated), asked.out)


def run_all(asked: argparse.Namespace) -> None:
    """Every method in its own process."""
    names = [product.NAME, *(m.name for m in METHODS), *([kit.NAME] if asked.kit else [])]
    for name in [*names, *([] if asked.only else ["realistic"])]:
        print(name, flush=True)
        subprocess.run([sys.executable, "-m", "benchmarks.peers", *sys.argv[1:], "--method", name], check=True)


def gather(out: Path) -> tuple[pa.Table, list[Cost]]:
    """All scores in one table, which is kept, and all costs."""
    names = [product.NAME, *(m.name for m in METHODS), kit.NAME]
    paths = [out / f"{name.replace(' ', '_').replace(',', '')}.parquet" for name in names]
    found = [path for path in paths if path.exists()]
    scores = pa.concat_tables([pq.read_table(path) for path in found])
    pq.write_table(scores, out / "scores.parquet")
    return scores, [Cost(**json.loads(path.with_suffix(".json").read_text("utf-8"))) for path in found]


def main() -> None:
    """Measure, then report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description="forebear beside other methods")
    parser.add_argument("zoo", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kit", type=Path, help="the Python that Cisco's kit is installed in")
    parser.add_argument("--only", metavar="CATEGORY", help="derivatives of one category, as a smoke test")
    parser.add_argument("--unrelated", type=int, metavar="N", help="at most N unrelated pairs for the plain methods")
    parser.add_argument("--results", type=Path, help="where the report goes (OUT/RESULTS.md)")
    parser.add_argument("--report-only", action="store_true", help="from what OUT holds")
    parser.add_argument("--method", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    zoo = read_zoo(asked.zoo / "truth.json", asked.zoo, asked.only)
    if asked.method:
        score(asked, zoo)
        return
    if not asked.report_only:
        run_all(asked)
    scores, costs = gather(asked.out)
    write_report(zoo, scores, costs, asked.out, asked.results or asked.out / "RESULTS.md", asked.kit)


if __name__ == "__main__":
    main()
