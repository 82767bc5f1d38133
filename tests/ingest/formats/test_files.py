"""Which files are a model's weights: one model, complete, or an error that names what is missing or what to choose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from forebear.ingest.errors import FormatError, SourceError
from forebear.ingest.formats import read_checkpoint, resolve_files
from forebear.ingest.model import fingerprint_model, iter_problems
from forebear.ingest.sources import open_source

from ...writers import MemorySource, llama, model_files, safetensors_bytes, write_files
from .writers_torch import torch_bytes

TENSORS = llama()
FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
INDEX = "model.safetensors.index.json"


def index(shards: Mapping[str, str]) -> bytes:
    return json.dumps({"weight_map": dict(shards)}).encode()


def parts(ending: str = ".safetensors", stem: str = "model") -> dict[str, bytes]:
    """The tensors in two files, without an index."""
    names = list(TENSORS)
    return {
        f"{stem}-0000{i + 1}-of-00002{ending}": safetensors_bytes({n: TENSORS[n] for n in names[i::2]}) for i in (0, 1)
    }


@pytest.mark.parametrize("stem", ["model", "llama-7b", "consolidated"])
@pytest.mark.parametrize("left", [0, 1])
def test_a_part_of_two_alone_is_refused_with_the_name_of_the_other(stem: str, left: int) -> None:
    files = parts(stem=stem)
    names = list(files)
    assert len(read_checkpoint(MemorySource(files))[1].tensors) == len(TENSORS)
    del files[names[1 - left]]
    with pytest.raises(SourceError, match=f"1 of 2 parts are here, without '{names[1 - left]}'; fetch all parts"):
        read_checkpoint(MemorySource(files))


SPELLINGS = (
    "model.safetensors-{k:05d}-of-{n:05d}", "pytorch_model_{k:05d}-of-{n:05d}", "model_{k:05d}_of_{n:05d}",
    "model.{k:05d}-of-{n:05d}", "model-{k}-of-{n}", "model-{k:02d}-of-{n:02d}", "model.part{k}of{n}", "m.{k}of{n}",
    "model-shard{z}-of{n}", "model-{z:05d}-of-{n:05d}",
)  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("named", [False, True])
def test_parts_in_every_spelling_are_one_model_and_one_alone_is_refused(
    spelling: str, named: bool, tmp_path: Path
) -> None:
    names = [f"{spelling.format(k=k, z=k - 1, n=2)}.safetensors" for k in (1, 2)]
    write_files(tmp_path, dict(zip(names, parts().values(), strict=True)))
    spec = str(tmp_path / names[0]) if named else str(tmp_path)
    assert len(read_checkpoint(open_source(spec))[1].tensors) == len(TENSORS)
    (tmp_path / names[1]).unlink()
    with pytest.raises(SourceError, match=f"1 of 2 parts are here, without '{names[1]}'; fetch all parts"):
        read_checkpoint(open_source(spec))


@pytest.mark.parametrize("name", ["model-1-of-x", "best-of-3", "model-5-of-3", "of-1-of", "3of4"])
def test_other_numbers_in_a_name_are_no_parts(name: str) -> None:
    assert len(read_checkpoint(MemorySource({f"{name}.safetensors": safetensors_bytes(TENSORS)}))[1].tensors)


def test_a_second_model_beside_the_file_of_the_usual_name_is_left_and_said() -> None:
    beside = {"model_1.safetensors": safetensors_bytes(llama(1))}
    made = fingerprint_model(MemorySource(model_files(TENSORS) | beside))
    assert made.content == fingerprint_model(MemorySource(model_files(TENSORS))).content
    assert made.notes == ("'model.safetensors' was read; 'model_1.safetensors' beside it was not: name it to read it",)


@pytest.mark.parametrize(
    "name",
    ["adapter_model", "model.fp16", "consolidated.00", "model-00001-of-00001"],
)
def test_an_adapter_a_variant_and_a_second_copy_in_parts_beside_a_model_need_no_word(name: str) -> None:
    files = model_files(TENSORS) | {f"{name}.safetensors": safetensors_bytes(TENSORS)}
    assert fingerprint_model(MemorySource(files)).notes == ()


@pytest.mark.parametrize("ending", ["sft", "SFT"])
def test_the_ending_that_comfyui_gives_safetensors_is_read(ending: str) -> None:
    assert read_checkpoint(MemorySource({f"flux.{ending}": safetensors_bytes(TENSORS)}))[0].name == "safetensors"


def test_a_missing_part_of_torch_files_is_named_too() -> None:
    data = torch_bytes({"a": np.ones((4, 4), np.float32)})
    with pytest.raises(SourceError, match=r"without 'pytorch_model-00001-of-00003\.bin' and 1 more"):
        read_checkpoint(MemorySource({"pytorch_model-00002-of-00003.bin": data}))


@pytest.mark.parametrize("left", [0, 1])
def test_a_part_alone_is_refused_in_any_case_of_letters(left: int) -> None:
    files = {name.upper(): data for name, data in parts().items()}
    assert len(read_checkpoint(MemorySource(files))[1].tensors) == len(TENSORS)
    del files[list(files)[1 - left]]
    with pytest.raises(SourceError, match="1 of 2 parts are here"):
        read_checkpoint(MemorySource(files))


@pytest.mark.parametrize(
    ("numbers", "message"),
    [((0, 2), r"consolidated\.01"), ((1,), r"consolidated\.00"), ((3,), r"consolidated\.00\.\w+' and 2 more")],
)
@pytest.mark.parametrize("ending", ["safetensors", "pth"])
def test_a_slice_that_is_absent_below_the_last_one_is_named(
    numbers: tuple[int, ...], message: str, ending: str
) -> None:
    with pytest.raises(SourceError, match=message):
        resolve_files(MemorySource({f"consolidated.{k:02d}.{ending}": b"" for k in numbers}))


def test_a_count_of_parts_that_no_model_has_costs_no_time() -> None:
    with pytest.raises(SourceError, match=r"1 of 999999 parts are here, without '.*' and 999997 more"):
        read_checkpoint(MemorySource({"model-000001-of-999999.safetensors": b""}))


@pytest.mark.parametrize("sharded", [False, True])
def test_an_index_left_over_from_another_sharding_is_set_aside_for_whole_weights_and_said(sharded: bool) -> None:
    files = parts() if sharded else model_files(TENSORS)
    stale = {name: f"model-0000{1 + i % 2}-of-00013.safetensors" for i, name in enumerate(TENSORS)}
    made = fingerprint_model(MemorySource(files | {INDEX: index(stale)}))
    assert made.content == fingerprint_model(MemorySource(files)).content
    assert made.notes == tuple(iter_problems(made))[:1]
    assert "model.safetensors.index.json is stale" in made.notes[0] and "-of-00013" in made.notes[0]


def test_weights_beside_a_stale_index_that_lack_one_of_its_tensors_are_not_whole() -> None:
    stale = dict.fromkeys([*TENSORS, "lm_head.weight"], "model-00001-of-00013.safetensors")
    with pytest.raises(SourceError, match=r"lists 'model-00001-of-00013\.safetensors', which is not there.*'lm_head"):
        read_checkpoint(MemorySource(model_files(TENSORS) | {INDEX: index(stale)}))


def test_a_tensor_that_an_index_names_and_no_shard_holds_is_an_error() -> None:
    named = {name: FIRST if name in list(TENSORS)[::2] else SECOND for name in TENSORS} | {"lm_head.weight": SECOND}
    with pytest.raises(FormatError, match=r"names 1 tensors that no shard holds: 'lm_head\.weight'; fetch its shards"):
        read_checkpoint(MemorySource(parts() | {INDEX: index(named)}))


@pytest.mark.parametrize("tied", [True, False])
def test_an_index_may_name_a_head_that_no_shard_holds_where_the_config_says_that_it_is_the_embedding(
    tied: bool,
) -> None:
    named = {name: FIRST if name in list(TENSORS)[::2] else SECOND for name in TENSORS} | {"lm_head.weight": SECOND}
    config = json.dumps({"tie_word_embeddings": tied}).encode()
    source = MemorySource(parts() | {INDEX: index(named), "config.json": config})
    if tied:
        assert {tensor.name for tensor in read_checkpoint(source)[1].tensors} == TENSORS.keys()
        return
    with pytest.raises(FormatError, match="names 1 tensors that no shard holds"):
        read_checkpoint(source)


def test_a_matrix_of_a_layer_that_no_shard_holds_is_no_tied_head() -> None:
    named = {name: FIRST if name in list(TENSORS)[::2] else SECOND for name in TENSORS}
    named["model.layers.0.attention.output.weight"] = SECOND
    config = json.dumps({"tie_word_embeddings": True}).encode()
    with pytest.raises(FormatError, match="names 1 tensors that no shard holds"):
        read_checkpoint(MemorySource(parts() | {INDEX: index(named), "config.json": config}))


def test_of_a_tensor_in_two_shards_that_of_the_index_counts_and_the_other_is_said_to_be_left_out() -> None:
    names = list(TENSORS)
    listed = {name: FIRST if name in names[::2] else SECOND for name in names}
    halves = [{n: v for n, v in TENSORS.items() if listed[n] == file} for file in (FIRST, SECOND)]
    other = {names[0]: TENSORS[names[0]] + 1}
    files = {FIRST: safetensors_bytes(halves[0]), SECOND: safetensors_bytes(halves[1] | other), INDEX: index(listed)}
    twice = fingerprint_model(MemorySource(files))
    assert twice.content == fingerprint_model(MemorySource(model_files(TENSORS))).content
    assert any(f"in {SECOND} too" in problem for problem in iter_problems(twice))


def test_an_index_may_name_buffers_that_no_shard_holds() -> None:
    named = {name: FIRST if name in list(TENSORS)[::2] else SECOND for name in TENSORS}
    named |= {f"model.layers.{layer}.self_attn.rotary_emb.inv_freq": FIRST for layer in range(2)}
    _, contents = read_checkpoint(MemorySource(parts() | {INDEX: index(named)}))
    assert {tensor.name for tensor in contents.tensors} == TENSORS.keys()


def test_an_interrupted_download_of_shards_is_an_error_and_whole_weights_of_another_format_are_not() -> None:
    listed = {name: FIRST if i % 2 else SECOND for i, name in enumerate(TENSORS)}
    files = {INDEX: index(listed), FIRST: parts()[FIRST]}
    with pytest.raises(SourceError, match=r"lists .*, which is not there; fetch all shards"):
        read_checkpoint(MemorySource(files))
    whole = {INDEX: index(listed), "pytorch_model.bin": torch_bytes(TENSORS)}
    assert read_checkpoint(MemorySource(whole))[0].name == "torch"


UNRELATED: dict[str, dict[str, bytes]] = {
    "checkpoints": {
        "dreamy_v1.safetensors": safetensors_bytes(TENSORS),
        "realistic_v2.safetensors": safetensors_bytes(llama(1)),
    },
    "parts of two models": parts(stem="a") | parts(stem="b"),
    "two models of the usual stem": parts(stem="model-a") | parts(stem="model-b"),
    "an adapter of another name": {
        "style.safetensors": safetensors_bytes({f"x.lora_{f}.weight": np.ones((4, 4), np.float32) for f in "AB"}),
        "alder.safetensors": safetensors_bytes(TENSORS),
    },
    "torch": {"G.pth": torch_bytes(TENSORS), "D.pth": torch_bytes(TENSORS)},
}


@pytest.mark.parametrize("files", UNRELATED.values(), ids=UNRELATED)
def test_several_models_in_one_folder_are_listed(files: Mapping[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"2 models in .* files; name one of them: ") as raised:
        read_checkpoint(MemorySource(files))
    assert all(name in str(raised.value) for name in files)
    write_files(tmp_path, files)
    for name in files:
        assert fingerprint_model(open_source(str(tmp_path / name))).tensor_count


def test_files_that_differ_by_a_number_are_parts_when_their_tensors_are_apart_and_models_when_not() -> None:
    names = list(TENSORS)
    apart = {f"part{i}.safetensors": safetensors_bytes({n: TENSORS[n] for n in names[i::2]}) for i in (0, 1)}
    assert len(read_checkpoint(MemorySource(apart))[1].tensors) == len(TENSORS)
    same = {f"lora{i}.safetensors": safetensors_bytes(TENSORS) for i in (0, 1)}
    with pytest.raises(FormatError, match=r"two files hold a tensor .*name one of them: lora0\.safetensors, lora1"):
        read_checkpoint(MemorySource(same))


@pytest.mark.parametrize("name", ["Model.SafeTensors", "MODEL.SAFETENSORS"])
def test_the_case_of_endings_does_not_matter(name: str, tmp_path: Path) -> None:
    write_files(tmp_path, {name: safetensors_bytes(TENSORS)})
    assert fingerprint_model(open_source(str(tmp_path))).tensor_count == len(TENSORS)
    assert fingerprint_model(open_source(str(tmp_path / name))).name == tmp_path.name


def test_the_files_are_found_without_reading_weights() -> None:
    found = resolve_files(MemorySource(model_files(TENSORS, shards=2)))
    assert found.paths == (FIRST, SECOND) and found.notes == ()
    assert found.networks[0].index is not None and set(found.networks[0].index.weights) == set(TENSORS)


def test_a_shard_that_the_index_does_not_list_is_named() -> None:
    files = parts()
    listed = {name: shard for i, shard in enumerate(files) for name in list(TENSORS)[i::2]}
    more = {"model-00003-of-00003.safetensors": safetensors_bytes({"x.weight": np.ones((4, 4), np.float32)})}
    whole = {**files, INDEX: index(listed), "model.fp16-00001-of-00002.safetensors": b""}
    assert not resolve_files(MemorySource(whole)).notes
    (note,) = resolve_files(MemorySource({**whole, **more})).notes
    assert "'model-00003-of-00003.safetensors' beside it was not" in note
