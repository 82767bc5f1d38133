"""A small model behind an OpenAI-compatible endpoint on loopback, asked as `forebear outputs record` asks any."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.outputs.small_models import SmallModel, load
from forebear.registry.outputs.endpoint import Endpoint
from forebear.registry.outputs.record import read_record
from forebear.registry.outputs.recording import record_outputs
from tests.posted import PostServer


class SmallModelEndpoint(PostServer):
    """Answers POST /v1/completions with the next token of one model."""

    def __init__(self, model: SmallModel) -> None:
        super().__init__("/v1")
        self._model = model

    def answer(self, body: Any, authorization: str | None) -> tuple[int, bytes]:
        """One completion."""
        (text,) = self._model.next_tokens([body["prompt"]]).values()
        return 200, json.dumps({"object": "text_completion", "choices": [{"index": 0, "text": text}]}).encode()


def asked_by_http(folder: Path, known: Mapping[str, str], place: Path) -> tuple[float, float]:
    """Record a model over HTTP in `place`: seconds, and the share of tokens that are those of `known`."""
    place.unlink(missing_ok=True)
    with SmallModelEndpoint(load(folder)) as server:
        began = time.monotonic()
        record_outputs(Endpoint(server.url, folder.name), place, len(known))
        seconds = time.monotonic() - began
    found = read_record(place)
    return seconds, sum(found[prompt] == token for prompt, token in known.items()) / len(known)
