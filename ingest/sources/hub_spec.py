"""How people name a repository of the Hugging Face Hub."""

from __future__ import annotations

import re

SCHEME = "hf://"
_SPEC = re.compile(r"(?:hf://)?(?P<repository>[^/@\s]+/[^/@\s]+)(?:@(?P<revision>[^\s@]+))?")


def parse_spec(spec: str) -> tuple[str, str | None] | None:
    """(repository, revision) of `org/name[@revision]` or `hf://org/name[@revision]`, None for anything else."""
    found = _SPEC.fullmatch(spec)
    return (found["repository"], found["revision"]) if found and is_repository(found["repository"]) else None


def is_repository(name: str) -> bool:
    """Whether the Hub would let a repository be called `name`: two parts, of the characters that it allows."""
    if name.count("/") != 1:
        return False
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True
