"""All weights of two models: digests and metrics of every tensor, and two published tests that need whole matrices.

One pass over both models, embeddings first, then layer by layer. Memory holds a few blocks of each model, the chosen
dimensions of two layers, and a small kernel of every q and k: it does not grow with the size of a tensor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ....ingest.names.naming import NamedTensor
from ....ingest.text import printable
from ...statistics.metrics import Metrics
from ...statistics.whole_metrics import P99_ERROR, WholeMetrics
from ..records.neurons import NeuronComparison
from ..records.whole import FullComparison, TensorComparison, Uncompared
from .activations import NeuronVectors
from .attention import AttentionCollector, AttentionTest
from .measuring import Collector, Measuring, measuring
from .neurons import NeuronCollector, NeuronTest
from .pairing import TensorPair, pair_tensors
from .residual_basis import ChosenBasis, chosen_basis, stream_width
from .shared_tokens import SharedTokens

if TYPE_CHECKING:
    from ....ingest.reading.digest import TensorDigest
    from ....ingest.reading.paired import PairedReader, Streams
    from ....ingest.reading.stream import TensorStream, WholeModel


Progress = Callable[[int, int], None]
"""Called with the bytes of weights done and the bytes of all."""


def full_comparison(
    first: WholeModel,
    second: WholeModel,
    reader: PairedReader,
    *,
    blocks: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> FullComparison:
    """Read two opened models whole and compare them. Memory is bounded, whatever their size.

    `reader` gives blocks without NaN and infinity (`whole_metrics.finite`). `blocks` maps blocks of A (`language.7`) to
    those of B; without it equal numbers belong together. Raises SourceError when a read fails.
    """
    with measuring(reader) as measurer:
        return _Comparing(first, second, blocks, progress).run(measurer)


class _Comparing:
    """One comparison under way."""

    def __init__(
        self, first: WholeModel, second: WholeModel, blocks: Mapping[str, str] | None, progress: Progress | None
    ) -> None:
        self._models = (first, second)
        self._pairs = pair_tensors(first.named, second.named, blocks)
        self._progress = progress
        self._component = _main_component(first.named, second.named)
        self._digests: tuple[dict[str, TensorDigest], dict[str, TensorDigest]] = ({}, {})
        self._found: list[TensorComparison] = []
        self._uncompared = [
            Uncompared(label, s.name, s.parameters, s.reason)
            for label, model in zip("AB", self._models, strict=True)
            for s in model.skipped
        ]
        self._done, self._total = 0, self._stored()
        self._tokens = SharedTokens((first.tokenizer, second.tokenizer), (first.named, second.named), self._component)

    def run(self, measurer: Measuring) -> FullComparison:
        """The pass."""
        embeddings = [p for p in self._pairs if p.place.role == "embed"]
        for pair in embeddings:
            self._read(measurer, pair, [self._tokens])
        chosen = self._basis()
        neurons = NeuronCollector(chosen.basis, self._component)
        attention = AttentionCollector(chosen.basis, self._component)
        activations = NeuronVectors(*self._models, self._component)
        for pair in self._pairs[len(embeddings) :]:
            self._read(measurer, pair, [neurons, attention, activations])
        return self._result(chosen, neurons.result(), attention.result(), activations.result())

    def _basis(self) -> ChosenBasis:
        first, second = (stream_width(m.named, self._component) for m in self._models)
        return chosen_basis((first, second), self._tokens.rows())

    def _read(self, measurer: Measuring, pair: TensorPair, collectors: Sequence[Collector]) -> None:
        streams = self._stream(0, pair.first), self._stream(1, pair.second)
        self._finish(pair, streams, measurer.measure(pair, streams, collectors, self._report))

    def _stream(self, side: int, named: NamedTensor | None) -> TensorStream | None:
        if named is None:
            return None
        stream = self._models[side].stream(named.tensor)
        if isinstance(stream, str):
            if named.tensor.name not in self._digests[side]:
                self._leave_out(side, named, f"not read: {stream}")
            return None
        return stream

    def _leave_out(self, side: int, named: NamedTensor, reason: str) -> None:
        name, parameters = printable(named.tensor.name), named.tensor.parameters
        self._uncompared.append(Uncompared("AB"[side], name, parameters, reason))

    def _report(self, streams: Streams) -> None:
        if self._progress is not None:
            done = self._done + sum(s.bytes_read for s in streams if s)
            self._progress(min(done, self._total), self._total)

    def _finish(self, pair: TensorPair, streams: Streams, measured: WholeMetrics | None) -> None:
        for side, (stream, named) in enumerate(zip(streams, (pair.first, pair.second), strict=True)):
            if stream and named:
                self._done += stream.bytes_read
                self._digests[side][named.tensor.name] = stream.digest()
        if measured is not None and pair.first and pair.second:
            self._found.append(self._compared(pair.first, pair.second, measured.metrics()))
        elif not pair.comparable:
            for side, named in enumerate((pair.first, pair.second)):
                if named:
                    self._leave_out(side, named, _why(pair))

    def _compared(self, first: NamedTensor, second: NamedTensor, figures: Metrics) -> TensorComparison:
        a, b = self._digests[0][first.tensor.name], self._digests[1][second.tensor.name]
        return TensorComparison(
            component=first.place.component,
            role=first.place.role,
            slot=first.place.slot,
            layer_first=first.place.layer,
            expert_first=first.place.expert,
            layer_second=second.place.layer,
            expert_second=second.place.expert,
            tensor_first=a.name,
            tensor_second=b.name,
            context=first.place.role in {"norm", "bias"},
            parameters=first.tensor.parameters,
            values_equal=a.values == b.values,
            bytes_equal=a.bytes == b.bytes if a.bytes and b.bytes and a.dtype == b.dtype else None,
            metrics=figures,
        )

    def _stored(self) -> int:
        """The bytes of all tensors that the pairs name, one that is in two pairs twice, as it is read."""
        sides = (
            (model, named) for p in self._pairs for model, named in zip(self._models, (p.first, p.second), strict=True)
        )
        return sum(model.stored_bytes(named.tensor) for model, named in sides if named)

    def _result(
        self,
        chosen: ChosenBasis,
        neurons: NeuronTest,
        attention: AttentionTest,
        activations: NeuronComparison | None,
    ) -> FullComparison:
        equal = [t for t in self._found if t.values_equal]
        compared = sum(t.parameters for t in self._found)
        return FullComparison(
            digests_a=tuple(self._digests[0].values()),
            digests_b=tuple(self._digests[1].values()),
            tensors=tuple(self._found),
            uncompared=tuple(self._uncompared),
            equal_tensors=len(equal),
            equal_share=sum(t.parameters for t in equal) / compared if compared else 0.0,
            p99_error=P99_ERROR,
            component=self._component,
            alignment=chosen.alignment,
            alignment_reason=chosen.reason,
            neurons=neurons,
            attention=attention,
            bytes_read=self._done,
            notes=_notes(self._uncompared),
            activations=activations,
        )


def _main_component(first: Sequence[NamedTensor], second: Sequence[NamedTensor]) -> str:
    """The component that both have with the most parameters in layers."""
    sizes: Counter[str] = Counter()
    for named in first:
        sizes[named.place.component] += named.tensor.parameters if named.place.layer is not None else 0
    both = {n.place.component for n in first} & {n.place.component for n in second}
    return max(sorted(both), key=lambda c: sizes[c], default="")


def _why(pair: TensorPair) -> str:
    if pair.first and pair.second:
        return f"its shape {pair.first.tensor.shape} differs from {pair.second.tensor.shape}"
    return "the other model has no such tensor in a block that belongs to its own"


def _notes(uncompared: Sequence[Uncompared]) -> tuple[str, ...]:
    unread = [u for u in uncompared if not u.reason.startswith(("its shape", "the other model"))]
    if not unread:
        return ()
    return (f"{len(unread)} tensors could not be read (first: {unread[0].name}: {unread[0].reason})",)
