"""Published claims of every kind over the five models, each with what it must come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Claimed:
    """A claim as a case file has it, its status, and whether the value found lies outside its null."""

    status: str
    beyond: bool | None
    fields: Mapping[str, object]


def claimed(
    status: str, metric: str, models: list[str], value: object, beyond: bool | None = None, **more: object
) -> Claimed:
    """A claim with a name made of all that it says."""
    name = " ".join([metric, *models, str(value), *(f"{key} {said}" for key, said in more.items())])
    options = {key.rstrip("_"): said for key, said in more.items()}
    return Claimed(status, beyond, {"name": name, "metric": metric, "models": models, "value": str(value), **options})


BOTH, FINETUNE = ["solar", "glm"], ["intellect", "glm"]
NORM, NORMS = ["norm attention"], ["norm attention", "norm ffn"]
R, C, N = "reproduced", "contradicted", "not checkable"
CLAIMS = (
    claimed(R, "cosine", BOTH, "0.95", False, tensors=NORM),  # true, and shows nothing: the founding mistake
    claimed(R, "cosine", BOTH, "0.95", False, tensors=NORM, bound="above", layers=[9]),
    claimed(C, "cosine", BOTH, "0.90", False, tensors=NORM, bound="below", layers=[9]),
    claimed(C, "cosine", BOTH, "0.80", False, tensors=NORM),
    claimed(R, "centred_cosine", BOTH, "0.03", False, tensors=NORM),
    claimed(R, "centred_cosine", FINETUNE, "1.00", True, tensors=NORMS),
    claimed(C, "centred_cosine", BOTH, "0.95", False, tensors=NORM),
    claimed(R, "mean_abs_difference", BOTH, "0.28", False, tensors=NORM, layers={"solar": [3], "glm": [6]}),
    claimed(C, "mean_abs_difference", BOTH, "0.01", False, tensors=NORM, layers=[9]),
    claimed(C, "cosine_z", BOTH, "485", False, tensors=NORM),
    claimed(C, "within_cosine", ["solar"], "0.377", False, tensors=NORM),
    claimed(R, "cosine", BOTH, "0.001", False, tensors=["k", "v"]),
    claimed(R, "cosine", BOTH, "0.004", False, tensors=["router"]),
    claimed(C, "cosine", BOTH, "0.500", False, tensors=["up routed"]),
    claimed(R, "centred_cosine", FINETUNE, "1.000", True, tensors=["q"]),
    claimed(N, "cosine", BOTH, "0.5", tensors=["o"]),  # 64 and 96 columns
    claimed(C, "relation", BOTH, "derived"),
    claimed(R, "relation", BOTH, "unrelated"),
    claimed(R, "relation", FINETUNE, "related"),
    claimed(R, "relation", FINETUNE, "derived"),
    claimed(C, "relation", FINETUNE, "unrelated"),
    claimed(R, "config", ["solar"], "4", key="num_attention_heads"),
    claimed(C, "config", ["solar"], "5", key="num_attention_heads"),
    claimed(R, "config", ["glm"], "yes", key="attention_bias"),
    claimed(N, "config", ["glm"], "yes", key="sliding_window"),
    claimed(R, "settings_compared", BOTH, "12"),
    claimed(C, "settings_equal", BOTH, "9"),
    claimed(R, "parameters", ["solar"], "6144", part="q", layers=[0]),
    claimed(C, "parameters", ["solar"], "6145", part="q", layers=[0]),
    claimed(R, "parameters", ["glm"], "18432", part="one expert", layers=[2]),
    claimed(R, "parameters", ["glm"], "73728", part="routed experts", layers=[2]),
    claimed(N, "parameters", ["phi"], "1", part="shared experts"),
    claimed(R, "shared_tokens", BOTH, "400", False),
    claimed(C, "shared_share", BOTH, "0.53", False, of="glm"),
    claimed(R, "equal_ids", BOTH, "1", False),
    claimed(R, "id_correlation", BOTH, "-1.00"),
    claimed(R, "embedding_cosine", BOTH, "-0.001", False),
    claimed(R, "embedding_cosine", FINETUNE, "1.00", True),
    claimed(R, "embedding_above", BOTH, "0", False),
    claimed(C, "embedding_above", FINETUNE, "0", True),
    claimed(R, "vocabulary_size", ["solar"], "520"),
    claimed(R, "ids_from", ["solar"], "100", from_=420),
    claimed(R, "class_tokens", ["solar"], "100", from_=420, class_="CJK + Korean"),
    claimed(C, "class_share", ["solar"], "0.479", from_=420, class_="CJK + Korean"),
    claimed(N, "class_tokens", ["solar"], "1", from_=420, class_="runes"),
    claimed(R, "first_special", ["solar"], "20"),
    claimed(R, "token_at", ["glm"], "!", id=0),
    claimed(C, "token_at", ["solar"], "!", id=0),
    claimed(N, "merge_weight", BOTH, "0.571"),
    claimed(R, "change_spread", FINETUNE, "0", False),
    claimed(R, "change_spread", BOTH, "0", False),  # true of unrelated models too, whose matrices are as large
    claimed(C, "change_spread", FINETUNE, "0.5", False),
)
