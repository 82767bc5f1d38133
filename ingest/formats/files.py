"""Which files of a source are its weights: found once, before any of them is read, and handed on as a value.

What is incomplete is refused here or, where only the headers can tell, when the tensors are read: a part of
`-00001-of-00002` that is not there, a shard that an index lists, a tensor that an index names.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from ..errors import SourceError
from ..layouts.slices import SLICE
from ..sources.numbered import Part, find_part
from ..sources.source import Source
from ..text import printable
from .foreign_kinds import is_passed_over
from .format import Format
from .index import Index, read_index, shown
from .networks import Network, find_networks, one_variant

ADAPTERS = re.compile(r"(adapter_model|adapter|pytorch_lora_weights)\.\w+", re.IGNORECASE)
"""Files that hold an adapter beside a model, where both are there."""
_NUMBER = re.compile(r"\d+")
_SHOWN = 12
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NetworkFiles:
    """The files of one network, in one folder and one format.

    `index` is the one that stands beside them. It is `stale` when it lists shards that are not there, and the files
    are other ones that may be whole: their tensors have to be all that it names. `left` are other weights of this
    format that stand in the folder and are not read: one file has the usual name of a whole model, or an index lists
    the others.
    """

    network: Network
    format: Format
    files: tuple[str, ...]
    index: Index | None = None
    stale: bool = False
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of a model's weights; `pipeline` is the class that joins several networks, as model_index.json says."""

    networks: tuple[NetworkFiles, ...]
    pipeline: str | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """All files of weights."""
        return tuple(path for network in self.networks for path in network.files)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the choice: an index that was set aside, and other weights that were left."""
        stale = tuple(
            f"{part.index.path} is stale: it lists {shown(part.index.shards)}; all its tensors are in "
            f"{shown(list(part.files))}, which was read"
            for part in self.networks
            if part.index and part.stale
        )
        return stale + tuple(
            f"{shown(list(part.files))} was read; {shown(list(part.left))} beside it was not: name it to read it"
            for part in self.networks
            if part.left
        )


def find_files(source: Source, formats: Sequence[Format]) -> ModelFiles:
    """The files of the weights at `source`, none when there are none; indexes are read, each once.

    Raises SourceError for several models and for what is missing, FormatError for an index that is none.
    """
    folders = _Folders(source, formats)
    found = find_networks(source, lambda folder: folders.network(folder) is not None)
    networks: list[NetworkFiles] = []
    for part in found.parts:
        files = folders.network(part.folder)
        assert files is not None
        _check_parts(source, files.files)
        _check_slices(source, files.files)
        _log.debug("%s: %s files %s", source.uri, files.format.name, ", ".join(files.files[:_SHOWN]))
        networks.append(replace(files, network=part))
    return ModelFiles(tuple(networks), found.pipeline)


class _Folders:
    """The weights of every folder of a source, each looked at once."""

    def __init__(self, source: Source, formats: Sequence[Format]) -> None:
        self._source, self._formats = source, formats
        self._paths: dict[str, list[str]] = defaultdict(list)
        there = set(source.files)
        for path in sorted(path for path, file in source.files.items() if not file.special):
            if not is_passed_over(path, there):
                self._paths[path.rpartition("/")[0]].append(path)
        self._known: dict[str, NetworkFiles | None] = {}

    def network(self, folder: str) -> NetworkFiles | None:
        """The preferred weights of a folder, None where it has none.

        Weights of a whole model come before those of an adapter, whatever their formats.
        """
        if folder not in self._known:
            self._known[folder] = self._find(folder)
        return self._known[folder]

    def _find(self, folder: str) -> NetworkFiles | None:
        paths = self._paths.get(folder, [])
        found: list[NetworkFiles] = []
        refused: SourceError | None = None
        for form in self._formats:
            try:
                chosen = _weights(self._source, form, folder, paths)
            except _Absent as error:  # weights of another format may be whole
                refused = refused or error
                continue
            if chosen is not None:
                found.append(chosen)
        whole = [f for f in found if not all(ADAPTERS.fullmatch(PurePosixPath(path).name) for path in f.files)]
        if refused and not whole:
            raise refused
        return next(iter(whole or found), None)


class SeveralModels(SourceError):
    """A folder holds several models in files, and nothing says which is meant."""


class _Absent(SourceError):
    """An index lists shards, and no weights of its format are there."""


def _weights(source: Source, form: Format, folder: str, paths: Sequence[str]) -> NetworkFiles | None:
    """The files of one format in one folder that make one checkpoint: those of the index, or one family of parts."""
    at = f"{folder}/" if folder else ""
    here = Network(folder)
    indexes = [path for path in paths if form.index and path.lower().endswith(form.index)]
    if not indexes:
        files = _without_index(source, form, at, paths)
        left = _left(form, at, paths, files)
        return NetworkFiles(here, form, tuple(files), left=left) if files else None
    index = read_index(source, next((i for i in indexes if i.startswith(f"{at}model.")), one_variant(indexes)[0]))
    absent = [shard for shard in index.shards if shard not in source.files]
    if not absent:
        return NetworkFiles(here, form, tuple(index.shards), index, left=_stray(form, paths, index))
    files = _without_index(source, form, at, paths)
    if set(files) <= set(index.shards):  # some of its shards and nothing else: a download that was cut short
        raise _Absent(absence(source, index))
    return NetworkFiles(here, form, tuple(files), index, stale=True)


def _stray(form: Format, paths: Sequence[str], index: Index) -> tuple[str, ...]:
    """Parts that are named as the shards of an index are, and that it does not list."""
    stems = tuple({part.stem for shard in index.shards if (part := find_part(shard))})
    listed = set(index.shards)
    others = [path for path in paths if form.holds(path) and path not in listed and path.startswith(stems)]
    return tuple(path for path in others if any(path.removeprefix(stem)[:1].isdigit() for stem in stems))


def absence(source: Source, index: Index) -> str:
    """What is to be said of an index that lists shards which are not there."""
    absent = [shard for shard in index.shards if shard not in source.files]
    return f"{source.uri}: {index.path} lists {shown(absent)}, which is not there; fetch all shards"


def _without_index(source: Source, form: Format, at: str, paths: Sequence[str]) -> list[str]:
    """The files of one format that make one checkpoint, by their names. SourceError for several models."""
    held = [path for path in paths if form.holds(path)]
    files = [path for path in held if not re.fullmatch(form.ignored, path.removeprefix(at))]
    if form.begins and any(path.lower().endswith(".onnx") for path in paths):
        files = [path for path in files if form.stem in path.removeprefix(at)] or _begun(source, files, form)
    if form.main and f"{at}{form.main}" in files:
        return [f"{at}{form.main}"]
    if form.alone:
        return _one_family(source, form, files or held)
    stem = at + form.stem
    if exact := [path for path in files if path.lower() == f"{stem}{form.ending}"]:
        return exact[:1]
    named = [path for path in files if path.lower().startswith(f"{stem.lower()}-")]
    whole = [path for path in files if not ADAPTERS.fullmatch(path.removeprefix(at))]
    return _one_family(source, form, one_variant(named or whole or files))


def _left(form: Format, at: str, paths: Sequence[str], files: Sequence[str]) -> tuple[str, ...]:
    """Other whole weights beside a file of the usual name: no adapters, no parts and no variants of it.

    accelerate keeps a second model in `model_1.safetensors`. Of formats whose files are models each, it is the rule
    that others stand beside the one that is read.
    """
    if form.alone or len(files) != 1:
        return ()
    others = [path for path in paths if form.holds(path) and path not in files]
    plain = [path for path in one_variant(others + list(files)) if path not in files]
    parted = [path for path in plain if find_part(path) or SLICE.fullmatch(path)]
    named = {path: path.removeprefix(at) for path in plain if path not in parted}
    beside = (form.ignored, ADAPTERS.pattern)
    return tuple(p for p, name in named.items() if not any(re.fullmatch(one, name, re.I) for one in beside))


def _begun(source: Source, files: list[str], form: Format) -> list[str]:
    """The files, if each begins as its format does; else none: they are another format's data."""
    longest = max(map(len, form.begins))
    for path in files:
        reader = source.open(path)
        try:
            if not reader.read(0, min(reader.size, longest)).startswith(form.begins):
                return []
        finally:
            reader.close()
    return files


def _one_family(source: Source, form: Format, files: list[str]) -> list[str]:
    """The files of the one model that they are parts of; SourceError when they are several models.

    Parts are numbered: `-00001-of-00002`, or in any other way where no file is a model `alone`. Whether files that
    differ by a number alone are parts of one model or several models, their tensors tell when they are read.
    """
    families = sorted({_family(path, form) for path in files})
    if len(families) > 1:
        raise SeveralModels(f"{source.uri}: {len(families)} models in {form.name} files; {name_one(files)}")
    return files


def _family(path: str, form: Format) -> str:
    if part := find_part(path):
        return part.family
    return path if form.alone else _NUMBER.sub("#", path.lower())


def name_one(files: Sequence[str]) -> str:
    """What to do where a source holds several models."""
    return "name one of them: " + ", ".join(map(printable, files[:_SHOWN])) + (", ..." if len(files) > _SHOWN else "")


def _check_parts(source: Source, files: Iterable[str]) -> None:
    """SourceError where a file is part k of n and another part is not there; parts count from 0 where one is 0."""
    there: dict[str, list[Part]] = defaultdict(list)
    for path in files:
        if part := find_part(path):
            there[part.family].append(part)
    for parts in there.values():
        numbers = {part.number for part in parts}
        begin, count = int(0 not in numbers), parts[0].count
        first = next((k for k in range(begin, begin + count) if k not in numbers), None)
        if first is not None:
            more = count - len(numbers) - 1
            others = f" and {more} more" if more > 0 else ""
            raise SourceError(
                f"{source.uri}: {len(numbers)} of {count} parts are here, without"
                f" {printable(parts[0].named(first))!r}{others}; fetch all parts"
            )


def _check_slices(source: Source, files: Iterable[str]) -> None:
    """SourceError where a slice below the last one is absent: `consolidated.00`, `.02`, which name no total."""
    there: dict[tuple[str, str], set[int]] = defaultdict(set)
    for path in files:
        if found := SLICE.fullmatch(path):
            there[path[: found.start(1)], path[found.end(1) :]].add(int(found[1]))
    for (stem, ending), numbers in there.items():
        absent = [k for k in range(max(numbers)) if k not in numbers]
        if absent:
            first = printable(f"{stem}{absent[0]:02d}{ending}")
            others = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
            raise SourceError(f"{source.uri}: {first!r}{others} is not among the slices here; fetch all slices")
