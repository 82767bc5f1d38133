"""Registered models as a list that is also a table; apart from `models`, which the command line loads for its help."""

from __future__ import annotations

from ...queries.answers.tabular import Tabular
from ..store.models import Model
from .models import model_row
from .numbers import counted


class Models(Tabular, list[Model]):
    """Registered models: a list that is also a table."""

    __slots__ = ()

    def rows(self) -> list[dict[str, object]]:
        """A row a model, with the keys of the JSON contract."""
        return [model_row(model) for model in self]

    @property
    def line(self) -> str:
        """How many there are."""
        return counted(len(self), "model")
