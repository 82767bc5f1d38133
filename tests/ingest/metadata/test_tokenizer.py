"""Tokenizers: one token has one key in every spelling, and hostile files are refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebear.ingest.budget import Limit
from forebear.ingest.errors import FormatError
from forebear.ingest.hashing import hash_bytes
from forebear.ingest.metadata import sentencepiece, tokenizer_files
from forebear.ingest.metadata.tokenizer import Tokenizer, Vocabulary
from forebear.ingest.metadata.tokenizer_files import read_tokenizer

from ...cpu import cpu_at_most
from ...writers import MemorySource, sentencepiece_bytes, tokenizer_json, varint, words

TEXTS = [" the", "the", " of", "ing", "\n", " naïve", "日本", " 42"]
SPECIALS = {"<s>": 0, "</s>": 1, "<unk>": 2}


def byte_level(text: str) -> str:
    """GPT-2's spelling, written out apart from the code under test."""
    kept = {*range(33, 127), *range(161, 173), *range(174, 256)}
    moved = {b: chr(256 + i) for i, b in enumerate(b for b in range(256) if b not in kept)}
    return "".join(moved.get(b, chr(b)) for b in text.encode())


def metaspace(text: str) -> str:
    return text.replace(" ", "▁")


def read(files: Mapping[str, bytes]) -> Tokenizer:
    found = read_tokenizer(MemorySource(files))
    assert found is not None
    return found


def from_json(vocab: Mapping[str, int], **more: object) -> Tokenizer:
    return read({"tokenizer.json": json.dumps(tokenizer_json(vocab, **more)).encode()})  # type: ignore[arg-type]


def keys_by_text(tokenizer: Tokenizer, texts: dict[str, str]) -> dict[str, int]:
    """Plain text -> key, for `texts` that map the tokenizer's spelling to plain text."""
    vocabulary = tokenizer.vocabulary()
    names = {i: texts[t] for t, i in tokenizer.tokens.items() if t in texts}
    return {names[i]: k for i, k in zip(vocabulary.ids.tolist(), vocabulary.keys.tolist(), strict=True) if i in names}


def test_all_spellings_of_a_token_get_one_key() -> None:
    bytewise = {byte_level(t): t for t in TEXTS}
    pieces = {metaspace(t): t for t in TEXTS}
    plain = {t: t for t in TEXTS}
    found = [
        keys_by_text(from_json({t: i for i, t in enumerate(bytewise)}), bytewise),
        keys_by_text(from_json({t: 10 + i for i, t in enumerate(pieces)}), pieces),
        keys_by_text(from_json({t: i for i, t in enumerate(plain)}), plain),
        keys_by_text(read({"tokenizer.model": sentencepiece_bytes([(t, 1) for t in pieces])}), pieces),
        keys_by_text(read({"vocab.json": json.dumps({t: i for i, t in enumerate(bytewise)}).encode()}), bytewise),
    ]
    assert set(found[0]) == set(TEXTS) and len(set(found[0].values())) == len(TEXTS)
    assert all(other == found[0] for other in found[1:])


def test_a_byte_token_is_the_byte_it_stands_for() -> None:
    fallback = from_json({"▁a": 0, "<0x0A>": 1, "<0xzz>": 2})
    bytewise = from_json({"Ġa": 0, "Ċ": 1})
    keys = keys_by_text(fallback, {"<0x0A>": "\n"})
    assert keys == keys_by_text(bytewise, {"Ċ": "\n"})


@pytest.mark.parametrize("ids", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_text_is_the_row_of_its_own_token_wherever_its_byte_token_stands(ids: tuple[int, int, int]) -> None:
    byte, own, other = ids
    vocabulary = from_json({"<0x41>": byte, "A": own, "▁b": other}).vocabulary()
    found, there = vocabulary.places(hash_bytes([b"A", b"B"]), 3)
    assert found.tolist() == [own] and there.tolist() == [0]


def test_keys_do_not_depend_on_ids() -> None:
    one = from_json({"Ġa": 0, "Ġb": 1, "Ġc": 2}).vocabulary()
    other = from_json({"Ġc": 0, "Ġa": 1, "Ġb": 2}).vocabulary()
    assert one.keys.tolist() == other.keys.tolist() == sorted(one.keys.tolist())
    assert [{0: 1, 1: 2, 2: 0}[i] for i in one.ids.tolist()] == other.ids.tolist()


def test_specials_are_no_text() -> None:
    tokenizer = from_json({"Ġa": 3, "Ġb": 4, "<s>": 0}, specials=SPECIALS)
    assert sorted(tokenizer.vocabulary().ids.tolist()) == [3, 4]
    assert tokenizer.fingerprint().specials == ("<s>", "</s>", "<unk>")
    assert tokenizer.fingerprint().size == 5
    pieces = read({"tokenizer.model": sentencepiece_bytes([("<unk>", 2), ("<s>", 3), ("▁a", 1), ("<0x41>", 6)])})
    assert pieces.specials == {"<unk>", "<s>"}
    assert sorted(pieces.vocabulary().ids.tolist()) == [2, 3]


def test_added_tokens_that_are_not_special_are_text() -> None:
    document = tokenizer_json({"Ġa": 0})
    document["added_tokens"] = [{"id": 1, "content": "Ġtool", "special": False}, {"content": 7}, "x", None]
    assert sorted(read({"tokenizer.json": json.dumps(document).encode()}).vocabulary().ids.tolist()) == [0, 1]


def test_the_lowest_tokens_are_the_same_text_in_two_vocabularies_that_share_it() -> None:
    one = from_json({f"Ġw{i}": i for i in range(500)}).vocabulary()
    other = from_json({f"▁w{i}": 499 - i for i in range(500)}).vocabulary()
    ids, keys = one.lowest(24, 500)
    others, other_keys = other.lowest(24, 500)
    assert ids.tolist() == sorted(ids.tolist()) and len(ids) == 24
    assert dict(zip(keys.tolist(), ids.tolist(), strict=True)) == dict(
        zip(other_keys.tolist(), (499 - others).tolist(), strict=True)
    )


def test_tokens_past_the_rows_of_the_embedding_are_never_chosen() -> None:
    vocabulary = from_json({"Ġa": 0, "Ġb": 5, "Ġc": -3, "Ġd": 1 << 39}).vocabulary()
    assert vocabulary.lowest(24, 5)[0].tolist() == [0]
    assert Vocabulary().lowest(24, 5)[0].size == 0


def test_the_old_and_the_new_spelling_of_merges_are_the_same() -> None:
    vocab = {"Ġ": 0, "a": 1, "Ġa": 2, "b": 3}
    old = from_json(vocab, merges=["Ġ a", "a b"]).fingerprint()
    new = from_json(vocab, merges=[["Ġ", "a"], ["a", "b"], 3, ["x"], "no"]).fingerprint()
    files = read({"vocab.json": json.dumps(vocab).encode(), "merges.txt": "#version: 0.2\nĠ a\na b\n".encode()})
    third = files.fingerprint()
    assert old.merges is not None and new.merges is not None and third.merges is not None
    assert np.array_equal(old.merges, new.merges) and np.array_equal(old.merges, third.merges)
    other = from_json(vocab, merges=["a Ġ", "a b"]).fingerprint().merges
    assert other is not None and not np.array_equal(old.merges, other)
    assert from_json(vocab).fingerprint().merges is None


def test_a_unigram_vocabulary_is_a_list() -> None:
    document = {"model": {"type": "Unigram", "vocab": [["<unk>", 0.0], ["▁a", -1.5], ["▁b", -2.0]]}}
    tokenizer = read({"tokenizer.json": json.dumps(document).encode()})
    assert tokenizer.kind == "Unigram" and tokenizer.tokens["▁b"] == 2


def test_a_wordpiece_vocabulary_is_a_line_each() -> None:
    tokenizer = read({"vocab.txt": b"[PAD]\n[UNK]\nthe\n##ing\n"})
    assert (tokenizer.kind, tokenizer.tokens["##ing"]) == ("WordPiece", 3)
    assert sorted(tokenizer.vocabulary().ids.tolist()) == [2, 3]


def test_tokenizer_json_goes_before_the_other_files() -> None:
    files = {"tokenizer.json": json.dumps(tokenizer_json({"Ġa": 0})).encode(), "vocab.txt": b"a\nb\n"}
    assert read(files).kind == "BPE"
    assert read_tokenizer(MemorySource({"config.json": b"{}"})) is None


def test_similar_vocabularies_have_a_similar_minhash() -> None:
    one, other, strange = (
        from_json({f"Ġ{stem}{i}": i for i in range(2000)}).fingerprint().tokens for stem in ("w", "w", "x")
    )
    near = from_json({f"Ġw{i}": i for i in range(200, 2200)}).fingerprint().tokens
    assert np.array_equal(one, other)
    assert np.mean(one == near) == pytest.approx(1800 / 2200, abs=0.2)
    assert np.mean(one == strange) < 0.1


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("tokenizer.json", b"{"),
        ("tokenizer.json", b"\xff\xfe"),
        ("tokenizer.json", b"[]"),
        ("tokenizer.json", b"null"),
        ("tokenizer.json", b""),
        ("tokenizer.json", b"[" * 200_000),
        ("tokenizer.json", b'{"model": 3}'),
        ("tokenizer.json", b'{"model": {}}'),
        ("tokenizer.json", b'{"model": {"vocab": "abc"}}'),
        ("tokenizer.json", b'{"model": {"vocab": {"a": "b"}}}'),
        ("tokenizer.json", b'{"model": {"vocab": {"a": 1.5}}}'),
        ("tokenizer.json", b'{"model": {"vocab": {"a": true}}}'),
        ("tokenizer.json", b'{"model": {"vocab": {"a": 99999999999999999999}}}'),
        ("vocab.json", b"[1"),
        ("vocab.json", b'{"a": null}'),
        ("tokenizer.model", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        ("tokenizer.model", b"\x0a\x7f"),
        ("tokenizer.model", b"\x0a\x02\x0b\x01"),
    ],
)
def test_a_tokenizer_that_is_none_is_refused_by_name(file: str, text: bytes) -> None:
    with pytest.raises(FormatError, match=file):
        read_tokenizer(MemorySource({file: text}))


@pytest.mark.parametrize("vocab", ['{"a\\u0000": 0, "\\ud800": 1}', '{"": 0}', "{}", "[]", '[[], [3], "a", ["b", 1]]'])
def test_odd_vocabularies_are_read(vocab: str) -> None:
    tokenizer = read({"tokenizer.json": b'{"model": {"vocab": ' + vocab.encode() + b"}}"})
    assert tokenizer.fingerprint().tokens.shape == (64,)


def test_specials_are_stored_in_print() -> None:
    found = from_json({"a": 0}, specials={"\x1b[2J\u202e": 1}).fingerprint()
    assert found.specials[0].isprintable()


def test_a_tiktoken_file_is_told_from_sentencepiece_by_its_text() -> None:
    found = read({"tokenizer.model": b"IQ== 0\nIHRoZQ== 1\n4g== 2\r\n"})
    assert (found.kind, list(found.tokens.values())) == ("BPE", [0, 1, 2])
    assert [found.spelling()(t) for t in found.tokens] == [b"!", b" the", b"\xe2"]
    assert read_tokenizer(MemorySource({"tokenizer.model": b"neither of the two"})) is None


@pytest.mark.parametrize("name", ["qwen.tiktoken", "multilingual.tiktoken"])
def test_a_file_of_tiktoken_gives_the_keys_of_the_same_vocabulary_as_json(name: str) -> None:
    lines = b"".join(base64.b64encode(t.encode()) + b" %d\n" % i for i, t in enumerate(TEXTS))
    found, same = read({name: lines}), from_json({byte_level(t): i for i, t in enumerate(TEXTS)})
    assert found.tokens == same.tokens
    assert np.array_equal(found.vocabulary().keys, same.vocabulary().keys)
    with pytest.raises(FormatError, match=f"{name} is not a tiktoken file"):
        read_tokenizer(MemorySource({name: lines + b"x\n"}))


def tekken(texts: Sequence[str], **config: object) -> bytes:
    vocabulary = [
        {"rank": i, "token_bytes": base64.b64encode(t.encode()).decode(), "token_str": t} for i, t in enumerate(texts)
    ]
    sizes = {"default_vocab_size": len(texts) + 9, "default_num_special_tokens": 10, **config}
    special = [{"rank": 1, "token_str": "<s>", "is_control": True}]
    return json.dumps({"config": sizes, "vocab": vocabulary, "special_tokens": special}).encode()


def test_the_tokens_of_tekken_come_behind_its_special_ones_and_end_where_it_says() -> None:
    found = read({"tekken.json": tekken(TEXTS)})
    same = from_json({byte_level(t): 10 + i for i, t in enumerate(TEXTS[:-1])}, specials={"<s>": 1})
    assert found.tokens == same.tokens and found.specials == same.specials
    assert np.array_equal(found.vocabulary().ids, same.vocabulary().ids)


@pytest.mark.parametrize(
    "text",
    [b"[]", b"{}", b"[" * 100_000, tekken(TEXTS, default_vocab_size=3), tekken(TEXTS, default_num_special_tokens="x")],
)
def test_a_tekken_that_is_none_is_refused_by_name(text: bytes) -> None:
    with pytest.raises(FormatError, match=r"tekken\.json is not"):
        read_tokenizer(MemorySource({"tekken.json": text}))


PIECES = [("<unk>", 2), ("<s>", 3), ("</s>", 3), *((metaspace(t), 1) for t in TEXTS)]


@pytest.mark.parametrize("name", ["tokenizer.model", "tokenizer.model.v3", "spiece.model", "spm.model", "source.spm"])
def test_a_sentencepiece_model_is_read_under_every_name(name: str) -> None:
    found = read({name: sentencepiece_bytes(PIECES)})
    assert found.tokens == {text: i for i, (text, _) in enumerate(PIECES)}


@pytest.mark.parametrize(("kind", "first"), [(None, 4), ("XLMRobertaTokenizer", 4), ("CamembertTokenizerFast", 7)])
def test_ids_of_a_model_from_fairseq_are_moved_as_its_embedding_has_them(kind: str | None, first: int) -> None:
    config = json.dumps({"tokenizer_class": kind}).encode()
    found = read({"sentencepiece.bpe.model": sentencepiece_bytes(PIECES), "tokenizer_config.json": config})
    assert [found.tokens[metaspace(t)] for t in TEXTS] == [first + i for i in range(len(TEXTS))]
    assert found.tokens["<pad>"] == 1 and "<pad>" in found.specials


def test_the_vocabulary_of_marian_is_that_of_its_json_and_not_of_a_side() -> None:
    spm = sentencepiece_bytes(PIECES)
    vocab = json.dumps({"▁of": 0, "</s>": 1}).encode()
    assert read({"source.spm": spm, "target.spm": spm, "vocab.json": vocab}).tokens == {"▁of": 0, "</s>": 1}


def test_the_names_that_openai_gave_are_those_of_the_hub() -> None:
    vocab, merges = json.dumps({"a": 0, "b": 1, "ab": 2}).encode(), b"#version: 0.2\na b\n"
    old, new = read({"encoder.json": vocab, "vocab.bpe": merges}), read({"vocab.json": vocab, "merges.txt": merges})
    assert old == new and new.merges == [("a", "b")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_lines_of_a_vocabulary_end_with_a_line_feed_and_with_nothing_else(end: str) -> None:
    lines = ["[PAD]", "a", "\u2028", "\x85", "\x1c", "\x0b", "b"]
    found = read({"vocab.txt": (end.join(lines) + end).encode()})
    assert found.tokens == {token: i for i, token in enumerate(lines)}


def test_a_pointer_of_git_lfs_in_the_place_of_a_tokenizer_is_named() -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 17\n"
    with pytest.raises(FormatError, match=r"tokenizer\.json: a Git LFS pointer, not the file of 17 bytes: run"):
        read_tokenizer(MemorySource({"tokenizer.json": pointer}))


def test_a_nested_length_cannot_reach_out_of_its_field() -> None:
    inner = b"\x0a" + varint(1000) + b"abc"
    with pytest.raises(FormatError):
        sentencepiece.pieces(b"\x0a" + varint(len(inner)) + inner + bytes(2000), "x")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_as_a_sentencepiece_model_raise_nothing_but_format_errors(data: bytes) -> None:
    with cpu_at_most(1), suppress(FormatError):
        read_tokenizer(MemorySource({"tokenizer.model": b"\x0a" + data}))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=5).filter(lambda t: "\ud800" not in t), st.integers(1, 6)), max_size=9))
def test_pieces_survive_the_round_trip(pieces: list[tuple[str, int]]) -> None:
    found, specials = sentencepiece.pieces(sentencepiece_bytes(pieces), "x")
    assert found == [text for text, _ in pieces]
    assert specials == {text for text, kind in pieces if kind in (2, 3)}


def test_merges_over_the_limit_are_refused_before_they_are_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer_files, "MERGES", Limit(2, "merges of a tokenizer"))
    files = {"tokenizer.json": json.dumps(tokenizer_json(words(4), merges=["a b"] * 3)).encode()}
    with pytest.raises(FormatError, match="3 merges of a tokenizer are over the limit of 2; set FOREBEAR_LIMITS=2"):
        read_tokenizer(MemorySource(files))
