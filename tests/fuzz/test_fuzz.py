"""The fuzzer notices what it is made to notice, and its targets begin with what they read."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from forebear.ingest.errors import FormatError

from . import run
from .mutations import MOST, mutated
from .run import Tally, check, forget_peak
from .seeds import Target, targets


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where inputs that are too much are kept."""
    monkeypatch.setattr(run, "KEPT", tmp_path / "fuzz")
    return tmp_path / "fuzz"


def _burn(data: bytes) -> object:
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    return data


def _crash(data: bytes) -> object:
    return dict[bytes, object]()[data]


def _refuse(data: bytes) -> object:
    raise FormatError("no")


def _checked(read: object) -> Tally:
    tally = Tally()
    forget_peak()
    check(Target("t", b"", read), b"input", tally)  # type: ignore[arg-type]
    return tally


def test_an_input_that_takes_too_long_is_a_fault_and_kept(monkeypatch: pytest.MonkeyPatch, kept: Path) -> None:
    monkeypatch.setattr(run, "SECONDS", 0.1)
    assert "0.2 s" in _checked(_burn).faults[0]
    assert [path.read_bytes() for path in kept.iterdir()] == [b"input"]


def test_an_input_that_takes_too_much_memory_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MEGABYTES", 30)
    assert " MB" in _checked(lambda data: bytearray(b"x") * (64 << 20)).faults[0]
    assert not _checked(lambda data: bytearray(b"x") * (1 << 20)).faults


def test_an_error_that_is_none_of_forebears_is_a_fault_and_a_refusal_is_none() -> None:
    assert "KeyError" in _checked(_crash).faults[0]
    refused = _checked(_refuse)
    assert not refused.faults and not refused.answered and refused.inputs["t"] == 1


@pytest.mark.parametrize("target", targets(), ids=lambda one: one.name)
def test_a_seed_is_read_and_its_mutations_hold_the_bars(target: Target) -> None:
    tally = Tally()
    check(target, target.seed, tally)
    assert tally.answered[target.name] == 1
    rng = random.Random(7)
    for _ in range(25):
        check(target, mutated(rng, target.seed), tally)
    assert not tally.faults


def test_inputs_are_bounded_and_differ() -> None:
    rng = random.Random(3)
    made = [mutated(rng, b'{"a": [1, 22]}' * 20) for _ in range(300)]
    assert max(map(len, made)) <= MOST
    assert len(set(made)) > 250
