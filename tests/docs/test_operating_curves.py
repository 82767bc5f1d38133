"""docs/thresholds.csv holds the operating curve of every threshold, measured at the value that it has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.thresholds.elsewhere import ELSEWHERE, NOT_YET, STALE, elsewhere
from benchmarks.thresholds.figures import Figures
from benchmarks.thresholds.replacing import values
from benchmarks.thresholds.steps import steps, text
from benchmarks.thresholds.table import Point, as_it_is, read, still, write
from docs import operating_curves

from .blocks import ROOT

pytestmark = pytest.mark.skipif(not (ROOT / "docs").exists(), reason="the wheel has no docs")
TOTALS, CURVES = read()
AGAIN = "measure it again: `make thresholds`; or say in STALE of benchmarks/thresholds/elsewhere.py why that may wait"


def test_every_threshold_has_a_curve_or_a_reason_to_have_none() -> None:
    there = [{*CURVES}, {*elsewhere()}, {*NOT_YET}]
    left_out = values().keys() - set[str]().union(*there)
    assert not left_out, f"{sorted(left_out)}: `make thresholds` measures them, or ELSEWHERE says what does"
    gone = set[str]().union(*there, STALE) - values().keys()
    assert not gone, f"{sorted(gone)} are thresholds no longer"
    assert sum(map(len, there)) == len(values()), "a threshold is measured here, elsewhere or not yet: one of the three"
    assert len(elsewhere()) == sum(len(one.names) for one in ELSEWHERE), "a threshold has two reasons"


def test_what_measures_the_others_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for one in ELSEWHERE:
        kind, _, what = one.command.partition(" ")
        target = what.split()[0]
        there = re.search(rf"^{target}:", makefile, re.MULTILINE) if kind == "make" else (ROOT / target).exists()
        assert there and one.why, one


@pytest.mark.parametrize("name", sorted(CURVES))
def test_a_curve_was_measured_at_the_value_that_the_threshold_has(name: str) -> None:
    assert name in values(), f"{name} is no threshold: take its rows out of docs/thresholds.csv"
    value, measured = text(values()[name]), as_it_is(CURVES[name]).value
    if name in STALE:
        assert measured != value, f"{name} is measured at the value that it has: take it out of STALE"
        return
    assert measured == value, f"{name} is {value} and was measured at {measured}: {AGAIN}"
    expected = {factor: text(one) for factor, one in steps(name, values()[name]).items()}
    assert {point.factor: point.value for point in CURVES[name]} == expected, f"{name}: {AGAIN}"


def test_all_curves_were_measured_by_one_state_of_the_answers() -> None:
    rows = {tuple(as_it_is(points).figures.items()) for points in CURVES.values()}
    assert len(rows) <= 1, f"the rows at factor 1 differ: {AGAIN.split(';')[0]}"
    assert all(as_it_is(points).figures["changed"] == "0" for points in CURVES.values())


def test_no_figure_is_more_than_all_of_what_it_is_of() -> None:
    assert not CURVES or tuple(TOTALS) == Figures.columns()
    for name, total in TOTALS.items():
        if "tie" not in name:
            assert all(0 <= int(p.figures[name]) <= int(total) for points in CURVES.values() for p in points), name


def points(*changed: int) -> list[Point]:
    """A curve at 1, 2, ... with so many answers changed, and as many pairs found fewer than 40."""
    return [
        Point(factor, str(place), {"changed": str(count), "related": str(40 - count)})
        for place, (factor, count) in enumerate(zip((1.0, 2.0), changed, strict=True), 1)
    ]


def test_the_table_is_read_as_it_was_written_and_sorted(tmp_path: Path) -> None:
    totals, curves = {"changed": "100", "related": "50"}, {"TIE": points(0, 3), "SURE": points(0, 0)}
    write(totals, curves, tmp_path / "table.csv")
    assert read(tmp_path / "table.csv") == (totals, curves)
    assert (tmp_path / "table.csv").read_text("utf-8").splitlines() == [
        "threshold,factor,value,changed,related",
        "(of how many),,,100,50",
        "SURE,1,1,0,40",
        "SURE,2,2,0,40",
        "TIE,1,1,0,40",
        "TIE,2,2,3,37",
    ]
    assert read(tmp_path / "none.csv") == ({}, {})


def test_a_threshold_that_changes_no_answer_is_said_to_decide_nothing() -> None:
    totals, curves = {"changed": "100", "related": "50"}, {"TIE": points(0, 3), "SURE": points(0, 0)}
    assert still(curves["SURE"]) and not still(curves["TIE"])
    assert operating_curves.curve("TIE", totals, curves) == (
        "at 2: 3 answers change, related pairs found 37 of 50 (was 40)."
    )
    assert operating_curves.curve("SURE", totals, curves) == (
        "**decides nothing on these models**: no answer changes from 1 to 2."
    )
    assert "make bench-scale" in operating_curves.curve("LEAST_Z", totals, curves)


def test_a_threshold_without_a_curve_or_with_an_old_one_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operating_curves, "STALE", {"TIE": "the next run measures it"})
    assert operating_curves.curve("OWN_WAY", {}, {}) == "not measured yet."
    said = operating_curves.curve("TIE", {"changed": "100", "related": "50"}, {"TIE": points(0, 3)})
    assert said.endswith("Measured at 1, which it is no longer: the next run measures it.")
