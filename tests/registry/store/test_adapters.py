"""Adapters in a registry: found among each other, never among models, with the bases that they could have."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from forebear.registry import Registry

from ...ingest.formats.writers_adapters import Data, Factors, kohya_file, peft_files, train
from ...writers import llama, llama_config, model_files, raw, write_files
from ..conftest import Run

DATA = Data(1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, one of other width, and adapters: a run, copies, its continuation, a twin on other data, strangers."""
    folder = tmp_path_factory.mktemp("adapters")
    run = train(DATA, 1)
    adapters: dict[str, Factors] = {
        "run": run,
        "continued": train(DATA, 1, start=run, steps=0.5),
        "twin": train(Data(2), 1, steps=3.0),
        **{f"stranger{i}": train(DATA, 10 + i, steps=4.0) for i in range(4)},
    }
    for name, factors in adapters.items():
        write_files(folder / name, peft_files(factors, base_model_name_or_path="base"))
    half = {n: raw(v, "BF16") for n, v in run.items()}
    write_files(folder / "upload", peft_files(half, base_model_name_or_path="elsewhere/unknown"))
    write_files(folder / "wrong", peft_files(train(DATA, 50), base_model_name_or_path="wide"))
    write_files(folder / "kohya", {"kohya.safetensors": kohya_file(run)})
    for name, hidden, layers in (("base", 64, 2), ("deep", 64, 3), ("wide", 128, 2)):
        tensors = llama(hidden=hidden, layers=layers)
        write_files(folder / name, model_files(tensors, config=llama_config(tensors)))
    with Registry(folder / "registry.duckdb") as registry:
        outcomes = registry.ingest(*sorted(p for p in folder.iterdir() if p.is_dir()))
    assert {o.status for o in outcomes} == {"ingested"}
    return folder


def test_copies_and_the_continuation_are_found_and_strangers_of_the_same_data_are_not(filled: Path) -> None:
    with Registry(filled / "registry.duckdb", read_only=True) as registry:
        (answer,) = registry.ancestors("run", k=20).components
        strangers = registry.ancestors("stranger0", k=20)
    rows = {a.name: a for a in answer.ancestors}
    assert answer.component == "adapter" and answer.verdict == "related"
    assert set(rows) & {"base", "deep", "wide"} == set()
    assert rows["kohya"].relation == ("identical",) and rows["upload"].relation == ("numeric_copy",)
    assert rows["continued"].log10_evalue < -3 and "lora_B" in rows["continued"].reason
    assert rows["twin"].relation == ("shared_initialisation",) and "starts at zero" in rows["twin"].reason
    assert all(rows[n].log10_evalue > -1 for n in rows if n.startswith("stranger"))
    assert strangers.verdict == "unrelated"


def test_a_full_model_never_has_an_adapter_for_an_ancestor(filled: Path) -> None:
    with Registry(filled / "registry.duckdb", read_only=True) as registry:
        found = registry.ancestors("base", k=50)
        declared = registry.ancestors("run", k=50)
    assert {a.name for c in found.components for a in c.ancestors} <= {"deep", "wide"} and found.adapter is None
    assert not {a.name for c in declared.components for a in c.ancestors} & {"base", "deep", "wide"}


@pytest.mark.parametrize(
    ("name", "state", "fits"),
    [("run", "matched", {"base"}), ("upload", "absent", {"base"}), ("wrong", "contradicted", {"base"}),
     ("kohya", "none_declared", {"base"})],
)  # fmt: skip
def test_possible_bases_follow_from_shapes_and_the_declared_name_registered_or_not(
    filled: Path, tmp_path: Path, name: str, state: str, fits: set[str]
) -> None:
    loose = write_files(tmp_path / name, {p.name: p.read_bytes() for p in (filled / name).iterdir()})
    with Registry(filled / "registry.duckdb", read_only=True) as registry:
        for model in (name, loose):
            adapter = registry.ancestors(model).adapter
            assert adapter is not None and adapter.base_state == state
            assert {b.name for b in adapter.bases if b.fits} == fits
        rows = registry.connection.execute("SELECT base FROM adapter_bases WHERE name = ? AND fits", [name]).fetchall()
    assert {base for (base,) in rows} == fits


def test_the_command_line_shows_bases_beside_the_verdict(filled: Path, run: Run) -> None:
    place = ("--registry", filled / "registry.duckdb")
    shown = run("ancestors", "wrong", *place).out + run("show", "run", *place).out
    assert "declares wide, but its shapes do not fit wide" in shown and "LORA, rank 8, alpha 16" in shown
    document = json.loads(run("ancestors", "run", *place, "--format", "json").out)
    assert document["schema_version"] == 2 and document["adapter"]["base_state"] == "matched"
    assert json.loads(run("ancestors", "base", *place, "--format", "json").out)["adapter"] is None


def test_removing_an_adapter_removes_all_of_it(tmp_path: Path) -> None:
    write_files(tmp_path / "a", peft_files(train(DATA, 1)))
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(tmp_path / "a")
        registry.remove("a")
        for table in ("adapter", "adapter_target"):
            assert registry.connection.execute(f"SELECT count(*) FROM {table}").fetchall() == [(0,)]


@pytest.mark.parametrize("rank", [4, 8, 16])
def test_strangers_trained_alike_are_significant_entry_by_entry_and_not_when_levelled(
    tmp_path: Path, rank: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four layers, so that the null of mismatched layers is measured, and drift as large as the first values."""
    from forebear.queries.data.component import Component
    from forebear.queries.data.query import load_models
    from forebear.queries.evidence.pair import compare

    folders = [
        write_files(tmp_path / f"s{i}", peft_files(train(DATA, i, rank=rank, layers=4, steps=8.0), r=rank))
        for i in range(8)
    ]
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(*folders)
        found, fresh = (  # a component keeps its vectors for all comparisons
            [c for parts in load_models(registry.connection, range(1, 9)).values() for c in parts] for _ in range(2)
        )

    def smallest(found: list[Component]) -> float:
        return min(compare(a, b, 1).log10_p["positions"] for a, b in itertools.permutations(found, 2))

    assert len(found) == 8 and smallest(found) > -3
    with monkeypatch.context() as patch:
        patch.setattr(Component, "vectors", lambda self, kind: self.standardised if kind == "positions" else self.grams)
        patch.setattr(Component, "independent", lambda self, rows: self.sampled[self.positions.tensor[rows]])
        assert smallest(fresh) < -6, "the data put no pressure on the null"


def test_an_adapter_of_which_nothing_was_trained_is_of_one_initialisation_at_most(tmp_path: Path) -> None:
    fresh = train(DATA, 1)
    still = {n: np.zeros_like(v) if n.endswith("lora_B") else v for n, v in fresh.items()}
    write_files(tmp_path / "fresh", peft_files(still))
    write_files(tmp_path / "trained", peft_files(fresh))
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(tmp_path / "fresh", tmp_path / "trained")
        (answer,) = registry.ancestors("fresh").components
    assert answer.verdict != "derived" and "no lora_B" in answer.ancestors[0].reason


def test_of_adapters_that_are_not_compared_only_copies_are_duplicates(tmp_path: Path) -> None:
    one = train(DATA, 1, rank=2)
    for name, factors in (("a", one), ("b", one), ("stranger", train(DATA, 2, rank=2))):
        write_files(tmp_path / name, peft_files(factors, base_model_name_or_path=name))
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(tmp_path / "a", tmp_path / "b", tmp_path / "stranger")
        rows = registry.connection.execute("SELECT content FROM model ORDER BY name").fetchall()
    assert rows[0] == rows[1] != rows[2]
