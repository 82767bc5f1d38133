"""What was measured, put together: every figure of a case, and the answer to every claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...answers.records import ComponentAnswer
from ...lineage.recipes.records import Recipe
from ..pair.architecture import compare_architectures
from ..pair.distributions import distributions
from ..pair.matching import Pair
from ..pair.sides import Side
from ..tokenizers.tokenizers import Spelled
from .claims.answering import answers
from .gains import gain_figures
from .kinds import evidence_matrices, kind_matrices
from .measured import Measured
from .pairs import JudgedSides, case_map, case_pair, check_controls, judge_sides
from .question import Case
from .records import CaseModelRow, CaseRecipe, CaseResult, VocabularyPair
from .settings import setting_rows, settings_pairs
from .vocabularies import model_vocabulary


def measure(
    case: Case,
    sides: Sequence[Side],
    *,
    failures: Mapping[str, str],
    corrected_for: int,
    lineage: Mapping[str, Sequence[ComponentAnswer]],
    recipes: Mapping[str, Sequence[Recipe]],
    spelled: Mapping[str, Spelled],
    vocabulary_pairs: Sequence[VocabularyPair],
) -> Measured:
    """Judge every pair of `sides`, which are in the order of the case, and gather what claims are measured on.

    `lineage` has the answers of the registry of the case by label, `recipes` those of merges.
    """
    judged = judge_sides(sides, corrected_for)
    ids = {side.label: side.query.model_id for side in sides}
    rows = setting_rows(sides)
    return Measured(
        case=case,
        failures=failures,
        sides={side.label: side for side in sides},
        judged=judged,
        pairs=[case_pair(case, one, lineage, ids) for one in judged],
        spelled=spelled,
        vocabularies=[model_vocabulary(label, found, case.high_ids) for label, found in spelled.items()],
        vocabulary_pairs=vocabulary_pairs,
        settings=rows,
        settings_pairs=settings_pairs(rows),
        recipes=[CaseRecipe(label, one) for label, found in recipes.items() for one in found],
    )


def case_result(measured: Measured, models: Sequence[CaseModelRow], corrected_for: int) -> CaseResult:
    """The record of a case, without its provenance."""
    case, sides = measured.case, list(measured.sides.values())
    labels = [side.label for side in sides]
    parts = {label: part for label in labels if (part := measured.part(label)) is not None}
    main = {one.labels: one.components[0].pair for one in measured.judged if one.components}
    pairs = [(one.first, found.first, one.second, found.second) for one in measured.judged for found in _main(one)]
    architecture = compare_architectures(sides, pairs) if len(sides) > 1 else None
    found = {
        (row.query, row.candidate): row.log10_p
        for pair in measured.pairs
        for row in pair.rows
        if row.component == pair.component
    }
    return CaseResult(
        title=case.title,
        question=case.question,
        notes=case.notes,
        sources=case.sources,
        models=tuple(models),
        corrected_for=corrected_for,
        controls=check_controls(measured.pairs),
        pairs=tuple(measured.pairs),
        claims=tuple(answers(measured, case.claims)),
        gains=gain_figures(case, measured.gains),
        kinds=tuple(kind_matrices(parts, main)),
        evidence=tuple(evidence_matrices(labels, found)),
        vocabularies=tuple(measured.vocabularies),
        vocabulary_pairs=tuple(measured.vocabulary_pairs),
        settings=tuple(measured.settings),
        settings_pairs=tuple(measured.settings_pairs),
        parameters=architecture.parameters if architecture else (),
        comparability=architecture.comparability if architecture else (),
        map=case_map(labels, measured.judged),
        distributions=tuple(distributions([*parts.values()])),
        recipes=tuple(measured.recipes),
    )


def _main(judged: JudgedSides) -> list[Pair]:
    """The pair of the component that the verdict is of, if there is any."""
    return [one.pair for one in judged.components[:1]]
