"""The thresholds that have no operating curve here: what measures each of them, and why not these questions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Thresholds of one reason; `command` is a target of the Makefile or tests."""

    command: str
    why: str
    names: tuple[str, ...]


ELSEWHERE = (
    Elsewhere(
        "make bench-missing HALF=held_out",
        "it decides whether an ancestor that is not registered is inferred, which is another question",
        ("ADDITIVE", "FEWEST_BRANCHES", "FEWEST_MODELS", "FEWEST_OLDER", "INDEPENDENT", "LATTICE_KEPT", "LATTICE_MOVED",
         "LATTICE_PLACES", "LATTICE_REFUTES", "LATTICE_TOLERANCE", "MATCHES_EARLIER", "MATCHES_WITHIN", "STANDS_THERE"),
    ),
    Elsewhere(
        "pytest tests/ingest/layouts/test_weight_norm.py",
        "it follows from what float32 errs by; of these models none holds another's values computed again",
        ("STEPS_OF_RECOMPUTING",),
    ),
    Elsewhere(
        "pytest tests/queries/relation/test_within.py",
        "it follows from the counts of rare events, and says what a test of a rounding can see",
        ("FEWEST_FORESEEN", "FILLED_BY_ROUNDING", "LIGHTEST_DRIFT"),
    ),
    Elsewhere(
        "pytest tests/queries/lineage/test_marks.py",
        "they follow from even errors beside Gaussian ones",
        ("MARK_FILLED", "MARK_OUTSIDE"),
    ),
    Elsewhere(
        "pytest tests/queries/lineage/recipes/test_trials.py",
        "of these models no three lie on one line but a merge and its parents",
        ("ON_ONE_LINE",),
    ),
    Elsewhere(
        "pytest tests/queries/lineage/test_collinear.py",
        "of these models none is a sum of three that one of them hardly takes part in",
        ("SPARED",),
    ),
    Elsewhere(
        "pytest tests/queries/lineage/test_merges.py",
        "of these models no merge and no other lies between 3e-10 and 3e-4, and no run is smooth",
        ("MERGE_BESIDE",),
    ),
    Elsewhere(
        "make bench-field-whole",
        "it decides which merges are replayed, and replay what is told",
        ("MERGE_LEFT_OUT", "MERGE_MOVED", "MERGE_NEARER", "MERGE_STRAYS"),
    ),
    Elsewhere(
        "make bench-query",
        "a limit on work, beyond what small registries hold",
        ("MOST_RELATIVES",),
    ),
    Elsewhere(
        "make bench-small-registries",
        "few of these registries hold a merge of the query",
        ("LIGHT_MERGE_LATER",),
    ),
    Elsewhere(
        "make bench-recipes",
        "it decides which recipe of a merge is said, not whether and how two models are related",
        ("ARC_ANGLE_OFF", "BEYOND_PARENT", "CHOICE_CLAIMED", "CONSTANT_WEIGHTS", "DECLARED_WEIGHT_OFF",
         "EQUAL_WEIGHTS_OFF", "FACTORS_ASTRAY", "FACTORS_OFF", "FACTORS_ONE_SHARE", "FEWER_PARENTS_MAY_LEAVE",
         "FEWEST_CHANGED", "FUSION_BREAKS", "KEPT_ALONE_Z", "KEPT_BY_SIZE", "LEAST_DENSITY", "LEAST_OF_BASE",
         "LEAST_TAKEN", "LEAST_WEIGHT", "MASKED_BY_CHANCE", "MASKED_WORTH_SEARCHING", "MOST_WEIGHT",
         "MOVED_TOWARDS", "NEXT_EQUAL", "PARENT_MAY_LACK", "PROMISING", "RECIPE_CLAIMED", "RECIPE_COPY",
         "RECIPE_UNEXPLAINED", "REFINING_FROM", "SHARES_BY_CHANCE", "STOCK_ANGLE_OFF", "STOCK_TENSORS",
         "SUM_CLAIMED", "TUNING_FROM", "WHOLE_LAYER", "WORTH_SEARCHING"),
    ),
    Elsewhere(
        "make bench-scale",
        "it decides which models of a large registry get the full evidence; of a small one all do",
        ("CENTRAL_CANDIDATES", "FAMILY_MEMBERS", "FEWEST_CANDIDATES", "LEAST_Z", "MOST_CANDIDATES",
         "WEAK_UP_TO"),
    ),
    Elsewhere(
        "make bench-calibration-million",
        "it decides the E-values of what is not significant, and nothing else",
        ("KIND_TESTS", "MIDDLE_P", "TAIL_P"),
    ),
    Elsewhere(
        "make bench-rewrites",
        "it decides which relatives of a model in another basis are placed among each other, of which these have none",
        ("NEARLY_AS_MUCH",),
    ),
    Elsewhere(
        "make bench-audit",
        "it decides which pairs of a large registry an audit looks at",
        ("UNRELATED_CANDIDATES",),
    ),
    Elsewhere(
        "pytest tests/queries/answers/test_parts.py",
        "it is of `parts`: which models explain single blocks",
        ("PARTS_CANDIDATES", "PARTS_ERROR"),
    ),
    Elsewhere(
        "make bench-outputs",
        "it is of the outputs of two models, which no weights are read for",
        ("BEHAVIOUR_LOG_P",),
    ),
    Elsewhere(
        "make test-real",
        "it is of networks without numbered layers, of which these families hold none",
        ("MANY_MATRICES", "MOST_ALIKE", "MOST_OF_ONE_SHAPE", "SHARE_ALIKE"),
    ),
    Elsewhere(
        "pytest tests/queries/evidence/test_networks.py",
        "it is of networks without numbered layers, of which these families hold none",
        ("NETWORK_IDENTITY",),
    ),
    Elsewhere(
        "pytest tests/queries/relation/test_adapters.py",
        "it is of adapters that are registered as such, of which these families hold none",
        ("LEAST_SINGULAR", "SHARE_OF_B_BY_CHANCE"),
    ),
    Elsewhere(
        "make bench-compare",
        "it decides what `compare` says beside the relation of two models, or how much work that is",
        ("CONTROLS", "MOST_CONTROLS_TRIED", "SHARE_OF_SHAPE", "FINE_TUNED"),
    ),
    Elsewhere(
        "pytest tests/queries/comparison/pair/test_changes.py",
        "it decides how `compare` reads the change of a matrix",
        ("ABOVE_NOISE_EDGE", "ABOVE_ROUNDING", "BETWEEN_EVEN_AND_GAUSSIAN", "FEW_VALUES_FOR_KURTOSIS", "HALF_STEP",
         "ONE_READING", "ROUNDED_SHARE"),
    ),
    Elsewhere(
        "make bench-compare-full",
        "it is of tests on whole weights, which `compare` makes and answers do not",
        ("ALIGNED_DIMENSIONS", "ALIGNED_TOKENS", "ALIGNMENT_COUNTS", "CKA_FEWEST", "CKA_PERMUTATIONS",
         "FEWEST_NEURONS", "FEW_ALIGNED_TOKENS", "MATCHED_NEURONS", "ROTATIONS"),
    ),
    Elsewhere(
        "pytest tests/queries/comparison/test_tokenizers.py",
        "it is of the tokenizers that `compare` and cases show",
        ("FEW_TOKEN_ROWS",),
    ),
    Elsewhere(
        "pytest tests/registry/cases/test_claims.py",
        "it decides what a case says of published claims",
        ("CLAIM_ERRORS", "FEW_LAYERS_APART", "SHUFFLED_SPREAD"),
    ),
)  # fmt: skip
STALE: dict[str, str] = {}
"""Threshold -> why its curve, measured at another value than it has now, may stand until it is measured again."""
NOT_YET: frozenset[str] = frozenset({"LEAST_OF_TWINS"})
"""Thresholds of these questions whose curve is not measured yet."""


def elsewhere() -> dict[str, Elsewhere]:
    """Name -> what measures it."""
    return {name: one for one in ELSEWHERE for name in one.names}
