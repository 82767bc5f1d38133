"""A filter of models in words: globs on names and on a few facts, all of which must hold.

    meta-llama/*                          names; `*` stands for anything, `?` for one character
    license=llama3.1 architecture=Llama*  facts: name, source, license, architecture, type

Upper and lower case are the same. The text never becomes SQL: its globs are parameters of `audit/models.sql`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

_FIELDS = {
    "name": "name",
    "source": "source",
    "license": "license",
    "licence": "license",
    "architecture": "architecture",
    "type": "model_type",
}
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class ModelFilter:
    """Globs, None where everything passes."""

    name: str | None = None
    source: str | None = None
    license: str | None = None
    architecture: str | None = None
    model_type: str | None = None

    @property
    def parameters(self) -> dict[str, str | None]:
        """What `audit/models.sql` takes."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


def parse_filter(text: str) -> ModelFilter:
    """The filter that a person wrote. Raises ValueError for a fact that is not known or named twice.

    >>> parse_filter("meta-llama/* license=llama3*")
    ModelFilter(name='meta-llama/*', source=None, license='llama3*', architecture=None, model_type=None)
    """
    if len(text) > _LONGEST:
        raise ValueError(f"a filter of {len(text)} characters; {_LONGEST} are allowed")
    found: dict[str, str] = {}
    for term in text.split():
        key, equals, value = term.partition("=")
        field, glob = (_FIELDS.get(key.lower()), value) if equals else ("name", term)
        if field is None:
            raise ValueError(f"{key!r} is no fact of a model; write name, source, license, architecture or type")
        if not glob:
            raise ValueError(f"{term!r} names nothing; write {key}=GLOB")
        if field in found:
            raise ValueError(f"{field.removeprefix('model_')} stands twice in {text!r}")
        found[field] = glob
    return ModelFilter(**found)
