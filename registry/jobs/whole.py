"""Sources opened for what needs more of them than a fingerprint: all weights, and the rows of shared tokens."""

from __future__ import annotations

from collections.abc import Mapping

from ...ingest.reading.paired import paired_reader
from ...ingest.sources import Source
from ...ingest.whole_model import whole_model
from ...queries.comparison.records.whole import FullComparison
from ...queries.comparison.tokenizers.tokenizers import TokenizerComparison, compare_tokenizers
from ...queries.comparison.whole.comparison import Progress, full_comparison
from ...queries.statistics.whole_metrics import finite


def tokenizers_of(a: Source, b: Source) -> TokenizerComparison:
    """The tokenizers of two sources, and the rows of embedding and head that a few hundred shared tokens have.

    Reads tokenizer files (or GGUF metadata), headers, and those rows. Raises NothingToRead, SourceError or FormatError,
    as reading does.
    """
    with whole_model(a) as first, whole_model(b) as second:
        return compare_tokenizers(first, second)


def weights_of(
    a: Source, b: Source, *, blocks: Mapping[str, str] | None = None, progress: Progress | None = None
) -> FullComparison:
    """All weights of two sources compared, as `full_comparison` has it. Memory is bounded, whatever their size.

    Raises NothingToRead, SourceError or FormatError, as reading does.
    """
    with whole_model(a) as first, whole_model(b) as second, paired_reader(finite) as reader:
        return full_comparison(first, second, reader, blocks=blocks, progress=progress)
