"""Models opened so that whole tensors can be read from them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from .checkpoint import open_checkpoint
from .names.architectures import GAIN_OFFSET
from .reading.stream import WholeModel
from .sources.source import Source
from .storage.reader import Reader

_log = logging.getLogger(__name__)


@contextmanager
def whole_model(source: Source) -> Iterator[WholeModel]:
    """The model at `source`, its files open until the block ends; NothingToRead, SourceError or FormatError."""
    found = open_checkpoint(source)
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(max(1, source.connections), "range"))
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        readers: dict[str, Reader] = {}
        for path in sorted({r.file for n in found.named if n.tensor.parameters for r in n.tensor.storage.ranges([0])}):
            readers[path] = source.open(path)
            stack.callback(readers[path].close)
        _log.info("%s: %d tensors in %d files are read whole", source.uri, len(found.named), len(readers))
        yield WholeModel(
            named=found.named,
            tokenizer=found.tokenizer,
            skipped=found.skipped,
            readers=readers,
            pool=pool,
            connections=source.connections,
            gap=source.gap,
            gain_offset=GAIN_OFFSET.get(str(found.language.get("model_type")), 0.0),
        )
