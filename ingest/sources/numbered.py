"""Names of the parts that one file was split into: which part of how many, and what the others are called.

| spelling                                              | who writes it                                     |
| `model-00001-of-00002.safetensors`                    | transformers, llama.cpp, MLX, diffusers           |
| `pytorch_model_00001-of-00072.bin`                    | BLOOM                                             |
| `model_00001_of_00002`, `model.00001-of-00002`        | converters of people                              |
| `model-1-of-2`, `model.part1of2`, `model-shard0-of2`  | the same; numbers that begin at 0 are known by it |

Limitations: files of one name that are models of their own, `fold-1-of-5.pt`, look like parts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PART = re.compile(
    r"(?P<before>[-_.](?:part|shard|split)?[-_]?)(?P<number>\d{1,6})(?P<between>[-_]?of[-_]?)(?P<count>\d{1,6})(?=\.|$)",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a split file: its number, the count of parts, and the path in the pieces around its number."""

    number: int
    count: int
    stem: str
    ending: str
    width: int

    @property
    def family(self) -> str:
        """What all parts of one split have in common, in lower case."""
        return f"{self.stem}#{self.ending}".lower()

    def named(self, number: int) -> str:
        """The path of another part."""
        return f"{self.stem}{number:0{self.width}d}{self.ending}"


def find_part(path: str) -> Part | None:
    """What the name of a file says of its place in a split; None for one that is whole.

    >>> find_part("model-00001-of-00003.safetensors").named(2)
    'model-00002-of-00003.safetensors'
    """
    found = _PART.search(path, path.rfind("/") + 1)
    if found is None or int(found["number"]) > int(found["count"]):
        return None
    begin, end = found.span("number")
    return Part(int(found["number"]), int(found["count"]), path[:begin], path[end:], end - begin)


def without_part(path: str) -> str:
    """A path without what says which part it is.

    >>> without_part("org/model-00001-of-00003.gguf")
    'org/model.gguf'
    """
    found = _PART.search(path, path.rfind("/") + 1)
    return path if found is None else path[: found.start()] + path[found.end() :]
