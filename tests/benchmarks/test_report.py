"""The comparison from models to report, on a few models of the bundled zoo."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.peers import product
from benchmarks.peers.methods import awm, cosines
from benchmarks.peers.report import write_report
from benchmarks.peers.scoring import SCHEMA, run
from benchmarks.peers.summary import Table, answers, detect, log10_p, product_ranking, ranking
from benchmarks.peers.truth import Zoo, read_zoo

MODELS = Path(__file__).resolve().parents[1] / "zoo" / "models"
CHOSEN = {
    "alder": ("root", "alder", ()),
    "birch": ("root", "birch", ()),
    "cedar": ("root", "cedar", ()),
    "alder-docs": ("finetuned", "alder", ("alder",)),
    "alder-rotated": ("rotated", "alder", ("alder",)),
    "alder-twin": ("twin", "alder", ()),
}


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    models = {
        name: {
            "parents": list(parents),
            "category": category,
            "strength": "",
            "root": root,
            "split": "held_out" if root == "birch" else "development",
            "rewritten": category == "rotated",
            **({"initialisation": "alder"} if category == "twin" else {}),
        }
        for name, (category, root, parents) in CHOSEN.items()
    }
    path = tmp_path_factory.mktemp("truth") / "truth.json"
    path.write_text(json.dumps({"models": models}), "utf-8")
    return read_zoo(path, MODELS)


@pytest.fixture(scope="module")
def found(zoo: Zoo) -> product.Run:
    return product.run(zoo, MODELS)


def test_forebear_is_asked_through_its_registry_and_unrelated_pairs_come_from_complete_answers(
    zoo: Zoo, found: product.Run
) -> None:
    table = Table(found.scores)
    assert len(table.scores) == 6 * 5 - 2  # the fine-tune asks for the nearest few, and is scored with its family
    detection = detect(table, zoo)
    assert {name: one.rate for name, one in detection.items()} == {
        "finetuned": 1.0,
        "rotated": 1.0,
        "all derivatives": 1.0,
    }
    assert detection["finetuned"].negatives == 2 * 9 - 2
    assert len(log10_p(table, zoo)) == 16
    assert log10_p(table, zoo).max() <= 0


def test_its_answers_are_ranked_and_twins_are_told_from_derivatives(zoo: Zoo, found: product.Run) -> None:
    told = answers(found.answers.to_pylist(), zoo)
    assert [a.member.name for a in told] == ["alder-docs", "alder-rotated", "alder-twin"]
    assert told[-1].verdict == "shared_initialisation"
    total = product_ranking(told, zoo)
    assert (total.asked, total.first, total.top, total.merges) == (1, 1, 1, 0)


def test_a_cosine_misses_the_rotated_copy_and_ranks_the_parent_of_a_fine_tune(zoo: Zoo) -> None:
    scores, cost = run(cosines.CENTRED, zoo, MODELS, None)
    detection = detect(Table(scores), zoo)
    assert detection["finetuned"].rate == 1.0
    assert detection["rotated"].rate == 0.0
    assert ranking(Table(scores), zoo).first == 1
    assert cost.pairs == 15 and cost.pair_seconds > 0 and cost.peak_megabytes > 10


def test_the_report_has_every_method_and_the_figure_is_an_svg(tmp_path: Path, zoo: Zoo, found: product.Run) -> None:
    pq.write_table(found.answers, tmp_path / "answers.parquet")
    scores, cost = run(awm.METHOD, zoo, MODELS, None)
    both = pa.concat_tables([found.scores, scores])
    write_report(zoo, both, [found.cost, cost], tmp_path, tmp_path / "RESULTS.md", None)
    text = (tmp_path / "RESULTS.md").read_text("utf-8")
    assert "| forebear |" in text and "| AWM |" in text
    assert "The provenance kit was not run" in text
    assert "shared_initialisation" in text
    root = ElementTree.parse(tmp_path / "calibration.svg").getroot()
    assert len(root.findall(".//{*}circle")) == 16
    assert both.schema == SCHEMA
