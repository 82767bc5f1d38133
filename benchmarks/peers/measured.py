"""What was measured on one edition of the zoo: scores, costs and answers, and the figures that follow from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from . import kit, model_dna, product
from .scoring import METHODS, Cost
from .summary import Answer, Detection, Ranking, Table, answers, by_method, detect, product_ranking, ranking
from .truth import Protocol, Zoo, read_zoo

NAMES = (product.NAME, *(m.name for m in METHODS), model_dna.NAME, kit.NAME)


@dataclass(frozen=True)
class Measured:
    """One edition: its zoo, every method's scores by name, what each took, and forebear's answers."""

    zoo: Zoo
    tables: dict[str, Table]
    costs: dict[str, Cost]
    answers: Sequence[Answer]

    @cached_property
    def detections(self) -> dict[str, dict[str, Detection]]:
        """Method -> category -> how well it tells that category's pairs from unrelated ones."""
        return {name: detect(table, self.zoo) for name, table in self.tables.items()}

    def ranking(self, method: str, protocol: Protocol, split: str | None = None) -> Ranking:
        """Where a method puts the parents."""
        if method == product.NAME:
            return product_ranking(self.answers, protocol, split)
        return ranking(self.tables[method], self.zoo, protocol, split)

    def answered(self, protocol: Protocol) -> list[Answer]:
        """Forebear's answers to derivatives under a protocol."""
        return [a for a in self.answers if a.protocol is protocol and a.member.parents]

    @property
    def commit(self) -> str:
        """The state of the repository that forebear was measured in."""
        return self.costs[product.NAME].source


def file_of(method: str) -> str:
    """The name that a method's files have."""
    return method.replace(" ", "_").replace(",", "")


def keep(table: pa.Table, cost: Cost, out: Path) -> None:
    """Write a method's rows and its cost beside each other."""
    pq.write_table(table, out / f"{file_of(cost.method)}.parquet")
    (out / f"{file_of(cost.method)}.json").write_text(json.dumps(asdict(cost), indent=1), "utf-8")


def read_measured(zoo: Path, out: Path, split: str | None = None) -> Measured:
    """What the runs left in `out`, of one half of the zoo if `split` names it; scores.parquet there keeps all scores.

    Raises FileNotFoundError when forebear was not measured on this zoo.
    """
    members = read_zoo(zoo / "truth.json", zoo, split=split)
    found = [out / f"{file_of(name)}.parquet" for name in NAMES]
    scores = pa.concat_tables([pq.read_table(path) for path in found if path.exists() or path == found[0]])
    pq.write_table(scores, out / "scores.parquet")
    costs = [Cost(**json.loads(path.with_suffix(".json").read_text("utf-8"))) for path in found if path.exists()]
    rows = pq.read_table(out / "answers.parquet").to_pylist()
    return Measured(members, by_method(scores), {cost.method: cost for cost in costs}, answers(rows, members))
