"""A line of a table of names, and the table of one framework.

A line is (name, name in Hugging Face transformers, what is done to the tensor). Names are whole dotted parts, `#` is a
number, numbers keep their order, `#-1` is the one before; a last part `weight` or `bias`, or a statistic of a batch
norm, is left out of a line that holds for all of them, and `experts.weight1` is written as `experts.1`. What stands
before a name (`module.`, `model.`) stays before it.

| done           | to the tensor                                                                           |
| `pairs.q`, `pairs.k` | rows of a head rotate as neighbours (x0, x1), as in Meta's code; put in halves    |
| `pairs.64`     | the same of heads of 64 rows, whatever the config says                                  |
| `unbiased.q`, `unbiased.k` | the same where no bias stands beside it: torchtune's Qwen 2 has halves    |
| `groups`       | for every head of k: the heads of q that share it, its k, its v; split                  |
| `stacked`      | all of q, then k, then v; split                                                         |
| `stacked.pairs` | the same, and rows of a head of q and k rotate as neighbours                           |
| `thirds`       | q, k and v of equal height; `?` in the name is the letter of each                       |
|                | and `??` its word: query, key, value; so in the next ones                               |
| `thirds.mlp`   | the same, with the rows of the FFN behind them                                          |
| `by_output`    | q as high as the output is wide, then k and v of equal height; `?` is the letter of each |
| `halves`       | k and v of equal height; `?` in the name is the letter of each                          |
| `swapped`      | scale, then shift, where Hugging Face has shift, then scale                             |
| `swapped.twice` | the same, where it has twice the rows that it has columns                              |
| `quarters`     | four parts of equal height, the first and third in one, the others in another; `?` in   |
|                | the name is 1 and 2                                                                     |
| `alternating`  | of every expert, whose number is `@`: rows of gate and up that take turns; `?` is which |
| `up_gate`      | the same, all rows of up, then those of gate                                            |
| `gate_up`      | gate, then up, where it has twice the rows that `down` has columns; else it is up, and  |
|                | gate where up stands beside it                                                          |
| `gate_and_up`  | gate and up, each stored as [in, out], in one tensor [2, in, out]; `?` is their name     |
| `transposed`   | stored as [in, out]                                                                     |
| `transposed.depthwise` | stored as [width, out], which is [out, 1, width] elsewhere                      |
| `flat`         | [1, 1, n] or [n, 1, 1] as a vector                                                      |
| `pointwise`    | a convolution [out, in, 1] as the matrix [out, in]                                      |
| `kernel_last`  | [out, width, in], as MLX has convolutions, which is [out, in, width] elsewhere          |
| `experts`      | experts side by side, or one below another, in one matrix: [experts, in, out]           |
| `expert_rows`  | experts one below another, each [out, in] and a matrix of its own; `@` is its number    |
| `expert_rows.transposed` | the same, each stored as [in, out]                                            |
| `dense`        | stored as [in, out, ...], whose last axes are one; `dense.last`: [in, ..., out]         |
| `unfolded`     | columns of four neighbours, as `Unfold` has them, which Swin has one behind another     |
| `rows`         | matrices on an axis of their own, [n, out, in], one below another                       |
| `below`        | the last number counts matrices of one shape, which are one below another               |
"""

from __future__ import annotations

from dataclasses import dataclass

Lines = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Framework:
    """One way to name tensors. It is known by names that end like all of `marks` (of a tuple, like one of it).

    `unless` are names that it does not have: another framework, or a version with another order of rows. `head` is the
    size of a head in all that is published, for files beside which no config stands.
    """

    name: str
    marks: tuple[str | tuple[str, ...], ...]
    lines: Lines
    unless: tuple[str, ...] = ()
    head: int = 0


def inside(stack: str, layer: str, lines: str) -> Lines:
    """The lines of one layer, written as `name -> name` or `name -> name : done`."""
    found = []
    for line in filter(str.strip, lines.splitlines()):
        ours, _, rest = line.strip().partition(" -> ")
        theirs, _, done = rest.partition(" : ")
        found.append((stack + ours.strip(), layer + theirs.strip(), done.strip()))
    return tuple(found)
