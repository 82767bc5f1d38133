"""Editions of the large zoo: the same recipes from other seeds, on other texts, under other names.

Edition 1 is the zoo that the rules of ranking may be improved on. Every other edition is a test of them that nobody has
looked at: its roots start from other random weights and see the data in another order, a third of the documents of each
domain is missing from it (another third in each edition), derivatives draw other permutations, rotations, masks and
noise, and other layers are dropped. What stays is what a category means: shapes, steps, learning rates, tokenizers.
"""

from __future__ import annotations

import zlib

FIRST = 1
OTHER_NAMES = {
    "oak": "acacia",
    "fir": "baobab",
    "yew": "cypress",
    "maple": "juniper",
    "hazel": "mulberry",
    "rowan": "sequoia",
    "linden": "sycamore",
    "poplar": "tamarind",
    "larch": "willow",
}


def name_of(root: str, edition: int) -> str:
    """The name that a root of the first edition has in another one: `oak`, `acacia2`, `acacia3`."""
    return root if edition == FIRST else f"{OTHER_NAMES[root]}{edition}"


def stranger_name(label: str, number: int, edition: int) -> str:
    """`stranger-base-07` in the first edition, `stranger2-base-07` in the second."""
    return f"stranger{'' if edition == FIRST else edition}-{label}-{number:02}"


def seed_of(name: str) -> int:
    """A seed that belongs to a name, stable over runs; names differ between editions, and so do all seeds."""
    return zlib.crc32(name.encode())


def initial_seed(seed: int, name: str, edition: int) -> int:
    """What a root's random weights are drawn from: its own number in the first edition, its name's in the others."""
    return seed if edition == FIRST else 200_000 + seed_of(name)


def keeps(domain: str, number: int, edition: int) -> bool:
    """Whether a document of a domain is in the texts of an edition: all in the first, two of three in the others."""
    return edition == FIRST or seed_of(f"{edition}:{domain}:{number}") % 3 != 0


def dropped_layers(layers: int, edition: int) -> set[int]:
    """The two layers that a depth-pruned derivative of a stack of `layers` lacks; never the first or the last."""
    if edition == FIRST:
        return {1, layers - 2}
    first = 1 + seed_of(f"{edition}:{layers}") % (layers - 3)
    return {first, first + 1 + seed_of(f"{layers}:{edition}") % (layers - 2 - first)}
