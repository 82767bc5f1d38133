"""The part of pickle that tensors need, read as data: an interpreter of opcodes that builds records and calls nothing.

A global is a name here, never an import. The names of pickle_records.py are understood; any other
ends the reading with its name.

Limits make a hostile pickle cheap: its length, the number of opcodes (each makes at most one small object), and that
only plain keys go into dictionaries (hashing a tuple that shares its parts takes exponential time). Strings are bounded
by the length, and the memo is a dictionary, so that a large index costs nothing.

Source: `pickletools` of the Python library.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from ..errors import FormatError
from ..text import printable
from .pickle_records import CALLS, Global, PersistentId, TensorRecord, is_key, is_torch_type

SIZE_LIMIT = 16 << 20
"""Bytes; a checkpoint of 300 tensors has 40 kB."""
OPCODE_LIMIT = 1_000_000
"""A tensor takes about 35."""
_LONG_LIMIT = 64  # bytes of an integer


_MARK = object()


def read_pickle(data: bytes, where: str) -> object:
    """What a pickle holds: None, bool, int, float, str, bytes, tuple, list, dict and records (pickle_records.py).

    Raises FormatError for another global, an unknown opcode, and what is over a limit or makes no sense.
    """
    if len(data) > SIZE_LIMIT:
        raise FormatError(f"{where}: a pickle of {len(data)} bytes is over the limit of {SIZE_LIMIT}")
    machine = _Machine(data, where)
    try:
        return machine.run()
    except (IndexError, ValueError, TypeError, KeyError, struct.error, OverflowError) as error:
        raise FormatError(f"{where}: broken pickle at byte {machine.at} ({type(error).__name__})") from error


class _Machine:
    def __init__(self, data: bytes, where: str) -> None:
        self.data, self.where, self.at = data, where, 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> object:
        for _ in range(OPCODE_LIMIT):
            code = self.take(1)
            if code == b".":
                return self.stack.pop()
            step = _STEPS.get(code)
            if step is None:
                raise FormatError(f"{self.where}: pickle opcode {code!r} at byte {self.at - 1} is not read")
            step(self)
        raise FormatError(f"{self.where}: a pickle of more than {OPCODE_LIMIT} opcodes is not read")

    def take(self, length: int) -> bytes:
        end = self.at + length
        if length < 0 or end > len(self.data):
            raise FormatError(f"{self.where}: the pickle ends early at byte {self.at}; download the file again")
        self.at = end
        return self.data[end - length : end]

    def line(self) -> str:
        end = self.data.index(b"\n", self.at, self.at + 4096)
        text = self.data[self.at : end].decode("utf-8")
        self.at = end + 1
        return text

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def push(self, value: object) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise ValueError("a mark where a value should be")
        return value

    def marked(self) -> list[Any]:
        """What stands above the last mark, taken off with it."""
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is _MARK:
                items = self.stack[place + 1 :]
                del self.stack[place:]
                return items
        raise ValueError("no mark")

    def last(self, kind: type) -> Any:
        value = self.stack[-1]
        if not isinstance(value, kind):
            raise TypeError(f"not a {kind.__name__}")
        return value

    def named(self, module: object, name: object) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("a global without a name")
        found = Global(module, name)
        if str(found) not in CALLS and not is_torch_type(found):
            what = printable(str(found), 120)
            raise FormatError(f"{self.where}: refused global {what}; only tensors and plain containers are read")
        self.push(found)

    def call(self) -> None:
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, Global) or not isinstance(arguments, tuple) or str(function) not in CALLS:
            what = printable(str(function), 120) if isinstance(function, Global) else f"a {type(function).__name__}"
            raise FormatError(f"{self.where}: refused call of {what}")
        self.push(CALLS[str(function)](*arguments))

    def store(self, items: list[Any]) -> None:
        """Pairs into the dictionary that is last on the stack; keys that are no short names or numbers are dropped."""
        into = self.last(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            if is_key(key):
                into[key] = value

    def build(self) -> None:
        """The state of an object: of what is read here, nothing that matters."""
        self.pop()
        if not isinstance(self.stack[-1], dict | TensorRecord):
            raise TypeError("a state for what has none")


def _integer(machine: _Machine, length: int) -> None:
    if length > _LONG_LIMIT:
        raise ValueError("an integer too long")
    machine.push(int.from_bytes(machine.take(length), "little", signed=True))


def _text(machine: _Machine, form: str) -> None:
    machine.push(machine.take(machine.number(form)).decode("utf-8", "surrogatepass"))


def _remember(machine: _Machine, place: int) -> None:
    machine.memo[place] = machine.stack[-1]


def _tuple(count: int) -> Callable[[_Machine], None]:
    return lambda machine: machine.push(tuple([machine.pop() for _ in range(count)][::-1]))


def _append(machine: _Machine) -> None:
    value = machine.pop()
    machine.last(list).append(value)


def _appends(machine: _Machine) -> None:
    items = machine.marked()
    machine.last(list).extend(items)


def _set_item(machine: _Machine) -> None:
    value, key = machine.pop(), machine.pop()
    machine.store([key, value])


def _drop(machine: _Machine) -> None:
    machine.stack.pop()


def _drop_marked(machine: _Machine) -> None:
    machine.marked()


def _stack_global(machine: _Machine) -> None:
    name, module = machine.pop(), machine.pop()
    machine.named(module, name)


def _number(form: str) -> Callable[[_Machine], None]:
    return lambda machine: machine.push(machine.number(form))


def _bytes(form: str) -> Callable[[_Machine], None]:
    return lambda machine: machine.push(machine.take(machine.number(form)))


_STEPS: dict[bytes, Callable[[_Machine], None]] = {
    b"\x80": lambda m: m.number("<B"),
    b"\x95": lambda m: m.number("<Q"),
    b"(": lambda m: m.push(_MARK),
    b"0": _drop,
    b"1": _drop_marked,
    b"2": lambda m: m.push(m.last(object)),
    b"N": lambda m: m.push(None),
    b"\x88": lambda m: m.push(True),
    b"\x89": lambda m: m.push(False),
    b"J": _number("<i"), b"K": _number("<B"), b"M": _number("<H"), b"G": _number(">d"),
    b"\x8a": lambda m: _integer(m, m.number("<B")),
    b"\x8b": lambda m: _integer(m, m.number("<I")),
    b"X": lambda m: _text(m, "<I"), b"\x8c": lambda m: _text(m, "<B"), b"\x8d": lambda m: _text(m, "<Q"),
    b"U": _bytes("<B"), b"T": _bytes("<i"), b"C": _bytes("<B"), b"B": _bytes("<I"), b"\x8e": _bytes("<Q"),
    b")": _tuple(0), b"\x85": _tuple(1), b"\x86": _tuple(2), b"\x87": _tuple(3),
    b"t": lambda m: m.push(tuple(m.marked())),
    b"]": lambda m: m.push([]), b"l": lambda m: m.push(m.marked()), b"a": _append, b"e": _appends,
    b"}": lambda m: m.push({}), b"s": _set_item, b"u": lambda m: m.store(m.marked()),
    b"q": lambda m: _remember(m, m.number("<B")), b"r": lambda m: _remember(m, m.number("<I")),
    b"\x94": lambda m: _remember(m, len(m.memo)),
    b"h": lambda m: m.push(m.memo[m.number("<B")]), b"j": lambda m: m.push(m.memo[m.number("<I")]),
    b"c": lambda m: m.named(m.line(), m.line()), b"\x93": _stack_global,
    b"R": _Machine.call, b"\x81": _Machine.call, b"b": _Machine.build,
    b"Q": lambda m: m.push(PersistentId(m.pop())),
}  # fmt: skip
"""Opcode -> what it does to the machine. Those that import, run or reduce by other ways are not here."""
