"""What `-v` shows: what is read, chosen and left out, and how long it took; never a line for every tensor."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from forebear.ingest.model import fingerprint_model
from forebear.registry import Registry

from ..writers import MemorySource, llama, model_files


def test_a_model_that_is_read_says_its_format_its_bytes_and_its_time(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="forebear"):
        made = fingerprint_model(MemorySource(model_files(llama())))
    lines = [record.getMessage() for record in caplog.records]
    assert (
        f"memory:///model: safetensors, {made.tensor_count} tensors in 1 files, 0 of them left out, no tokenizer"
        in lines
    )
    assert any(f"{made.bytes_read} bytes in {made.requests} reads, " in line and line.endswith(" s") for line in lines)


def test_the_lines_of_debugging_do_not_grow_with_the_tensors(caplog: pytest.LogCaptureFixture) -> None:
    counts = []
    for layers in (1, 8):
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="forebear"):
            fingerprint_model(MemorySource(model_files(llama(layers=layers))))
        counts.append(len(caplog.records))
        assert all(record.name.startswith("forebear.ingest") for record in caplog.records)
    assert counts[0] == counts[1] > 2


def test_what_is_skipped_and_what_fails_says_why(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.safetensors").write_bytes(b"broken")
    with caplog.at_level(logging.INFO, logger="forebear"), Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(tmp_path / "empty", tmp_path / "broken.safetensors")
    lines = [record.getMessage() for record in caplog.records]
    assert any("skipped: " in line and "no weights here" in line for line in lines)
    assert any("failed: " in line and "cannot be a safetensors file" in line for line in lines)
