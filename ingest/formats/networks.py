"""Where the weights of a source are: beside each other, in one sub-folder, or one network a folder (diffusers).

A pipeline of diffusers names its networks in model_index.json: one whose weights are not there is an error, as a shard
is. A model of sentence-transformers names its modules in modules.json: those that have weights behind the transformer,
`2_Dense`, are read with it.

Limitations: of the files of one network only one variant is read (`.fp16.` and its like, where there is no plain one);
a pipeline's tokenizers are not read, as each belongs to one of its encoders; its safety checker is no part of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from ..errors import FormatError, SourceError
from ..sources.source import Source, read_small
from ..text import printable

PIPELINE = "model_index.json"
MODULES = "modules.json"
_INDEX_LIMIT = 1 << 20
_MOST_SHOWN = 12
_NO_PART = frozenset({"safety_checker", "feature_extractor", "image_processor", "watermarker", "scheduler"})
_WEIGHTLESS = re.compile(r".*(?:Tokenizer|Scheduler|Processor|Extractor|Watermark|Guidance|Guider|SafetyChecker).*")
"""Classes of a pipeline's parts that have no weights, or none that are its own."""
_VARIANT = re.compile(r"\.(fp16|bf16|fp32|fp8|int8|ema|ema_only|non_ema|no_ema)(?=[.-])")


@dataclass(frozen=True, slots=True)
class Network:
    """One network of a source: its folder (`` for the top), and what is put before the names of its tensors."""

    folder: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Networks:
    """The networks of a source; `pipeline` is the class that joins several, as model_index.json names it."""

    parts: tuple[Network, ...]
    pipeline: str | None = None


def find_networks(source: Source, has_weights: Callable[[str], bool]) -> Networks:
    """The folders to read, where `has_weights` tells whether a folder's own files are a checkpoint.

    A pipeline's folders come before single files at the top, which hold the same networks again. Raises SourceError
    when several folders have weights and nothing says that they are one model; FormatError where a network of a
    pipeline has none.
    """
    pipeline, named = _pipeline(source)
    parts = [folder for folder in named if folder not in _NO_PART and has_weights(folder)]
    if parts:
        for folder in sorted(named.keys() - _NO_PART - set(parts)):
            if not _WEIGHTLESS.fullmatch(named[folder]):
                raise FormatError(
                    f"{source.uri}: {PIPELINE} names a network {printable(folder)!r} ({printable(named[folder], 80)}), "
                    "whose weights are not there; fetch them, or name the folder of one network"
                )
        return Networks(tuple(Network(folder, f"{folder}/") for folder in sorted(parts)), pipeline)
    modules = [folder for folder in _modules(source) if has_weights(folder)]
    if len(modules) > 1:
        return Networks((Network(modules[0]), *(Network(folder, f"{folder}/") for folder in modules[1:])))
    if has_weights(""):
        return Networks((Network(""),))
    folders = sorted({path.rpartition("/")[0] for path in source.files} - {""})
    found = list(islice((folder for folder in folders if has_weights(folder)), _MOST_SHOWN + 1))
    if "default" in found and all(f"{folder}/adapter_config.json" in source.files for folder in found):
        found = ["default"]  # PEFT's own name for an adapter that was given none
    if len(found) > 1:
        shown = ", ".join(map(printable, found[:_MOST_SHOWN])) + (", ..." if len(found) > _MOST_SHOWN else "")
        every = "; `forebear ingest --recursive` reads each" if source.uri.startswith("file:") else ""
        raise SourceError(f"{source.uri}: weights in several folders; name one of them: {shown}{every}")
    return Networks(tuple(Network(folder) for folder in found))


def _pipeline(source: Source) -> tuple[str | None, dict[str, str]]:
    """The class of a pipeline and those of its parts by folder; FormatError for a model_index.json that is none."""
    index = _json(source, PIPELINE)
    if index is None:
        return None, {}
    if not isinstance(index, Mapping):
        raise FormatError(f"{source.uri}: {PIPELINE} is not a JSON object")
    pairs = {str(key): value for key, value in index.items() if isinstance(value, list)}
    folders = {
        key: next(one for one in reversed(value) if isinstance(one, str))
        for key, value in pairs.items()
        if any(isinstance(one, str) for one in value)
    }
    name = index.get("_class_name")
    return printable(name, 80) if isinstance(name, str) else "pipeline", folders


def _modules(source: Source) -> list[str]:
    """The folders of the modules of sentence-transformers in their order, none where modules.json is no such list."""
    found = _json(source, MODULES)
    paths = [one.get("path") for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
    return list(dict.fromkeys(path.rstrip("/") for path in paths if isinstance(path, str)))


def _json(source: Source, path: str) -> object:
    """What a small file of JSON holds, None where it is not there. Raises FormatError for what is no JSON."""
    text = read_small(source, path, _INDEX_LIMIT)
    if text is None:
        return None
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{source.uri}: {path} is not valid JSON") from error
    return found


def one_variant(files: Sequence[str]) -> list[str]:
    """The files of one variant: those without a mark such as `.fp16.`, else those of the first mark."""
    marks = {path: found[1] if (found := _VARIANT.search(path.rpartition("/")[2])) else "" for path in files}
    chosen = min(marks.values(), default="")
    return [path for path in files if marks[path] == chosen]
