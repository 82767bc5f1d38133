"""A Hub on loopback: real sockets, the routes that huggingface_hub calls, a second host for storage, faults on demand.

with HubServer() as hub:
    hub.add("org/model", folder)
    hub.storage.fail(Fault(status=503), times=2)
    open_hub("org/model", endpoint=hub.endpoint)
    print(hub.storage.requests, hub.storage.bytes)
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from .hub_hosts import Fault, Host, Request

__all__ = ["Fault", "HubServer", "Repository"]

_SMALL = 64 << 20  # larger files are sparse ones: their sha256 is made up from name and size


@dataclass
class Repository:
    """A model on the server. Each commit is a folder; `info` adds to what the Hub says of it."""

    name: str
    commits: dict[str, Path] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    gated: str | None = None
    private: bool = False
    listed: list[str] = field(default_factory=list)  # names listed beside the files that are there
    info: dict[str, object] = field(default_factory=dict)

    def commit(self, folder: Path, branch: str = "main") -> str:
        """Make a folder the newest commit of a branch; the commit's hash."""
        sha = hashlib.sha1(f"{self.name} {len(self.commits)} {folder}".encode()).hexdigest()
        self.commits[sha] = folder
        self.branches[branch] = sha
        return sha


class HubServer:
    """The Hub and its storage. `latency` is added to every request; `tokens` are let into gated repositories."""

    def __init__(self, *, latency: float = 0.0, tokens: tuple[str, ...] = ("hf_let_me_in",)) -> None:
        self.repositories: dict[str, Repository] = {}
        self.tokens = tokens
        self.page = 1000  # models in one answer of the listing, at most
        self._hashes: dict[Path, tuple[int, int, str, str]] = {}
        self._addresses: dict[str, Path] = {}
        self._lock = threading.Lock()
        self.hub = Host(self._hub, latency)
        self.storage = Host(self._store, latency)
        self.endpoint = self.hub.url

    def __enter__(self) -> HubServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hub.close()
        self.storage.close()

    @property
    def requests(self) -> int:
        """Requests to both hosts."""
        return self.hub.requests + self.storage.requests

    @property
    def bytes(self) -> int:
        """Bytes that both hosts sent."""
        return self.hub.bytes + self.storage.bytes

    def add(self, name: str, folder: Path, **fields: Any) -> Repository:
        """Serve a folder as a repository with one commit; `fields` are those of Repository."""
        self.repositories[name] = repository = Repository(name, **fields)
        repository.commit(folder)
        return repository

    def expire_addresses(self) -> None:
        """Make every storage address that was given out invalid."""
        with self._lock:
            self._addresses.clear()

    # the Hub

    def _hub(self, request: Request) -> None:
        url = urlsplit(request.path)
        query = parse_qs(url.query)
        if url.path == "/api/models":
            self._listing(request, query)
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+))?", url.path):
            name, what, revision = found.groups()
            if (at := self._find(request, name, unquote(revision or "main"))) is not None:
                repository, sha = at
                request.json(self._tree(repository, sha) if what == "tree" else self._info(repository, sha, query))
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", url.path):
            if (at := self._find(request, found[1], unquote(found[2]))) is not None:
                self._resolve(request, *at, unquote(found[3]))
        else:
            request.refuse(404, {})

    def _find(self, request: Request, name: str, revision: str) -> tuple[Repository, str] | None:
        """The repository and commit of a request; None after it has been refused."""
        repository = self.repositories.get(name)
        allowed = request.headers.get("authorization", "").removeprefix("Bearer ") in self.tokens
        if repository is None or (repository.private and not allowed):
            request.refuse(404 if allowed else 401, {"X-Error-Code": "RepoNotFound"})
            return None
        sha = repository.branches.get(revision, revision)
        if sha not in repository.commits:
            request.refuse(404, {"X-Error-Code": "RevisionNotFound"})
            return None
        return repository, sha

    def _resolve(self, request: Request, repository: Repository, sha: str, path: str) -> None:
        file = repository.commits[sha] / path
        authorization = request.headers.get("authorization", "")
        if repository.gated and authorization.removeprefix("Bearer ") not in self.tokens:
            request.refuse(403 if authorization else 401, {"X-Error-Code": "GatedRepo"})
        elif path not in self._paths(repository.commits[sha]):
            request.refuse(404, {"X-Error-Code": "EntryNotFound"})
        elif not _large(file):
            etag = f'"{self._hash(file)[0]}"'
            request.file(file, {"ETag": etag, "X-Repo-Commit": sha})
        else:
            etag = f'"{self._hash(file)[1]}"'
            with self._lock:
                signature = f"{len(self._addresses):x}-{time.monotonic_ns():x}"
                self._addresses[signature] = file
            request.refuse(
                302,
                {
                    "Location": f"{self.storage.url}/{quote(path)}?Signature={signature}",
                    "ETag": etag,
                    "X-Linked-ETag": etag,
                    "X-Linked-Size": str(file.stat().st_size),
                    "X-Repo-Commit": sha,
                },
            )

    def _info(self, repository: Repository, sha: str, query: Mapping[str, list[str]]) -> dict[str, object]:
        siblings = self._tree(repository, sha)
        names: list[dict[str, object]] = [{"rfilename": e["path"]} for e in siblings]
        if "blobs" in query:
            for entry, name in zip(siblings, names, strict=True):
                name |= {"size": entry["size"], "blobId": entry["oid"]}
                if isinstance(lfs := entry.get("lfs"), dict):
                    name["lfs"] = {"sha256": lfs["oid"], "size": lfs["size"], "pointerSize": 134}
        return {
            "id": repository.name,
            "author": repository.name.partition("/")[0],
            "sha": sha,
            "private": repository.private,
            "gated": repository.gated or False,
            "tags": [],
            "downloads": 0,
            "likes": 0,
            "siblings": names,
            **repository.info,
        }

    def _tree(self, repository: Repository, sha: str) -> list[dict[str, object]]:
        folder = repository.commits[sha]
        entries: list[dict[str, object]] = []
        for path in self._paths(folder):
            size, (blob, sha256) = (folder / path).stat().st_size, self._hash(folder / path)
            entry: dict[str, object] = {"type": "file", "path": path, "size": size, "oid": blob}
            if _large(folder / path):
                entry["lfs"] = {"oid": sha256, "size": size, "pointerSize": 134}
            entries.append(entry)
        return entries + [{"type": "file", "path": p, "size": 7, "oid": "0" * 40} for p in repository.listed]

    def _listing(self, request: Request, query: Mapping[str, list[str]]) -> None:
        """GET /api/models: by author and task, newest `sort` value first, at most `limit` a page, from `cursor` on."""
        found = [self._info(r, r.branches["main"], {}) for r in self.repositories.values()]
        if author := query.get("author"):
            found = [i for i in found if i["author"] == author[0]]
        if task := query.get("pipeline_tag"):
            found = [i for i in found if i.get("pipeline_tag") == task[0]]
        if sort := query.get("sort"):
            found.sort(key=lambda i: str(i.get(sort[0], "")), reverse=True)
        begin = int(query.get("cursor", ["0"])[0])
        end = begin + min(self.page, int(query.get("limit", ["1000"])[0]))
        following = urlencode({**{k: v[0] for k, v in query.items()}, "cursor": end})
        more = {"Link": f'<{self.endpoint}/api/models?{following}>; rel="next"'} if end < len(found) else {}
        request.json(found[begin:end], more)

    def _paths(self, folder: Path) -> list[str]:
        return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())

    def _hash(self, path: Path) -> tuple[str, str]:
        """(git blob id, sha256) of a file, remembered until it changes."""
        status = path.stat()
        known = self._hashes.get(path)
        if known is None or known[:2] != (status.st_size, status.st_mtime_ns):
            data = f"{path} {status.st_size}".encode() if status.st_size > _SMALL else path.read_bytes()
            blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
            known = (status.st_size, status.st_mtime_ns, blob, hashlib.sha256(data).hexdigest())
            self._hashes[path] = known
        return known[2], known[3]

    # the storage

    def _store(self, request: Request) -> None:
        signature = parse_qs(urlsplit(request.path).query).get("Signature", [""])[0]
        with self._lock:
            if request.fault.expire:
                self._addresses.pop(signature, None)
            path = self._addresses.get(signature)
        if path is None:
            request.refuse(request.fault.status or 403, {})
        else:
            request.file(path, {"ETag": f'"{self._hash(path)[1][:32]}"'})


def _large(path: Path) -> bool:
    """What the Hub keeps in LFS or Xet: weights, by name, and anything above 10 MB."""
    return path.suffix in {".safetensors", ".bin", ".gguf", ".model"} or path.stat().st_size > 10 << 20
