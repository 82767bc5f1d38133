"""The words of a page: one table of sentences a language, filled in with figures."""

from __future__ import annotations

from collections.abc import Mapping

from . import prose_en, prose_ko

LANGUAGES: dict[str, Mapping[str, str]] = {"en": prose_en.PROSE, "ko": prose_ko.PROSE}
"""Language -> its sentences by key. A new one is a file with the keys of `prose_en`, and a line here."""


class Words:
    """The sentences of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._sentences = LANGUAGES[language]

    def __call__(self, key: str, **figures: object) -> str:
        """The sentence of a key with its figures. Raises KeyError for a key or a figure that is not there.

        >>> Words("en")("high_ids", start=5)
        'ids from 5 on'
        """
        return self._sentences[key].format(**figures)
