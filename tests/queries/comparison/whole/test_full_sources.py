"""All weights from every kind of source: a GGUF file, a repository, one that vanishes midway; and how much is held."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind

from forebear.ingest.errors import SourceError
from forebear.ingest.reading import stream as streams
from forebear.ingest.reading.stream import BLOCK, TensorStream, pieces
from forebear.ingest.sources import open_source
from forebear.ingest.storage.logical import LogicalTensor, RowMajor
from forebear.ingest.whole_model import whole_model
from forebear.registry.jobs.whole import weights_of

from ....hub_server import HubServer
from ....ingest.formats.writers_fused import load_model
from ....ingest.formats.writers_gguf import model_bytes
from ....registry.conftest import COMMAND
from ....writers import MemoryReader, MemorySource, llama, llama_config, model_files, write_files


@pytest.mark.parametrize(("kind", "equal"), [(Kind.F32, True), (Kind.Q8_0, False)])
def test_a_gguf_copy_is_compared_tensor_by_tensor_with_its_original(zoo: Path, kind: Kind, equal: bool) -> None:
    copy = MemorySource({"model.gguf": model_bytes(*load_model(zoo / "alder"), kind, "llama")})
    found = weights_of(open_source(str(zoo / "alder")), copy)
    assert len(found.tensors) == 56 and not found.uncompared
    assert (found.equal_share == 1) is equal
    assert all(row.metrics.relative_l2 < 0.02 for row in found.tensors)
    assert {row.role for row in found.tensors if row.values_equal} >= {"norm"}
    assert found.neurons.log10_p is not None and found.neurons.log10_p < -100
    assert all(row.bytes_equal is None for row in found.tensors if row.role in {"q", "gate"})


def test_a_repository_is_read_like_the_folder_it_was_made_from(zoo_registry: Path, zoo: Path) -> None:
    local = weights_of(open_source(str(zoo / "alder-docs")), open_source(str(zoo / "alder")))
    with HubServer() as hub:
        hub.add("org/alder-docs", zoo / "alder-docs")
        environment = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
        command = [*COMMAND, "--registry", str(zoo_registry), "compare", "org/alder-docs", str(zoo / "alder"), "--full"]
        done = subprocess.run(
            [*command, "-q"], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        sent = hub.bytes
    assert done.returncode == 0, done.stderr
    weights = (zoo / "alder-docs" / "model.safetensors").stat().st_size
    assert weights < sent < 3 * weights
    assert f"{local.equal_tensors} of {len(local.tensors)} compared tensors equal" in done.stdout


@dataclass
class Vanishing(MemorySource):
    """A source that is gone after so many reads of its weights."""

    left: int = 40
    open_readers: list[MemoryReader] = field(default_factory=list)

    def open(self, path: str) -> MemoryReader:
        source = self

        class Reader(MemoryReader):
            def read(self, offset: int, length: int) -> bytes:
                source.left -= 1
                if source.left < 0:
                    raise SourceError(f"{source.uri}: the connection was lost")
                return super().read(offset, length)

            def close(self) -> None:
                source.open_readers.remove(self)

        reader = Reader(self.contents[path])
        self.open_readers.append(reader)
        return reader


@pytest.mark.parametrize("side", [0, 1])
def test_a_source_that_vanishes_midway_is_an_error_and_leaves_nothing_open(side: int) -> None:
    tensors = llama(layers=12)
    files = model_files(tensors, config=llama_config(tensors))
    sources = [MemorySource(files), MemorySource(files)]
    sources[side] = gone = Vanishing(files)
    before = threading.active_count()
    with pytest.raises(SourceError, match="the connection was lost"):
        weights_of(*sources)
    assert gone.left < 0 and not gone.open_readers
    for _ in range(100):
        if threading.active_count() <= before:
            break
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_ctrl_c_ends_it_at_once_without_a_trace(tmp_path: Path) -> None:
    tensors = llama(layers=24)
    folder = write_files(tmp_path / "one", model_files(tensors, config=llama_config(tensors)))
    with HubServer(latency=0.1) as hub:
        for name in ("org/one", "org/two"):
            hub.add(name, folder)
        environment = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
        path, report = tmp_path / "r.duckdb", tmp_path / "report.html"
        subprocess.run([*COMMAND, "--registry", str(path), "ingest", str(folder), "-q"], check=True)
        command = [
            *COMMAND,
            "--registry",
            str(path),
            "compare",
            "org/one",
            "org/two",
            "--full",
            "--report",
            str(report),
        ]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            ended = time.monotonic() + 60
            while hub.requests < 40 and process.poll() is None and time.monotonic() < ended:
                time.sleep(0.01)
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=10)
    assert process.returncode in {130, -signal.SIGINT} and not out
    assert b"Traceback" not in err and not report.exists()


def test_what_is_held_of_a_tensor_is_a_few_blocks_whatever_its_size() -> None:
    for shape in ((1 << 20, 8192), (128, 1 << 26), (1 << 33,)):
        columns = shape[-1]
        tensor = LogicalTensor("w", "BF16", shape, RowMajor("file", 0, "BF16", columns))
        some = LogicalTensor("w", "BF16", (64, *shape[1:]), tensor.storage) if len(shape) > 1 else tensor
        planned = pieces(some if columns <= BLOCK else tensor)
        assert not isinstance(planned, str)
        lengths = [sum(r.length for r in p.storage.ranges(p.rows)) for p in planned[:100]]
        assert max(lengths) <= 2 * BLOCK


def test_reads_run_a_few_blocks_ahead_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCK", 512)
    tensors = llama()
    for connections, ahead in ((1, 2), (4, 4), (64, 8)):
        source = MemorySource(model_files(tensors, config=llama_config(tensors)), connections=connections)
        with whole_model(source) as model:
            tensor = max((n.tensor for n in model.named), key=lambda t: t.parameters)
            planned = pieces(tensor)
            assert not isinstance(planned, str) and len(planned) > 8
            stream = TensorStream(model, tensor, planned)
            seen = 0
            while (block := stream.advance()) is not None:
                seen += block.size
                assert block.size <= 512 and len(stream._reading) < ahead
            assert seen == tensor.parameters == np.prod(tensor.shape)
