"""Why forebear is not the best in a category, and what would mend it: a paragraph each, printed where it is so."""

from __future__ import annotations

EXPLANATIONS: dict[str, str] = {}
