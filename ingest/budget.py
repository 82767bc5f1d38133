"""What one model may cost before it is refused: every limit on work, its default and the way to raise it.

Work is charged before it is done, in the unit that takes memory or time: objects rather than bytes of JSON, decoded
rather than stored values. Limits on the size of single headers stand beside their formats.

Limitations: the charges of one file count together with those of the model's other files only inside `model_budget`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from .errors import FormatError

FACTOR = "FOREBEAR_LIMITS"
"""The environment variable that multiplies every limit here: 4 allows four times the work and the memory."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: `most` of what `unit` says."""

    most: int
    unit: str


JSON_MEMORY = Limit(256 << 20, "bytes of memory for the objects of one JSON document")
"""By their counts, a vocabulary of 262,000 tokens with 515,000 merges as pairs takes 170 MB and one of 900,000 scored
pieces 180 MB: not ten times less, as a higher default would take more than 500 MB in all. 45,000 tensors take 47 MB."""
TOKENS = Limit(1_200_000, "tokens")
"""The largest published vocabulary is XLM-V's, 901,629; a token takes about 400 bytes of memory on the way."""
MERGES = Limit(1_200_000, "merges of a tokenizer")
"""The largest published tokenizers have 515,000; a merge takes about 240 bytes of memory on the way."""
TENSORS = Limit(500_000, "tensors, experts of a stack each as one")
"""Kimi K2 has 70,000 matrices of experts, 210,000 tensors where they are packed in 4 bits; a tensor takes 1 kB."""
HEADER_BYTES = Limit(25_000_000, "bytes of a safetensors header")
"""The largest published ones are below 5 MB. The limit that huggingface_hub uses."""
HEADER_TENSORS = Limit(250_000, "tensors in the headers of a model")
"""Kimi K2 in 4 bits has 210,000: not ten times less, as each takes 23 microseconds to be named and 1 kB."""
TENSORS_READ = Limit(30_000, "tensors to be read and fingerprinted")
"""Of 61 layers of experts, four each of which are read, come below 2,000; a tensor takes 0.3 ms in all."""
TENSOR_VALUES = Limit(1 << 23, "decoded values of one tensor")
"""16 rows of the widest published matrix, 53,248 columns of Llama 3.1 405B, are 0.85 million; each takes 21 bytes."""
VALUES = Limit(1 << 32, "decoded values")
"""Llama 3.1 405B has 0.3 thousand million in its planned rows."""
PICKLE_ITEMS = Limit(4_000_000, "values handed to the calls of one pickle")
"""A tensor takes about 12; a dictionary made of a list takes 60 bytes for each."""
PICKLE_BYTES = Limit(16 << 20, "bytes of a pickle")
"""A checkpoint of 300 tensors has 40 kB."""
PICKLE_OPCODES = Limit(1_000_000, "opcodes of a pickle")
"""A tensor takes about 35."""
TORCH_CONTAINERS = Limit(1_000_000, "tensors and containers of a torch file")
"""An optimiser's state has four a tensor; a name of more than 32 characters counts again for each 32 of them."""
TORCH_WEIGHTS = Limit(200_000, "tensors below one key of a torch file")
"""A shard of the largest published models has below 2,000."""
ZIP_DIRECTORY = Limit(32 << 20, "bytes of the directory of a zip file")
"""An entry of a torch file takes 80 to 150 bytes."""
ARRAY_HEADER = Limit(4096, "bytes of the header of a numpy array")
"""numpy pads the header of a plain array to 128; those of records with many fields are longer."""
GGUF_HEADER = Limit(64 << 20, "bytes of a GGUF header")
"""It holds the tokenizer: 1.8 MB for 49,000 tokens, 9.3 MB for 128,000 tokens and 280,000 merges."""
GGUF_FIELDS = Limit(65_536, "metadata fields of a GGUF file")
"""Published models have below 100."""
ENTRIES = Limit(400_000, "entries of zip directories")
"""A torch file has one a tensor; an entry takes 300 bytes and 5 microseconds."""
GRAPH_FIELDS = Limit(500_000, "fields of ONNX graphs")
"""The decoder of a model of 80 layers has below 100,000; a field takes 2 microseconds."""
GRAPH_NODES = Limit(100_000, "nodes of ONNX graphs")
"""The decoder of a model of 80 layers has below 10,000; functions of a graph count where they are called."""
METADATA_VALUES = Limit(3_000_000, "strings and arrays in the metadata of GGUF files")
"""The largest published tokenizer has 262,000 tokens and 515,000 merges; each takes 50 bytes and more once decoded."""
INITIALIZERS = Limit(50_000, "initialisers of ONNX graphs")
"""A model of 80 layers has below 2,000; each takes 80 microseconds."""
STORAGE_KEY = Limit(1024, "characters of the name of a storage")
"""torch counts its storages: names have up to six digits, those of the largest packages below 100 characters."""


def allowed(limit: Limit) -> int:
    """The limit as the environment has it; FormatError where that is not a number from 1 on."""
    text = os.environ.get(FACTOR, "1")
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 1 <= factor <= 1e6:
        raise FormatError(f"{FACTOR}={text!r} is not a number from 1 to 1000000")
    return int(limit.most * factor)


def beyond(limit: Limit, amount: int) -> str:
    """The message for work over a limit, empty where it is within: what it takes, what is allowed, how to raise it."""
    most = allowed(limit)
    if amount <= most:
        return ""
    return f"{amount} {limit.unit} are over the limit of {most}; set {FACTOR}={-(-amount // limit.most)} to allow them"


def require(limit: Limit, amount: int, where: str) -> None:
    """FormatError where one piece of work takes more than its limit."""
    if message := beyond(limit, amount):
        raise FormatError(f"{where}: {message}")


class Budget:
    """What one model has been charged so far; threads may charge at once."""

    def __init__(self) -> None:
        self._spent: dict[Limit, int] = {}
        self._lock = threading.Lock()

    def charge(self, limit: Limit, amount: int, where: str) -> None:
        """Add to what has been spent. Raises FormatError where the sum is over the limit."""
        with self._lock:
            self._spent[limit] = spent = self._spent.get(limit, 0) + amount
        require(limit, spent, where)


_current: ContextVar[Budget | None] = ContextVar("forebear_budget", default=None)


@contextmanager
def model_budget() -> Iterator[Budget]:
    """One budget for all that is charged inside, by this thread and by those that run in a copy of its context."""
    budget = Budget()
    token = _current.set(budget)
    try:
        yield budget
    finally:
        _current.reset(token)


def charge(limit: Limit, amount: int, where: str) -> None:
    """Charge the model that is being read; FormatError over the limit. Outside of one, the charge counts alone."""
    (_current.get() or Budget()).charge(limit, amount, where)


_OBJECT, _PAIR, _LIST, _ITEM, _QUOTE = 184, 64, 112, 16, 30
"""Bytes that CPython 3.11 takes for a small dictionary, a pair more, a short list, a place in one, half a string."""


def json_memory(text: bytes) -> int:
    """An estimate of the memory that the values of a JSON document take, from its punctuation alone.

    Punctuation inside strings counts too. A number counts with the place that holds it.
    """
    return (
        _OBJECT * text.count(b"{") + _LIST * text.count(b"[") + _ITEM * text.count(b",") + _QUOTE * text.count(b'"')
        + _PAIR * text.count(b":")
    )  # fmt: skip


def require_json(text: bytes, where: str) -> None:
    """FormatError for a JSON document whose values would take too much memory; to be asked before it is parsed."""
    require(JSON_MEMORY, json_memory(text), where)
