"""The answer to "who are the ancestors of this model?", as one record, and as the JSON that the contract promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ...queries.answers.records import Ancestor, ComponentAnswer, Verdict, overall
from ...queries.answers.tabular import Tabular
from ..store.adapters import AdapterDetails
from ..store.inferred import Match, match_row
from .numbers import counted


@dataclass(frozen=True, slots=True)
class EqualContent:
    """A registered model of which every value that was read equals the query's, under the same names."""

    name: str
    source: str


@dataclass(frozen=True, slots=True, repr=False)
class AncestorsReport(Tabular):
    """What was asked about, how much of it was read, and the answer for each of its components.

    `registry_models` counts the models it was compared with, itself left out. `bytes_read` is of its fingerprint, also
    when that was made earlier. Of an adapter, `adapter` names what could be its base. `equal_content` are the
    models that hold the same values, which is known even of what cannot be compared. `outdated` names the query and
    the relatives whose fingerprints an earlier version made, which lack activations; `registry_outdated` counts such
    models. `inferred` says of which missing ancestors the query is a descendant, and where it stands as one.
    """

    name: str
    source: str
    revision: str | None
    parameters: int
    bytes_read: int
    bytes_total: int
    registry_models: int
    verdict: Verdict
    components: tuple[ComponentAnswer, ...]
    adapter: AdapterDetails | None = None
    equal_content: tuple[EqualContent, ...] = ()
    outdated: tuple[str, ...] = ()
    registry_outdated: int = 0
    inferred: tuple[Match, ...] = ()

    def rows(self) -> list[dict[str, object]]:
        """The ranked relatives of all components, with the keys of the JSON contract."""
        return ancestor_rows(self)

    @property
    def sentence(self) -> str:
        """What is said of every component."""
        return "; ".join(answer.sentence for answer in self.components)

    @property
    def line(self) -> str:
        """Name, verdict, and how many models were compared."""
        return f"{self.name}: {self.verdict} among {counted(self.registry_models, 'model')}"


def overall_verdict(answers: Sequence[ComponentAnswer], *, equal: bool = False) -> Verdict:
    """The verdict of the language component; without one, the strongest of the others.

    With a model of `equal` content it is `related` where comparing told no more.
    """
    verdict = overall({answer.component: answer.verdict for answer in answers})
    return "related" if equal and verdict in {"unrelated", "inconclusive"} else verdict


def ancestor_rows(report: AncestorsReport, noun: str = "ancestor") -> list[dict[str, object]]:
    """The ranked relatives of all components in one list, with the keys of the JSON contract.

    `noun` is what was asked for: `ancestor` or `descendant`.
    """
    return [_row(answer.component, one, noun) for answer in report.components for one in answer.ancestors]


def report_document(report: AncestorsReport, noun: str = "ancestor") -> dict[str, object]:
    """The report with the keys of the JSON contract, without `schema_version`; `noun` as for `ancestor_rows`."""
    keys = ("name", "source", "revision", "parameters", "bytes_read", "bytes_total")
    return {
        "query": {key: getattr(report, key) for key in keys},
        "registry_models": report.registry_models,
        "registry_outdated": report.registry_outdated,
        "outdated": list(report.outdated),
        "verdict": report.verdict,
        "equal_content": [asdict(one) for one in report.equal_content],
        "components": [
            {"component": a.component, "verdict": a.verdict, "sentence": a.sentence} for a in report.components
        ],
        f"{noun}s": ancestor_rows(report, noun),
        "adapter": asdict(report.adapter) if report.adapter else None,
        "inferred": [match_row(match) for match in report.inferred],
    }


def _row(component: str, ancestor: Ancestor, noun: str) -> dict[str, object]:
    """`component` is the query's; the relative's own stands beside it (a decoder may descend from a language model)."""
    found: dict[str, object] = asdict(ancestor)
    blocks = [asdict(block) for block in ancestor.blocks]
    order = ("rank", "name", "source", "component", "evidence", "log10_evalue", "identity", "coverage", "distance")
    more = (
        "relation",
        "declared",
        "reason",
        "merged_with",
        "direction",
        "direction_probability",
        "direction_by",
        "equal_values",
        "origin",
        "declared_child",
        "blocks",
        "coverage_parts",
        "freedoms",
    )
    row = {key: found[key] for key in (*order, *more)}
    row["freedoms"] = [asdict(one) for one in ancestor.freedoms]
    row["blocks"] = [{(noun if key == "ancestor" else key): value for key, value in block.items()} for block in blocks]
    return row | {"component": component, f"{noun}_component": ancestor.component}
