"""A Hub that lies about a whole model, in shards: the right fingerprint or an error that names the repository."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forebear.ingest.errors import ForebearError
from forebear.ingest.model import fingerprint_model
from forebear.ingest.sources import open_source
from forebear.ingest.sources.hub import open_hub
from forebear.ingest.sources.hub_patience import Patience

from ...hub_server import Fault, HubServer

FAST = Patience(tries=3, first=0.01, most=0.02, timeout=0.4, longest=2.0)
NAME = "zoo/sharded"
INDEX, FIRST, SECOND = (
    "model.safetensors.index.json",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
)
Siblings = list[dict[str, Any]]


@pytest.fixture(scope="module")
def folder(zoo: Path) -> Path:
    return next(found.parent for found in zoo.glob(f"*/{INDEX}"))


@pytest.fixture(scope="module")
def content(folder: Path) -> str:
    return fingerprint_model(open_source(str(folder))).content


@pytest.fixture
def hub(folder: Path) -> Iterator[HubServer]:
    with HubServer() as server:
        server.add(NAME, folder)
        yield server


def read(hub: HubServer, spec: str = NAME) -> str:
    source = open_hub(spec, endpoint=hub.endpoint, token=False, patience=FAST)
    return fingerprint_model(source).content


def listing(hub: HubServer) -> Siblings:
    """The files as the Hub lists them."""
    repository = hub.repositories[NAME]
    (sha,) = repository.commits
    return hub._info(repository, sha, {"blobs": ["true"]})["siblings"]  # type: ignore[return-value]


def resized(file: str, by: int) -> Callable[[Siblings], Siblings]:
    def change(siblings: Siblings) -> Siblings:
        for one in siblings:
            if one["rfilename"] == file:
                one["size"] += by
                if "lfs" in one:
                    one["lfs"]["size"] += by
        return siblings

    return change


def without(*files: str) -> Callable[[Siblings], Siblings]:
    return lambda siblings: [one for one in siblings if one["rfilename"] not in files]


def named(old: str, new: str) -> Callable[[Siblings], Siblings]:
    return lambda siblings: [one | {"rfilename": new} if one["rfilename"] == old else one for one in siblings]


def twice(file: str, by: int) -> Callable[[Siblings], Siblings]:
    """A file listed a second time, with another size."""

    def change(siblings: Siblings) -> Siblings:
        more = next(one for one in siblings if one["rfilename"] == file)
        changed = more | {"size": more["size"] + by, "lfs": more["lfs"] | {"size": more["size"] + by}}
        return [*siblings, changed]

    return change


LISTINGS: dict[str, tuple[Callable[[Siblings], Siblings], str]] = {
    "a shard is shorter": (resized(FIRST, -8), "has changed since it was listed"),
    "a shard is longer": (resized(SECOND, 8), "has changed since it was listed"),
    "a shard is empty": (resized(SECOND, -(1 << 40)), "not said"),
    "the index is shorter": (resized(INDEX, -5), "has changed since it was listed"),
    "the config is longer": (resized("config.json", 5), "has changed since it was listed"),
    "the tokenizer is shorter": (resized("tokenizer.json", -5), "has changed since it was listed"),
    "a shard is missing": (without(SECOND), SECOND),
    "a shard and the index are missing": (without(FIRST, INDEX), "of 2"),
    "both shards are missing": (without(FIRST, SECOND), FIRST),
    "a shard has another name": (named(SECOND, "model-00002-of-00003.safetensors"), "2 models"),
    "a shard is in another folder": (named(SECOND, f"old/{SECOND}"), SECOND),
    "a shard hides": (named(SECOND, f".{SECOND}"), SECOND),
    "a shard leaves the repository": (named(SECOND, f"../{SECOND}"), SECOND),
    "a shard is listed twice": (twice(FIRST, 8), "has changed since it was listed"),
    "no files": (lambda siblings: [], "no weights"),
    "the files of the weights alone are there": (without(INDEX, "config.json", "tokenizer.json"), ""),
}


@pytest.mark.parametrize("lie", LISTINGS)
def test_a_list_of_files_that_is_wrong_is_an_error_and_never_half_a_model(hub: HubServer, lie: str) -> None:
    change, message = LISTINGS[lie]
    hub.repositories[NAME].info["siblings"] = change(listing(hub))
    if not message:  # nothing of the weights is missing: they are read, as in a folder of just those files
        read(hub)
        return
    with pytest.raises(ForebearError) as failed:
        read(hub)
    assert message in str(failed.value) and NAME in str(failed.value)


@pytest.mark.parametrize("file", [FIRST, INDEX, "config.json", "tokenizer.json"])
def test_a_file_that_is_listed_and_not_there_is_an_error_that_names_it(
    hub: HubServer, folder: Path, tmp_path: Path, file: str
) -> None:
    listed = listing(hub)
    shutil.copytree(folder, tmp_path / "less")
    (tmp_path / "less" / file).unlink()
    hub.add(NAME, tmp_path / "less", info={"siblings": listed})
    with pytest.raises(ForebearError, match="is not there"):
        read(hub)


def test_an_index_that_names_a_shard_which_is_not_listed_is_an_error(
    hub: HubServer, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "more")
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"]["lm_head.more"] = "model-00003-of-00003.safetensors"
    (tmp_path / "more" / INDEX).write_text(json.dumps(index))
    hub.add(NAME, tmp_path / "more")
    with pytest.raises(ForebearError, match="model-00003-of-00003"):
        read(hub)


def test_another_commit_than_the_one_that_was_asked_for_is_an_error(hub: HubServer) -> None:
    (sha,) = hub.repositories[NAME].commits
    hub.repositories[NAME].info["sha"] = "0" * 40
    with pytest.raises(ForebearError, match=f"commit {'0' * 40}, {sha} was asked for"):
        read(hub, f"{NAME}@{sha}")


LIES = {
    "the whole file": Fault(ignore_range=True),
    "a body that is short": Fault(short=3),
    "a body cut off": Fault(cut=40),
    "a body that goes on": Fault(extra=1 << 20, headers={"Content-Length": None, "Connection": "close"}),
    "another range": Fault(headers={"Content-Range": "bytes 8-15/781040"}),
    "no range at all": Fault(headers={"Content-Range": None}),
    "no length and no range": Fault(headers={"Content-Range": None, "Content-Length": None, "Connection": "close"}),
    "a range of a longer file": Fault(headers={"Content-Range": "bytes 0-7/99999999"}),
    "gzip": Fault(headers={"Content-Encoding": "gzip"}),
    "a compression nobody has": Fault(headers={"Content-Encoding": "zstd, br"}),
    "nothing": Fault(status=204),
    "not modified": Fault(status=304),
    "many parts": Fault(headers={"Content-Type": "multipart/byteranges; boundary=x", "Content-Range": None}),
    "a weak and other ETag": Fault(headers={"ETag": 'W/"other"'}),
}


@pytest.mark.parametrize("path", [SECOND, INDEX, "tokenizer.json"])
@pytest.mark.parametrize("times", [1, None])
@pytest.mark.parametrize("lie", LIES)
def test_an_answer_that_lies_gives_the_right_fingerprint_or_an_error(
    hub: HubServer, content: str, lie: str, path: str, times: int | None
) -> None:
    for host in (hub.hub, hub.storage):
        host.fail(replace(LIES[lie], method="GET", path=path), times=times)
    try:
        found = read(hub)
    except ForebearError as error:
        assert NAME in str(error)
    else:
        assert found == content
