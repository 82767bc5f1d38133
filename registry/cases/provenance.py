"""What an answer was made from, so that somebody else can make it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from ...ingest.sources import Source
from ...ingest.versions import FINGERPRINT_VERSION
from ...queries.comparison.case.question import Case, CaseModel, Claim
from ...queries.comparison.case.records import CaseFile, Provenance
from ..version import forebear_version
from .case_file import FORMAT
from .kept import KeptSource

PACKAGES = ("numpy", "scipy", "safetensors", "duckdb", "gguf", "huggingface_hub", "matplotlib")
_CHUNK = 1 << 22


def case_files(source: Source, *, hashed: bool) -> tuple[CaseFile, ...]:
    """Every file of a source with its SHA-256: as the source states it, else, with `hashed`, from all of its bytes.

    A file that lies outside of its folder is not hashed: a link of a stranger may lead anywhere. Raises SourceError
    when a file cannot be read.
    """
    found = []
    for path, file in sorted(source.files.items()):
        computed = None
        if hashed and file.sha256 is None and not file.outside and not file.special and source.uri.startswith("file:"):
            computed = _sha256(source, path)
        found.append(CaseFile(path, file.size, file.sha256 or computed, computed is not None))
    return tuple(found)


def _sha256(source: Source, path: str) -> str:
    digest, at = hashlib.sha256(), 0
    reader = source.opened(path) if isinstance(source, KeptSource) else source.open(path)
    try:
        while at < reader.size:
            data = reader.read(at, min(_CHUNK, reader.size - at))
            digest.update(data)
            at += len(data)
    finally:
        reader.close()
    return digest.hexdigest()


def provenance(
    case: Case, sources: Sequence[KeptSource], *, command: str, seconds: float, budget: int | None
) -> Provenance:
    """The record of what was used."""
    return Provenance(
        forebear=forebear_version(),
        fingerprint=FINGERPRINT_VERSION,
        packages={name: version(name) for name in PACKAGES},
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        case_sha256=hashlib.sha256(json.dumps(case_fields(case), sort_keys=True).encode()).hexdigest(),
        bytes_read=sum(source.bytes_used for source in sources),
        bytes_fetched=sum(source.bytes_fetched for source in sources),
        seconds=round(seconds, 2),
        budget=budget,
    )


def case_fields(case: Case, revisions: Mapping[str, str | None] | None = None) -> dict[str, object]:
    """The case in the format of its file, all scalars as text; `revisions` are put in for models without one.

    `parse_case` of it as JSON, which is YAML, gives the case again.
    """
    found: dict[str, object] = {
        "case": str(FORMAT),
        "title": case.title,
        "question": case.question,
        "models": {model.label: _model(model, revisions or {}) for model in case.models},
        "claims": [_claim(claim) for claim in case.claims],
        "layers": [str(layer) for layer in case.layers],
        "mixed_layers": {label: str(layer) for label, layer in case.mixed.items()},
        "high_ids": "" if case.high_ids is None else str(case.high_ids),
        "notes": list(case.notes),
        "sources": list(case.sources),
    }
    return _filled(found)


def _filled(fields: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in fields.items() if value not in ("", [], {}, None)}


def _model(model: CaseModel, revisions: Mapping[str, str | None]) -> dict[str, object]:
    return _filled(
        {
            "source": model.source,
            "revision": model.revision or revisions.get(model.label),
            "role": model.role,
            "of": model.of,
            "family": model.family,
            "released": model.released,
            "from_scratch": model.root,
            "confirmed": "true" if model.confirmed else "false",
            "note": model.note,
        }
    )


def _claim(claim: Claim) -> dict[str, object]:
    return _filled(
        {
            "name": claim.name,
            "metric": claim.metric,
            "models": list(claim.models),
            "tensors": list(claim.tensors),
            "layers": {label: [str(layer) for layer in layers] for label, layers in claim.layers.items()},
            "value": claim.value,
            "tolerance": None if claim.tolerance is None else repr(claim.tolerance),
            "source": claim.source,
            "text": claim.text,
            **claim.options,
        }
    )
