"""Licence conflicts: with every ancestor that is told or declared, wherever it ranks, and with no other model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from forebear.registry import Registry

from ...ingest.formats.writers_adapters import Data, peft_files, train
from ...writers import llama, llama_config, model_files, raw, write_files
from .conftest import declare, found, license_as, names

SOURCE = "its makers"


def conflicts(registry: Registry) -> set[tuple[str, str]]:
    return names(found(registry.audit(), kind="licence", status="conflict"))


def test_a_declared_parent_without_a_licence_does_not_hide_a_told_ancestor(registry: Registry) -> None:
    """The zoo's alder-docs-tests names alder-docs, which names alder."""
    for model, licence in (("alder", "cc-by-nc-4.0"), ("alder-docs", None), ("alder-docs-tests", "apache-2.0")):
        license_as(registry, model, licence)
    registry.mark_root("alder", source=SOURCE)
    assert ("alder-docs-tests", "alder") in conflicts(registry)


def test_an_unknown_direction_is_no_conflict(registry: Registry) -> None:
    for model, licence in (("alder", "cc-by-nc-4.0"), ("alder-docs", None), ("alder-docs-tests", "apache-2.0")):
        license_as(registry, model, licence)
    assert not {pair for pair in conflicts(registry) if pair[0] == "alder-docs-tests"}


@pytest.mark.parametrize("first", [0, 1])
def test_every_told_parent_counts_and_not_the_first_alone(tmp_path: Path, first: int) -> None:
    """Layers of two roots, one upon the other: whichever is the nearer one."""
    roots = llama(1, layers=4), llama(2, layers=4)
    stacked = dict(roots[first])
    for name, values in roots[1 - first].items():
        if ".layers." in name:
            layer = int(name.split(".")[2])
            stacked[name.replace(f".{layer}.", f".{layer + 4}.")] = values
    with Registry(tmp_path / "registry.duckdb") as registry:
        for name, tensors in (("mine", roots[0]), ("other", roots[1]), ("stacked", stacked)):
            files = {n: raw(v, "BF16") for n, v in tensors.items()}
            made = model_files(files, config=llama_config(tensors))
            registry.ingest(write_files(tmp_path / name, made))
            license_as(registry, name, "cc-by-nc-4.0" if name == "other" else "apache-2.0")
        for name in ("mine", "other"):
            registry.mark_root(name, source=SOURCE)
        assert conflicts(registry) == {("stacked", "other")}


def test_a_copy_of_another_model_has_the_ancestors_of_that_one(registry: Registry, zoo: Path, tmp_path: Path) -> None:
    """A duplicate is no undeclared ancestor of its own, and is judged all the same."""
    copy = tmp_path / "alder-tests-again"
    write_files(copy, {path.name: path.read_bytes() for path in (zoo / "alder-tests").iterdir() if path.is_file()})
    registry.ingest(copy)
    registry.connection.execute("DELETE FROM declared_parent")
    for model, licence in (("alder", "cc-by-nc-4.0"), ("alder-tests", "mit"), ("alder-tests-again", "mit")):
        license_as(registry, model, licence)
    registry.mark_root("alder", source=SOURCE)
    assert conflicts(registry) >= {("alder-tests", "alder"), ("alder-tests-again", "alder")}


def test_a_frozen_model_with_a_head_of_its_own_is_judged_as_one_that_was_trained(tmp_path: Path) -> None:
    base = llama(3)
    head = np.random.default_rng(4).normal(0, 0.02, (1, 64)).astype(np.float32)
    with Registry(tmp_path / "registry.duckdb") as registry:
        for name, tensors in (("base", base), ("reward", base | {"v_head.summary.weight": head})):
            registry.ingest(write_files(tmp_path / name, model_files(tensors, config=llama_config(base))))
        license_as(registry, "base", "cc-by-nc-4.0")
        license_as(registry, "reward", "mit")
        registry.mark_root("base", source=SOURCE)
        assert conflicts(registry) == {("reward", "base")}


def test_an_adapter_is_judged_by_the_base_that_it_names(tmp_path: Path) -> None:
    base = llama(3)
    adapter = peft_files(train(Data(1), 1), base_model_name_or_path="base")
    with Registry(tmp_path / "registry.duckdb") as registry:
        registry.ingest(write_files(tmp_path / "base", model_files(base, config=llama_config(base))))
        registry.ingest(write_files(tmp_path / "adapter", adapter))
        license_as(registry, "base", "cc-by-nc-4.0")
        license_as(registry, "adapter", "apache-2.0")
        report = registry.audit()
        assert names(found(report, kind="licence", status="conflict")) == {("adapter", "base")}
        assert report.fails(["licence"])
        license_as(registry, "adapter", "cc-by-nc-4.0")
        assert not conflicts(registry)


def test_a_parent_that_the_weights_contradict_is_no_edge(registry: Registry) -> None:
    declare(registry, "birch", "alder")
    license_as(registry, "alder", "cc-by-nc-4.0")
    license_as(registry, "birch", "apache-2.0")
    report = registry.audit()
    assert ("birch", "alder") in names(found(report, status="contradicted"))
    assert ("birch", "alder") not in names(found(report, kind="licence"))
