"""The five models of the dispute, written once, and the answer to a case over them."""

from __future__ import annotations

from pathlib import Path

import pytest

from forebear.queries.comparison.case.records import CaseResult
from forebear.registry.cases.case_file import parse_case
from forebear.registry.cases.running import CaseOptions, run_case

from . import disputed
from .claimed import CLAIMS


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Label -> folder."""
    return disputed.write_models(tmp_path_factory.mktemp("disputed"))


@pytest.fixture(scope="session")
def answered(models: dict[str, Path]) -> CaseResult:
    """The case with every claim of `claimed`, answered from the folders."""
    from forebear.ingest.sources import open_source

    text = disputed.case({label: str(path) for label, path in models.items()}, [claim.fields for claim in CLAIMS])
    return run_case(parse_case(text, "disputed"), open_source, CaseOptions(command="forebear case"), lambda *_: None)
