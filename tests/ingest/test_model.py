"""The fingerprint of a model from end to end: independent of dtype, shards and order; odd and bad weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from forebear.ingest.model import ModelFingerprint, fingerprint_model, iter_problems
from forebear.ingest.sources import open_source
from forebear.ingest.sources.source import NothingToRead
from forebear.registry import Registry

from ..writers import (
    NUMPY,
    Floats,
    MemorySource,
    Raw,
    llama,
    llama_config,
    model_files,
    raw,
    safetensors_bytes,
    tokenizer_json,
    words,
    write_files,
)

TENSORS = llama(tied=False)
CONFIG = llama_config(TENSORS)
TOKENIZER = tokenizer_json(words(96))


def fingerprint(tensors: Mapping[str, Raw | Floats], *, shards: int = 1, **config: object) -> ModelFingerprint:
    files = model_files(tensors, shards=shards, config=CONFIG | config, tokenizer=TOKENIZER)
    return fingerprint_model(MemorySource(files))


def stored(tensors: Mapping[str, Floats], dtype: str) -> dict[str, Raw]:
    return {name: raw(values, dtype) for name, values in tensors.items()}


def evidence(made: ModelFingerprint) -> dict[str, bytes]:
    """Everything that is kept, by tensor and kind, as bytes."""
    kept = {f"sketch {s.component}": s.positions + s.gram + s.minhash.tobytes() for s in made.sketches}
    for rows in made.tokens:
        kept[f"tokens {rows.named.tensor.name}"] = rows.keys.tobytes() + rows.values.tobytes()
    for one in made.tensors:
        for kind in ("positions", "values", "gram", "minhash"):
            if (found := getattr(one, kind)) is not None:
                kept[f"{kind} {one.named.tensor.name}"] = found.tobytes()
        kept[f"statistics {one.named.tensor.name}"] = repr(
            (one.statistics, one.named.place, one.named.represents)
        ).encode()
    return kept


ONE_FILE = fingerprint(TENSORS)


@pytest.mark.parametrize("shards", [2, 3, 7])
def test_shards_give_the_same_fingerprint_bit_for_bit(shards: int) -> None:
    sharded = fingerprint(TENSORS, shards=shards)
    assert evidence(sharded) == evidence(ONE_FILE)
    assert sharded.content == ONE_FILE.content
    assert (sharded.tensor_count, sharded.parameters) == (ONE_FILE.tensor_count, ONE_FILE.parameters)


def test_the_order_of_tensors_changes_nothing() -> None:
    turned = fingerprint(dict(reversed(TENSORS.items())))
    assert evidence(turned) == evidence(ONE_FILE)
    assert turned.content == ONE_FILE.content


def test_another_value_changes_the_content() -> None:
    changed = {n: t.copy() for n, t in TENSORS.items()}
    changed["model.layers.1.mlp.down_proj.weight"][3, 5] += 1e-6
    assert fingerprint(changed).content != ONE_FILE.content


@pytest.mark.parametrize(("dtype", "tolerance"), [("F64", 1e-7), ("F16", 1e-3), ("BF16", 4e-3)])
def test_copies_of_other_precision_have_the_same_fingerprint_up_to_rounding(dtype: str, tolerance: float) -> None:
    copy = fingerprint(stored(TENSORS, dtype))
    assert len(copy.tensors) == len(ONE_FILE.tensors) == len(TENSORS)
    for mine, other in zip(ONE_FILE.tensors, copy.tensors, strict=True):
        assert mine.named.place == other.named.place and mine.rows_read == other.rows_read
        if mine.positions is not None and other.positions is not None:
            assert np.allclose(mine.positions, other.positions, rtol=tolerance, atol=1e-6)
        if mine.values is not None and other.values is not None:
            assert np.allclose(mine.values, other.values, rtol=tolerance)
        if mine.gram is not None and other.gram is not None:
            assert np.abs(mine.gram.astype(int) - other.gram).max() <= 32767 * tolerance
        if mine.minhash is not None and other.minhash is not None:
            assert np.mean(mine.minhash == other.minhash) > 0.5
        assert (mine.positions is None) == (other.positions is None)
    for rows, others in zip(ONE_FILE.tokens, copy.tokens, strict=True):
        assert np.array_equal(rows.keys, others.keys)
        assert np.allclose(rows.values, others.values, rtol=tolerance, atol=1e-6)
    bits = [np.unpackbits(np.frombuffer(m.sketches[0].positions, np.uint8)) for m in (ONE_FILE, copy)]
    assert np.mean(bits[0] == bits[1]) > 0.99


def test_dtypes_that_hold_the_same_values_have_the_same_content() -> None:
    held = {n: t.astype(NUMPY["F8_E5M2"]).astype(np.float32) for n, t in TENSORS.items()}
    made = [fingerprint(stored(held, dtype)) for dtype in ("F64", "F32", "F16", "BF16", "F8_E5M2")]
    assert len({m.content for m in made}) == 1
    assert all(evidence(m) == evidence(made[0]) for m in made)


def test_four_bit_weights_are_read() -> None:
    packed = np.random.default_rng(1).integers(0, 256, 64 * 32, np.uint8).tobytes()
    made = fingerprint(TENSORS | {"model.layers.0.self_attn.q_proj.weight": Raw("F4", (64, 64), packed)})
    found = next(t for t in made.tensors if t.named.tensor.name == "model.layers.0.self_attn.q_proj.weight")
    assert found.positions is not None and set(np.abs(found.positions).tolist()) <= {0, 0.5, 1, 1.5, 2, 3, 4, 6}


def spoiled() -> dict[str, Floats]:
    tensors = {n: t.copy() for n, t in TENSORS.items()}
    tensors["model.layers.0.self_attn.q_proj.weight"][0, :7] = np.nan
    tensors["model.layers.0.mlp.up_proj.weight"][:] = np.inf
    tensors["model.layers.1.self_attn.k_proj.weight"][:] = -np.nan
    tensors["model.layers.0.input_layernorm.weight"][:3] = [np.nan, np.inf, -np.inf]
    tensors["model.embed_tokens.weight"][:, 0] = np.nan
    return tensors


def test_nan_and_infinite_weights_are_counted_and_count_as_zero() -> None:
    made = fingerprint(spoiled())
    bad = {t.named.tensor.name: t.statistics.nonfinite for t in made.tensors if t.statistics and t.statistics.nonfinite}
    assert bad == {
        "model.layers.0.self_attn.q_proj.weight": 7,
        "model.layers.0.mlp.up_proj.weight": 16 * 64,
        "model.layers.1.self_attn.k_proj.weight": 16 * 64,
        "model.layers.0.input_layernorm.weight": 3,
        "model.embed_tokens.weight": 24,
    }
    assert [p for p in iter_problems(made) if p.startswith(f"{sum(bad.values())} of the values read are NaN")]
    for tensor in made.tensors:
        assert tensor.positions is None or np.isfinite(tensor.positions).all()
        assert tensor.values is None or np.isfinite(tensor.values).all()
    assert all(np.isfinite(rows.values).all() for rows in made.tokens)


def test_nan_and_infinite_weights_poison_no_score(tmp_path: Path) -> None:
    for name, tensors in (("clean", TENSORS), ("spoiled", spoiled())):
        write_files(tmp_path / name, model_files(tensors, config=CONFIG, tokenizer=TOKENIZER))
    with Registry(tmp_path / "registry.duckdb") as registry:
        outcomes = registry.ingest(tmp_path / "clean", tmp_path / "spoiled")
        assert [o.status for o in outcomes] == ["ingested", "ingested"]
        rows = registry.ancestors("spoiled").components[0].ancestors
    assert np.isfinite([[r.log10_evalue, r.identity, r.coverage, r.distance] for r in rows]).all()
    assert rows[0].name == "clean" and rows[0].log10_evalue < -3


ODD: dict[str, Floats] = {
    "model.layers.0.scalar": np.array(3.0, np.float32),
    "model.layers.0.empty": np.zeros((0, 64), np.float32),
    "model.layers.0.no_columns.weight": np.zeros((64, 0), np.float32),
    "model.layers.0.nothing": np.zeros(0, np.float32),
    "model.layers.0.mlp.gate.weight": np.random.default_rng(1).normal(size=(8, 64)).astype(np.float32),
    "model.layers.0.conv.weight": np.random.default_rng(2).normal(size=(32, 3, 5, 5)).astype(np.float32),
    "model.layers.0.conv1.weight": np.random.default_rng(3).normal(size=(32, 1, 4)).astype(np.float32),
    "model.layers.0.one_row.weight": np.random.default_rng(4).normal(size=(1, 64)).astype(np.float32),
    "model.layers.0.one_column.weight": np.random.default_rng(5).normal(size=(64, 1)).astype(np.float32),
}


def test_odd_shapes_are_kept_with_what_their_shape_allows(tmp_path: Path) -> None:
    made = fingerprint(TENSORS | ODD)
    found = {t.named.tensor.name.removeprefix("model.layers.0."): t for t in made.tensors}
    assert {n: found[n].rows_read for n in ("empty", "no_columns.weight", "nothing")} == dict.fromkeys(
        ("empty", "no_columns.weight", "nothing"), 0
    )
    assert found["scalar"].values is not None and found["scalar"].values[0] == 3 and found["scalar"].sampled == 1
    router = found["mlp.gate.weight"]
    assert (router.rows_read, router.sampled, router.named.place.role) == (8, 256, "router")
    conv = found["conv.weight"]
    assert (conv.named.place.role, conv.rows_read, conv.named.tensor.matrix) == ("conv", 16, (32, 75))
    first = ODD["model.layers.0.conv1.weight"][:16].reshape(-1)
    conv1 = found["conv1.weight"].positions
    assert conv1 is not None and np.array_equal(conv1[: len(first)], first)
    assert found["one_row.weight"].positions is not None and found["one_column.weight"].positions is None
    write_files(tmp_path / "odd", model_files(TENSORS | ODD, config=CONFIG, tokenizer=TOKENIZER))
    with Registry(tmp_path / "registry.duckdb") as registry:
        assert registry.ingest(tmp_path / "odd")[0].status == "ingested"
        assert registry.ancestors("odd").components[0].ancestors == ()


def test_zero_size_tensors_of_absurd_shape_are_ingested(tmp_path: Path) -> None:
    shapes = [(0, 1 << 62), (1 << 62, 0, 1 << 62), (0, 1 << 62, 1 << 62)]
    tensors: dict[str, Raw | Floats] = {
        **TENSORS,
        **{f"model.layers.0.x{i}.weight": Raw("F32", s, b"") for i, s in enumerate(shapes)},
    }
    write_files(tmp_path / "odd", {"model.safetensors": safetensors_bytes(tensors)})
    with Registry(tmp_path / "registry.duckdb") as registry:
        outcome = registry.ingest(tmp_path / "odd")[0]
        assert outcome.status == "ingested", outcome
        assert registry.ancestors("odd").components[0].ancestors == ()


def test_a_tensor_that_cannot_be_decoded_is_skipped_and_said() -> None:
    made = fingerprint(TENSORS | {"spectrum": Raw("C64", (4, 4), bytes(128))})
    assert [s.name for s in made.skipped] == ["spectrum"]
    assert made.parameters == ONE_FILE.parameters + 16
    assert next(iter_problems(made)).startswith("1 tensors skipped (first: spectrum: values of type C64")


def test_strange_names_reach_the_registry_safely(tmp_path: Path) -> None:
    names = [
        "a\0b",
        "../../etc/passwd",
        "\u202egnp.exe",
        "\ud800",
        "\x1b[2J",
        "model.layers.70000.self_attn.q_proj.weight",
    ]
    odd: dict[str, Raw | Floats] = {n: np.ones((16, 64), np.float32) * i for i, n in enumerate(names)}
    write_files(tmp_path / "odd", {"model.safetensors": safetensors_bytes({**TENSORS, **odd})})
    with Registry(tmp_path / "registry.duckdb") as registry:
        assert registry.ingest(tmp_path / "odd")[0].status == "ingested"
        kept = [name for (name,) in registry.connection.execute("SELECT name FROM tensor").fetchall()]
    assert len(kept) == len(TENSORS) + len(names)
    assert all(name.isprintable() for name in kept)


def test_the_gain_of_a_norm_is_folded_into_what_it_feeds() -> None:
    gain = TENSORS["model.layers.0.input_layernorm.weight"]
    folded = {n: t.copy() for n, t in TENSORS.items()}
    for role in "qkv":
        folded[f"model.layers.0.self_attn.{role}_proj.weight"] *= gain
    folded["model.layers.0.input_layernorm.weight"] = np.ones_like(gain)
    mine, other = ({t.named.tensor.name: t.gram for t in m.tensors} for m in (ONE_FILE, fingerprint(folded)))
    for role in "qkv":
        a, b = (grams[f"model.layers.0.self_attn.{role}_proj.weight"] for grams in (mine, other))
        assert a is not None and b is not None and np.abs(a.astype(int) - b).max() <= 1


def test_gemma_stores_its_gains_less_one() -> None:
    shifted = {n: t - np.float32(1) if "norm" in n else t for n, t in TENSORS.items()}
    gemma = {t.named.tensor.name: t.gram for t in fingerprint(shifted, model_type="gemma2").tensors}
    for tensor in ONE_FILE.tensors:
        if tensor.gram is not None:
            other = gemma[tensor.named.tensor.name]
            assert other is not None and np.abs(tensor.gram.astype(int) - other).max() <= 1


def test_what_is_read_is_counted(tmp_path: Path) -> None:
    write_files(tmp_path, model_files(llama(hidden=512, vocab=96), config=CONFIG))
    made = fingerprint_model(open_source(str(tmp_path)))
    assert made.bytes_total == (tmp_path / "model.safetensors").stat().st_size
    assert 0 < made.bytes_read < made.bytes_total
    assert list(iter_problems(made)) == [
        "no tokenizer: embeddings are compared by row number, with those of equal shape that have none either"
    ]


def test_without_an_embedding_nothing_is_said_of_how_embeddings_are_compared() -> None:
    tensors = {name: values for name, values in llama().items() if "embed" not in name and "lm_head" not in name}
    assert tensors and not list(iter_problems(fingerprint_model(MemorySource(model_files(tensors, config=CONFIG)))))


def test_the_card_the_config_and_the_tokenizer_are_kept() -> None:
    files = model_files(TENSORS, config=CONFIG, tokenizer=TOKENIZER) | {"README.md": b"---\nbase_model: org/p\n---\n"}
    made = fingerprint_model(MemorySource(files))
    assert made.config == json.loads(json.dumps(CONFIG))
    assert made.card.parents[0].parent == "org/p"
    assert made.tokenizer is not None and (made.tokenizer.size, made.tokenizer.kind) == (96, "BPE")
    assert (made.name, made.uri, made.format) == ("memory", "memory:///model", "safetensors")


def test_whole_numbers_alone_are_no_weights() -> None:
    ids = raw(np.arange(100), "I64")
    files = {"model.safetensors": safetensors_bytes({"position_ids": ids, "bins": ids})}
    with pytest.raises(NothingToRead, match="2 tensors of whole numbers or other buffers and no weights"):
        fingerprint_model(MemorySource(files))
