"""Text that every machine with CPython has, the standard library, and tokenizers trained on it.

Limitations: the text, and so every model, depends on the Python version. The models are kept as data.
"""

from __future__ import annotations

import ast
import functools
import importlib
import json
import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

HELD_OUT = frozenset({"asyncio", "email", "idlelib", "xml", "unittest", "multiprocessing"})
LEFT_OUT = frozenset({"test", "tests", "lib2to3", "encodings", "pydoc_data", "site-packages", "dist-packages"})
VOCAB = 512
BYTE_LEVEL_SPECIALS = ("<|endoftext|>", "<|pad|>", "<|user|>", "<|assistant|>")
METASPACE_SPECIALS = ("<unk>", "<s>", "</s>")
SPECIALS = {"byte_level": ("<|endoftext|>", "<|endoftext|>"), "metaspace": ("<s>", "</s>")}
DOMAINS = ("source", "docs", "tests")


def library_files() -> Iterator[tuple[str, Path]]:
    """Every .py file of the standard library itself, in a fixed order, with its path inside the library."""
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root)
        top = relative.parts[0]
        inside = LEFT_OUT.isdisjoint(relative.parts) or top in HELD_OUT
        if inside and not top.startswith("config-"):
            yield relative.as_posix(), path


def docstrings(text: str) -> list[str]:
    """The docstrings of a module, its classes and its functions."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = (ast.get_docstring(node) for node in ast.walk(ast.parse(text)) if isinstance(node, kinds))
    return [docstring for docstring in found if docstring and len(docstring) > 40]


@functools.cache
def documents(domain: str) -> tuple[str, ...]:
    """The documents of one domain: `source` (pretraining), `docs` (prose) or `tests` (code kept out of `source`)."""
    if domain not in DOMAINS:
        raise ValueError(f"unknown domain {domain!r}: one of {', '.join(DOMAINS)}")
    if domain == "docs":
        topics: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
        prose = ["\n\n".join(docstrings(path.read_text("utf-8", "replace"))) for _, path in library_files()]
        return (*topics.values(), *(text for text in prose if text))
    held_out = domain == "tests"
    chosen = [path for name, path in library_files() if (name.split("/")[0] in HELD_OUT) == held_out]
    return tuple(path.read_text("utf-8", "replace") for path in chosen)


@functools.cache
def byte_level_tokenizer() -> Tokenizer:
    """Byte-level BPE, as GPT-2 and llama 3 spell it, trained on `source`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB,
        special_tokens=list(BYTE_LEVEL_SPECIALS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents("source"), trainer)
    return tokenizer


def with_byte_fallback(tokenizer: Tokenizer) -> Tokenizer:
    """Insert the 256 byte tokens `<0x00>`.. after the special ones, where SentencePiece puts them."""
    content = json.loads(tokenizer.to_str())
    trained = sorted(content["model"]["vocab"], key=content["model"]["vocab"].get)
    special, pieces = trained[: len(METASPACE_SPECIALS)], trained[len(METASPACE_SPECIALS) :]
    spelled = [*special, *(f"<0x{byte:02X}>" for byte in range(256)), *pieces]
    content["model"]["vocab"] = {token: place for place, token in enumerate(spelled)}
    content["model"]["byte_fallback"] = True
    return Tokenizer.from_str(json.dumps(content))


@functools.cache
def metaspace_tokenizer() -> Tokenizer:
    """BPE with SentencePiece's spelling of spaces and byte fallback, trained on `docs`."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(steps)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB - 256, special_tokens=list(METASPACE_SPECIALS), limit_alphabet=90, show_progress=False
    )
    lines = (line.strip() for text in documents("docs") for line in text.splitlines())
    tokenizer.train_from_iterator(lines, trainer)
    return with_byte_fallback(tokenizer)


def extended_tokenizer(count: int) -> Tokenizer:
    """The byte-level tokenizer with the `count` most frequent long words of `docs` appended as new tokens."""
    tokenizer = Tokenizer.from_str(byte_level_tokenizer().to_str())
    words = Counter(word for text in documents("docs") for word in text.split() if word.isalpha() and len(word) > 5)
    known = tokenizer.get_vocab()
    fresh = [word for word, _ in sorted(words.items(), key=lambda item: (-item[1], item[0])) if word not in known]
    tokenizer.add_tokens([AddedToken(word, normalized=False) for word in fresh[:count]])
    return tokenizer


def encode(tokenizer: Tokenizer, *domains: str) -> np.ndarray:
    """All documents of these domains as one array of token ids (uint16), an end token after each document."""
    return encode_texts(tokenizer, [text for domain in domains for text in documents(domain)])


def encode_texts(tokenizer: Tokenizer, texts: list[str]) -> np.ndarray:
    """Token ids (uint16) of documents, one after the other, an end token after each."""
    end = tokenizer.token_to_id("<|endoftext|>")
    end = tokenizer.token_to_id("</s>") if end is None else end
    pieces = [np.array([*encoding.ids, end], dtype=np.uint16) for encoding in tokenizer.encode_batch_fast(texts)]
    return np.concatenate(pieces)


@functools.cache
def corpus_tokens(kind: str, *domains: str) -> np.ndarray:
    """`encode` with the `byte_level` or `metaspace` tokenizer, kept in memory for the next model."""
    return encode(byte_level_tokenizer() if kind == "byte_level" else metaspace_tokenizer(), *domains)
