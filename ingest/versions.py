"""What fingerprints are made with. Every registry records it; what was made otherwise is never compared.

Nothing is imported here: a command that only opens a registry needs no numpy.
"""

from __future__ import annotations

FINGERPRINT_VERSION = 2
"""Changes whenever any kept value would."""
MINHASH_SCHEME = "affine32"
MINHASH_SEED = 1
MINHASH_PERMUTATIONS = 64
