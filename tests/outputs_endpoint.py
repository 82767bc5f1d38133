"""An OpenAI-compatible endpoint on loopback whose models have a known kinship, and which misbehaves as it is told."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .posted import PostServer

WORDS = [f" w{number}" for number in range(40)]


def synthetic_token(model: str, prompt: str) -> str:
    """A next token of "family/child": 7 in 10 as the family says, else the child's own; of 40 words."""
    family = model.partition("/")[0]
    chance = hashlib.sha256(f"{model} {prompt}".encode()).digest()
    of = family if chance[0] < 179 else model
    return WORDS[hashlib.sha256(f"{of}:{prompt}".encode()).digest()[1] % len(WORDS)]


class OutputsEndpoint(PostServer):
    """Answers POST /v1/completions; the next of `answers` (a status and a body) goes before a proper one."""

    def __init__(self) -> None:
        super().__init__("/v1")
        self.answers: list[tuple[int, bytes]] = []
        self.asked: list[str] = []
        self.keys: list[str | None] = []

    def answer(self, body: Any, authorization: str | None) -> tuple[int, bytes]:
        """The next answer, else the token of the model that is asked for."""
        self.asked.append(body["prompt"])
        self.keys.append(authorization)
        text = synthetic_token(body["model"], body["prompt"])
        proper = (200, json.dumps({"choices": [{"text": text}]}).encode())
        return self.answers.pop(0) if self.answers else proper
