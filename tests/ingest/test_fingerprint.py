"""The evidence of one tensor: what changes it, and what must not."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from forebear.ingest.fingerprint import TensorFingerprint, fingerprint_matrix, fingerprint_tokens, fingerprint_vector
from forebear.ingest.fingerprint.gram import UNIT, gram
from forebear.ingest.fingerprint.minhash import column_codes, column_minhash, minhash, union
from forebear.ingest.fingerprint.positions import places, sample
from forebear.ingest.fingerprint.sketch import sketches
from forebear.ingest.fingerprint.statistics import exact_hash, statistics
from forebear.ingest.hashing import hash_bytes, splitmix64
from forebear.ingest.names.naming import NamedTensor, Place
from forebear.ingest.storage.logical import LogicalTensor, RowMajor

from ..writers import Floats


def leading(seed: int, columns: int = 512, rows: int = 16) -> Floats:
    return np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)


def named(role: str, *shape: int, layer: int | None = 0, name: str = "w") -> NamedTensor:
    tensor = LogicalTensor(name, "F32", shape, RowMajor("model.safetensors", 0, "F32", shape[-1] if shape else 1))
    return NamedTensor(tensor, Place("language", layer, None, role), tensor.parameters)


def test_splitmix64_is_the_published_one() -> None:
    state = 1234567  # the first outputs for this seed, of the reference implementation
    steps = np.array([state + i * 0x9E3779B97F4A7C15 for i in range(3)], object) % (1 << 64)
    found = splitmix64(steps.astype(np.uint64))
    assert found.tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_token_hashes_never_change() -> None:
    assert hash_bytes([b"", b" the"]).tolist() == [HASHES[b""], HASHES[b" the"]]


HASHES = {b"": 13020603013274838756, b" the": 11277309899577342212}

PLACES: dict[tuple[int, int, int], tuple[list[int], int]] = {
    (16, 64, 256): ([4, 16, 19, 20, 22], 123850),
    (16, 4096, 256): ([947, 1168, 1593, 1632, 1682], 8513674),
    (16, 28672, 256): ([916, 1298, 1827, 1834, 3406], 58181332),
    (12, 128, 256): ([0, 3, 7, 22, 25], 195199),
    (1, 4096, 64): ([1, 265, 291, 470, 494], 144810),
    (1, 65536, 256): ([131, 361, 1523, 1868, 2305], 8749142),
    (1, 40, 64): ([0, 1, 2, 3, 4], 780),
    (4, 4, 256): ([0, 1, 2, 3, 4], 120),
}
"""(rows, columns, count): the first five places and the sum of all. A change needs a new FINGERPRINT_VERSION."""


@pytest.mark.parametrize("shape", PLACES)
def test_places_never_change(shape: tuple[int, int, int]) -> None:
    found = places(*shape)
    first, total = PLACES[shape]
    assert found[:5].tolist() == first
    assert int(found.sum()) == total
    assert len(set(found.tolist())) == min(shape[2], shape[0] * shape[1])
    assert found.tolist() == sorted(found.tolist()) and found[-1] < shape[0] * shape[1]


def test_small_blocks_are_kept_whole_and_padded() -> None:
    block = leading(1, 5, 3)
    assert sample(block, 256)[:15].tolist() == block.ravel().tolist()
    assert not sample(block, 256)[15:].any()


def test_places_reach_every_row_and_most_of_the_width() -> None:
    found = places(16, 4096, 256)
    assert set((found // 4096).tolist()) == set(range(16))
    counts = np.histogram(found % 4096, 8, (0, 4096))[0]
    assert counts.min() > 10


def test_gram_survives_rotation_permutation_and_sign_flips_of_columns() -> None:
    random = np.random.default_rng(3)
    rows = leading(3, 256)
    rotation = np.linalg.qr(random.standard_normal((256, 256)))[0]
    signed = random.permutation(256)
    plain = gram(rows, None).astype(int)
    assert np.abs(plain - gram((rows.astype(np.float64) @ rotation).astype(np.float32), None)).max() <= 1
    assert np.abs(plain - gram(rows[:, signed] * random.choice([-1, 1], 256).astype(np.float32), None)).max() <= 1
    assert np.abs(plain - gram(rows[random.permutation(16)], None)).max() > UNIT // 20


def test_gram_is_the_same_with_the_gain_folded_in_and_rotated_away() -> None:
    random = np.random.default_rng(4)
    rows, gain = leading(4, 256), random.uniform(0.3, 3, 256).astype(np.float32)
    rotation = np.linalg.qr(random.standard_normal((256, 256)))[0]
    folded = ((rows * gain).astype(np.float64) @ rotation).astype(np.float32)
    with_gain = gram(rows, gain).astype(int)
    assert np.abs(with_gain - gram(folded, None)).max() <= 1
    assert np.abs(with_gain - gram(folded, np.ones(256, np.float32))).max() <= 1
    assert np.abs(with_gain - gram(rows, None)).max() > UNIT // 50


def test_gram_holds_cosines_in_the_order_of_pairs() -> None:
    rows = np.zeros((16, 32), np.float32)
    rows[0, 0] = rows[1, 0] = 2
    rows[1, 1] = 2
    found = gram(rows, None)
    assert found.dtype == np.int16 and found[0] == round(UNIT / math.sqrt(2))
    assert not found[1:].any()


def test_column_sets_survive_permuted_columns_and_scaled_rows() -> None:
    rows = leading(5)
    order = np.random.default_rng(5).permutation(512)
    assert np.array_equal(column_minhash(rows), column_minhash(rows[:, order]))
    scale = np.float32(2) ** np.arange(-8, 8, dtype=np.float32)[:, None]
    assert np.array_equal(column_minhash(rows), column_minhash((rows * scale).astype(np.float32)))
    assert not np.array_equal(column_minhash(rows), column_minhash(rows * -1))


def test_a_column_code_is_the_six_largest_places_and_their_signs() -> None:
    block = leading(14, 40)
    scaled = block / np.sqrt(np.mean(block.astype(np.float64) ** 2, axis=1, keepdims=True))
    expected = []
    for column in scaled.T.tolist():
        largest = sorted(range(16), key=lambda row: -abs(column[row]))[:6]
        expected.append(sum(1 << row for row in largest) << 16 | sum(1 << row for row in largest if column[row] < 0))
    assert column_codes(block).tolist() == expected


def test_equal_magnitudes_are_ordered_by_row() -> None:
    block = np.ones((16, 4), np.float32)
    block[1] = -1
    assert column_codes(block).tolist() == [(0b111111 << 16) | 0b10] * 4


def test_columns_of_zeros_have_no_code() -> None:
    block = leading(6, 10)
    block[:, 3] = 0
    assert len(column_codes(block)) == 9
    assert column_minhash(np.zeros((16, 8), np.float32)).tolist() == [0xFFFFFFFF] * 64


@pytest.mark.parametrize(("columns", "pairs"), [(4096, 40), (28_672, 12)])
def test_the_minhash_of_strangers_agrees_no_more_than_theory_says(columns: int, pairs: int) -> None:
    codes = math.comb(16, 6) * 2**6
    kept = codes * -math.expm1(-columns / codes)
    theory = (kept * kept / codes) / (2 * kept - kept * kept / codes)
    assert theory == pytest.approx({4096: 0.004, 28_672: 0.0277}[columns], rel=0.05)
    sketched = [column_minhash(leading(100 + i, columns)) for i in range(pairs + 1)]
    equal = sum(int((a == b).sum()) for a, b in pairwise(sketched))
    spread = math.sqrt(64 * pairs * theory)
    assert abs(equal - 64 * pairs * theory) < 4 * spread


def test_datasketch_agrees_on_sketches_unions_and_jaccard() -> None:
    random = np.random.default_rng(7)
    sets = [random.integers(0, 1 << 63, n).astype(np.uint64) for n in (9000, 5000)]
    sets[1][:4000] = sets[0][:4000]
    theirs = []
    for items in sets:
        one = MinHash(num_perm=64, seed=1, scheme="affine32", hashfunc=lambda value: value)
        for value in (splitmix64(items) >> np.uint64(32)).tolist():
            one.update(value)
        theirs.append(one)
    mine = [minhash(items) for items in sets]
    for a, b in zip(mine, theirs, strict=True):
        assert a.tolist() == b.hashvalues.tolist()
    assert np.mean(mine[0] == mine[1]) == pytest.approx(theirs[0].jaccard(theirs[1]))
    assert np.mean(mine[0] == mine[1]) == pytest.approx(0.4, abs=0.2)
    theirs[0].merge(theirs[1])
    assert union(np.stack(mine)).tolist() == theirs[0].hashvalues.tolist()


def test_minhashes_never_change() -> None:
    assert minhash(np.arange(1000, dtype=np.uint64))[:4].tolist() == MINHASH


MINHASH = [9931305, 741680, 434540, 1505805]


def test_statistics_are_those_of_numpy_and_scipy() -> None:
    from scipy.stats import kurtosis

    block = leading(8, 300)
    block[0, :30] = 0
    found = statistics(block, 2)
    wide = block.astype(np.float64).ravel()
    assert found.mean == pytest.approx(wide.mean(), abs=1e-12)
    assert found.std == pytest.approx(wide.std(), rel=1e-12)
    assert found.rms == pytest.approx(np.sqrt((wide**2).mean()), rel=1e-12)
    assert found.max == pytest.approx(np.abs(wide).max())
    assert found.kurtosis == pytest.approx(kurtosis(wide, fisher=False), rel=1e-9)
    assert found.zeros == pytest.approx(30 / wide.size)
    assert found.nonfinite == 2


def test_levels_tell_four_bit_weights_from_real_ones() -> None:
    block = leading(9, 320)
    groups = block.reshape(16, -1, 32)
    step = np.abs(groups).max(axis=2, keepdims=True) / 7
    assert statistics(block, 0).levels > 31
    assert statistics((np.round(groups / step) * step).astype(np.float32).reshape(16, -1), 0).levels <= 16


@pytest.mark.parametrize("value", [0.0, 1.0, 3e38, 1e-45])
def test_constant_values_have_statistics(value: float) -> None:
    found = statistics(np.full((16, 64), value, np.float32), 0)
    assert all(math.isfinite(x) for x in (found.mean, found.std, found.rms, found.max, found.kurtosis, found.levels))
    assert found.levels == 1


def test_the_exact_hash_knows_shape_and_values_and_one_zero() -> None:
    block = leading(10, 64)
    block[0, 0] = 0.0
    other = block.copy()
    other[0, 0] = -0.0
    assert exact_hash(block) == exact_hash(other) == exact_hash(np.asfortranarray(block))
    assert exact_hash(block) != exact_hash(block.reshape(8, 128))
    other[0, 0] = 1e-45
    assert exact_hash(block) != exact_hash(other)
    assert 0 <= exact_hash(block) < 1 << 63


def test_what_is_kept_depends_on_role_and_shape() -> None:
    def kinds(found: TensorFingerprint) -> list[bool]:
        return [v is not None for v in (found.positions, found.gram, found.minhash, found.values)]

    block = leading(11, 64)
    assert kinds(fingerprint_matrix(named("q", 64, 64), block, None)) == [True, True, True, False]
    assert kinds(fingerprint_matrix(named("down", 64, 64), block, None)) == [True, False, True, False]
    assert kinds(fingerprint_matrix(named("other", 64, 64), block, None)) == [True, False, False, False]
    assert kinds(fingerprint_matrix(named("q", 15, 64), block[:15], None)) == [True, False, True, False]
    assert kinds(fingerprint_matrix(named("q", 11, 64), block[:11], None)) == [True, False, False, False]
    assert kinds(fingerprint_matrix(named("q", 16, 3), block[:, :3], None)) == [False, False, False, False]
    assert kinds(fingerprint_matrix(named("q", 64, 64), block * 0, None)) == [False, False, False, False]
    assert kinds(fingerprint_vector(named("norm", 64), block[:1])) == [False, False, False, True]


def test_bad_values_count_and_are_zero() -> None:
    block = leading(12, 64)
    block[0, :3] = [np.nan, np.inf, -np.inf]
    found = fingerprint_matrix(named("q", 64, 64), block, None)
    assert found.statistics is not None and found.statistics.nonfinite == 3
    clean = np.where(np.isfinite(block), block, 0)
    assert found.statistics.hash == exact_hash(clean)
    assert found.positions is not None and np.array_equal(found.positions, sample(clean, 256))


def test_token_rows_are_kept_at_fixed_columns() -> None:
    block = leading(13, 512, 4)
    tensor, rows = fingerprint_tokens(named("embed", 96, 512, layer=None), block, np.arange(4, dtype=np.uint64))
    assert tensor.rows_read == 4 and rows.values.shape == (4, 64)
    assert np.array_equal(rows.values, block[:, places(1, 512, 64)])
    assert fingerprint_tokens(named("embed", 96, 8), block[:, :8], np.arange(4, dtype=np.uint64))[1].values.shape == (
        4,
        64,
    )


def test_the_sketch_does_not_depend_on_the_order_of_layers() -> None:
    made = [
        fingerprint_matrix(named(r, 64, 64, layer=i), leading(10 * i + j, 64), None)
        for i in range(4)
        for j, r in enumerate("qkvo")
    ]
    one, other = sketches(made)[0], sketches(made[::-1])[0]
    assert (one.positions, one.gram, one.minhash.tolist()) == (other.positions, other.gram, other.minhash.tolist())
    assert (len(one.positions), len(one.gram)) == (7 * 256 // 8, 5 * 120 // 8)
    assert (one.position_roles, one.gram_roles) == (0b1111, 0b111)
    assert one.positions[4 * 32 :] == bytes(3 * 32)


def test_sketches_of_strangers_agree_in_half_of_their_signs() -> None:
    made = [
        sketches([fingerprint_matrix(named("q", 64, 64, layer=i), leading(1000 * s + i, 64), None) for i in range(8)])[
            0
        ]
        for s in range(2)
    ]
    bits = [np.unpackbits(np.frombuffer(m.positions[:32], np.uint8)) for m in made]
    assert abs(int((bits[0] == bits[1]).sum()) - 128) < 4 * 8


@settings(max_examples=100, deadline=None)
@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=20), elements=st.floats(width=32)))
def test_any_block_of_floats_has_a_finite_fingerprint(block: Floats) -> None:
    block = block[:16]
    found = fingerprint_matrix(named("q", *block.shape), block, np.ones(block.shape[1], np.float32))
    assert (
        found.statistics is not None
        and math.isfinite(found.statistics.kurtosis)
        and math.isfinite(found.statistics.rms)
    )
    assert found.positions is None or np.isfinite(found.positions).all()
