"""Family trees from hand-written audits: which edges are drawn, which are directed, and which models are one node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from forebear.queries.answers.family_trees import TreeModel, family_trees, of_families
from forebear.registry import Registry, RegistryError
from forebear.registry.reports.trees import TreeReport, edge_rows, tree_document

from ..audited import Answered, Audited, both_ways, write_audit


def told(query: str, relative: str, **more: Any) -> Answered:
    """The answer about `query` tells that `relative` is its ancestor."""
    return Answered(query, relative, direction="ancestor", probability=0.99, **more)


def drawn(path: Path, audit: Audited, models: str = "") -> TreeReport:
    with Registry(write_audit(path / "registry.duckdb", audit), read_only=True) as registry:
        return registry.tree(models)


def arrows(report: TreeReport) -> set[str]:
    return {f"{e['parent']} {'->' if e['directed'] else '--'} {e['child']}" for e in edge_rows(report)}


def test_a_direction_is_drawn_where_the_childs_answer_tells_it_and_nowhere_else(tmp_path: Path) -> None:
    later = Answered("root", "kin", direction="descendant", probability=0.0)
    nearly = Answered("kin", "root", direction="unknown", probability=0.9499)
    report = drawn(tmp_path, Audited(("root", "child", "kin"), (told("child", "root"), later, nearly)))
    (undirected,) = (e for e in edge_rows(report) if not e["directed"])
    assert {undirected["child"], undirected["parent"]} == {"root", "kin"}
    assert "root -> child" in arrows(report)
    assert str(undirected["by"]).endswith("which came first cannot be told")


def test_an_answer_that_contradicts_takes_the_direction_back(tmp_path: Path) -> None:
    answers = (
        Answered("a", "b", direction="ancestor", probability=0.97),
        Answered("b", "a", direction="ancestor", probability=0.97),
        Answered("c", "a", direction="ancestor", probability=0.97),
        Answered("a", "c", direction="sibling", probability=0.01, place=2),
    )
    report = drawn(tmp_path, Audited(("a", "b", "c"), answers))
    assert not any(e["directed"] for e in edge_rows(report))
    assert any("contradict" in str(e["by"]) for e in edge_rows(report))


def test_directions_that_run_in_a_circle_are_all_taken_back(tmp_path: Path) -> None:
    circle = tuple(
        Answered(child, parent, direction="ancestor", probability=0.96)
        for child, parent in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"))
    )
    report = drawn(tmp_path, Audited(("a", "b", "c", "d"), circle))
    assert {e for e in arrows(report) if "->" in e} == {"a -> d"}
    assert sum("circle" in str(e["by"]) for e in edge_rows(report)) == 3


def test_a_merge_has_all_its_parents(tmp_path: Path) -> None:
    answers = (
        Answered("merge", "a", direction="ancestor", probability=0.97, merged_with="b", relation=("merged",)),
        Answered("merge", "b", direction="ancestor", probability=0.97, merged_with="a", relation=("merged",), place=2),
        told("merge", "root", place=3),
        told("a", "root"),
        told("b", "root"),
    )
    report = drawn(tmp_path, Audited(("root", "a", "b", "merge"), answers))
    assert arrows(report) == {"root -> a", "root -> b", "a -> merge", "b -> merge"}


def test_equal_models_are_one_node_that_names_the_others(tmp_path: Path) -> None:
    answers = (
        Answered("again", "model", direction="copy", probability=0.5, relation=("identical",)),
        told("tune", "again"),
    )
    audit = Audited(("model", "again", "upload", "tune", "alone"), answers, copies=(("upload", "model"),))
    report = drawn(tmp_path, audit)
    nodes = {n.name: [name for _, name, _ in n.copies] for n in report.trees.nodes}
    assert nodes == {"model": ["again", "upload"], "tune": []}
    assert arrows(report) == {"model -> tune"}


SAME: dict[str, Any] = {"direction": "copy", "probability": 0.5, "relation": ("identical",), "distance": 0.0}


def test_models_that_share_one_component_are_no_copies(tmp_path: Path) -> None:
    """Two assistants on one frozen vision tower: each comes from a language model of its own."""
    seen: dict[str, Any] = {"component": "vision", **SAME}
    answers = (
        told("one", "llama"),
        told("two", "qwen"),
        *(Answered(a, b, **seen) for a, b in (("one", "two"), ("two", "one"))),
        *(Answered(a, "tower", place=2, **seen) for a in ("one", "two")),
        *(Answered("tower", a, place=place, **seen) for place, a in enumerate(("one", "two"), 1)),
    )
    both = ("language", "vision")
    components = {"one": both, "two": both, "llama": ("language",), "qwen": ("language",), "tower": ("vision",)}
    report = drawn(tmp_path, Audited(("one", "two", "llama", "qwen", "tower"), answers, components=components))
    assert {n.name: n.copies for n in report.trees.nodes} == dict.fromkeys(components, ())
    assert {e for e in arrows(report) if "->" in e} == {"llama -> one", "qwen -> two"}
    shared = [e for e in edge_rows(report) if e["relation"] == ["identical"]]
    assert {frozenset((e["child"], e["parent"])) for e in shared} == {
        frozenset(("one", "tower")),
        frozenset(("two", "tower")),
    }
    assert all(e["components"] == ["vision"] and not e["directed"] for e in shared)


def test_what_holds_another_model_whole_hangs_on_it_and_not_on_that_ones_relatives(tmp_path: Path) -> None:
    answers = (
        told("tuned", "base"),
        Answered("tuned", "wrapper", place=2, **SAME),
        Answered("wrapper", "tuned", **SAME),
        Answered("wrapper", "base", place=2),
    )
    components = {"base": ("language",), "tuned": ("language",), "wrapper": ("language", "vision")}
    report = drawn(tmp_path, Audited(("base", "tuned", "wrapper"), answers, components=components))
    assert arrows(report) == {"base -> tuned", "tuned -- wrapper"} or arrows(report) == {
        "base -> tuned",
        "wrapper -- tuned",
    }


def test_of_a_pair_that_shares_one_component_the_other_one_is_told(tmp_path: Path) -> None:
    """A fine-tune of a diffusion model keeps its autoencoder: it is no copy, and the relation is the tuned part's."""
    kept: dict[str, Any] = {"component": "vae", **SAME}
    answers = (
        told("tune", "model", component="unet"),
        Answered("tune", "model", **kept),
        Answered("model", "tune", **kept),
    )
    components: dict[str, tuple[str, ...]] = dict.fromkeys(("model", "tune"), ("unet", "vae"))
    report = drawn(tmp_path, Audited(("model", "tune"), answers, components=components))
    (edge,) = edge_rows(report)
    assert arrows(report) == {"model -> tune"} and edge["relation"] == ["finetuned"]


def test_models_that_are_equal_in_all_components_are_one_node(tmp_path: Path) -> None:
    answers = tuple(
        Answered(a, b, component=part, **SAME) for part in ("unet", "vae") for a, b in (("a", "b"), ("b", "a"))
    )
    components: dict[str, tuple[str, ...]] = dict.fromkeys(("a", "b"), ("unet", "vae"))
    report = drawn(tmp_path, Audited(("a", "b"), answers, components=components))
    assert [(n.name, [name for _, name, _ in n.copies]) for n in report.trees.nodes] == [("a", ["b"])]


def test_a_family_is_held_together_by_its_nearest_pairs_and_no_more(tmp_path: Path) -> None:
    first = (Answered("a", "b"), Answered("b", "a"), Answered("c", "d"), Answered("d", "c"))
    rest = both_ways((("a", "c", 0.5), ("b", "d", 0.3), ("a", "d", 0.9)))
    report = drawn(tmp_path, Audited(("a", "b", "c", "d"), (*first, *rest)))
    spanning = [e for e in edge_rows(report) if e["drawn"] == "spanning"]
    assert [{e["child"], e["parent"]} for e in spanning] == [{"b", "d"}]
    assert len(report.trees.edges) == 3
    assert {n.family for n in report.trees.nodes} == {1}


def test_unrelated_models_and_those_of_one_initialisation_are_in_no_tree(tmp_path: Path) -> None:
    answers = (
        Answered("twin", "root", origin="shared_initialisation", direction="unknown", probability=0.0),
        told("child", "root"),
    )
    report = drawn(tmp_path, Audited(("root", "child", "twin", "alone"), answers))
    assert {n.name for n in report.trees.nodes} == {"root", "child"}


def test_what_cards_alone_claim_stands_apart_from_the_edges(tmp_path: Path) -> None:
    audit = Audited(("root", "child"), (told("child", "root"),), declared=(("child", "elsewhere"),))
    document = tree_document(drawn(tmp_path, audit))
    assert document["declared"] == [
        {
            "child": "child",
            "parent": "elsewhere",
            "registered": False,
            "status": "contradicted",
            "by": "no more alike than unrelated models",
        }
    ]
    assert len(document["edges"]) == 1  # type: ignore[arg-type]


def test_without_an_audit_the_error_says_what_to_run(tmp_path: Path) -> None:
    with Registry(tmp_path / "registry.duckdb") as registry, pytest.raises(RegistryError, match="forebear audit"):
        registry.tree()


def test_families_are_numbered_by_size_and_keep_their_numbers(tmp_path: Path) -> None:
    answers = (
        told("b", "a"),
        told("y", "x"),
        told("z", "x"),
    )
    report = drawn(tmp_path, Audited(("a", "b", "x", "y", "z"), answers))
    assert {n.name: n.family for n in report.trees.nodes} == {"x": 1, "y": 1, "z": 1, "a": 2, "b": 2}


def test_an_audit_that_found_no_relation_has_no_tree(tmp_path: Path) -> None:
    report = drawn(tmp_path, Audited(("a", "b")))
    assert (report.trees.nodes, report.trees.edges) == ((), ())


def test_a_choice_of_models_shows_their_families_whole_with_their_numbers(tmp_path: Path) -> None:
    answers = (told("b", "a"), told("y", "x"), told("z", "x"))
    path = write_audit(tmp_path / "registry.duckdb", Audited(("a", "b", "x", "y", "z"), answers))
    with Registry(path) as registry:
        models = [
            TreeModel(*row) for row in ((1, "a", "s"), (2, "b", "s"), (3, "x", "s"), (4, "y", "s"), (5, "z", "s"))
        ]
        pairs = registry.connection.sql("FROM lineage_pairs(1)").to_arrow_table()
    trees = of_families(family_trees(models, pairs), {5})
    assert {node.name for node in trees.nodes} == {"x", "y", "z"}
    assert {node.family for node in trees.nodes} == {1}
    assert len(trees.edges) == 2
