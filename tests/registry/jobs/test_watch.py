"""`forebear watch` finds what is new, run after run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Generator, Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from forebear.ingest.errors import SourceError
from forebear.registry import Registry
from forebear.registry.jobs.alerting import post_findings
from forebear.registry.jobs.watched import Watched, expect_answers, watched_row, watching
from forebear.registry.jobs.watching import Agenda, Filters

from ...hub_server import Fault, HubServer
from ...webhook import Webhook
from ..conftest import MakeModel, Ran
from .test_hub_ingest import rows, run_on


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as server:
        yield server


def made(day: int, **more: object) -> dict[str, object]:
    return {"createdAt": f"2025-06-{day:02}T12:00:00.000Z", **more}


def changed(day: int) -> dict[str, object]:
    return {"lastModified": f"2025-06-{day:02}T12:00:00.000Z"}


def watch(hub: HubServer, *arguments: object) -> tuple[Ran, dict[str, dict[str, Any]]]:
    ran = run_on(hub, "watch", *arguments, "--format", "jsonl")
    return ran, {row["source"]: row for row in map(json.loads, ran.out.splitlines())}


def test_every_run_ingests_what_is_new_and_names_its_nearest_relative(hub: HubServer, zoo: Path) -> None:
    hub.add("org/alder", zoo / "alder", info=made(1))
    hub.add("org/cedar", zoo / "cedar", info=made(2))
    ran, found = watch(hub)
    assert (ran.code, {r["status"] for r in found.values()}) == (0, {"ingested"})
    assert list(found) and all(row["ancestor"] is None for row in found.values())
    hub.hub.reset_counts()
    ran, found = watch(hub)
    assert (ran.code, found) == (0, {})
    assert [path.partition("?")[0] for path in hub.hub.paths if "agent" not in path] == ["GET /api/models"] * 2
    hub.add("org/child", zoo / "alder-docs", info=made(3))
    ran, found = watch(hub)
    assert list(found) == ["hf://org/child"]
    (row,) = found.values()
    assert (row["status"], row["ancestor"], row["verdict"]) == ("ingested", None, "related"), "two have no order"
    assert (row["relative"], row["direction"], row["relation"]) == ("org/alder", "unknown", ["finetuned"])
    assert "claimed release dates" in row["direction_by"]
    assert row["log10_evalue"] < -3
    hub.add("org/next", zoo / "alder-docs", info=made(4))
    table = run_on(hub, "watch")
    assert table.out.startswith("org/next: ingested, of one lineage with org/child (identical), E ")
    assert len(table.out.splitlines()) == 1


def test_a_new_model_is_derived_from_a_root_that_is_claimed(hub: HubServer, zoo: Path) -> None:
    hub.add("org/alder", zoo / "alder", info=made(1))
    watch(hub)
    run_on(hub, "mark", "org/alder", "--root", "--source", "its makers")
    hub.add("org/child", zoo / "alder-docs", info=made(3))
    (row,) = watch(hub)[1].values()
    assert (row["verdict"], row["ancestor"], row["relative"]) == ("derived", "org/alder", "org/alder")
    assert row["direction"] == "ancestor" and row["direction_probability"] >= 0.95
    assert row["direction_by"][0] == "the claim that org/alder was trained from scratch (its makers)"
    hub.add("org/next", zoo / "alder-tests", info=made(5))
    table = run_on(hub, "watch")
    assert table.out.startswith("org/next: ingested, derived from org/alder (finetuned), E < 1e-300")


def test_a_failure_is_noted_tried_again_and_then_kept(
    hub: HubServer, make_model: MakeModel, registry_path: Path, tmp_path: Path
) -> None:
    hub.add("org/good", make_model("good"), info=made(1))
    hub.add("org/late", make_model("late", 1), info=made(2))
    weights = tmp_path / "late" / "model.safetensors"
    shutil.move(weights, tmp_path / "kept")
    hub.add("org/gated", make_model("gated", 2), gated="manual", info=made(3))
    ran, found = watch(hub)
    assert (ran.code, {s: r["status"] for s, r in found.items()}) == (
        0,
        {"hf://org/good": "ingested", "hf://org/late": "skipped", "hf://org/gated": "failed"},
    )
    ran, found = watch(hub)
    assert (ran.code, found) == (0, {}), "failures that were named before are not named every day"
    assert "2 known failures tried again in vain" in ran.err and "forebear: error" not in ran.err
    assert rows(registry_path, "SELECT tries FROM attempt") == [(2,), (2,)]
    shutil.move(tmp_path / "kept", weights)
    hub.repositories["org/gated"].gated = None
    ran, found = watch(hub)
    assert (ran.code, {r["status"] for r in found.values()}) == (0, {"ingested"})
    assert rows(registry_path, "FROM attempt") == []
    assert watch(hub)[1] == {}


def test_a_limit_takes_the_oldest_first_and_leaves_the_rest_for_the_next_run(
    hub: HubServer, make_model: MakeModel, registry_path: Path
) -> None:
    hub.page = 2
    for day in range(1, 8):
        hub.add(f"org/m{day}", make_model(f"m{day}", day), info=made(day))
    hub.repositories["org/m4"].info |= made(3)  # two of one moment, between two runs
    runs = [watch(hub, "--since", "2025-06-02", "--limit", 2) for _ in range(4)]
    assert [sorted(source[-2:] for source in found) for _, found in runs] == [
        ["m2", "m3"],
        ["m4", "m5"],
        ["m6", "m7"],
        [],
    ]
    assert "4 newer models left for the next run" in runs[0][0].err
    first = watch(hub, "--since", "2025-06-01")[1]
    assert {row["status"] for row in first.values()} == {"ingested", "unchanged"}  # another set of filters
    assert rows(registry_path, "SELECT count(*) FROM model") == [(7,)]


def test_a_model_that_is_published_long_after_it_was_made_is_seen_once(
    hub: HubServer, make_model: MakeModel, registry_path: Path
) -> None:
    hub.add("org/first", make_model("first"), info=made(10))
    assert list(watch(hub)[1]) == ["hf://org/first"]
    hub.add("org/late", make_model("late", 1), info=made(3, **changed(11)))
    hub.add("org/old", make_model("old", 2), info={"createdAt": "2024-06-03T12:00:00.000Z"} | changed(11))
    hub.add("org/still", make_model("still", 3), info=made(3, **changed(4)))
    hub.repositories["org/first"].info |= changed(12)
    assert list(watch(hub)[1]) == ["hf://org/late"]
    hub.repositories["org/late"].info |= changed(13)
    assert watch(hub)[1] == {}


def test_with_a_limit_late_models_wait_with_the_others_and_none_is_lost(hub: HubServer, make_model: MakeModel) -> None:
    hub.add("org/first", make_model("first"), info=made(10))
    watch(hub)
    for number, day in enumerate((11, 13, 15)):
        hub.add(f"org/late{day}", make_model(f"late{day}", number + 1), info=made(2, **changed(day)))
        hub.add(f"org/new{day + 1}", make_model(f"new{day + 1}", number + 4), info=made(day + 1))
    runs = [sorted(source[9:] for source in watch(hub, "--limit", 2)[1]) for _ in range(4)]
    assert runs == [["late11", "new12"], ["late13", "new14"], ["late15", "new16"], []]


def test_author_and_task_are_filters_that_are_remembered_apart(
    hub: HubServer, make_model: MakeModel, registry_path: Path
) -> None:
    folders = [make_model(name, seed) for seed, name in enumerate("abc")]
    hub.add("org/a", folders[0], info=made(1, pipeline_tag="text-generation"))
    hub.add("org/b", folders[1], info=made(2, pipeline_tag="other"))
    hub.add("other/c", folders[2], info=made(3, pipeline_tag="text-generation"))
    assert list(watch(hub, "--author", "org", "--task", "text-generation")[1]) == ["hf://org/a"]
    assert list(watch(hub, "--author", "other")[1]) == ["hf://other/c"]
    assert set(watch(hub)[1]) == {"hf://org/a", "hf://org/b", "hf://other/c"}
    until = rows(registry_path, "SELECT max(until), count(*) FROM watch")
    assert until == [(datetime(2025, 6, 3, 12), 3)]


def test_the_first_run_begins_with_the_newest(hub: HubServer, make_model: MakeModel) -> None:
    for day in range(1, 5):
        hub.add(f"org/m{day}", make_model(f"m{day}", day), info=made(day))
    assert set(watch(hub, "--limit", 2)[1]) == {"hf://org/m3", "hf://org/m4"}
    assert watch(hub, "--limit", 2)[1] == {}


def test_a_list_that_cannot_be_had_is_an_error_and_moves_nothing(
    hub: HubServer, make_model: MakeModel, registry_path: Path
) -> None:
    hub.add("org/a", make_model("a"), info=made(1))
    hub.hub.fail(Fault(status=403, path="/api/models?"), times=1)
    ran, found = watch(hub)
    assert (ran.code, found) == (1, {})
    assert "does not accept the token" in ran.err
    assert rows(registry_path, "FROM watch") == []
    hub.hub.fail(Fault(status=503, path="/api/models?"), times=1)
    assert watch(hub)[0].code == 0
    assert run_on(hub, "watch", "--since", "yesterday").code == 2
    offline = run_on(hub, "watch", HF_HUB_OFFLINE="1")
    assert (offline.code, "HF_HUB_OFFLINE is set" in offline.err) == (1, True)


def test_json_and_csv_hold_the_same_rows(hub: HubServer, make_model: MakeModel, tmp_path: Path) -> None:
    hub.add("org/a", make_model("a"), info=made(1))
    found = {}
    for form in ("json", "csv", "jsonl"):
        place = tmp_path / f"{form}.duckdb"
        found[form] = run_on(hub, "--registry", os.fspath(place), "watch", "--format", form).out
    document = json.loads(found["json"])
    assert (document["schema_version"], document["left"]) == (2, 0)
    assert list(document["results"][0]) == list(json.loads(found["jsonl"])) == found["csv"].split("\n")[0].split(",")


def test_a_failure_is_named_once_and_again_with_another_reason(hub: HubServer, make_model: MakeModel) -> None:
    hub.add("org/gated", make_model("gated"), gated="manual", info=made(1))
    assert [watch(hub)[0].code for _ in range(2)] == [1, 0]
    (tmp := make_model("empty", 1)).joinpath("model.safetensors").unlink()
    hub.add("org/gated", tmp, info=made(1))
    assert [row["status"] for row in watch(hub)[1].values()] == ["skipped"]


def test_a_parent_of_the_same_morning_is_named_although_it_is_read_last(hub: HubServer, zoo: Path) -> None:
    hub.add("org/child", zoo / "alder-docs", info=made(1))
    hub.add("org/parent", zoo / "alder", info={"createdAt": "2025-06-01T12:00:01.000Z"})
    found = watch(hub)[1]
    assert list(found) == ["hf://org/child", "hf://org/parent"]
    assert [row["relative"] for row in found.values()] == ["org/parent", "org/child"]


NOTHING = Agenda(Filters(), (), (), None, 0)
"""What a run has to do that finds nothing new: it answers what is left to answer."""


def run(registry: Registry, *folders: Path, day: int = 1) -> Generator[Watched, None, None]:
    """A run that found these models, published on that day."""
    registry.ingest(*folders)
    registry.connection.execute(
        "UPDATE model SET released_at = ? WHERE released_at IS NULL", [datetime(2025, 6, day)]
    ).fetchall()
    expect_answers(registry, [folder.as_uri() for folder in folders])
    return watching(registry, NOTHING, lambda outcome, known: None)


def named(found: Iterable[Watched]) -> list[tuple[str, str, str | None]]:
    return [(row["name"], row["status"], row["relative"]) for row in map(watched_row, found)]  # type: ignore[misc]


def test_an_earlier_model_is_named_again_when_a_nearer_ancestor_arrives(zoo: Path, registry_path: Path) -> None:
    with Registry(registry_path) as registry:
        first = named(run(registry, zoo / "alder", day=1))
        first += named(run(registry, zoo / "alder-docs-tests", day=9))
        assert first == [("alder", "unchanged", None), ("alder-docs-tests", "unchanged", "alder")]
        assert named(watching(registry, NOTHING, lambda outcome, known: None)) == []
        (between, child) = run(registry, zoo / "alder-docs", day=8)
        assert named([between, child])[1] == ("alder-docs-tests", "changed", "alder-docs")
        assert child.before is not None and child.before.relative == (zoo / "alder").as_uri()
        assert named(watching(registry, NOTHING, lambda outcome, known: None)) == []
        later = named(run(registry, zoo / "alder-tests", day=20))
        assert [name for name, status, _ in later if status == "changed"] == [], "nothing later is an ancestor"


@pytest.mark.parametrize("printed", [1, 2, 3])
def test_what_was_read_and_not_answered_is_answered_by_the_next_run(
    make_model: MakeModel, registry_path: Path, printed: int
) -> None:
    folders = [make_model(name, seed) for seed, name in enumerate("abc")]
    with Registry(registry_path) as registry:
        ended = run(registry, *folders)
        before = named(islice(ended, printed))
        ended.close()  # as a run that is killed while it prints
        after = named(watching(registry, NOTHING, lambda outcome, known: None))
    assert [name for name, *_ in before[:-1] + after] == ["a", "b", "c"]
    assert before[-1] == after[0], "the line that was being printed is printed again, as it may have been lost"


@pytest.mark.parametrize(
    ("answers", "code", "requests"),
    [((200,), 0, 1), ((503, 204), 0, 2), ((500, 500, 500, 500), 1, 4), ((403,), 1, 1), ((302,), 1, 1)],
)
def test_findings_are_posted_with_bounded_patience(
    webhook: Webhook, answers: tuple[int, ...], code: int, requests: int
) -> None:
    webhook.answers = list(answers)
    document = {"findings": [{"rule": "ancestor.undeclared"}]}
    if code:
        with pytest.raises(SourceError, match=r"127\.0\.0\.1 answers with \d+"):
            post_findings(webhook.url, document, waits=(0.0,))
    else:
        post_findings(webhook.url, document, waits=(0.0,))
    assert webhook.bodies == [document] * requests


@pytest.mark.parametrize("url", ["ftp://host/x", "file:///etc/passwd", "host", "http://[", "https://"])
def test_findings_go_to_http_addresses_alone(url: str) -> None:
    with pytest.raises(SourceError, match="begins with https"):
        post_findings(url, {})


def test_a_host_that_is_away_is_named_without_the_secret_of_its_address() -> None:
    with pytest.raises(SourceError, match=r"127\.0\.0\.1 cannot be reached") as caught:
        post_findings("http://127.0.0.1:9/secret", {}, waits=(0.0,))
    assert "secret" not in str(caught.value)


def test_a_run_posts_what_it_found_and_a_quiet_one_nothing(hub: HubServer, zoo: Path, webhook: Webhook) -> None:
    hub.add("org/alder", zoo / "alder", info=made(1))
    hub.add("org/gated", zoo / "birch", gated="manual", info=made(2))
    hub.add("org/next", zoo / "alder-docs-tests", info=made(3))
    ran, found = watch(hub, "--on-finding", webhook.url)
    assert ran.code == 0 and len(found) == 3
    (body,) = webhook.bodies
    assert {one["rule"] for one in body["findings"]} == {"model.unread", "ancestor.direction_unknown"}
    assert body["schema_version"] == 2 and body["text"].startswith("forebear: ")
    assert watch(hub, "--on-finding", webhook.url)[0].code == 0
    assert len(webhook.bodies) == 1


def test_an_address_that_is_none_is_told_before_anything_is_read(hub: HubServer, zoo: Path, webhook: Webhook) -> None:
    ran = run_on(hub, "watch", "--on-finding", "hooks.example/secret")
    assert ran.code == 2 and "begins with https://" in ran.err and "secret" not in ran.err
    assert not hub.hub.paths


def test_markdown_and_html_show_a_table_for_people_and_a_post_names_a_source_once(
    hub: HubServer, zoo: Path, webhook: Webhook
) -> None:
    hub.add("org/alder", zoo / "alder", info=made(1))
    hub.add("org/gated", zoo / "birch", gated="manual", info=made(2))
    hub.add("org/docs", zoo / "alder-docs", info=made(3))
    page = run_on(hub, "watch", "--format", "md", "--on-finding", webhook.url).out
    head, _, *lines = page.splitlines()
    assert head == "| status | model | relative | relation | E-value | answer |" and len(lines) == 3
    assert "| ingested | org/docs | org/alder | finetuned | \\<1e-300 | language: of one lineage with" in page
    assert "None" not in page and "[]" not in page
    assert webhook.bodies[0]["text"].count("hf://org/gated") == 1


def test_a_model_that_claims_to_be_of_the_future_hides_no_later_one(
    hub: HubServer, make_model: MakeModel, registry_path: Path
) -> None:
    hub.add("org/ahead", make_model("ahead", 1), info={"createdAt": "2099-01-01T12:00:00.000Z"})
    hub.add("org/one", make_model("one", 2), info=made(1))
    assert set(watch(hub)[1]) == {"hf://org/ahead", "hf://org/one"}
    hub.add("org/two", make_model("two", 3), info=made(2))
    assert set(watch(hub)[1]) == {"hf://org/two"}
    with Registry(registry_path) as registry:  # what an earlier version has kept
        registry.connection.execute("UPDATE watch SET until = '2099-01-01'")
    hub.add("org/three", make_model("three", 4), info=made(3))
    assert "hf://org/three" in watch(hub)[1]
