"""All weights of two models: digests and metrics of every tensor, and two published tests that need whole matrices.

One pass over both models, embeddings first, then layer by layer. Memory holds a few blocks of each model, the chosen
dimensions of two layers, and a small kernel of every q and k: it does not grow with the size of a tensor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...ingest.naming import NamedTensor
from ...ingest.sources.source import Source
from ...ingest.text import printable
from .attention_test import AttentionCollector, AttentionTest
from .metrics import Metrics
from .neuron_test import NeuronCollector, NeuronTest
from .pairing import TensorPair, pair_tensors
from .residual_alignment import TOKENS, Assignment, Basis, assignment, identity
from .whole_metrics import P99_ERROR, WholeMetrics
from .whole_tensors import Block, TensorDigest, TensorStream, WholeModel, pieces, whole_model

NOT_DETERMINED = (
    "the embeddings can be aligned in several ways that are nearly as good, as those of strangers can, or were replaced"
)
Progress = Callable[[int, int], None]
"""Called with the bytes of weights done and the bytes of all."""


@dataclass(frozen=True, slots=True)
class TensorComparison:
    """Two matched tensors, value by value. `context` marks norm gains and biases, which are never evidence.

    `values_equal` and `bytes_equal` compare the digests; the latter is None where the file has no bytes of its own for
    one of them.
    """

    component: str
    role: str
    slot: str
    layer_first: int | None
    expert_first: int | None
    layer_second: int | None
    expert_second: int | None
    tensor_first: str
    tensor_second: str
    context: bool
    parameters: int
    values_equal: bool
    bytes_equal: bool | None
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Uncompared:
    """A tensor that was read without a counterpart, or not read; and why. `model` is `A` or `B`."""

    model: str
    name: str
    parameters: int
    reason: str


@dataclass(frozen=True, slots=True)
class FullComparison:
    """What whole weights say.

    `p99_error` bounds the relative error of p99_abs_difference of tensors over a million
    values; every other figure is exact. A test that could not be made has its reason instead of figures.
    """

    digests_a: tuple[TensorDigest, ...]
    digests_b: tuple[TensorDigest, ...]
    tensors: tuple[TensorComparison, ...]
    uncompared: tuple[Uncompared, ...]
    equal_tensors: int
    equal_share: float
    p99_error: float
    component: str
    alignment: Assignment | None
    alignment_reason: str | None
    neurons: NeuronTest
    attention: AttentionTest
    bytes_read: int
    notes: tuple[str, ...]


def full_comparison(
    source_a: Source,
    source_b: Source,
    *,
    blocks: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> FullComparison:
    """Read both models whole and compare them. Memory is bounded, whatever their size.

    `blocks` maps blocks of A (`language.7`) to those of B; without it equal numbers belong together. Raises
    NothingToRead, SourceError or FormatError, as reading does.
    """
    with whole_model(source_a) as first, whole_model(source_b) as second:
        return _Comparing(first, second, blocks, progress).run()


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
        self._done, self._total = 0, sum(_stored(n) for p in self._pairs for n in (p.first, p.second) if n)
        self._tokens = _SharedTokens(first, second, self._component)
        self._alignment: Assignment | None = None
        self._alignment_reason: str | None = None

    def run(self) -> FullComparison:
        """The pass."""
        with ThreadPoolExecutor(1, "A") as a, ThreadPoolExecutor(1, "B") as b:
            workers = (a, b)
            embeddings = [p for p in self._pairs if p.place.role == "embed"]
            for pair in embeddings:
                self._read(pair, workers, [self._tokens])
            basis = self._basis()
            neurons = NeuronCollector(basis, self._component)
            attention = AttentionCollector(basis, self._component)
            for pair in self._pairs[len(embeddings) :]:
                self._read(pair, workers, [neurons, attention])
            return self._result(neurons.result(), attention.result())

    def _basis(self) -> Basis | None:
        """What dimension is which: as assigned on the embeddings where that is determined, else equal numbers."""
        widths = [_width(m.named, self._component) for m in self._models]
        equal = identity(widths[0]) if widths[0] and widths[0] == widths[1] else None
        rows = self._tokens.rows()
        made = None if isinstance(rows, str) else assignment(*rows)
        if made is None:
            self._alignment_reason = rows if isinstance(rows, str) else "too few tokens are in both vocabularies"
            return equal
        basis, self._alignment = made
        if basis.first.max(initial=0) >= widths[0] or basis.second.max(initial=0) >= widths[1]:
            self._alignment_reason = "the embedding is not as wide as the layers"
        elif not self._alignment.determined:
            self._alignment_reason = NOT_DETERMINED
        else:
            return basis
        return equal

    def _read(self, pair: TensorPair, workers: Sequence[ThreadPoolExecutor], collectors: Sequence[Collector]) -> None:
        """Both tensors of a pair, block by block, each decoded and digested in a thread of its own."""
        streams = [self._stream(side, named) for side, named in enumerate((pair.first, pair.second))]
        together = pair.comparable and all(streams)
        measured = WholeMetrics() if together else None
        wanted = [c for c in collectors if c.wants(pair)]
        starts = [0, 0]
        running = [w.submit(s.advance) if s else None for w, s in zip(workers, streams, strict=True)]
        while any(running):
            got = [future.result() if future else None for future in running]
            running = [
                workers[side].submit(stream.advance) if stream and got[side] is not None else None
                for side, stream in enumerate(streams)
            ]
            if measured is not None and got[0] is not None and got[1] is not None:
                measured.update(got[0], got[1])
            for side, block in enumerate(got):
                if block is not None:
                    for collector in wanted:
                        collector.add(pair, side, starts[side], block)
                    starts[side] += len(block)
            self._report(streams)
        self._finish(pair, streams, measured)

    def _stream(self, side: int, named: NamedTensor | None) -> TensorStream | None:
        if named is None:
            return None
        found = pieces(named.tensor)
        if isinstance(found, str):
            if named.tensor.name not in self._digests[side]:
                self._leave_out(side, named, f"not read: {found}")
            return None
        return TensorStream(self._models[side], named.tensor, found)

    def _leave_out(self, side: int, named: NamedTensor, reason: str) -> None:
        name, parameters = printable(named.tensor.name), named.tensor.parameters
        self._uncompared.append(Uncompared("AB"[side], name, parameters, reason))

    def _report(self, streams: Sequence[TensorStream | None]) -> None:
        if self._progress is not None:
            done = self._done + sum(s.bytes_read for s in streams if s)
            self._progress(min(done, self._total), self._total)

    def _finish(self, pair: TensorPair, streams: Sequence[TensorStream | None], measured: WholeMetrics | None) -> None:
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

    def _result(self, neurons: NeuronTest, attention: AttentionTest) -> FullComparison:
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
            alignment=self._alignment,
            alignment_reason=self._alignment_reason,
            neurons=neurons,
            attention=attention,
            bytes_read=self._done,
            notes=_notes(self._uncompared),
        )


class Collector(Protocol):
    """Something that keeps a part of what is read."""

    def wants(self, pair: TensorPair) -> bool:
        """Whether the blocks of a pair are to be given to it; asked once, before the first of them."""
        ...

    def add(self, pair: TensorPair, side: int, start: int, block: Block) -> None:
        """A block of the first (side 0) or the second tensor, whose first row is number `start`."""
        ...


class _SharedTokens:
    """Rows of the two embeddings for at most TOKENS tokens that both vocabularies have, those of lowest hash."""

    def __init__(self, first: WholeModel, second: WholeModel, component: str) -> None:
        self._component = component
        self._wanted: list[NDArray[np.int64]] = []
        self._kept: list[list[Block]] = [[], []]
        self._reason = "a model has no embedding"
        if first.tokenizer is None or second.tokenizer is None:
            self._reason = "a model has no tokenizer"
            return
        a, b = first.tokenizer.vocabulary(), second.tokenizer.vocabulary()
        _, mine, theirs = np.intersect1d(a.keys, b.keys, return_indices=True)
        ids = np.stack([a.ids[mine], b.ids[theirs]], axis=1)
        limits = [_rows(m.named, component) for m in (first, second)]
        ids = ids[(ids >= 0).all(axis=1) & (ids < limits).all(axis=1)][:TOKENS]
        self._wanted = [ids[:, 0], ids[:, 1]]

    def wants(self, pair: TensorPair) -> bool:
        return bool(self._wanted) and pair.place.component == self._component and pair.place.role == "embed"

    def add(self, pair: TensorPair, side: int, start: int, block: Block) -> None:
        """Keep the wanted rows of a block, in the order of their ids."""
        ids = self._wanted[side]
        inside = np.sort(ids[(ids >= start) & (ids < start + len(block))]) - start
        self._kept[side].append(block[inside])

    def rows(self) -> tuple[Block, Block] | str:
        """Rows [tokens, width] of the same tokens of both models, or the reason why there are none."""
        if not self._wanted or not all(self._kept):
            return self._reason
        found = []
        for ids, kept in zip(self._wanted, self._kept, strict=True):
            rows = np.concatenate(kept)
            if len(rows) != len(ids):
                return "a model has several embeddings"
            found.append(np.nan_to_num(rows[np.argsort(np.argsort(ids, kind="stable"), kind="stable")]))
        return found[0], found[1]


def _main_component(first: Sequence[NamedTensor], second: Sequence[NamedTensor]) -> str:
    """The component that both have with the most parameters in layers."""
    sizes: Counter[str] = Counter()
    for named in first:
        sizes[named.place.component] += named.tensor.parameters if named.place.layer is not None else 0
    both = {n.place.component for n in first} & {n.place.component for n in second}
    return max(sorted(both), key=lambda c: sizes[c], default="")


def _width(named: Sequence[NamedTensor], component: str) -> int:
    """The width of the residual stream: what q, k, gate or up read, most often; 0 where there is none."""
    widths = Counter(
        n.tensor.matrix[1]
        for n in named
        if n.place.component == component and n.place.role in {"q", "k", "v", "gate", "up"} and len(n.tensor.shape) > 1
    )
    return widths.most_common(1)[0][0] if widths else 0


def _rows(named: Sequence[NamedTensor], component: str) -> int:
    return max(
        (n.tensor.matrix[0] for n in named if n.place.component == component and n.place.role == "embed"), default=0
    )


def _stored(named: NamedTensor) -> int:
    found = pieces(named.tensor)
    return 0 if isinstance(found, str) else sum(r.length for p in found for r in p.storage.ranges(p.rows))


def _why(pair: TensorPair) -> str:
    if pair.first and pair.second:
        return f"its shape {pair.first.tensor.shape} differs from {pair.second.tensor.shape}"
    return "the other model has no such tensor in a block that belongs to its own"


def _notes(uncompared: Sequence[Uncompared]) -> tuple[str, ...]:
    unread = [u for u in uncompared if not u.reason.startswith(("its shape", "the other model"))]
    if not unread:
        return ()
    return (f"{len(unread)} tensors could not be read (first: {unread[0].name}: {unread[0].reason})",)
