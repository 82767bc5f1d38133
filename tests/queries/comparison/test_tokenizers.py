"""Tokenizers side by side: tokens by what they stand for, merges by rank, cuts of text, embeddings by token."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebear.ingest.metadata.tokenizer import Tokenizer
from forebear.ingest.sources import open_source
from forebear.queries.comparison.tokenizers.encoding import encoder, words
from forebear.queries.comparison.tokenizers.sample_text import SAMPLES
from forebear.queries.comparison.tokenizers.tokenizers import merge_bands, side_by_side
from forebear.registry.jobs.whole import tokenizers_of

from ...writers import MemorySource, llama, llama_config, model_files, tokenizer_json
from ...writers import words as made_up

BYTE_LEVEL = Tokenizer(
    "BPE", {"<s>": 0, "Ġthe": 1, "Ġcat": 2, "é": 3, "Ã©": 4, "s": 5}, [("Ġ", "t"), ("h", "e")], frozenset({"<s>"})
)
SENTENCE_PIECE = Tokenizer(
    "SentencePiece", {"<unk>": 0, "▁the": 1, "é": 7, "▁dog": 3, "s": 5}, (), frozenset({"<unk>"})
)


def test_two_spellings_of_a_token_are_one_token() -> None:
    found = side_by_side(BYTE_LEVEL, SENTENCE_PIECE)
    assert found.shared == 3  # " the", "é", "s"
    assert found.share_b == pytest.approx(3 / 4)
    assert found.same_id == pytest.approx(2 / 3)  # "é" has another id
    assert found.specials_shared == 0 and found.specials_only_a == ("<s>",)


def test_merges_are_compared_by_prefix_and_by_band_of_rank() -> None:
    first = [(b"a%d" % i, b"b") for i in range(2_500)]
    second = first[:1_200] + [(b"other", b"%d" % i) for i in range(600)] + first[1_200:2_000]
    bands = merge_bands(first, second)
    assert [(b.first, b.last, b.merges) for b in bands] == [(0, 1_000, 1_000), (1_000, 2_500, 1_500)]
    assert bands[0].share_same_band == bands[0].share_anywhere == 1
    assert bands[1].share_same_band == pytest.approx(900 / 1_500)
    assert bands[1].share_anywhere == pytest.approx(1_000 / 1_500)


def test_the_prefix_of_merges_ends_where_they_differ() -> None:
    a = Tokenizer("BPE", {"a": 0}, [("a", "b"), ("c", "d"), ("e", "f")])
    b = Tokenizer("BPE", {"a": 0}, [("a", "b"), ("c", "d"), ("x", "y"), ("e", "f")])
    assert side_by_side(a, b).merge_prefix == 2


def test_merges_are_applied_by_rank_and_not_from_the_left() -> None:
    cut = encoder(Tokenizer("BPE", {}, [("b", "c"), ("a", "b"), ("a", "bc")])).cuts("abcab")
    assert cut == [3, 5]


def test_without_merges_the_longest_token_is_taken() -> None:
    pieces = Tokenizer("Unigram", {"un": 0, "unre": 1, "read": 2, "able": 3, "▁": 4, "▁is": 5})
    assert encoder(pieces).cuts("unreadable is") == [4, 5, 6, 10, 13]
    word_piece = Tokenizer("WordPiece", {"un": 0, "##read": 1, "##able": 2, "is": 3})
    assert encoder(word_piece).cuts("unreadable is") == [2, 6, 10, 13]


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_whatever_the_text_the_cuts_end_with_it(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    assert "".join(words(text)) == text
    for tokenizer in (BYTE_LEVEL, SENTENCE_PIECE):
        cuts = encoder(tokenizer).cuts(text)
        assert cuts == sorted(set(cuts)) and (not text or cuts[-1] == len(text.encode()))


def test_words_keep_one_blank_before_them() -> None:
    assert list(words("two 2x  end\n")) == ["two", " 2", "x", "  ", "end", "\n"]


def test_byte_pair_encoding_agrees_with_a_second_implementation(zoo: Path) -> None:
    from forebear.ingest.metadata.tokenizer_files import read_tokenizer

    tokenizer = read_tokenizer(open_source(str(zoo / "alder")))
    assert tokenizer is not None
    spelling = tokenizer.spelling()
    text, expected, at = SAMPLES["Latin"] + SAMPLES["Thai"], [], 0
    for word in words(text):
        parts = [bytes([b]) for b in word.encode()]
        for a, b in ((spelling(a), spelling(b)) for a, b in tokenizer.merges):  # every merge once, in order of rank
            i = 0
            while i < len(parts) - 1:
                if (parts[i], parts[i + 1]) == (a, b):
                    parts[i : i + 2] = [a + b]
                i += 1
        for part in parts:
            at += len(part)
            expected.append(at)
    assert encoder(tokenizer).cuts(text) == expected


def test_the_samples_have_ten_scripts_and_more_code_and_numbers() -> None:
    assert len(SAMPLES) == 14 and {"code", "numbers", "Han", "Arabic", "Devanagari"} <= set(SAMPLES)


def test_the_zoo_shares_its_tokenizer_and_cedar_does_not(zoo: Path) -> None:
    alder = open_source(str(zoo / "alder"))
    same, other = (tokenizers_of(alder, open_source(str(zoo / n))) for n in ("birch", "cedar"))
    assert same.jaccard == same.same_id == 1 and all(e.agreement == 1 for e in same.encoding)
    assert same.merge_prefix == 252
    assert 0.4 < other.jaccard < 0.8 and other.same_id < 0.1 and other.merge_prefix == 0
    assert any(e.agreement < 0.8 for e in other.encoding)
    assert "40 to 60 %" in same.reading


def test_rows_are_compared_by_token_and_not_by_id() -> None:
    tensors, moved = llama(1), llama(2)
    order = np.random.default_rng(0).permutation(96)
    moved["model.embed_tokens.weight"] = tensors["model.embed_tokens.weight"][order]
    names = list(made_up(96))
    sources = [
        MemorySource(model_files(t, config=llama_config(t), tokenizer=tokenizer_json(v)))
        for t, v in ((tensors, made_up(96)), (moved, {names[token]: i for i, token in enumerate(order)}))
    ]
    found = tokenizers_of(*sources)
    assert found.jaccard == 1 and found.same_id < 0.1
    (rows,) = found.rows
    assert rows.tokens == 96 and rows.centred_cosine == pytest.approx(1, abs=1e-5)
    assert abs(rows.mismatched) < 0.1 and abs(rows.by_id) < 0.1


def test_a_model_without_a_tokenizer_has_a_reason_instead_of_figures() -> None:
    tensors = llama()
    without = MemorySource(model_files(tensors, config=llama_config(tensors)))
    with_one = MemorySource(model_files(tensors, config=llama_config(tensors), tokenizer=tokenizer_json(made_up(96))))
    found = tokenizers_of(without, with_one)
    assert found.reason == "A has no tokenizer that forebear reads"
    assert found.a is None and found.b is not None and math.isnan(found.jaccard)
