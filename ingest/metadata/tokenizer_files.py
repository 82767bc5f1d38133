"""The files that hold a tokenizer, under every name that people publish them by.

tokenizer.json, SentencePiece models (tokenizer.model, spiece.model, sentencepiece.bpe.model, spm.model, *.spm),
Mistral's tekken.json, tiktoken files (tokenizer.model of Llama 3, *.tiktoken), vocab.json or encoder.json with merges,
vocab.txt.

Limitations: a tiktoken file does not hold its special tokens; they are missing. Of several *.spm, as of Marian where no
vocab.json joins them, the first is read.

Sources: transformers' slow tokenizers for names, offsets and line ends; mistral_common's tekken.py; tiktoken's load.py.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping

from ..budget import MERGES, TOKENS, require
from ..errors import FormatError
from ..sources.source import Source, read_small
from . import sentencepiece
from .tokenizer import Tokenizer, byte_spelling

LIMIT = 128 << 20
"""Bytes of a tokenizer file; the largest published ones are below 40 MB."""
_TIKTOKEN_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2} \d{1,9}")
_FAIRSEQ = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
_CAMEMBERT = {"<s>NOTUSED": 0, "<pad>": 1, "</s>NOTUSED": 2, "<unk>": 3, "<unk>NOTUSED": 4}

Read = Callable[[bytes, Source, str], Tokenizer | None]
"""The tokenizer in the bytes of a file of a source; None where the file is of another kind."""


def read_tokenizer(source: Source) -> Tokenizer | None:
    """The tokenizer of a source, None when it has none; FormatError for a file that is not what its name says."""
    for pattern, read in FILES:
        for path in sorted(path for path in source.files if pattern.fullmatch(path)):
            found = read(read_small(source, path, LIMIT) or b"", source, path)
            if found is not None:
                return found
    return None


def _json(text: bytes, source: Source, file: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{source.uri}: {file} is not valid JSON; remove or repair it") from error


def _from_tokenizer_json(document: object, source: Source) -> Tokenizer:
    model = document.get("model") if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping) or not isinstance(model, Mapping):
        raise FormatError(f"{source.uri}: tokenizer.json has no model; remove or repair it")
    tokens = _tokens(model.get("vocab"), source, "tokenizer.json")
    added = document.get("added_tokens")
    specials: set[str] = set()
    for token in added if isinstance(added, list) else []:
        if isinstance(token, Mapping) and isinstance(token.get("content"), str) and type(token.get("id")) is int:
            tokens.setdefault(token["content"], token["id"])
            if token.get("special"):
                specials.add(token["content"])
    kind = model.get("type")
    merges = model.get("merges")
    require(MERGES, len(merges) if isinstance(merges, list) else 0, f"{source.uri}: tokenizer.json")
    return Tokenizer(str(kind or "unknown"), tokens, _merges(merges), frozenset(specials))


def _tokens(vocab: object, source: Source, file: str) -> dict[str, int]:
    """BPE and WordPiece map text to id, Unigram lists [text, score]."""
    if isinstance(vocab, list | Mapping):
        require(TOKENS, len(vocab), f"{source.uri}: {file}")
    if isinstance(vocab, list):
        vocab = {
            entry[0]: i
            for i, entry in enumerate(vocab)
            if isinstance(entry, list) and entry and isinstance(entry[0], str)
        }
    if not isinstance(vocab, Mapping):
        raise FormatError(f"{source.uri}: {file} has no vocabulary")
    if not all(isinstance(t, str) and type(i) is int and abs(i) < 1 << 40 for t, i in vocab.items()):
        raise FormatError(f"{source.uri}: the vocabulary of {file} does not map texts to ids")
    return dict(vocab)


def _merges(merges: object) -> list[tuple[str, str]]:
    """`"a b"` (old) and `["a", "b"]` (new) are the same merge; what is neither is left out."""
    found = []
    for merge in merges if isinstance(merges, list) else []:
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(p, str) for p in pair):
            found.append((pair[0], pair[1]))
    return found


def _tokenizer_json(data: bytes, source: Source, file: str) -> Tokenizer:
    return _from_tokenizer_json(_json(data, source, file), source)


def _model(data: bytes, source: Source, file: str) -> Tokenizer | None:
    """A file called tokenizer.model: SentencePiece, or tiktoken's text, which Llama 3 calls so."""
    if sentencepiece.looks_like(data):
        return _sentencepiece(data, source, file)
    return _tiktoken(data, source, file) if _TIKTOKEN_LINE.fullmatch(data.partition(b"\n")[0]) else None


def _sentencepiece(data: bytes, source: Source, file: str) -> Tokenizer | None:
    if not sentencepiece.looks_like(data):
        return None
    pieces, specials = sentencepiece.pieces(data, f"{source.uri}: {file}")
    return Tokenizer("SentencePiece", {p: i for i, p in enumerate(pieces)}, (), specials)


def _fairseq(data: bytes, source: Source, file: str) -> Tokenizer | None:
    """sentencepiece.bpe.model: ids are moved, as XLM-R and CamemBERT keep the numbers of fairseq.

    XLM-R, mBART and NLLB put their own first four before the pieces from the fourth on; CamemBERT puts its own before
    all pieces but the first.
    """
    found = _sentencepiece(data, source, file)
    if found is None:
        return None
    config = _json(read_small(source, "tokenizer_config.json", LIMIT) or b"{}", source, "tokenizer_config.json")
    kind = _get(config, "tokenizer_class")
    if isinstance(kind, str) and kind.startswith("Camembert"):
        first, moved, own = 1, 4, _CAMEMBERT
    else:
        first, moved, own = 3, 1, _FAIRSEQ
    tokens = {token: i + moved for token, i in found.tokens.items() if i >= first and token not in own}
    return Tokenizer(found.kind, tokens | own, (), found.specials | frozenset(own))


def _tekken(data: bytes, source: Source, file: str) -> Tokenizer:
    """Mistral's tekken.json: the special tokens come first, then the tokens of the vocabulary by their rank."""
    document = _json(data, source, file)
    config, vocabulary, listed = (_get(document, key) for key in ("config", "vocab", "special_tokens"))
    size, special = (_get(config, key) for key in ("default_vocab_size", "default_num_special_tokens"))
    if (
        not isinstance(vocabulary, list)
        or type(size) is not int
        or type(special) is not int
        or not 0 <= special <= size
    ):
        raise FormatError(f"{source.uri}: {file} is not a tekken.json; remove or repair it")
    require(TOKENS, min(size - special, len(vocabulary)), f"{source.uri}: {file}")
    tokens: dict[str, int] = {}
    for entry in vocabulary[: size - special]:
        spelled, rank = (_get(entry, key) for key in ("token_bytes", "rank"))
        if not isinstance(spelled, str) or type(rank) is not int or not 0 <= rank < size:
            raise FormatError(f"{source.uri}: the vocabulary of {file} does not map texts to ids")
        tokens[byte_spelling(_base64(spelled, source, file))] = rank + special
    specials: set[str] = set()
    for entry in listed if isinstance(listed, list) else []:
        text, rank = (_get(entry, key) for key in ("token_str", "rank"))
        if isinstance(text, str) and type(rank) is int and 0 <= rank < special:
            tokens.setdefault(text, rank)
            specials.add(text)
    return Tokenizer("BPE", tokens, (), frozenset(specials))


def _get(document: object, key: str) -> object:
    return document.get(key) if isinstance(document, Mapping) else None


def _tiktoken(data: bytes, source: Source, file: str) -> Tokenizer:
    """Tiktoken's text: a token in base64 and its rank, which is its id, on every line."""
    require(TOKENS, data.count(b"\n"), f"{source.uri}: {file}")
    lines = data.split(b"\n")
    tokens: dict[str, int] = {}
    for line in lines:
        if not (line := line.rstrip(b"\r")):
            continue
        if not _TIKTOKEN_LINE.fullmatch(line):
            raise FormatError(f"{source.uri}: {file} is not a tiktoken file; remove or repair it")
        spelled, _, rank = line.partition(b" ")
        tokens[byte_spelling(_base64(spelled, source, file))] = int(rank)
    return Tokenizer("BPE", tokens)


def _base64(spelled: str | bytes, source: Source, file: str) -> bytes:
    try:
        return base64.b64decode(spelled, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError(f"{source.uri}: {file} has a token that is not base64; remove or repair it") from error


def _vocab_json(data: bytes, source: Source, file: str) -> Tokenizer:
    """vocab.json beside merges.txt; OpenAI called the same encoder.json and vocab.bpe."""
    tokens = _tokens(_json(data, source, file), source, file)
    merges = "merges.txt" if file == "vocab.json" else "vocab.bpe"
    lines = _lines(read_small(source, merges, LIMIT) or b"", f"{source.uri}: {merges}")
    return Tokenizer("BPE", tokens, _merges([line for line in lines if not line.startswith("#version")]))


def _vocab_txt(data: bytes, source: Source, file: str) -> Tokenizer:
    lines = _lines(data, f"{source.uri}: {file}")
    specials = frozenset(t for t in lines[:2000] if t.startswith("[") and t.endswith("]") and len(t) > 2)
    return Tokenizer("WordPiece", {t: i for i, t in enumerate(lines)}, (), specials)


def _lines(data: bytes, where: str) -> list[str]:
    """Lines end with a line feed and with nothing else: vocabularies hold U+2028 and its like as tokens."""
    require(TOKENS, data.count(b"\n"), where)
    lines = [line.removesuffix("\r") for line in data.decode("utf-8", "replace").split("\n")]
    return lines[:-1] if lines and not lines[-1] else lines


FILES: tuple[tuple[re.Pattern[str], Read], ...] = (
    (re.compile(r"tokenizer\.json"), _tokenizer_json),
    (re.compile(r"tokenizer\.model"), _model),
    (re.compile(r"tekken\.json"), _tekken),
    (re.compile(r"tokenizer\.model\.v\w+"), _model),
    (re.compile(r"spiece\.model|spm\.model"), _sentencepiece),
    (re.compile(r"sentencepiece\.bpe\.model"), _fairseq),
    (re.compile(r"vocab\.json|encoder\.json"), _vocab_json),
    (re.compile(r"[^/]+\.spm"), _sentencepiece),
    (re.compile(r"[^/]+\.tiktoken"), _tiktoken),
    (re.compile(r"vocab\.txt"), _vocab_txt),
)
"""In order of preference: patterns of whole names at the top of a source, and how such a file is read."""
