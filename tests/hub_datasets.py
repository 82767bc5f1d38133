"""Dataset repositories of a Hub on loopback: what huggingface_hub asks to make one, to commit to it, and to read it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from types import TracebackType
from urllib.parse import unquote, urlsplit

from .hub_hosts import Fault, Host, Request

__all__ = ["Fault", "HubDatasets"]


class HubDatasets:
    """The Hub's routes for datasets. `commits` are the files of each, by repository, the newest last."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.commits: dict[str, list[dict[str, bytes]]] = {}
        self.hub = Host(self._route, 0.0)
        self.endpoint = self.hub.url

    def __enter__(self) -> HubDatasets:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hub.close()

    def _route(self, request: Request) -> None:
        path = unquote(urlsplit(request.path).path)
        body = request.rfile.read(int(request.headers.get("content-length", "0")))
        allowed = request.headers.get("authorization") == f"Bearer {self.token}"
        if not allowed:
            request.refuse(401, {"X-Error-Code": "RepoNotFound"})
        elif path == "/api/repos/create":
            made = json.loads(body)
            self.commits.setdefault(f"{made['organization']}/{made['name']}", [{}])
            request.json({"url": f"{self.endpoint}/datasets/{made['organization']}/{made['name']}"})
        elif found := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/(preupload|commit)/main", path):
            self._changed(request, found[1], found[2], body)
        elif found := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(?:/revision/.+)?", path):
            self._info(request, found[1])
        elif found := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(request, *found.groups())
        else:
            request.refuse(404, {})

    def _changed(self, request: Request, name: str, what: str, body: bytes) -> None:
        if what == "preupload":
            files = [{"path": f["path"], "uploadMode": "regular"} for f in json.loads(body)["files"]]
            request.json({"files": [{**file, "shouldIgnore": False} for file in files]})
            return
        committed = dict(self.commits[name][-1])
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                committed[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
        self.commits[name].append(committed)
        sha = self._sha(name, len(self.commits[name]) - 1)
        request.json({"commitUrl": f"{self.endpoint}/datasets/{name}/commit/{sha}", "commitOid": sha, "success": True})

    def _info(self, request: Request, name: str) -> None:
        if name not in self.commits:
            request.refuse(404, {"X-Error-Code": "RepoNotFound"})
            return
        sha = self._sha(name, len(self.commits[name]) - 1)
        request.json({"id": name, "sha": sha, "private": True, "gated": False, "tags": [], "siblings": []})

    def _resolve(self, request: Request, name: str, sha: str, path: str) -> None:
        number = next(n for n in range(len(self.commits[name])) if self._sha(name, n) == sha)
        data = self.commits[name][number].get(path)
        if data is None:
            request.refuse(404, {"X-Error-Code": "EntryNotFound"})
            return
        request.start(200, {"Content-Length": str(len(data)), "ETag": f'"{sha}"', "X-Repo-Commit": sha})
        request.write(data)

    def _sha(self, name: str, number: int) -> str:
        return hashlib.sha1(f"{name} {number}".encode()).hexdigest()
