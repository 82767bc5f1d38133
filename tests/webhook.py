"""A web address on loopback that takes posted JSON and answers as it is told."""

from __future__ import annotations

from typing import Any

from .posted import PostServer


class Webhook(PostServer):
    """Answers each post with the next of `answers`, or 200; `bodies` are the documents that came."""

    def __init__(self) -> None:
        super().__init__("/hook")
        self.answers: list[int] = []
        self.bodies: list[Any] = []

    def answer(self, body: Any, authorization: str | None) -> tuple[int, bytes]:
        """The next status, without a body."""
        self.bodies.append(body)
        return self.answers.pop(0) if self.answers else 200, b""
