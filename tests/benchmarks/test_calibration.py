"""Strangers made of real matrices, and observed beside expected p-values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.calibration import measure, strangers
from benchmarks.peers.weights import Key, Matrix, Weights

HIDDEN, FFN, LAYERS = 48, 64, 6
ROLES = {"q": (48, HIDDEN), "o": (48, HIDDEN), "k": (48, HIDDEN), "v": (48, HIDDEN)}
ROLES |= {"gate": (FFN, HIDDEN), "up": (FFN, HIDDEN), "down": (48, FFN)}


def real() -> Weights:
    """A small model with rows that share a direction, as trained ones do."""
    random = np.random.default_rng(1)
    tensors: dict[Key, Matrix] = {(-1, -1, "embed", ""): random.standard_normal((300, HIDDEN)).astype(np.float32)}
    for layer in range(LAYERS):
        for role, shape in ROLES.items():
            shared = 2 * random.standard_normal((1, shape[1]))
            tensors[layer, -1, role, ""] = np.asarray(shared + random.standard_normal(shape), np.float32)
    return Weights("real", tensors, 1, 1, {}, 0)


def written(found: Sequence[strangers.Stranger], out: Path) -> list[measure.Model]:
    for one in found:
        strangers.write(one, out, real())
    models = {one.name: {"root": one.name, "holds": one.holds} for one in found}
    (out / "truth.json").write_text(json.dumps({"models": models}), "utf-8")
    return list(measure.load(out))


def test_models_of_one_half_of_the_layers_hold_nothing_of_the_other_under_one_role() -> None:
    found = strangers.of_layers(real())
    assert len(found) == 2 * strangers.PER_HALF
    first, second = found[0], found[-1]
    assert not set(first.holds) & set(second.holds) and set(first.holds) & set(found[1].holds)
    gate = next(m for (layer, role), m in second.matrices.items() if role == "gate")
    ups = [strangers.rows_of(real(), layer, "up") for layer in range(LAYERS)]
    assert any(np.array_equal(gate, up) for up in ups)


def test_drawn_rows_have_the_real_spectrum_and_none_of_the_real_directions() -> None:
    model = strangers.rows_of(real(), 0, "q")
    made = strangers.drawn(np.random.default_rng(3), model, 4096)
    spectra = [np.linalg.eigvalsh(rows.astype(np.float64) @ rows.T / rows.shape[1]) for rows in (model, made)]
    assert spectra[0][-1] > 20 * spectra[0][-2]
    assert np.allclose(spectra[1], spectra[0], rtol=0.3, atol=0.05)
    upper = np.triu_indices(len(made), 1)
    cosines = [np.atleast_2d(np.corrcoef(rows))[upper] for rows in (model, made)]
    assert abs(np.atleast_2d(np.corrcoef(cosines))[0, 1]) < 0.3


def test_pairs_are_unrelated_by_what_they_hold_and_their_p_values_come_by_width_and_kind(tmp_path: Path) -> None:
    made = strangers.of_layers(real())
    models = written([*made[:2], made[-1], strangers.like(real(), 64, 0, layers=12)], tmp_path)
    pairs = list(measure.drawn(models, 100))
    assert len(pairs) == 12 - 2, "the first two hold the same layers"
    rows = tmp_path / "rows"
    (file,) = measure.by_processes(models, pairs, 2, rows)
    written_at, kept = file.stat().st_mtime_ns, pq.read_table(file)
    assert kept == measure.p_values(pairs)
    assert set(kept["width"].to_pylist()) == {48}
    assert max(kept["log10_p"].to_pylist()) <= 0
    found = measure.spreads([file])
    assert measure.table(found).count("| 48 | together | 10 |") == 1
    told, passed = measure.bars(found)
    assert passed and told.endswith("PASS")

    assert measure.by_processes(models, pairs, 2, rows) == [file]
    assert file.stat().st_mtime_ns == written_at, "what is there is not computed again"
    fewer = measure.by_processes(models, pairs[:9], 2, rows)
    assert measure.whole(measure.spreads(fewer)).pairs == 9
    assert set(rows.iterdir()) == {file, *fewer}, "files of other runs stay"


def test_a_run_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = written([strangers.like(real(), 64, number, layers=12) for number in range(3)], tmp_path)
    pairs = list(measure.drawn(models, 100))
    monkeypatch.setattr(measure, "_AT_ONCE", 2)
    whole = measure.by_processes(models, pairs, 1, tmp_path / "whole")
    files = measure.by_processes(models, pairs, 1, tmp_path / "stopped")
    assert len(files) == 3
    files[0].unlink()
    files[1].replace(files[1].with_suffix(".part"))
    assert measure.by_processes(models, pairs, 1, tmp_path / "stopped") == files
    assert measure.spreads(files) == measure.spreads(whole)


def test_a_million_ordered_pairs_can_be_drawn_of_the_many() -> None:
    count = len(strangers.places(many=True))
    assert count * (count - 1) + 2 * count * 2 * strangers.PER_HALF > 1_000_000
    assert {width for width, _ in strangers.places(many=True)} == set(strangers.WIDTHS)


def test_too_small_p_values_fail_the_bars() -> None:
    counts = tuple(1 for _ in measure.THRESHOLDS)
    found = measure.Spread(None, measure.TOGETHER, 3, 3, counts, 1e-9)
    assert measure.bars([found])[0].endswith("FAIL")
    assert found.over_expected(1e-3) == "333.33"
    none = measure.Spread(None, measure.TOGETHER, 3, 3, tuple(0 for _ in measure.THRESHOLDS), 0.4)
    assert none.over_expected(1e-3) == "-" and none.over_expected(0.5) == "0.00"


def test_a_middle_that_is_more_than_three_times_too_conservative_fails_the_bars() -> None:
    fair = [round(10_000 * t) for t in measure.THRESHOLDS]
    rare = [300 if t == 0.1 else count for t, count in zip(measure.THRESHOLDS, fair, strict=True)]
    told = [measure.bars([measure.Spread(None, measure.TOGETHER, 10_000, 9, tuple(c), 1e-4)]) for c in (fair, rare)]
    assert [passed for _, passed in told] == [True, False]
    assert "0.30" in told[1][0]
