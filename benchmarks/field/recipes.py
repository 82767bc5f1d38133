"""Building blocks of both families: entries of a half, whose parents are named by suffix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import merging
from .checkpoints import DTYPES, floats, read
from .entries import Checkpoint, Entry, Form, Half, Kind, seed_of
from .merging import Array, State
from .training import Loss, Schedule, low_rank, tuned

Formula = Callable[[Array, Sequence[Array]], Array]
Change = Callable[[State, int], State]


@dataclass(frozen=True, slots=True)
class Family:
    """The derivatives of one base in one half. `base` is the name of the model that they start from."""

    kind: Kind
    base: str
    root: str
    half: Half
    dtype: str

    def name(self, suffix: str) -> str:
        """`minilm-ash-pairs`; the base where the suffix is empty."""
        return f"{self.kind}-{self.half.mark}-{suffix}" if suffix else self.base

    def entry(
        self,
        suffix: str,
        category: str,
        strength: str,
        how: str,
        make: Callable[[Path, int], Checkpoint],
        parents: tuple[str, ...] = ("",),
    ) -> Entry:
        """An entry; `parents` are suffixes too, that of the base being empty."""
        name, seed = self.name(suffix), seed_of(self.name(suffix))
        named = tuple(self.name(parent) for parent in parents)
        return Entry(name, category, strength, how, lambda folder: make(folder, seed), named, self.root, self.half)

    def trained(
        self,
        suffix: str,
        objective: Callable[[], Loss],
        schedule: Schedule,
        text: str,
        *,
        parent: str = "",
        category: str = "finetuned",
        strength: str = "light",
        dtype: str = "",
        only: str = "",
        start: Change | None = None,
        head: str = "",
    ) -> Entry:
        """A training of all weights, or of those that match `only`; `start` changes what it starts from."""

        def make(folder: Path, seed: int) -> Checkpoint:
            state = floats(read(folder / self.name(parent)))
            state = start(state, seed) if start else state
            return Checkpoint(
                self.kind, tuned(state, objective(), schedule, seed, only=only), dtype or self.dtype, head=head
            )

        how = f"{text}: {schedule.words}, saved as {dtype or self.dtype}"
        return self.entry(
            suffix, "chain" if parent and category == "finetuned" else category, strength, how, make, (parent,)
        )

    def adapted(
        self,
        suffix: str,
        category: str,
        objective: Callable[[], Loss],
        schedule: Schedule,
        text: str,
        *,
        targets: str,
        dtype: str,
        base: Callable[[State], State] | None = None,
    ) -> Entry:
        """LoRA of rank 8 merged into the base, or into what `base` makes of it."""

        def make(folder: Path, seed: int) -> Checkpoint:
            state = floats(read(folder / self.name("")))
            state = base(state) if base else state
            return Checkpoint(self.kind, low_rank(state, objective(), schedule, seed, targets=targets), dtype)

        how = f"{text}: LoRA of rank 8 in {targets}, {schedule.words}, merged{' into NF4' if base else ''}, {dtype}"
        return self.entry(suffix, category, "light", how, make)

    def merge(
        self, suffix: str, how: str, formula: Callable[[int], Formula], parents: tuple[str, ...], dtype: str
    ) -> Entry:
        """A merge computed in `dtype`; `formula` gets the seed."""

        def make(folder: Path, seed: int) -> Checkpoint:
            states = [read(folder / self.name(suffix)) for suffix in ("", *parents)]
            shared = set.intersection(*({*state} for state in states))
            base, *models = ({n: t.astype(DTYPES[dtype]) for n, t in s.items() if n in shared} for s in states)
            return Checkpoint(self.kind, merging.merged(formula(seed), base, models), dtype)

        category = "merge_" + suffix.removeprefix("merge-")
        return self.entry(suffix, category, "light", f"{how}, in {dtype}", make, parents)

    def changed(
        self,
        suffix: str,
        category: str,
        how: str,
        change: Change,
        *,
        parent: str = "",
        dtype: str = "",
        form: Form = "safetensors",
        strength: str = "light",
    ) -> Entry:
        """What no training made: rounded, pruned, noise; with another `form`, a GGUF file."""

        def make(folder: Path, seed: int) -> Checkpoint:
            return Checkpoint(
                self.kind, change(floats(read(folder / self.name(parent))), seed), dtype or self.dtype, form=form
            )

        return self.entry(suffix, category, strength, how, make, (parent,))

    def copy(self, suffix: str, dtype: str, *, parent: str = "", form: Form = "safetensors") -> Entry:
        """The parent in another type or another format."""
        category = "converted" if form == "safetensors" else "gguf"
        how = dtype if form == "safetensors" else f"GGUF {form}"
        return self.changed(suffix, category, how, lambda state, seed: state, parent=parent, dtype=dtype, form=form)
