"""What a long run has done, so that one that was stopped goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Content = dict[str, Any]


class Progress:
    """Results of steps, a line of JSON each, in one file that only grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done: dict[tuple[str, str], Content] = {}
        if path.exists():
            for line in path.read_text("utf-8").splitlines():
                step, name, content = json.loads(line)
                self._done[step, name] = content

    def done(self, step: str, name: str) -> bool:
        """Whether a step was finished for a name."""
        return (step, name) in self._done

    def once(self, step: str, name: str, work: Callable[[], Content]) -> Content:
        """What `work` returned for a step and a name, now or in an earlier run."""
        if not self.done(step, name):
            content = work()
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([step, name, content]) + "\n")
            self._done[step, name] = json.loads(json.dumps(content))
        return self._done[step, name]
