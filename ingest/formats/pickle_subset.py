"""The part of pickle that tensors need, read as data: an interpreter of opcodes that builds records and calls nothing.

A global is a name here, never an import. Calls of those that pickle_records.py knows become records of tensors and
plain containers, calls of any other an inert record with what it was given.

Limits make a hostile pickle cheap: its length, the number of opcodes (each makes at most one small object), and that
only plain keys go into dictionaries (hashing a tuple that shares its parts takes exponential time). Strings are bounded
by the length, and the memo is a dictionary, so that a large index costs nothing.

Source: `pickletools` of the Python library.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from types import UnionType
from typing import Any

from ..budget import PICKLE_BYTES, PICKLE_ITEMS, PICKLE_OPCODES, allowed, beyond, require
from ..errors import FormatError
from .pickle_records import CALLS, NAME_LIMIT, Global, Inert, OpaqueTensor, PersistentId, TensorRecord, is_key

_LONG_LIMIT = 64  # bytes of an integer
_DIGIT_LIMIT = 150  # digits of one that is written out


_MARK = object()
_MOST_NOTED = 64
_LINE_LIMIT = 4096  # bytes of a global's module or name


class EndsEarly(FormatError):
    """The data ends inside the pickle."""


def read_pickle(data: bytes, where: str) -> object:
    """What a pickle holds: None, bool, int, float, str, bytes, tuple, list, dict and records (pickle_records.py).

    Raises FormatError for an unknown opcode, and for what is over a limit or makes no sense.
    """
    return read_pickles(data, 1, where)[0].value


@dataclass(frozen=True, slots=True)
class Pickle:
    """What one pickle holds, all that it says to stand outside of it, and the place behind it.

    `unknown` are the first globals that it calls and pickle_records.py does not know.
    """

    value: object
    outside: tuple[PersistentId, ...]
    end: int
    unknown: tuple[str, ...] = ()


def read_pickles(data: bytes, count: int, where: str) -> list[Pickle]:
    """The first `count` pickles of `data`, which follow one another.

    Raises EndsEarly where `data` ends before they do, FormatError as `read_pickle` does.
    """
    require(PICKLE_BYTES, len(data), where)
    found: list[Pickle] = []
    at = 0
    for _ in range(count):
        machine = _Machine(data, where, at)
        try:
            value = machine.run()
        except (IndexError, ValueError, TypeError, KeyError, struct.error, OverflowError) as error:
            raise FormatError(f"{where}: broken pickle at byte {machine.at} ({type(error).__name__})") from error
        at = machine.at
        found.append(Pickle(value, tuple(machine.outside), at, tuple(machine.unknown)))
    return found


class _Machine:
    def __init__(self, data: bytes, where: str, at: int = 0) -> None:
        self.data, self.where, self.at = data, where, at
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.outside: list[PersistentId] = []
        self.unknown: dict[str, None] = {}
        self.handled = 0

    def run(self) -> object:
        most = allowed(PICKLE_OPCODES)
        for _ in range(most):
            code = self.take(1)
            if code == b".":
                return self.stack.pop()
            step = _STEPS.get(code)
            if step is None:
                what = f"pickle opcode {code!r} at byte {self.at - 1} is not read"
                raise FormatError(f"{self.where}: {what}; save it again with torch")
            step(self)
        raise FormatError(f"{self.where}: {beyond(PICKLE_OPCODES, most + 1)}")

    def take(self, length: int) -> bytes:
        end = self.at + length
        if length < 0 or end > len(self.data):
            raise EndsEarly(f"{self.where}: the pickle ends early at byte {self.at}; download the file again")
        self.at = end
        return self.data[end - length : end]

    def line(self) -> str:
        end = self.data.find(b"\n", self.at, self.at + _LINE_LIMIT)
        if end < 0 and len(self.data) < self.at + _LINE_LIMIT:
            raise EndsEarly(f"{self.where}: the pickle ends early at byte {self.at}; download the file again")
        if end < 0:
            raise ValueError("a name too long")
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

    def last(self, kind: type | UnionType) -> Any:
        value = self.stack[-1]
        if not isinstance(value, kind):
            raise TypeError("not what it is used as")
        return value

    def named(self, module: object, name: object) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("a global without a name")
        if len(module) + len(name) > NAME_LIMIT:
            raise ValueError("a name too long")
        self.push(Global(module, name))

    def call(self) -> None:
        """The record that a call or the making of an object stands for; inert where the class is not known."""
        arguments, function = self.pop(), self.pop()
        known = CALLS.get(str(function)) if isinstance(function, Global) else None
        if known is None or not isinstance(arguments, tuple):
            self.make(Inert(function, arguments))
            return
        self.handled += len(arguments) + sum(len(a) for a in arguments if isinstance(a, tuple | list | dict))
        require(PICKLE_ITEMS, self.handled, self.where)
        self.push(known(*arguments))

    def call_by_name(self) -> None:
        """The making of an object whose arguments have names."""
        named, arguments, kind = self.pop(), self.pop(), self.pop()
        self.make(Inert(kind, arguments, items=named if isinstance(named, dict) else {}))

    def make(self, made: Inert) -> None:
        """An inert record, whose class is noted."""
        if isinstance(made.kind, Global) and len(self.unknown) < _MOST_NOTED:
            self.unknown[str(made.kind)] = None
        self.push(made)

    def store(self, items: list[Any]) -> None:
        """Pairs into the dictionary that is last on the stack.

        Keys that are no short names or numbers would cost what they like to hash. What may hold tensors gets another
        name in their place, single values are dropped.
        """
        last = self.last(dict | Inert)
        into = last.items if isinstance(last, Inert) else last
        for key, value in zip(items[::2], items[1::2], strict=True):
            if is_key(key):
                into[key] = value
            elif isinstance(value, TensorRecord | OpaqueTensor | Inert | dict | list | tuple):
                into[_name_of(key, len(into), self.where)] = value

    def refer(self) -> None:
        """What stands outside the pickle; for a class with its source, which torch before 1.6 wrote, the class."""
        value = self.pop()
        if isinstance(value, tuple) and len(value) > 1 and isinstance(value[0], str) and value[0] == "module":
            self.push(value[1])
            return
        self.outside.append(PersistentId(value))
        self.push(self.outside[-1])

    def extend(self, items: list[Any]) -> None:
        """Values into the list that is last on the stack."""
        last = self.last(list | Inert)
        (last.elements if isinstance(last, Inert) else last).extend(items)

    def build(self) -> None:
        """The state of an object; of tensors and dictionaries nothing in it matters."""
        state, last = self.pop(), self.last(dict | TensorRecord | OpaqueTensor | Inert | Global)
        if isinstance(last, Inert):
            last.state = state


def _name_of(key: object, number: int, where: str) -> str:
    """A name in the place of a key that is none; FormatError for one that is too long."""
    if isinstance(key, str):
        raise FormatError(f"{where}: a name of {len(key)} characters is over the limit of {NAME_LIMIT}")
    shown = key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key) if isinstance(key, float) else ""
    return shown if 0 < len(shown) <= NAME_LIMIT else f"entry_{number}"


def _decimal(machine: _Machine, text: str) -> None:
    """A number of protocols 0 and 1, where 00 and 01 are the two truth values."""
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > _DIGIT_LIMIT:
        raise ValueError("no number, or one too long")
    machine.push({"00": False, "01": True}.get(text, int(text)))


def _old_object(machine: _Machine) -> None:
    """An object of a class of Python 2, made of what stands above the mark; inert, as all are."""
    kind, *arguments = machine.marked()
    machine.make(Inert(kind, tuple(arguments)))


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
    machine.extend([value])


def _appends(machine: _Machine) -> None:
    items = machine.marked()
    machine.extend(items)


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


def _old_text(machine: _Machine, form: str) -> None:
    """A string of Python 2: text where it can be, as torch takes it."""
    data = machine.take(machine.number(form))
    try:
        machine.push(data.decode("utf-8"))
    except UnicodeDecodeError:
        machine.push(data)


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
    b"I": lambda m: _decimal(m, m.line()), b"L": lambda m: _decimal(m, m.line().removesuffix("L")),
    b"o": _old_object,
    b"\x8a": lambda m: _integer(m, m.number("<B")),
    b"\x8b": lambda m: _integer(m, m.number("<I")),
    b"X": lambda m: _text(m, "<I"), b"\x8c": lambda m: _text(m, "<B"), b"\x8d": lambda m: _text(m, "<Q"),
    b"U": lambda m: _old_text(m, "<B"), b"T": lambda m: _old_text(m, "<i"),
    b"C": _bytes("<B"), b"B": _bytes("<I"), b"\x8e": _bytes("<Q"),
    b"\x96": _bytes("<Q"),
    b")": _tuple(0), b"\x85": _tuple(1), b"\x86": _tuple(2), b"\x87": _tuple(3),
    b"t": lambda m: m.push(tuple(m.marked())),
    b"]": lambda m: m.push([]), b"l": lambda m: m.push(m.marked()), b"a": _append, b"e": _appends,
    b"\x8f": lambda m: m.push([]), b"\x90": _appends, b"\x91": lambda m: m.push(m.marked()),
    b"}": lambda m: m.push({}), b"s": _set_item, b"u": lambda m: m.store(m.marked()),
    b"q": lambda m: _remember(m, m.number("<B")), b"r": lambda m: _remember(m, m.number("<I")),
    b"\x94": lambda m: _remember(m, len(m.memo)),
    b"h": lambda m: m.push(m.memo[m.number("<B")]), b"j": lambda m: m.push(m.memo[m.number("<I")]),
    b"c": lambda m: m.named(m.line(), m.line()), b"\x93": _stack_global,
    b"R": _Machine.call, b"\x81": _Machine.call, b"\x92": _Machine.call_by_name,
    b"b": _Machine.build,
    b"Q": _Machine.refer,
}  # fmt: skip
"""Opcode -> what it does to the machine. Sets are lists here, as nothing is hashed. Not here are those of protocol 0
alone, in which no torch can save a tensor, and those that import by number."""
