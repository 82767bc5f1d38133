"""The comparison from models to report, on a few models of the bundled zoo."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pytest

from benchmarks.peers import product, short
from benchmarks.peers.measured import Measured
from benchmarks.peers.methods import awm, cosines
from benchmarks.peers.report import write_report
from benchmarks.peers.scoring import run
from benchmarks.peers.summary import (
    Table,
    answers,
    by_method,
    detect,
    evalue_drift,
    log10_p,
    product_ranking,
    ranking,
)
from benchmarks.peers.truth import Protocol, Zoo, read_zoo

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
    for protocol in Protocol:
        mine = [a for a in told if a.protocol is protocol]
        assert [a.member.name for a in mine] == ["alder-docs", "alder-rotated", "alder-twin"]
        assert mine[-1].verdict == "shared_initialisation"
        total = product_ranking(told, protocol)
        assert (total.asked, total.first, total.top, total.merges) == (1, 1, 1, 0)
    assert product_ranking(told, Protocol.AGAINST_ALL, "held_out").asked == 0


def test_as_they_appeared_it_is_asked_before_later_models_are_there(zoo: Zoo, found: product.Run) -> None:
    told = [a for a in answers(found.answers.to_pylist(), zoo) if a.protocol is Protocol.AS_THEY_APPEARED]
    assert [a.models for a in told] == [3, 4, 5]
    assert all({*a.names} <= zoo.candidates(a.member.name, a.protocol) for a in told)


def test_its_evalues_count_the_models_registered_at_the_time(zoo: Zoo, found: product.Run) -> None:
    pairs, apart = evalue_drift(answers(found.answers.to_pylist(), zoo))
    assert pairs >= 3 + 4 + 5
    assert apart < 1e-9


def test_a_cosine_misses_the_rotated_copy_and_ranks_the_parent_of_a_fine_tune(zoo: Zoo) -> None:
    scores, cost = run(cosines.CENTRED, zoo, MODELS, None)
    detection = detect(Table(scores), zoo)
    assert detection["finetuned"].rate == 1.0
    assert detection["rotated"].rate == 0.0
    assert ranking(Table(scores), zoo, Protocol.AS_THEY_APPEARED).first == 1
    assert cost.pairs == 15 and cost.pair_seconds > 0 and cost.peak_megabytes > 10


def test_the_report_has_every_method_both_editions_and_the_short_table(
    tmp_path: Path, zoo: Zoo, found: product.Run
) -> None:
    scores, cost = run(awm.METHOD, zoo, MODELS, None)
    tables = by_method(pa.concat_tables([found.scores, scores]))
    costs = {one.method: one for one in (found.cost, cost)}
    measured = Measured(zoo, tables, costs, answers(found.answers.to_pylist(), zoo))
    block = write_report(measured, None, None, tmp_path / "none", tmp_path / "RESULTS.md", None)
    text = (tmp_path / "RESULTS.md").read_text("utf-8")
    assert "| forebear |" in text and "| AWM |" in text
    assert "The provenance kit was not run" in text
    assert "Edition 2, the held-out one" in text and "edition 2 |" not in text
    assert "shared_initialisation" in text
    assert short.block_of(text) == block
    root = ElementTree.parse(tmp_path / "calibration.svg").getroot()
    assert len(root.findall(".//{*}circle")) == 16
    write_report(measured, measured, measured, tmp_path / "none", tmp_path / "RESULTS.md", None)
    text = (tmp_path / "RESULTS.md").read_text("utf-8")
    assert "## Both editions of the zoo" in text and "first rank; edition 2 |" in text


def test_the_short_table_replaces_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"before\n\n{short.BEGIN}\nold\n{short.END}\n\nafter\n", "utf-8")
    short.put_block(page, f"{short.BEGIN}\nnew\n{short.END}\n")
    assert page.read_text("utf-8") == f"before\n\n{short.BEGIN}\nnew\n{short.END}\n\nafter\n"
    with pytest.raises(ValueError, match="no block"):
        short.block_of("nothing here")


def test_the_readme_shows_the_short_table_of_the_results() -> None:
    repository = Path(__file__).resolve().parents[2]
    readme, results = (repository / path for path in ("README.md", "benchmarks/RESULTS.md"))
    assert short.block_of(readme.read_text("utf-8")) == short.block_of(results.read_text("utf-8"))
