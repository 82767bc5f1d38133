"""What an earlier version of fingerprints left out of a model, read afterwards: the missing ranges alone.

Version 2 added activations. Where a model's tensors still have the places that are kept of them, only what activations
need is read: rows of tokens, leading rows of a few matrices and the gains before those. Where they have other places by
now (networks without layers, embeddings without a tokenizer), what is kept cannot be added to, and the model is read
whole; so it is where its files are quantised, for the bounds of its values.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from .activations import NO_ACTIVATIONS, ActivationPlan, Activations, plan_activations, read_activations
from .budget import model_budget
from .checkpoint import open_checkpoint
from .errors import SourceError
from .gains import Gains
from .metadata.tokenizer import Vocabulary
from .model import TOO_DEAR, ModelFingerprint, fingerprint_model, kept_within
from .names.architectures import FEEDS
from .plan import PlannedTensor, ReadPlan, plan_reading
from .reading.ranges import has_bounds, read_plan
from .sources.metered import MeteredSource
from .sources.source import Source
from .text import printable

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptModel:
    """What has to be known of a model that is kept: whose it is, and where its tensors stand.

    `places` is the digest of the places of its tensors, as `places_digest` and `models/places.sql` make it.
    """

    uri: str
    revision: str | None
    state: str
    places: str


@dataclass(frozen=True, slots=True)
class Additions:
    """What is added to a kept fingerprint. `tensor_ids` are those that the tensors of the activations have there."""

    activations: Activations
    tensor_ids: dict[str, int]
    bytes_read: int
    requests: int


def refresh_model(source: Source, kept: KeptModel) -> Additions | ModelFingerprint:
    """What is missing of a model whose fingerprint an earlier version made; the whole of it where nothing can be added.

    Raises SourceError where `source` is not the snapshot that was fingerprinted, with what to do, and as
    `fingerprint_model` does.
    """
    state, budget = kept_within(kept.state)
    _require_same(source, kept, state)
    with model_budget():
        metered = MeteredSource(source)
        found = open_checkpoint(metered)
        vocabulary = found.tokenizer.vocabulary() if found.tokenizer else Vocabulary()
        plan = plan_reading(found.named, vocabulary, found.language, budget=budget)
        planned = [tensor for batch in plan.batches for tensor in batch]
        if places_digest(planned) == kept.places and not any(has_bounds(tensor) for tensor in planned):
            neurons = () if found.adapter else plan_activations(found.named, vocabulary)
            affordable = budget is None or plan.bytes + sum(part.bytes for part in neurons) <= budget
            gains = Gains.of_config(found.language)
            activations = _read(neurons, planned, metered, gains) if affordable else Activations(left_out=TOO_DEAR)
            ids = {tensor.named.tensor.name: number for number, tensor in enumerate(planned)}
            _log.info("%s: %d bytes in %d reads were missing", source.uri, metered.bytes_read, metered.requests)
            return Additions(activations, ids, metered.bytes_read, metered.requests)
    _log.info("%s: its tensors have other places now, or bounds of their values; it is read whole", source.uri)
    return fingerprint_model(source, budget=budget)


def _require_same(source: Source, kept: KeptModel, state: str) -> None:
    """Raise SourceError unless `source` is the snapshot that is kept."""
    stays = "its fingerprint stays as it is"
    if (source.uri, source.revision) != (kept.uri, kept.revision):
        where, before = (u if r is None else f"{u}@{r}" for u, r in ((source.uri, source.revision), _identity(kept)))
        raise SourceError(f"{before} is {where} now; {stays}: `forebear ingest {where}` reads the other one")
    if source.state != state:
        raise SourceError(
            f"{kept.uri} changed since it was ingested; {stays}: `forebear ingest {kept.uri}` reads it as it is now"
        )


def _identity(kept: KeptModel) -> tuple[str, str | None]:
    return kept.uri, kept.revision


def _read(
    neurons: tuple[ActivationPlan, ...], planned: Iterable[PlannedTensor], source: Source, gains: Gains
) -> Activations:
    """The activations, after the gains of the norms that their matrices read."""
    if not neurons:
        return NO_ACTIVATIONS
    at = {(p.component, p.layer, p.slot): tensor for tensor in planned if (p := tensor.named.place).role == "norm"}
    norms: dict[str, PlannedTensor] = {}
    for matrix in (matrix.named for part in neurons for matrix in part.matrices):
        place = matrix.place
        slots = ((place.component, place.layer, slot) for slot in FEEDS.get(place.role, ()))
        fitting = (at[key] for key in slots if key in at and at[key].values == matrix.tensor.matrix[1])
        if (norm := next(fitting, None)) is not None:
            norms[norm.named.tensor.name] = norm
    for batch in read_plan(ReadPlan((tuple(norms.values()),), ()), source):
        for tensor, block, _ in batch:
            gains.learn(tensor, block)
    return read_activations(neurons, source, gains.of)


def places_digest(planned: Iterable[PlannedTensor]) -> str:
    """A digest of what every tensor is, in order: name, place and rows that are read. As `models/places.sql`."""
    digest = hashlib.md5(usedforsecurity=False)
    for number, tensor in enumerate(planned):
        place = tensor.named.place
        numbers = ("" if n is None else str(min(n, 0xFFFF)) for n in (place.layer, place.expert))
        name, slot = printable(tensor.named.tensor.name), printable(place.slot, 200)
        parts = (name, place.component, *numbers, place.role, slot, str(len(tensor.rows)))
        digest.update(("\n" if number else "").encode() + "|".join(parts).encode())
    return digest.hexdigest()
