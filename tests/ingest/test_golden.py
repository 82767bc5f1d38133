"""The fingerprint of a bundled model, as digests: no change of what is kept without a new FINGERPRINT_VERSION."""

from __future__ import annotations

import hashlib
import itertools
import math
from dataclasses import astuple
from pathlib import Path

import numpy as np

from forebear.ingest.model import ModelFingerprint, fingerprint_model
from forebear.ingest.sources import open_source
from forebear.ingest.versions import FINGERPRINT_VERSION

GOLDEN = {
    1: {
        "content": "13ea9050a4e587475cb9655965dc574e",
        "tensors": "9a7945612baf4a56",
        "tokens": "543f375fb65394ba",
        "sketches": "a7760580e7d29bcf",
        "statistics": "89c3a59a6e6c0173",
        "tokenizer": "840f7aaa40a73037",
    },
    2: {
        "content": "13ea9050a4e587475cb9655965dc574e",
        "tensors": "9a7945612baf4a56",
        "tokens": "543f375fb65394ba",
        "sketches": "a7760580e7d29bcf",
        "statistics": "89c3a59a6e6c0173",
        "tokenizer": "840f7aaa40a73037",
    },
}
"""Version -> part -> digest, of tests/zoo/models/alder. When this fails, raise FINGERPRINT_VERSION and add a line.

What version 2 has in common with version 1 is equal, so that models of both are compared by it. Its activations are not
here: sums of products that differ in their last bits may fall on the other side of a level of 3 bits.
"""


def rounded(value: float | int) -> str:
    """Five digits: sums may differ in their last bits from machine to machine."""
    return f"{value:.4e}" if isinstance(value, float) and math.isfinite(value) else str(value)


def parts(made: ModelFingerprint) -> dict[str, str]:
    tensors, tokens, sketches, statistics, tokenizer = (hashlib.blake2b(digest_size=8) for _ in range(5))
    for one in sorted(made.tensors, key=lambda t: t.named.tensor.name):
        tensors.update(f"{one.named.tensor.name} {one.named.place} {one.named.represents} {one.rows_read}".encode())
        for kind in ("positions", "values", "gram", "minhash"):
            found = getattr(one, kind)
            tensors.update(b"-" if found is None else np.ascontiguousarray(found).tobytes())
        statistics.update(" ".join(map(rounded, astuple(one.statistics) if one.statistics else ())).encode())
    for rows in made.tokens:
        tokens.update(rows.keys.astype("<u8").tobytes() + rows.values.astype("<f4").tobytes())
    for sketch in made.sketches:
        sketches.update(sketch.component.encode() + bytes([sketch.position_roles, sketch.gram_roles]))
        sketches.update(sketch.positions + sketch.gram + sketch.minhash.astype("<u4").tobytes())
    assert made.tokenizer is not None and made.tokenizer.merges is not None
    tokenizer.update(f"{made.tokenizer.kind} {made.tokenizer.size} {made.tokenizer.specials}".encode())
    tokenizer.update(made.tokenizer.tokens.astype("<u4").tobytes() + made.tokenizer.merges.astype("<u4").tobytes())
    digests = (d.hexdigest() for d in (tensors, tokens, sketches, statistics, tokenizer))
    names = ("tensors", "tokens", "sketches", "statistics", "tokenizer")
    return {"content": made.content, **dict(zip(names, digests, strict=True))}


def test_the_fingerprint_of_a_bundled_model_is_that_of_its_version(zoo: Path) -> None:
    assert parts(fingerprint_model(open_source(str(zoo / "alder")))) == GOLDEN[FINGERPRINT_VERSION]


def test_what_two_versions_have_in_common_is_equal_as_models_of_both_are_compared_by_it() -> None:
    versions = sorted(GOLDEN)
    assert versions[-1] == FINGERPRINT_VERSION
    for earlier, later in itertools.pairwise(versions):
        assert GOLDEN[earlier].items() <= GOLDEN[later].items()
