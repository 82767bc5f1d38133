"""Pages that are made from code say what the code says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from docs import make_capacity, make_folders, make_thresholds

from .blocks import ROOT

pytestmark = pytest.mark.skipif(not (ROOT / "docs").exists(), reason="the wheel has no docs")
ARCHITECTURE = ROOT / "docs" / "architecture.md"
PATH = re.compile(r"`((?:ingest|queries|registry|schema|tests|benchmarks|docs)/[\w/.-]*)`")
TABLE = re.compile(r"`([A-Z]{3,})` in `([\w/.]+\.py)`")


def test_every_folder_has_its_line_in_the_architecture() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    assert make_folders.with_table(text) == text, "make docs writes it anew"
    assert all(said for said in make_folders.folders().values())


def test_a_folder_that_is_new_changes_the_page() -> None:
    begin, end = make_folders.BEGIN, make_folders.END
    made = make_folders.with_table(f"before\n{begin}\n| `gone` |\n{end}\nafter\n")
    assert made.startswith(f"before\n{begin}\n| folder |") and made.endswith(f"{end}\nafter\n") and "`gone`" not in made
    assert "| `queries/evidence` |" in made
    with pytest.raises(ValueError, match="substring not found"):
        make_folders.with_table("no markers")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/method.md"])
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    named = PATH.findall((ROOT / page).read_text(encoding="utf-8"))
    missing = [path for path in named if not re.search(r"NAME|ROOM|NNNN", path) and not (ROOT / path).exists()]
    assert not missing


def test_every_table_that_a_new_thing_gets_a_line_in_is_where_the_architecture_says() -> None:
    found = TABLE.findall(ARCHITECTURE.read_text(encoding="utf-8"))
    assert {"FORMATS", "SCHEMES", "SOURCES", "KINDS", "COMMANDS", "OUTPUTS"} <= {name for name, _ in found}
    for name, path in found:
        assert re.search(rf"^{name}\b.*=", Path(ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), (name, path)


DECIDES_NOTHING = {
    "queries/answers/tabular.py": {"SHOWN", "LONGEST", "_CELL"},  # of what is shown
    "queries/answers/audit_batch.py": {"_EVERYONE"},  # no limit
    "queries/answers/descendants.py": {"_NAMED"},  # of what is shown
    "queries/answers/family_trees.py": {"INFERRED", "_FAR"},  # beyond every distance
    "queries/comparison/case/embeddings.py": {"HIGH_COSINE", "_EDGES"},  # of a published figure; bins of a figure
    "queries/comparison/case/gains.py": {"_POINTS"},  # of what is shown
    "queries/comparison/case/token_classes.py": {"_HANGUL", "_CJK"},  # of Unicode
    "queries/comparison/case/vocabularies.py": {
        "FIRST_IDS",
        "ENGLISH_TOKENS",
        "OTHER_TOKENS",
        "_POINTS",
    },  # of what is shown
    "queries/comparison/case/claims/answering.py": {"MODELS"},  # how many models a metric is of
    "queries/comparison/pair/changes.py": {"_MANTISSA"},  # of float types
    "queries/comparison/pair/config_keys.py": {"USUAL"},  # names
    "queries/comparison/pair/distributions.py": {"PROBABILITIES", "BINS", "MOST_VALUES"},  # of what is shown
    "queries/comparison/pair/layers.py": {"BASELINE_VALUES", "BASELINE_PAIRS"},  # of a baseline that is shown
    "queries/comparison/pair/model_map.py": {"UNRELATED"},  # a definition: the distance of unrelated models
    "queries/comparison/pair/neurons.py": {"EDGES"},  # bins of a figure
    "queries/comparison/whole/activations.py": {"STRIP"},  # a limit on memory
    "queries/comparison/records/document.py": {"_DIGITS"},  # of what is written
    "queries/comparison/records/figures.py": {"STEP_EDGES"},  # bins of a figure
    "queries/comparison/tokenizers/encoding.py": {"_LONGEST"},  # a limit on work
    "queries/comparison/tokenizers/token_rows.py": {"TOKENS"},  # rows that are read for a figure
    "queries/comparison/tokenizers/tokenizers.py": {"BANDS", "_SHOWN"},  # of what is shown
    "queries/data/precision.py": {"BFLOAT16", "ROUNDING", "_SMALLEST"},  # of float types
    "queries/data/query.py": {"NO_CONTENT"},  # a digest of nothing
    "queries/evidence/activations.py": {"_DECIMALS", "_UNDERFLOW"},  # arithmetic of floats
    "queries/evidence/column_sets.py": {"CORRELATIONS", "SURVIVED", "_AT_ONCE"},  # a simulated curve; memory
    "queries/evidence/gram.py": {"_TWICE"},  # two trials, paid for
    "queries/evidence/match.py": {"UNRELATED"},  # a definition: the difference of unrelated vectors
    "queries/lineage/calibration/weights.py": {"FAMILIES", "ANCESTOR", "NEAREST", "ODDS"},  # fitted
    "queries/lineage/returns.py": {"TERMS", "_SCALE"},  # of how figures are laid out
    "queries/lineage/direction.py": {"_EVEN"},  # a term of the regressions, fitted with it
    "queries/lineage/geometry.py": {
        "_LEAST",
        "_CANCELS",
        "_COLUMNS",
        "_SHARE_RANGE",
        "_LOG_RANGE",
        "_STEP_SPREAD",
        "_OPPOSITE",
        "_PASSING",
        "_ANYWHERE",
        "_WITHOUT_THREADS",
    },  # terms of the regressions; time
    "queries/lineage/missing/inferring.py": {"_LIGHTEST"},  # a floor under weights of a mean
    "queries/lineage/missing/lattice.py": {"_EXPONENTS", "_FINER", "_LEAST", "_MOST", "_MOST_STEPS", "_TIE"},  # reading
    "queries/lineage/ranking.py": {"UNPLACED", "_SAME_SHARE"},  # a record; arithmetic of floats
    "queries/lineage/shape.py": {"_LEAST", "_LEAST_SPREAD"},  # arithmetic of floats
    "queries/lineage/recipes/mixtures/alone.py": {
        *("_APART", "_BASES_TOLD", "_BESIDE", "_FACTORS", "_FOLLOWED", "_MOST_BASES", "_MOST_PARENTS", "_STEP"),
        *("_TINY", "_WIDEST"),
    },  # steps of a search; limits on work
    "queries/lineage/recipes/methods/breadcrumbs.py": {
        *("_DENSITIES", "_GAMMAS", "_GAMMA_STEPS", "_GRID"),  # steps of a search
    },
    "queries/lineage/recipes/methods/karcher.py": {
        "_FLAT",
        "_MEDIAN_ERROR",
        "_SMALLEST",
        "_STEPS",
        "_TUNED",
    },  # of a search
    "queries/lineage/recipes/methods/karcher_rounded.py": {"_APART", "_FEW", "_NEAR", "_OCTAVE", "_STARTS"},  # likewise
    "queries/lineage/recipes/methods/linear.py": {"MOST_ORDERS", "_PARTS", "_RATIO_OFF"},  # limits on work; a search
    "queries/lineage/recipes/methods/chance/masked.py": {
        "MOST_MASKED_PARENTS",
        "_DENSITIES",
        "_GRIDS",
        "_MEETING",
        "_STARTS",
        "_MOVES",
        "_SCALES",
        "_STEPS",
        "_TURNS",
        "_WEIGHT_STEPS",
    },  # limits on work; steps of a search
    "queries/lineage/recipes/methods/model_stock.py": {"MODEL_STOCK", "_COINCIDE", "_TUNED"},  # a search; arithmetic
    "queries/lineage/recipes/methods/nearswap.py": {
        "NEARSWAP",
        "_NEAR",
        "_SMALLEST",
    },  # mergekit's own; steps of a search
    "queries/lineage/recipes/methods/sce.py": {
        *(
            "SCE",
            "_FACTORS",
            "_FINER",
            "_GLANCED",
            "_LEADS",
            "_LISTED",
            "_MISSED",
            "_REACH",
            "_ROUGH",
            "_ROUNDS_OF_BOUNDS",
            "_SHARES",
            "_SMALLEST",
            "_TOTALS",
        ),  # steps of a search; mergekit's own bound
    },
    "queries/lineage/recipes/methods/slerp.py": {"LERP_COSINE", "_ANGLES"},  # mergekit's own; the steps of a search
    "queries/lineage/recipes/methods/task_arithmetic.py": {"_GLANCE", "_GRID"},  # steps of a search
    "queries/lineage/recipes/methods/ties.py": {"GLANCE", "TIES", "TUNED", "_DENSITIES", "_GRIDS"},  # steps of a search
    "queries/lineage/recipes/places.py": {"FEW_TENSORS", "SEARCHED", "TYPES"},  # of float types; a limit on work
    "queries/lineage/recipes/proposal.py": {"MASKED", "PLAIN", "SELECTED", "TRIMMED"},  # an order
    "queries/lineage/recipes/mixtures/pursuit.py": {
        "MOST_PARENTS",
        "_BASE_LEAST",
        "_BASE_LEFT",
        "_ONE_DIRECTION",
        "_SUM_FORCE",
    },  # limits on work; arithmetic of a fit
    "queries/lineage/recipes/refining.py": {
        *("_DIGITS", "_FINEST", "_GLANCE", "_ROUNDS", "_SETTLING", "_STEPS", "_TUNINGS"),  # steps of a search
    },
    "queries/lineage/recipes/regression.py": {"LEAST"},  # of what is written
    "queries/lineage/recipes/rounding.py": {"_DAMPING", "_INSIDE", "_STEPS"},  # of a search
    "queries/lineage/merges/replayed.py": {"_MOST"},  # a limit on work
    "queries/lineage/recipes/structure/low_rank.py": {"MOST_ADAPTERS", "MOST_RANK", "_DIGITS"},  # limits; a search
    "queries/lineage/recipes/trials.py": {
        "_ALONE_TRIED",
        "_BASES_TRIED",
        "_DECOYS_TUNED",
        "_FACTOR_DECIMALS",
        "_HEAVY",
        "_MAY_BE_BASE",
        "_PAIRS",
        "_SAME_WEIGHTS",
        "_TUNED_AT_MOST",
    },  # of work
    "queries/lineage/recipes/mixtures/values.py": {"MOST_BASES", "MOST_MASKED"},  # limits on work
    "queries/relation/rounding.py": {"_BITS_OF_FLOAT16", "_BITS_OF_FLOAT32", "_SMALLEST_GROUP"},  # of files
    "queries/relation/within.py": {"_FLOAT32_BITS"},  # of files
    "queries/search/all_pairs.py": {"ROWS", "COLUMNS", "HELD", "FEW_ROWS", "_ANY", "_NOTHING"},  # memory
    "queries/search/bits.py": {"_ANY"},  # what numbers hold
    "queries/search/packed.py": {
        "BLOCK",
        "POSITIONS",
        "GRAM",
        "COLUMNS",
        "SIGNS",
        "GONE",
        "SKETCH_PARTS",
        "SIGN_PARTS",
    },  # layout
    "queries/search/packed_scan.py": {"_WORTH_THREADS"},  # time; no limit
    "queries/search/model_filter.py": {"_LONGEST"},  # a limit on work
    "queries/statistics/networks.py": {"LEADING_ROWS"},  # of a fingerprint
    "queries/statistics/null.py": {"_MAD", "_NORMAL_80"},  # of the normal distribution
    "queries/statistics/pvalues.py": {"EXACT_COUNTS", "LOG10", "_ROUNDED", "_SMALL", "_TINY"},  # arithmetic of floats
    "queries/statistics/residual_alignment.py": {"_POWER_STEPS"},  # of an iteration that has converged by then
    "queries/statistics/whole_metrics.py": {"INNER", "_DROPPED_BITS", "_BUCKETS", "P99_ERROR"},  # memory and its error
}
"""Module -> constants with a number in them that stay there, and what they are."""
HELD = make_thresholds.thresholds()
TARGET = re.compile(r"^make ([\w-]+)$")


def numeric(value: ast.expr) -> bool:
    numbers = (n.value for n in ast.walk(value) if isinstance(n, ast.Constant))
    return any(isinstance(n, (int, float)) and not isinstance(n, bool) for n in numbers)


def test_the_page_of_thresholds_says_what_the_modules_say() -> None:
    text = make_thresholds.PAGE.read_text(encoding="utf-8")
    assert make_thresholds.page() == text, "make docs writes it anew"
    names = [one.name for held in HELD.values() for one in held]
    assert re.findall(r"^### (.*)$", text, re.MULTILINE) == names and len(set(names)) == len(names) > 90


def test_the_page_of_capacity_says_what_was_measured() -> None:
    text = make_capacity.PAGE.read_text(encoding="utf-8")
    assert make_capacity.page(make_capacity.units()) == text, "make docs writes it anew"


def test_candidates_of_twice_the_models_take_four_times_as_long_and_evidence_twice() -> None:
    once, twice = (make_capacity.plan(models, make_capacity.units()) for models in (1_000, 2_000))
    assert twice.candidates == pytest.approx(4 * once.candidates) and twice.sent == pytest.approx(4 * once.sent)
    assert twice.evidence == pytest.approx(2 * once.evidence) and twice.writing == pytest.approx(2 * once.writing)
    slower = make_capacity.units() | {"sketch_pair_ns": 2 * make_capacity.units()["sketch_pair_ns"]}
    assert make_capacity.plan(1_000, slower).candidates == pytest.approx(2 * once.candidates)


def test_every_threshold_of_queries_has_a_meaning_its_data_and_a_command() -> None:
    for path in sorted((ROOT / "queries" / "thresholds").glob("*.py")):
        said = {one.name for one in HELD.get(path.relative_to(ROOT).as_posix(), [])}
        assert {name for name, _, _ in make_thresholds.assigned(path)} == said, path.name
    assert all(one.meaning and one.data and one.command for held in HELD.values() for one in held)


def test_what_measures_a_threshold_again_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for one in (one for held in HELD.values() for one in held):
        if target := TARGET.match(one.command):
            assert re.search(rf"^{target[1]}:", makefile, re.MULTILINE), one
        else:
            assert one.command.startswith("pytest ") and (ROOT / one.command.removeprefix("pytest ")).exists(), one


def test_a_new_constant_of_queries_is_a_threshold_or_said_to_decide_nothing() -> None:
    left: dict[str, set[str]] = {}
    for path in sorted((ROOT / "queries").rglob("*.py")):
        if path.parent.name != "thresholds":
            found = {name for name, value, _ in make_thresholds.assigned(path) if numeric(value)}
            left |= {path.relative_to(ROOT).as_posix(): found} if found else {}
    assert left == DECIDES_NOTHING
