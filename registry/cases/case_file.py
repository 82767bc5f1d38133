"""A case file, read and checked: what is wrong is said with its line before anything else is read.

The format is in docs/cases.md, its JSON Schema in docs/schemas/case.schema.json.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import get_args

from ...ingest.text import printable
from ...queries.comparison.case.claims.answering import METRICS, MODELS, WORDS
from ...queries.comparison.case.question import Case, CaseModel, CaseRole, Claim
from .yaml_nodes import Node, read_yaml

FORMAT = 1
"""Of the file: its key `case`."""
MOST_MODELS = 16
MOST_CLAIMS = 500
MOST_LAYERS = 16
ROLES: tuple[CaseRole, ...] = get_args(CaseRole)
CASE_KEYS = ("case", "title", "question", "models", "claims", "layers", "mixed_layers", "high_ids", "notes", "sources")
MODEL_KEYS = ("source", "revision", "role", "of", "family", "released", "from_scratch", "confirmed", "note")
OPTIONS = ("bound", "class", "component", "from", "id", "key", "of", "part")
CLAIM_KEYS = (
    *("name", "metric", "models", "tensors", "layers", "value", "tolerance", "source", "text"),
    *OPTIONS,
)
NEEDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("cosine_z", "within_cosine"), ("tensors",)),
    "config": ("key",),
    "parameters": ("part",),
    "ids_from": ("from",),
    **dict.fromkeys(("class_tokens", "class_share"), ("class",)),
    "token_at": ("id",),
}
"""Metric -> the keys that it cannot do without."""
RELATIONS = ("unrelated", "related", "shared initialisation", "derived")
"""What a claim of `relation` may say."""
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,23}")


def read_case(path: Path) -> Case:
    """The case of a file. Raises FormatError, with the line, for what is no case; OSError when it cannot be read."""
    return parse_case(path.read_bytes(), str(path), folder=path.parent)


def parse_case(data: bytes, file: str, *, folder: Path | None = None) -> Case:
    """The case in the bytes of a file. A source that begins with `./` or `../` lies beside it, in `folder`."""
    root = read_yaml(data, file)
    fields = root.mapping(CASE_KEYS, ("case", "title", "models"))
    if fields["case"].text() != str(FORMAT):
        raise fields["case"].error(f"this forebear reads case files of the format {FORMAT}")
    models = _models(fields["models"], folder)
    labels = [model.label for model in models]
    layers = fields.get("layers")
    mixed = fields.get("mixed_layers")
    high = fields.get("high_ids")
    question = fields.get("question")
    return Case(
        title=_line(fields["title"], 300),
        question=_line(question, 2_000) if question else "",
        models=models,
        claims=_claims(fields["claims"], labels) if "claims" in fields else (),
        layers=_layers(layers) if layers else (),
        mixed={label: node.whole(10_000) for label, node in mixed.mapping(labels).items()} if mixed else {},
        high_ids=high.whole() if high else None,
        notes=_lines(fields.get("notes")),
        sources=_lines(fields.get("sources")),
    )


def _line(node: Node, most: int = 1_000) -> str:
    found = " ".join(node.text(most).split())
    if not found:
        raise node.error("empty")
    return printable(found, most)


def _lines(node: Node | None) -> tuple[str, ...]:
    return tuple(_line(item, 2_000) for item in node.items()) if node else ()


def _layers(node: Node) -> tuple[int, ...]:
    found = tuple(dict.fromkeys(item.whole(10_000) for item in node.items()))
    if len(found) > MOST_LAYERS:
        raise node.error(f"{len(found)} layers; at most {MOST_LAYERS} are shown")
    return found


def _models(node: Node, folder: Path | None) -> tuple[CaseModel, ...]:
    listed = node.mapping()
    if not 2 <= len(listed) <= MOST_MODELS:
        raise node.error(f"{len(listed)} models; a case has 2 to {MOST_MODELS}")
    found = []
    for label, item in listed.items():
        if not _LABEL.fullmatch(label):
            raise item.error("a label is a letter and up to 23 letters, digits, dots or underscores")
        found.append(_model(label, item, folder))
    labels = [model.label for model in found]
    for model, item in zip(found, listed.values(), strict=True):
        if model.of is not None and (model.of not in labels or model.of == model.label):
            raise item.error(f"`of` names {printable(model.of)!r}, which is no other model of the case")
    return tuple(found)


def _model(label: str, node: Node, folder: Path | None) -> CaseModel:
    fields = node.mapping(MODEL_KEYS, ("source", "role"))
    role = fields["role"].choice(ROLES)
    if (role == "derivative") != ("of" in fields):
        raise node.error("a derivative says in `of` which model it is known to come from, and nothing else does")
    released = fields.get("released")
    return CaseModel(
        label=label,
        source=_source(fields["source"], folder),
        role=next(known for known in ROLES if known == role),
        revision=_line(fields["revision"], 200) if "revision" in fields else None,
        of=fields["of"].text(30) if "of" in fields else None,
        family=_line(fields["family"], 80) if "family" in fields else "",
        released=_date(released) if released else None,
        root=_line(fields["from_scratch"], 400) if "from_scratch" in fields else None,
        confirmed=_yes(fields["confirmed"]) if "confirmed" in fields else True,
        note=_line(fields["note"]) if "note" in fields else "",
    )


def _source(node: Node, folder: Path | None) -> str:
    text = node.text(1_000).strip()
    if not text:
        raise node.error("empty")
    beside = text.startswith(("./", "../"))
    return str((folder / text).resolve()) if beside and folder is not None else text


def _date(node: Node) -> str:
    try:
        return date.fromisoformat(node.text(10)).isoformat()
    except ValueError as error:
        raise node.error(f"{printable(node.text())!r} is no date such as 2026-01-31") from error


def _yes(node: Node) -> bool:
    return node.choice(("true", "false", "yes", "no")) in {"true", "yes"}


def _claims(node: Node, labels: Sequence[str]) -> tuple[Claim, ...]:
    items = node.items()
    if len(items) > MOST_CLAIMS:
        raise node.error(f"{len(items)} claims; the limit is {MOST_CLAIMS}")
    found = [_claim(item, labels, number) for number, item in enumerate(items, 1)]
    seen: set[str] = set()
    for claim, item in zip(found, items, strict=True):
        if claim.name in seen:
            raise item.error(f"the name {claim.name!r} stands twice")
        seen.add(claim.name)
    return tuple(found)


def _claim(node: Node, labels: Sequence[str], number: int) -> Claim:
    fields = node.mapping(CLAIM_KEYS, ("metric", "models", "value"))
    metric = fields["metric"].choice(tuple(METRICS))
    models = tuple(item.choice(labels) for item in fields["models"].items())
    count = MODELS.get(metric, 2)
    if len(set(models)) != count or len(models) != count:
        raise fields["models"].error(f"{metric} is of {'one model' if count == 1 else 'two different models'}")
    if missing := [key for key in NEEDS.get(metric, ()) if key not in fields]:
        raise node.error(f"{metric} needs {' and '.join(missing)}")
    value = fields["value"]
    written = value.text(200).strip()
    if metric not in WORDS:
        value.number()
    if metric == "relation":
        value.choice(RELATIONS)
    if "of" in fields:
        fields["of"].choice(models)
    _check_limits(fields, metric)
    for key in {"from", "id"} & fields.keys():
        fields[key].whole()
    return Claim(
        name=_line(fields["name"], 120) if "name" in fields else f"claim {number}",
        metric=metric,
        models=models,
        value=written,
        tensors=tuple(_line(item, 80) for item in fields["tensors"].items()) if "tensors" in fields else (),
        layers=_claimed_layers(fields.get("layers"), models),
        tolerance=abs(fields["tolerance"].number()) if "tolerance" in fields else None,
        source=_line(fields["source"]) if "source" in fields else "",
        text=_line(fields["text"]) if "text" in fields else "",
        options={key: _line(fields[key], 200) for key in OPTIONS if key in fields},
    )


def _check_limits(fields: Mapping[str, Node], metric: str) -> None:
    """`bound` and `tolerance` are of numbers, and exclude each other: a limit has no tolerance."""
    limits = [key for key in ("bound", "tolerance") if key in fields]
    if limits and metric in WORDS - {"config"}:
        raise fields[limits[0]].error(f"{metric} is said in words; {limits[0]} is of numbers")
    if len(limits) > 1:
        raise fields["tolerance"].error("a claim with a bound is judged by the bound; leave tolerance out")
    if "bound" in fields:
        fields["bound"].choice(("above", "below"))


def _claimed_layers(node: Node | None, models: Sequence[str]) -> Mapping[str, tuple[int, ...]]:
    """Label -> layers: one list is of every model; a mapping says which layers of which stand side by side."""
    if node is None:
        return {}
    if not isinstance(node.value, dict):
        found = _layers(node)
        return dict.fromkeys(models, found)
    named = {label: _layers(item) for label, item in node.mapping(models, models).items()}
    if len({len(layers) for layers in named.values()}) > 1:
        raise node.error("as many layers of each model must stand side by side")
    return named
