"""The SQL macros answer without Python, as the command does where they can; unrelated models match nothing."""

from __future__ import annotations

import itertools
import math
import shutil
from pathlib import Path

import duckdb
import ml_dtypes  # noqa: F401  # lets numpy read bfloat16
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from safetensors.numpy import load_file, save_file
from scipy.stats import norm

from forebear.registry import Registry

from ..ingest.formats.writers_fused import load_model
from ..ingest.formats.writers_gguf import model_bytes

REWRITTEN = ("rotated", "permuted", "shuffled", "rewritten", "cut", "neurons")
"""Parts of names of bundled models that are compared in another basis or shape, which is the command's work."""


def test_sketches_and_declarations_answer_without_python(zoo_registry: Path) -> None:
    with duckdb.connect(str(zoo_registry), read_only=True) as connection:
        nearest = connection.execute("SELECT name FROM nearest('alder-rotated', k := 3)").fetchall()
        assert len(nearest) == 3 and all(name.startswith("alder") for (name,) in nearest)
        assert connection.execute("SELECT count(*) FROM undeclared_ancestors").fetchall()[0][0] > 0
        declared = connection.execute("SELECT parent FROM declared_parents WHERE name = 'alder-docs'").fetchall()
        assert declared == [("alder",)]


def test_of_a_model_without_relatives_nothing_matches(zoo_registry: Path) -> None:
    with duckdb.connect(str(zoo_registry), read_only=True) as connection:
        rows = connection.execute("SELECT z, identity, distance FROM ancestors('cedar', k := 40)").fetchall()
    assert rows and all(z == 0 and abs(identity) < 0.1 and distance > 1.4 for z, identity, distance in rows)


def test_a_name_that_no_model_has_is_an_error(zoo_registry: Path) -> None:
    with duckdb.connect(str(zoo_registry), read_only=True) as connection:
        for question in ("ancestors('nobody')", "nearest('nobody')", "ancestors(NULL)"):
            with pytest.raises(duckdb.InvalidInputException, match=r"no model is called (nobody|NULL)"):
                connection.execute(f"FROM {question}").fetchall()


def test_identity_coverage_and_distance_are_those_of_the_command(zoo_registry: Path) -> None:
    compared = 0
    with Registry(zoo_registry, read_only=True) as registry:
        for model in registry.models():
            if any(part in model.name for part in REWRITTEN):
                continue
            rows = {
                (component, name): figures
                for component, name, *figures in registry.connection.execute(
                    "SELECT component, name, identity, coverage, distance FROM ancestors(?, k := 40)", [model.uri]
                ).fetchall()
            }
            for answer in registry.ancestors(model.uri, k=40).components:
                for found in answer.ancestors:
                    figures = rows.get((answer.component, found.name))
                    derived = found.evidence == "positions" and found.origin == "derivation"
                    if figures and derived and not any(part in found.name for part in REWRITTEN):
                        compared += 1
                        told = (found.identity, found.coverage, found.distance)
                        assert figures == pytest.approx(told, abs=0.01), (model.name, found.name)
    assert compared > 100


def test_roundings_of_a_relative_and_what_was_made_later_come_after_what_may_be_an_ancestor(zoo_registry: Path) -> None:
    """By distance alone 4-bit alder and the deepened alder stood before half of the others, and the mixture too."""
    after = {"alder-docs": {"alder-4bit", "alder-moe", "alder-upscaled"}, "alder": {"alder-moe", "alder-upscaled"}}
    with duckdb.connect(str(zoo_registry), read_only=True) as connection:
        for query, last in after.items():
            rows = connection.execute(
                "SELECT name, z, coverage, distance FROM ancestors(?, k := 40)", [query]
            ).fetchall()
            near = [(name, distance) for name, z, coverage, distance in rows if z > 4 and coverage > 0.5]
            assert {name for name, _ in near[-len(last) :]} == last and len(near) > len(last) + 2
            others = [distance for name, distance in near if name not in last | {"alder-4bit", "alder-merge"}]
            assert others == sorted(others) and max(others) > min(distance for name, distance in near if name in last)


def test_a_mixture_of_the_query_and_another_comes_after_what_was_trained_apart_and_before_roundings(
    zoo_registry: Path,
) -> None:
    for query, merged_with in (("alder-docs", "alder-tests"), ("alder-tests", "alder-docs")):
        with Registry(zoo_registry, read_only=True) as registry:
            rows = registry.connection.execute("SELECT name FROM ancestors(?, k := 40)", [query]).fetchall()
        order = [name for (name,) in rows]
        after = order.index("alder-merge")
        assert {"alder", merged_with, "alder-vocabulary"} <= set(order[:after])
        assert "alder-4bit" in order[after + 1 :]


def test_a_rounding_of_the_query_itself_comes_first(zoo_registry: Path) -> None:
    with duckdb.connect(str(zoo_registry), read_only=True) as connection:
        rows = connection.execute("SELECT name, distance FROM ancestors('alder', k := 40)").fetchall()
    assert rows[0][0] == "alder-4bit" and rows[0][1] > min(distance for _, distance in rows)


def beside(source: Path, to: Path) -> Path:
    """A folder with the config and the tokenizer of another."""
    to.mkdir()
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(source / name, to)
    return to


def in_seven_bits(source: Path, to: Path) -> None:
    """A model in floats of which every group of 32 weights of a row has 127 levels."""
    beside(source, to)
    held = load_file(source / "model.safetensors")
    for name, values in held.items():
        if values.ndim == 2 and values.shape[1] % 32 == 0:
            groups = values.astype(np.float32).reshape(len(values), -1, 32)
            step = np.abs(groups).max(axis=2, keepdims=True) / 63 + 1e-12
            held[name] = (np.round(groups / step) * step).reshape(values.shape).astype(np.float32)
    save_file(held, to / "model.safetensors")


def test_what_a_rounded_query_may_be_a_rounding_of_comes_first(zoo: Path, tmp_path: Path) -> None:
    """So does a finer rounding of the same; a fine-tune is within what 4 bits leave, and is no source of this one."""
    in_seven_bits(zoo / "alder", tmp_path / "alder-7bit")
    with Registry(tmp_path / "registry.duckdb") as registry:
        registry.ingest(*(zoo / name for name in ("alder", "alder-docs", "alder-4bit")), tmp_path / "alder-7bit")
        rows = registry.connection.execute("SELECT name, distance FROM ancestors('alder-4bit', k := 9)").fetchall()
    assert {name for name, _ in rows[:2]} == {"alder", "alder-7bit"} and rows[2][0] == "alder-docs"
    assert rows[2][1] < 0.16


def test_a_rounding_is_told_by_the_bounds_of_its_values(zoo: Path, tmp_path: Path) -> None:
    """A fine-tune of 0.002 is far within the errors of 8 bits: of its file and that of its base, each is its own."""
    tensors, config, tokenizer = load_model(zoo / "cedar")
    random = np.random.default_rng(3)
    tuned = {n: (v + 2e-3 * v.std() * random.standard_normal(v.shape)).astype(np.float32) for n, v in tensors.items()}
    save_file(tuned, beside(zoo / "cedar", tmp_path / "tuned") / "model.safetensors")
    for name, weights in (("base", tensors), ("tuned", tuned)):
        (tmp_path / f"{name}-q8.gguf").write_bytes(model_bytes(weights, config, tokenizer, Kind.Q8_0, "qwen2"))
    with Registry(tmp_path / "registry.duckdb") as registry:
        registry.ingest(zoo / "cedar", tmp_path / "tuned", *(tmp_path / f"{n}-q8.gguf" for n in ("base", "tuned")))
        order = {
            query: [
                name for (name,) in registry.connection.execute("SELECT name FROM ancestors(?)", [query]).fetchall()
            ]
            for query in ("cedar", "tuned", "base-q8", "tuned-q8")
        }
    assert order["tuned"][0] == "tuned-q8" and order["tuned"].index("cedar") < order["tuned"].index("base-q8")
    assert order["cedar"][0] == "base-q8" and order["cedar"].index("tuned") < order["cedar"].index("tuned-q8")
    assert order["tuned-q8"][0] == "tuned" and order["base-q8"][0] == "cedar"


@pytest.mark.parametrize(("query", "other"), [("alder-moe", "alder-upscaled"), ("alder-upscaled", "alder-moe")])
def test_of_two_that_both_bear_a_mark_of_being_later_neither_is_put_last(
    zoo_registry: Path, query: str, other: str
) -> None:
    """Experts of one feed-forward beside doubled layers: each was made after what both come from."""
    with duckdb.connect(str(zoo_registry), read_only=True) as connection:
        rows = connection.execute("SELECT name FROM ancestors(?, k := 40)", [query]).fetchall()
        order = [name for (name,) in rows]
        assert order.index(other) < order.index("alder-long") < order.index("alder-4bit")
        rows = connection.execute("SELECT name FROM ancestors('alder', k := 40)").fetchall()
        order = [name for (name,) in rows]
        assert order.index("alder-long") < order.index(other)


def test_a_model_with_layers_left_out_was_made_after_those_that_have_them_all(zoo_registry: Path) -> None:
    """Experts of its feed-forward do not make another model later than one that was cut."""
    with duckdb.connect(str(zoo_registry), read_only=True) as connection:
        rows = connection.execute("SELECT name FROM ancestors('alder-pruned', k := 40)").fetchall()
    order = [name for (name,) in rows]
    assert order.index("alder-moe") < order.index("alder-long")
    assert order.index("alder-4bit") < order.index("alder-upscaled")


def test_the_order_is_that_of_the_command_for_what_is_not_rewritten(zoo_registry: Path) -> None:
    """Of ranks that differ; within a rank the command claims no order. By distance alone it is 0.72."""
    same = pairs = 0
    with Registry(zoo_registry, read_only=True) as registry:
        for query in ("alder", "alder-docs", "alder-merge", "alder-pruned"):
            rows = registry.connection.execute("SELECT source FROM ancestors(?, k := 40)", [query]).fetchall()
            order = {source: place for place, (source,) in enumerate(rows)}
            (answer,) = registry.ancestors(query, k=40).components
            relatives = [
                one
                for one in answer.ancestors
                if one.log10_evalue <= -3 and not {"basis_changed", "width_pruned"} & set(one.relation)
            ]
            for a, b in itertools.combinations(relatives, 2):
                if a.rank != b.rank:
                    pairs += 1
                    same += (order[a.source] < order[b.source]) == (a.rank < b.rank)
    assert pairs > 100 and same / pairs >= 0.95


def test_a_model_that_was_released_later_comes_last(zoo_registry: Path, tmp_path: Path) -> None:
    path = tmp_path / "dated.duckdb"
    path.write_bytes(zoo_registry.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE model SET released_at = '2026-01-02'")
        connection.execute("UPDATE model SET released_at = '2026-01-03' WHERE name = 'alder'")
        rows = connection.execute("SELECT name, older FROM ancestors('alder-docs', k := 40)").fetchall()
    assert rows[-1] == ("alder", False) and {older for _, older in rows[:-1]} == {True}


def test_exact_copies_come_first_and_are_called_copies(zoo: Path, tmp_path: Path) -> None:
    path = tmp_path / "copies.duckdb"
    with Registry(path) as registry:
        registry.ingest(zoo / "alder", zoo / "alder-docs", zoo / "cedar")
        copy = tmp_path / "copy"
        copy.mkdir()
        for file in (zoo / "alder").iterdir():
            (copy / file.name).write_bytes(file.read_bytes())
        registry.ingest(copy)
        rows = registry.connection.execute("SELECT name, direction, coverage FROM ancestors('alder')").fetchall()
    assert rows[0] == ("copy", "copy", 1.0), "gains that are equal are covered too"
    assert {direction for _, direction, _ in rows[1:]} == {"unknown"}


def test_z_counts_matches_beyond_one_in_a_hundred_for_so_many_models(zoo_registry: Path) -> None:
    with duckdb.connect(str(zoo_registry), read_only=True) as connection:
        run = connection.execute
        all_of_eight, by_chance = run("SELECT matches_z(8, 8, 1), matches_z(1, 100, 1)").fetchall()[0]
        (among_many,) = run("SELECT matches_z(8, 8, 10_000)").fetchall()[0]
    assert all_of_eight == pytest.approx(math.sqrt(2 * 8 * math.log(100))) and by_chance == 0
    assert among_many == pytest.approx(math.sqrt(2 * 8 * math.log(100) - 2 * math.log(10_000)))


def test_the_best_of_many_tries_is_worth_less_than_one_try(zoo_registry: Path) -> None:
    with duckdb.connect(str(zoo_registry), read_only=True) as connection:
        one, hundred = connection.execute("SELECT best_log10_p(5, 1), best_log10_p(5, 100)").fetchall()[0]
    assert one == pytest.approx(float(norm.logsf(5)) / math.log(10), abs=0.02)
    assert hundred == pytest.approx(one + 2)
