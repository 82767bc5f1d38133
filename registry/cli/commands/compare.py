"""`forebear compare`: two models side by side, with controls."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...reports.numbers import evalue, share
from ..options import RegistryOption, open_registry_or_none_yet
from ..output import Output
from ..outputs.result import Result, Table
from ..printing import printing
from ..progress import stages

if TYPE_CHECKING:
    from ....queries.comparison.records.comparison import Comparison, ComponentComparison, PairEvidenceRow
    from ....queries.comparison.records.neurons import NeuronComparison
    from ....queries.comparison.records.whole import FullComparison
    from ....queries.comparison.whole.attention import AttentionTest
    from ....queries.comparison.whole.neurons import NeuronTest

_TITLES = ("of", "in", "verdict", "relation", "identity", "coverage", "E-value", "evidence")
_RIGHT = (4, 5, 6)
_MEANT = "registered by name, name@revision or source; or a folder, a file or org/name, read now and not kept"


@printing
def compare(
    context: typer.Context,
    to: Output,
    a: Annotated[str, typer.Argument(metavar="A", help=f"A model: {_MEANT}.", show_default=False)],
    b: Annotated[str, typer.Argument(metavar="B", help="Another, named likewise.", show_default=False)],
    controls: Annotated[
        list[str] | None,
        typer.Option(
            "--control",
            metavar="C",
            help="A model that has nothing to do with either. May repeat. Default: two from the registry.",
            show_default=False,
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help="Also write one HTML file with every figure.", show_default=False
        ),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Read all weights of A and B, not only the first rows.")] = False,
    registry: RegistryOption = None,
) -> None:
    """Compare two models side by side, with controls.

    Controls, models that have nothing to do with either, tell whether a likeness means anything. Without --control the
    registry supplies the nearest unrelated models of the same shape; two sources need
    no registry. JSON holds everything; CSV and JSON Lines hold the metric tables, a row for two tensors.
    """
    with open_registry_or_none_yet(context, registry) as opened, stages(quiet=to.quiet) as advance:

        def read(done: int, total: int) -> None:
            advance("all weights, MB", done >> 20, total >> 20)

        found = opened.compare(a, b, controls=controls, full=full, progress=read)
    if report:
        from ...reports.html import write_report

        write_report(found, report)
        to.say(f"report: {report}")
    to.write(compare_result(found))


def compare_result(found: Comparison) -> Result:
    """A comparison in every form."""
    from ....queries.comparison.records.document import comparison_document, metric_rows

    tables = [Table((), (), (), _headlines(found))]
    for part in found.components:
        tables += [_evidence_table(part), _key_table(part)]
        if part.neurons:
            tokens = part.neurons[0].tokens
            above = f"{part.component}: what neurons do on {tokens} tokens, beside the best of the other model"
            tables.append(_neuron_table(part.neurons, above))
    if found.full:
        tables.append(_full_table(found.full))
        if found.full.activations:
            above = f"All neurons of all matched layers, on {found.full.activations.tokens} tokens"
            tables.append(_neuron_table((found.full.activations,), above))
    tables.append(Table((), (), (), list(found.notes)))
    return Result(comparison_document(found), metric_rows(found), tables, page=lambda: _page(found))


def _page(found: Comparison) -> str:
    """The report with every figure, which is a page of its own."""
    from ...reports.html.page import report_page

    return report_page(found)


def _headlines(found: Comparison) -> list[str]:
    """The verdict first; when the measure is not to be trusted, that before it."""
    models = [f"{m.label}: {m.name}" + (" (control)" if m.origin != "asked" else "") for m in found.models]
    verdict = [found.sentence, found.trust] if found.trusted else [found.trust, found.sentence]
    corrected = (
        f"E-values of A and B are corrected for {found.corrected_for} models, those of controls for their number"
    )
    return [*verdict, "; ".join(models), f"Controls: {found.controls}", corrected]


def _evidence_table(part: ComponentComparison) -> Table:
    cells = [_evidence_cells(row, both) for row, both in _shown(part.evidence)]
    return Table(_TITLES, cells, _RIGHT, [f"{part.component}: what of a model is found in another"])


def _shown(rows: Sequence[PairEvidenceRow]) -> Iterator[tuple[PairEvidenceRow, bool]]:
    """Each row, and whether it stands for both directions: of a control that is unrelated both ways, the nearer one."""
    directions = {(row.query, row.candidate): row for row in rows}
    for row in rows:
        other = directions.get((row.candidate, row.query), row)
        quiet = row.verdict == other.verdict == "unrelated" and {row.query, row.candidate} != {"A", "B"}
        if not quiet:
            yield row, False
        elif (row.log10_evalue, row.query) <= (other.log10_evalue, other.query):
            yield row, True


def _evidence_cells(row: PairEvidenceRow, both: bool) -> list[str]:
    from ....queries.comparison.pair.verdict import roles_taken_over

    roles = roles_taken_over(row)
    return [
        row.query,
        row.candidate,
        row.verdict.replace("_", " ") + (" both ways" if both else ""),
        ", ".join(flag.replace("_", " ") for flag in row.relation) + (f" ({', '.join(roles)})" if roles else ""),
        f"{row.identity:z.3f}",
        share(row.coverage),
        evalue(row.log10_evalue),
        row.evidence or "" if row.relation else "",
    ]


def _key_table(part: ComponentComparison) -> Table:
    """A line for each role: the centred cosine of A and B beside that of both with each control."""
    pairs = list(dict.fromkeys(row.pair for row in part.summary))
    rows = {(row.role, row.slot, row.pair): row for row in part.summary}
    changes = {(row.role, row.slot): row for row in part.changes if row.pair == "A-B"}
    cells = []
    for role, slot in dict.fromkeys((row.role, row.slot) for row in part.summary):
        first = rows.get((role, slot, "A-B"))
        moved = changes.get((role, slot))
        cells.append(
            [
                f"{role} {slot}".strip() + (" (context)" if first and first.context else ""),
                *(_number(r.metrics.centred_cosine if (r := rows.get((role, slot, p))) else math.nan) for p in pairs),
                _range(first.null_low, first.null_high) if first else "-",
                _number(first.metrics.cosine if first else math.nan),
                _number(first.metrics.relative_l2 if first else math.nan),
                share(first.metrics.changed_share) if first else "",
                moved.reading if moved else "",
            ]
        )
    titles = ("role", *pairs, "layers apart", "uncentred", "rel. L2", "changed", "change")
    above = [f"{part.component}: the centred cosine of every pair, then more of A-B", *_compared_by(part)]
    more = len(pairs)
    return Table(titles, cells, range(1, 5 + more), above, (more + 3, more + 2, more + 4))


def _compared_by(part: ComponentComparison) -> list[str]:
    """Where the values come from and what put the layers side by side, in a line."""
    rows = [row for row in part.summary if row.pair == "A-B"]
    sources: dict[str, dict[str, None]] = {}
    for row in rows:
        sources.setdefault(row.values, {})[row.role] = None
    listed = [f"{', '.join(roles)} from {values}" for values, roles in sources.items()]
    ways = {row.matched for row in rows} - {"token"}
    layers = "the block map" if "block map" in ways else "equal number"
    return [f"{'; '.join(listed)}; layers side by side by {layers}"] if rows else []


def _neuron_table(found: Sequence[NeuronComparison], above: str) -> Table:
    """A line for each pair: how many neurons of the first belong to one of the second, beside layers apart."""
    titles = ("neurons of", "in", "compared", "paired", "chance", "best cosine", "layers apart", "p")
    return Table(titles, [_neuron_cells(one) for one in found], range(2, 8), [above], (4,))


def _neuron_cells(found: NeuronComparison) -> list[str]:
    """One pair: medians of the best cosines, in the layer that fits best and in the others."""
    first, _, second = found.pair.partition("-")
    return [
        first,
        second,
        str(found.neurons),
        str(found.paired),
        f"{found.by_chance:.1f}",
        _number(found.median_counterparts),
        _number(found.median_apart),
        evalue(found.log10_p),
    ]


def _full_table(full: FullComparison) -> Table:
    """The two tests that need whole matrices, below what digests say."""
    above = [f"All weights: {full.equal_tensors} of {len(full.tensors)} compared tensors equal, value for value"]
    neurons, attention = full.neurons, full.attention
    agree = [layer.agreement for layer in neurons.layers]
    cells = [
        [
            "neurons",
            _p_value(neurons.log10_p),
            f"{share(sum(agree) / len(agree))} agree" if agree else "-",
            f"p {_p_value(neurons.control_log10_p)}",
            _basis(neurons),
        ],
        [
            "attention",
            _p_value(attention.log10_p),
            _cka(attention.mean_cka),
            _cka(attention.mean_apart),
            _basis(attention),
        ],
    ]
    if full.alignment_reason:
        above.append(f"Not aligned: {full.alignment_reason}")
    if attention.log10_p is None and not attention.reason:
        above.append(attention.reading)
    return Table(("test", "p", "found", "layers apart", "dimensions put together by"), cells, (1, 2, 3), above)


def _cka(value: float | None) -> str:
    return f"CKA {value:z.3f}" if value is not None and math.isfinite(value) else "-"


def _basis(test: NeuronTest | AttentionTest) -> str:
    return test.reason or {"identity": "equal numbers", "assignment": "the embeddings"}.get(test.basis or "", "")


def _p_value(log10_p: float | None) -> str:
    return evalue(log10_p) if log10_p is not None else "-"


def _range(low: float, high: float) -> str:
    return f"{low:z.2f} to {high:z.2f}" if math.isfinite(low) else "-"


def _number(value: float) -> str:
    return f"{value:z.3f}" if math.isfinite(value) else "-"
