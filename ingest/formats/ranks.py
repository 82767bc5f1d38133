"""Files that hold one rank of a model that was split over devices: a slice of every tensor, or some of the layers.

| file                                                          | who writes it                            |
| `mp_rank_01/model_optim_rng.pt`, `mp_rank_01_002/...`         | Megatron-LM, by tensor and pipeline rank |
| `mp_rank_01_model_states.pt`                                  | DeepSpeed                                |
| `rank1.safetensors`                                           | TensorRT-LLM                             |
| `model-rank-1-part-0.safetensors`                             | vLLM, SGLang (`sharded_state`)           |
| `model_world_size_8_rank_1.pt`                                | verl                                     |

Such a file reads like a whole model of fewer rows or layers, so that a half would be reported as covered in full.

Limitations: told by names alone. Rank 0 is read where no other rank is beside it, as one device alone writes it too; of
a source that is no folder of this machine only its own files are looked at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import SourceError
from ..sources.folder import local_path
from ..sources.source import Source
from ..text import printable
from .contents import Contents

_FOLDER = re.compile(r"(?:[mt]p_)?rank[-_]?\d{1,4}(?:_\d{3}){0,2}", re.ASCII | re.IGNORECASE)
_FILE = re.compile(
    r"(?:(?:model|pytorch_model|checkpoint|ckpt|consolidated|weights|world_size_\d+|mp|tp)[-_.])*"
    r"rank[-_]?\d{1,4}(?:_\d{3}){0,2}(?:_mp_rank_\d+)?(?:_model_states|[-_]part[-_]?\d+)?\.\w+",
    re.ASCII | re.IGNORECASE,
)
_NUMBERS = re.compile(r"rank[-_]?(\d{1,4})(?:_(\d{3}))?(?:_(\d{3}))?", re.ASCII | re.IGNORECASE)


def refuse_ranks(source: Source, files: Sequence[str], contents: Contents) -> None:
    """SourceError where `files` hold some ranks of a model and not its others; an adapter's rank is another thing."""
    if any("lora" in tensor.name.lower() for tensor in contents.tensors):
        return
    held = set(files)
    for path in files:
        for other, earlier in _others(_placed(source, path)):
            if any(_placed(source, file) == other for file in held):
                continue
            if earlier or _is_there(source, other):
                raise SourceError(
                    f"{source.uri}: {printable(path)} is by its name one rank of a model that was split over devices,"
                    f" without {printable('/'.join(other[-2:]))}; merge all ranks into one checkpoint and ingest that,"
                    " or rename it if it is a whole model"
                )


def _placed(source: Source, path: str) -> tuple[str, ...]:
    """The parts of a file's whole path on this machine, or of its path in another source."""
    if not source.uri.startswith("file:"):
        return tuple(path.split("/"))
    root = local_path(source.uri)
    folder = root.parent if root.is_file() else root
    return (folder / path).parts


def _others(parts: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], bool]]:
    """The paths of rank 0 where a number is above it, and of the next rank where it is 0; True for the former."""
    for at, pattern in ((-1, _FILE), (-2, _FOLDER)):
        if len(parts) < -at or not pattern.fullmatch(parts[at]):
            continue
        for found in _NUMBERS.finditer(parts[at]):
            for group in range(1, 4):
                if found[group] is None:
                    continue
                number = "0" if int(found[group]) else "1"
                begin, end = found.span(group)
                name = parts[at][:begin] + number.zfill(end - begin) + parts[at][end:]
                index = len(parts) + at
                yield (*parts[:index], name, *parts[index + 1 :]), number == "0"


def _is_there(source: Source, parts: tuple[str, ...]) -> bool:
    return os.path.lexists(Path(*parts)) if source.uri.startswith("file:") else "/".join(parts) in source.files
