"""Next tokens recorded from an endpoint on loopback, and compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from forebear.ingest.errors import ForebearError, FormatError, SourceError
from forebear.registry.outputs.comparing import compare_outputs
from forebear.registry.outputs.endpoint import Endpoint
from forebear.registry.outputs.prompts import prompts
from forebear.registry.outputs.record import read_record
from forebear.registry.outputs.recording import record_outputs

from ...outputs_endpoint import OutputsEndpoint, synthetic_token
from ..conftest import Run


@pytest.fixture
def server() -> Iterator[OutputsEndpoint]:
    with OutputsEndpoint() as running:
        yield running


def test_the_prompts_are_the_same_for_ever_and_all_different() -> None:
    assert prompts(1) == ["at give all find been every an first"]
    assert prompts(20)[:7] == prompts(7) and len(set(prompts(10_000))) == 10_000


def test_relatives_behave_alike_and_others_do_not(run: Run, server: OutputsEndpoint, tmp_path: Path) -> None:
    names = ("oak/base", "oak/chat", "fir/base", "elm/base")
    for name in names:
        place = tmp_path / f"{name.replace('/', '-')}.jsonl"
        ran = run("outputs", "record", server.url, "--model", name, "--prompts", "200", "-o", place, "--quiet")
        assert (ran.code, ran.err) == (0, "")
    oak, chat, fir, elm = (tmp_path / f"{name.replace('/', '-')}.jsonl" for name in names)
    ran = run("outputs", "compare", oak, chat, fir, "--control", elm, "--format", "json")
    document = json.loads(ran.out)
    assert [pair["verdict"] for pair in document["pairs"]] == ["behaves alike", "no kinship of behaviour shown"]
    assert document["pairs"][0]["p"] < 1e-6 and document["pairs"][0]["candidates_tried"] == 2
    assert document["pairs"][0]["prompts_needed"] < 200
    shown = run("outputs", "compare", oak, chat, "--control", elm).out
    assert "descent of weights" in shown and "Fewer than 3 controls" in shown
    assert run("outputs", "compare", oak, chat, "--control", elm, "--format", "csv").out.startswith("a,b,verdict")


def test_a_run_that_was_stopped_goes_on_after_half_a_line(server: OutputsEndpoint, tmp_path: Path) -> None:
    place = tmp_path / "oak.jsonl"
    assert record_outputs(Endpoint(server.url, "oak"), place, 60) == 60
    whole = place.read_bytes()
    place.write_bytes(whole[:-12])
    server.asked.clear()
    assert record_outputs(Endpoint(server.url, "oak"), place, 60) == 1
    assert server.asked == [prompts(60)[-1]] and place.read_bytes() == whole


def test_a_record_holds_one_model(server: OutputsEndpoint, tmp_path: Path) -> None:
    record_outputs(Endpoint(server.url, "oak"), tmp_path / "r", 2)
    with pytest.raises(SourceError, match="holds answers of oak, not of fir"):
        record_outputs(Endpoint(server.url, "fir"), tmp_path / "r", 2)


def test_what_says_later_is_asked_again_and_a_refusal_is_not(server: OutputsEndpoint) -> None:
    endpoint = Endpoint(server.url, "oak", waits=(0.0,))
    server.answers = [(503, b""), (429, b"")]
    assert endpoint.next_token("a b") == synthetic_token("oak", "a b")
    assert len(server.asked) == 3
    for answers, asked, said in (([(401, b"")], 1, "401"), ([(302, b"")], 1, "302"), ([(500, b"")] * 4, 4, "500")):
        server.asked.clear()
        server.answers = list(answers)
        with pytest.raises(SourceError, match=f"127.0.0.1 answers with {said}"):
            endpoint.next_token("a b")
        assert len(server.asked) == asked


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"choices": []}',
        b'{"choices": [{"text": 3}]}',
        b"[" * 100_000,
        b" " * 2_000_000,
        json.dumps({"choices": [{"text": "x" * 5000}]}).encode(),
    ],
)
def test_a_hostile_answer_is_a_clear_error(server: OutputsEndpoint, body: bytes) -> None:
    server.answers = [(200, body)]
    with pytest.raises(SourceError, match=r"127\.0\.0\.1"):
        Endpoint(server.url, "oak", waits=(0.0,)).next_token("a")


def test_the_key_comes_from_the_environment_and_never_leaves_unencrypted(
    run: Run, server: OutputsEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOREBEAR_OUTPUTS_KEY", "secret")
    assert run("outputs", "record", server.url, "--prompts", "1", "-o", tmp_path / "r").code == 0
    assert server.keys == ["Bearer secret"] and b"secret" not in (tmp_path / "r").read_bytes()
    with pytest.raises(SourceError, match="not sent unencrypted"):
        Endpoint("http://models.example/v1", "oak", "secret").next_token("a")
    with pytest.raises(SourceError, match="must begin with"):
        Endpoint("file:///etc/passwd", "oak").next_token("a")


def test_a_file_of_generations_is_a_record(tmp_path: Path) -> None:
    given = tmp_path / "given.jsonl"
    given.write_text("\n".join(json.dumps({"prompt": p, "token": synthetic_token("oak", p)}) for p in prompts(9)))
    assert record_outputs(given, tmp_path / "r", 20) == 9
    assert len(read_record(tmp_path / "r")) == 9
    given.write_text('{"prompt": "another", "token": "x"}')
    with pytest.raises(SourceError, match="none of forebear's prompts"):
        record_outputs(given, tmp_path / "other", 20)


@pytest.mark.parametrize("line", ["x", "[]", '{"prompt": 1, "token": "a"}', "[" * 100_000, '{"prompt": "a"}'])
def test_a_record_that_is_none_says_where(tmp_path: Path, line: str) -> None:
    (tmp_path / "r").write_text(f'{{"prompt": "a", "token": "b"}}\n{line}\n')
    with pytest.raises(FormatError, match="line 2"):
        read_record(tmp_path / "r")


def test_too_few_prompts_or_no_control_are_refused() -> None:
    few = {"a": "b"}
    with pytest.raises(ForebearError, match="no control"):
        compare_outputs(("a", few), [("b", few)], [])
    with pytest.raises(ForebearError, match="fewer than 50"):
        compare_outputs(("a", few), [("b", few)], [("c", few)])


def record(name: str, count: int = 300) -> tuple[str, dict[str, str]]:
    return name, {prompt: synthetic_token(name, prompt) for prompt in prompts(count)}


def mixed(name: str, a: str, b: str, share: int) -> tuple[str, dict[str, str]]:
    """Answers of `b` on `share` of every 100 prompts, else of `a`."""
    return name, {
        prompt: synthetic_token(b if number % 100 < share else a, prompt) for number, prompt in enumerate(prompts(300))
    }


def test_from_three_controls_on_their_own_spread_says_what_is_more_than_chance() -> None:
    controls = [record(name) for name in ("fir/a", "elm/a", "ash/a", "yew/a")]
    alike, apart = compare_outputs(record("oak/base"), [record("oak/chat"), record("larch/a")], controls)
    assert alike.alike and alike.log_p < -6 and alike.expected is not None and alike.expected < 0.1
    assert not apart.alike and apart.agreement < 0.1
    few = compare_outputs(record("oak/base"), [record("oak/chat")], controls[:2])[0]
    assert few.expected is None and few.log_p == few.log_p_two_proportions


def test_what_agrees_no_more_than_a_control_is_not_alike() -> None:
    nearest = mixed("near", "oak/base", "ash/a", 20)
    controls = [record(name) for name in ("fir/a", "elm/a", "yew/a")]
    pair = (record("oak/base"), [record("oak/chat")])
    assert compare_outputs(*pair, controls)[0].alike
    beaten = compare_outputs(*pair, [*controls, nearest])[0]
    assert not beaten.alike and beaten.control == "near" and beaten.log_p == 0.0


def test_controls_that_are_far_from_everyone_do_not_count_as_spread() -> None:
    far = [(f"far{i}", dict.fromkeys(prompts(300), f"z{i}")) for i in range(8)]
    near = [record(name) for name in ("fir/a", "elm/a", "ash/a", "yew/a", "box/a", "bay/a")]
    with_far = compare_outputs(record("oak/base"), [record("oak/chat")], [*near, *far])[0]
    assert with_far.expected == compare_outputs(record("oak/base"), [record("oak/chat")], near)[0].expected
