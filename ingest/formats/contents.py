"""What a format finds in one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..metadata.tokenizer import Tokenizer
from ..storage.logical import LogicalTensor
from ..storage.skipped import SkippedTensor


@dataclass(frozen=True, slots=True)
class Contents:
    """The tensors of one file, from its header; config and tokenizer where the format carries them itself.

    `config` has the keys of a config.json, or is what the format's `finish` makes one from. A source's own config.json
    and tokenizer files come before both.
    """

    tensors: tuple[LogicalTensor, ...]
    skipped: tuple[SkippedTensor, ...] = ()
    config: Mapping[str, object] | None = None
    tokenizer: Tokenizer | None = None
