"""A long run that was stopped goes on."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers import product
from benchmarks.peers.progress import Progress
from benchmarks.peers.truth import Member, Zoo

MODELS = Path(__file__).resolve().parents[1] / "zoo" / "models"


def test_a_step_is_done_once_in_all_runs(tmp_path: Path) -> None:
    calls: list[str] = []

    def work() -> dict[str, object]:
        calls.append("x")
        return {"seconds": 1.5, "pair": (1, 2)}

    first = Progress(tmp_path / "progress.jsonl").once("asked", "oak", work)
    again = Progress(tmp_path / "progress.jsonl")
    assert again.done("asked", "oak") and not again.done("asked", "fir")
    assert again.once("asked", "oak", work) == first == {"seconds": 1.5, "pair": [1, 2]}
    assert calls == ["x"]


def test_a_run_of_forebear_that_was_stopped_gives_the_answers_of_one_that_was_not(tmp_path: Path) -> None:
    about = {"alder": (), "birch": (), "alder-docs": ("alder",)}
    members = {
        n: Member(n, p, "finetuned" if p else "root", "", n.split("-")[0], "development") for n, p in about.items()
    }
    whole = product.run(Zoo(members), MODELS, tmp_path / "whole")
    lines = (tmp_path / "whole" / "progress.jsonl").read_text("utf-8").splitlines(keepends=True)
    for kept in (2,):  # stopped when the fine-tune was registered and its answer not yet kept
        (tmp_path / "whole" / "progress.jsonl").write_text("".join(lines[:kept]), "utf-8")
        assert product.run(Zoo(members), MODELS, tmp_path / "whole").answers == whole.answers
