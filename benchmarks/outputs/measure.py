"""Precision and recall of kinship of behaviour on a zoo of known lineage: `python -m benchmarks.outputs.measure ZOO`.

Controls are roots, chosen by name. Pairs are of the other models: derived where the truth names one as a parent of the
other, unrelated where the roots differ.
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

from benchmarks.outputs.llama import encoded, next_token, tensors
from forebear.registry.outputs.comparing import compare_outputs
from forebear.registry.outputs.prompts import prompts

CONTROLS = ("larch", "maple")
"""Of the roots that the pass reads, named before a figure was seen; the roots that are left are asked about."""


def answers(folder: Path, count: int) -> dict[str, str]:
    """Prompt -> next token. KeyError for a model of another kind than this pass."""
    config = json.loads((folder / "config.json").read_text())
    if config.get("model_type") not in {"llama", "qwen2"} or "quantization_config" in config:
        raise KeyError(config.get("model_type"))
    ids = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    texts = {number: token for token, number in ids.items()}
    weights = tensors(folder / "model.safetensors")
    return {p: texts.get(next_token(weights, config, encoded(p, ids)), "") for p in prompts(count)}


def recorded(zoo: Path, names: list[str], count: int) -> dict[str, dict[str, str]]:
    """Of every model that the pass reads; the others are named."""
    found = {}
    for name in names:
        try:
            found[name] = answers(zoo / name, count)
        except (KeyError, OSError, ValueError, StopIteration) as error:
            print(f"not asked: {name} ({type(error).__name__} {error})")
    return found


def main(zoo: Path, count: int) -> None:
    """Print the counts."""
    truth = json.loads((zoo / "truth.json").read_text())["models"]
    found = recorded(zoo, sorted(n for n in truth if (zoo / n / "config.json").exists()), count)
    controls = [(name, found.pop(name)) for name in CONTROLS]
    told: dict[str, list[bool]] = {"derived": [], "unrelated": []}
    for a, b in itertools.combinations(sorted(found), 2):
        kind = "unrelated" if truth[a]["root"] != truth[b]["root"] else "derived"
        if kind == "derived" and a not in truth[b]["parents"] and b not in truth[a]["parents"]:
            continue
        pair = compare_outputs((a, found[a]), [(b, found[b])], controls)[0]
        told[kind].append(pair.alike)
        if pair.alike != (kind == "derived"):
            print(f"{kind}: {a} {b} {pair.agreement:.3f} control {pair.control_agreement:.3f} p {pair.row['p']:.2g}")
    right, wrong = sum(told["derived"]), sum(told["unrelated"])
    print(f"models {len(found)}, controls {len(controls)}, prompts {count}")
    print(f"recall {right}/{len(told['derived'])}, precision {right}/{right + wrong}")
    print(f"unrelated at p <= 0.01: {wrong}/{len(told['unrelated'])}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
