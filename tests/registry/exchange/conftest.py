"""A registry of four small models, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from forebear.registry import Registry

from ...writers import llama, llama_config, model_files, write_files

NAMES = ("ash", "beech", "cedar", "dogwood")


@pytest.fixture(scope="session")
def four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file; copy it before it is changed."""
    folder = tmp_path_factory.mktemp("four")
    for seed, name in enumerate(NAMES):
        tensors = llama(seed)
        write_files(folder / name, model_files(tensors, config=llama_config(tensors)))
    with Registry(folder / "registry.duckdb") as registry:
        registry.ingest(*(folder / name for name in NAMES))
        registry.mark_root("ash", source="https://example.org/ash")
    return folder / "registry.duckdb"
