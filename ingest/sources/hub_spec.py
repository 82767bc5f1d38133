"""How people name a repository of the Hugging Face Hub, or a part of one."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from ..errors import SourceError
from ..text import printable
from .kind import Location

SCHEME = "hf://"
_SPEC = re.compile(r"(?:hf://)?(?P<repository>[^/@\s]+/[^/@\s]+)(?:@(?P<revision>[^\s@]+))?")

_WEB = re.compile(r"https?://", re.IGNORECASE)
_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
_VIEWS = frozenset({"tree", "blob", "resolve", "raw", "commit", "blame", "edit"})
"""Parts of the Hub's addresses that a revision follows, and a path."""


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


@dataclass(frozen=True, slots=True)
class HubSpec:
    """What a specification or a pasted address of the Hub names: a repository, a revision, a file or folder in it."""

    repository: str
    revision: str | None = None
    path: str | None = None

    @property
    def location(self) -> Location:
        """Where it is; a part of a repository is a source of its own."""
        return Location(f"{SCHEME}{self.repository}" + (f"/{self.path}" if self.path else ""), self.revision)


def read_spec(spec: str) -> HubSpec | None:
    """`org/name[@revision]`, `hf://org/name[/path][@revision]`, or an address of the Hub's pages; None for the rest.

    Raises SourceError for what can only be meant for the Hub and names no model.
    """
    if _WEB.match(spec):
        return _from_address(spec)
    if parsed := parse_spec(spec):
        return HubSpec(*parsed)
    if not spec.startswith(SCHEME):
        return None
    text, at, revision = spec.removeprefix(SCHEME).partition("@")
    parts = text.split("/")
    if len(parts) > 2 and all(parts) and ".." not in parts and bool(at) == bool(revision):
        repository = "/".join(parts[:2])
        if is_repository(repository):
            return HubSpec(repository, revision or None, "/".join(parts[2:]))
    raise SourceError(f"{printable(spec)}: not a repository; write hf://org/name or hf://org/name@revision")


def _from_address(address: str) -> HubSpec | None:
    """An address as a browser shows it: the page of a model, or of a file or folder of it at a revision."""
    parsed = urlsplit(address)
    own = urlsplit(os.environ.get("HF_ENDPOINT", "")).netloc
    if parsed.netloc.lower() not in {*_HOSTS, own.lower()} - {""}:
        return None
    parts = [unquote(part) for part in parsed.path.split("/") if part]
    repository = "/".join(parts[:2])
    if parts[:1] in (["datasets"], ["spaces"], ["collections"], ["papers"]):
        raise SourceError(f"{printable(address)}: a page of {parts[0]}, not of a model")
    if len(parts) < 2 or not is_repository(repository):
        raise SourceError(f"{printable(address)}: names no model; write org/name, or https://huggingface.co/org/name")
    if len(parts) == 2 or parts[2] not in _VIEWS:
        return HubSpec(repository)
    path = "/".join(parts[4:])
    if ".." in parts[4:]:
        raise SourceError(f"{printable(address)}: names nothing in {repository}")
    return HubSpec(repository, parts[3] if len(parts) > 3 and parts[3] != "main" else None, path or None)
