"""The file that lists the shards of a checkpoint, `model.safetensors.index.json` or its like."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..errors import FormatError
from ..sources.source import Source, read_small
from ..text import printable

LIMIT = 32 << 20
"""Bytes; the largest published ones are below 10 MB."""
_SHOWN = 3
_COMPUTED = re.compile(r"(?:^|\.)(?:inv_freq|position_ids|masked_bias)$")
_HEAD = re.compile(r"(?:[A-Za-z_]+\.){0,3}(?:lm_head|embed_out|output|head)\.weight")
"""A head outside the layers: `layers.3.attention.output` has a number, and is none."""


@dataclass(frozen=True, slots=True)
class Index:
    """What an index says: the file of every tensor, by the tensor's name; file names as the source has them."""

    path: str
    weights: Mapping[str, str]

    @property
    def shards(self) -> list[str]:
        """The files that it lists, each once, in order."""
        return sorted(set(self.weights.values()))

    def missing(self, names: Iterable[str], *, tied: bool) -> list[str]:
        """The tensors that it names and that are not among `names`, which may lack one prefix such as `module.`.

        Buffers that follow from the config do not count, nor does a head that is `tied`, the embedding itself: older
        files name them and newer tools write none.
        """
        there = set(names)
        absent = (name for name in self.weights if name not in there and name.partition(".")[2] not in there)
        return [name for name in absent if not _COMPUTED.search(name) and not (tied and _HEAD.fullmatch(name))]


def read_index(source: Source, path: str) -> Index:
    """The index at `path`. Raises FormatError when it is too large, no JSON, or does not map names to names."""
    text = read_small(source, path, LIMIT) or b""
    try:
        weights: object = json.loads(text).get("weight_map")
    except (ValueError, RecursionError, AttributeError) as error:
        raise FormatError(f"{source.uri}: {path} is not valid JSON") from error
    if not isinstance(weights, Mapping) or not weights or not all(isinstance(f, str) for f in weights.values()):
        raise FormatError(f"{source.uri}: {path} has no weight_map of file names")
    folder = PurePosixPath(path).parent
    return Index(path, {str(name): (folder / str(file)).as_posix() for name, file in weights.items()})


def shown(names: list[str]) -> str:
    """The first of some names, for people."""
    return ", ".join(repr(printable(name)) for name in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
