"""The fingerprint of a model: everything that the registry keeps of it, made from a source."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from .activations import NO_ACTIVATIONS, Activations, plan_activations, read_activations
from .adapters.adapter import LEAST_RANK, Adapter
from .budget import model_budget
from .checkpoint import open_checkpoint
from .fingerprint import (
    TensorFingerprint,
    TokenRows,
    fingerprint_exact,
    fingerprint_factor,
    fingerprint_matrix,
    fingerprint_tokens,
    fingerprint_vector,
)
from .fingerprint.factors import rank_axis
from .fingerprint.sketch import Sketch, sketches
from .gains import Gains
from .metadata.card import Card, read_card
from .metadata.tokenizer import TokenizerFingerprint, Vocabulary
from .names.naming import ADAPTER, EXACT
from .plan import BEYOND_BUDGET, ROUTED_EXPERTS, plan_reading
from .reading.ranges import Block, ReadTensor, read_plan
from .sources.card import ProviderCard
from .sources.metered import MeteredSource
from .sources.source import Source, SourceFile
from .storage.skipped import SkippedTensor
from .text import printable

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelFingerprint:
    """One snapshot of weights, as the registry keeps it. Sizes are in bytes, `parameters` counts all tensors."""

    uri: str
    revision: str | None
    name: str
    state: str
    format: str
    config: Mapping[str, object]
    card: Card
    tokenizer: TokenizerFingerprint | None
    tensors: tuple[TensorFingerprint, ...]
    tokens: tuple[TokenRows, ...]
    sketches: tuple[Sketch, ...]
    skipped: tuple[SkippedTensor, ...]
    tensor_count: int
    parameters: int
    bytes_read: int
    bytes_total: int
    requests: int
    provider: ProviderCard | None
    files: tuple[SourceFile, ...]
    adapter: Adapter | None = None
    notes: tuple[str, ...] = ()
    """What a person should know of the files that were read."""
    activations: Activations = NO_ACTIVATIONS

    @property
    def content(self) -> str:
        """A digest of the exact hashes of everything read: equal for copies of any dtype that kept every value."""
        digest = hashlib.blake2b(digest_size=16)
        for tensor in sorted(self.tensors, key=lambda t: t.named.tensor.name):
            if tensor.statistics:
                digest.update(f"{tensor.named.tensor.name!r} {tensor.statistics.hash}\n".encode())
        return digest.hexdigest()


TOO_DEAR = "activations are not read: they are beyond the budget, which leaves them out before any layer"
_CUT = " within "
"""Between the state of a source and the budget in bytes that left a part of it out."""


def is_current(known: str, source: str, *, budget: int | None) -> bool:
    """Whether a model kept in the state `known` holds what a reading within `budget` gives of a source as it is.

    What a budget cut holds less than a reading within a larger one or none would; a smaller one takes nothing away.

    >>> is_current("abc", "abc", budget=9), is_current("abc within 9", "abc", budget=None)
    (True, False)
    """
    same, cut, most = known.partition(_CUT)
    return same == source and (not cut or (budget is not None and most.isdecimal() and int(most) >= budget))


def kept_within(state: str) -> tuple[str, int | None]:
    """The state of the source and the budget in bytes that cut a model kept in `state`, None where none did.

    >>> kept_within("abc within 9"), kept_within("abc")
    (('abc', 9), ('abc', None))
    """
    same, cut, most = state.partition(_CUT)
    return same, int(most) if cut and most.isdecimal() else None


def fingerprint_model(
    source: Source,
    *,
    budget: int | None = None,
    seen: Callable[[int, Block], None] | None = None,
    experts: int = ROUTED_EXPERTS,
) -> ModelFingerprint:
    """The fingerprint of the model at `source`; a few bytes of every tensor, at most `budget` bytes of weights.

    `seen` is handed every block that is read, with the number of its tensor in the fingerprint. With fewer `experts` a
    layer than usual a fingerprint is for comparing with others of as many alone, and not to be kept.
    Raises NothingToRead, SourceError or FormatError, each with the file and what to do.
    """
    with model_budget():
        return _fingerprint_model(source, budget, seen, experts)


def _fingerprint_model(
    source: Source, budget: int | None, seen: Callable[[int, Block], None] | None, experts: int
) -> ModelFingerprint:
    began = time.monotonic()
    metered = MeteredSource(source)
    found = open_checkpoint(metered)
    adapter = found.adapter
    vocabulary = found.tokenizer.vocabulary() if found.tokenizer else Vocabulary()
    plan = plan_reading(found.named, vocabulary, found.language, budget=budget, experts=experts)
    neurons = () if adapter else plan_activations(found.named, vocabulary)
    affordable = budget is None or not neurons or plan.bytes + sum(part.bytes for part in neurons) <= budget
    cut = not affordable or any(tensor.reason.startswith(BEYOND_BUDGET) for tensor in plan.skipped)
    gains, shared = Gains.of_config(found.language), _SharedFactors()
    tensors: list[TensorFingerprint] = []
    tokens: list[TokenRows] = []
    for batch in read_plan(plan, metered, bounds=True):
        for read in batch:
            if seen:
                seen(len(tensors), read.block)
            tensor, rows = _fingerprint(read, gains)
            tensors.append(shared.once(tensor, read.block))
            tokens += rows
    activations = read_activations(neurons, metered, gains.of) if affordable else Activations(left_out=TOO_DEAR)
    seconds = time.monotonic() - began
    _log.info("%s: %d bytes in %d reads, %.2f s", source.uri, metered.bytes_read, metered.requests, seconds)
    return ModelFingerprint(
        uri=source.uri,
        revision=source.revision,
        name=source.name,
        state=f"{source.state}{_CUT}{budget}" if cut else source.state,
        format=found.format,
        config=found.config,
        card=read_card(metered, found.config, adapted=adapter.config.base if adapter else None),
        tokenizer=found.tokenizer.fingerprint(vocabulary) if found.tokenizer else None,
        tensors=tuple(tensors),
        tokens=tuple(tokens),
        sketches=tuple(sketches(tensors, tokens)),
        skipped=found.skipped + plan.skipped,
        tensor_count=found.tensor_count,
        parameters=found.parameters,
        bytes_read=metered.bytes_read,
        bytes_total=sum(source.files[path].size for path in {*found.files.paths, *plan.files}),
        requests=metered.requests,
        provider=source.card,
        files=tuple(file for _, file in sorted(source.files.items()) if not file.special),
        adapter=adapter,
        notes=(*found.files.notes, *(source.card.notes if source.card else ())),
        activations=activations,
    )


def _fingerprint(read: ReadTensor, gains: Gains) -> tuple[TensorFingerprint, list[TokenRows]]:
    planned, block = read.planned, read.block
    named = planned.named
    if not planned.rows:
        return TensorFingerprint(named, rows_read=0), []
    if planned.keys is not None:
        tensor, rows = fingerprint_tokens(named, block, planned.keys)
        return tensor, [rows]
    if named.place.component == ADAPTER and named.place.slot == EXACT:
        return fingerprint_exact(named, block), []
    if len(named.tensor.shape) < 2:
        gains.learn(planned, block)
        return fingerprint_vector(named, block), []
    if named.place.component == ADAPTER:
        return fingerprint_factor(named, block), []
    return fingerprint_matrix(named, block, gains.of(named), read.bounds), []


class _SharedFactors:
    """The factors A of an adapter that came before, of which each counts once.

    One A for q, k and v of a fused matrix is three equal tensors where a converter has split them. Three equal tensors
    that match are one piece of evidence, not three.
    """

    def __init__(self) -> None:
        self._seen: set[tuple[tuple[int, ...], int]] = set()

    def once(self, tensor: TensorFingerprint, block: Block) -> TensorFingerprint:
        """The tensor as it is, or kept for exact copies only where its equal came before."""
        place, shape = tensor.named.place, tensor.named.tensor.shape
        factor = place.component == ADAPTER and place.slot != EXACT
        if not factor or tensor.statistics is None or rank_axis(place.slot) != 0:
            return tensor
        key = shape, tensor.statistics.hash
        if key not in self._seen:
            self._seen.add(key)
            return tensor
        return fingerprint_exact(replace(tensor.named, place=replace(place, role="other", slot=EXACT)), block)


def iter_problems(model: ModelFingerprint) -> Iterator[str]:
    """What a person should know of a fingerprint: tensors left out, values that are not numbers."""
    yield from model.notes
    beyond = [s for s in model.skipped if s.reason.startswith(BEYOND_BUDGET)]
    others = [s for s in model.skipped if not s.reason.startswith(BEYOND_BUDGET)]
    if beyond:
        share = sum(s.parameters for s in beyond) / max(1, model.parameters)
        yield f"{len(beyond)} tensors ({share:.0%} of the parameters) left out: {beyond[0].reason}"
    if model.activations.left_out:
        yield model.activations.left_out
    if others:
        yield f"{len(others)} tensors skipped (first: {others[0].name}: {others[0].reason})"
    if bad := sum(t.statistics.nonfinite for t in model.tensors if t.statistics):
        yield f"{bad} of the values read are NaN or infinite and count as 0"
    if model.adapter:
        yield from _adapter_problems(model.adapter, model.sketches)
    elif model.tokenizer is None and any(t.named.place.role in {"embed", "head"} for t in model.tensors):
        yield "no tokenizer: embeddings are compared by row number, with those of equal shape that have none either"


def _adapter_problems(adapter: Adapter, found: tuple[Sketch, ...]) -> Iterator[str]:
    """Why an adapter, or a part of it, cannot be compared with others; copies are found by equal content."""
    compared = any(sketch.component == ADAPTER for sketch in found)
    if not compared and adapter.rank is not None and adapter.rank < LEAST_RANK:
        yield f"an adapter of rank {adapter.rank}: below {LEAST_RANK} nothing tells strangers apart, it is not compared"
    elif not compared:
        yield f"an adapter of kind {adapter.kind} without factors in layers that could be compared"
    if compared and adapter.exact:
        first = adapter.exact[0]
        yield f"{len(adapter.exact)} tensors kept for exact copies only (first: {first.name}: {first.reason})"
    if saved := [n for n in adapter.named if n.place.component != ADAPTER]:
        first_saved = printable(saved[0].tensor.name)
        yield f"{len(saved)} tensors of modules that are saved whole (first: {first_saved}), kept like those of a model"
