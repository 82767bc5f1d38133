"""What fingerprinting a model would read: its headers are read to know, and nothing of its weights.

Bytes and requests are those of the reading itself, since the same plan is made. Seconds follow from what the headers
took here and now: their mean time a request, times the requests that follow, over the connections.

Limitations: an embedding that turns out unusable, and requests that have to be tried again, are not foreseen;
nor is the rate of the line, so seconds of a slow one are too few.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from .activations import plan_activations
from .budget import model_budget
from .checkpoint import open_checkpoint
from .metadata.card import read_card
from .metadata.tokenizer import Vocabulary
from .plan import PlannedTensor, plan_reading
from .sources.metered import MeteredSource
from .sources.source import Source
from .storage.reader import Range, merge


@dataclass(frozen=True, slots=True)
class Expected:
    """What a reading would take: `bytes_read` and `requests` of headers and weights, `seconds` about."""

    name: str
    uri: str
    revision: str | None
    tensors: int
    parameters: int
    bytes_read: int
    bytes_total: int
    requests: int
    seconds: float


def expected_reading(source: Source, *, budget: int | None = None) -> Expected:
    """What `fingerprint_model` would read of a source within `budget` bytes of weights; errors as of it."""
    began = time.monotonic()
    metered = MeteredSource(source)
    with model_budget():
        found = open_checkpoint(metered)
        read_card(metered, found.config, adapted=found.adapter.config.base if found.adapter else None)
        headers = time.monotonic() - began
        vocabulary = found.tokenizer.vocabulary() if found.tokenizer else Vocabulary()
        plan = plan_reading(found.named, vocabulary, found.language, budget=budget)
        neurons = () if found.adapter else plan_activations(found.named, vocabulary)
    batches = list(plan.batches)
    if budget is None or plan.bytes + sum(part.bytes for part in neurons) <= budget:
        batches += [(tensor,) for part in neurons for tensor in (part.embedding, *part.matrices)]
    spans = [span for batch in batches for span in merge(_ranges(batch), source.gap)]
    each = headers / max(1, metered.requests)
    return Expected(
        name=source.name,
        uri=source.uri,
        revision=source.revision,
        tensors=found.tensor_count,
        parameters=found.parameters,
        bytes_read=metered.bytes_read + sum(span.length for span in spans),
        bytes_total=sum(source.files[path].size for path in {*found.files.paths, *plan.files}),
        requests=metered.requests + len(spans),
        seconds=headers + each * len(spans) / max(1, source.connections),
    )


def _ranges(batch: tuple[PlannedTensor, ...]) -> list[Range]:
    return [span for tensor in batch for span in tensor.ranges]
