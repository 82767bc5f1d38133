"""The small text that Git keeps of a large file: what a clone without git-lfs has in the file's place.

Source: the pointer specification of Git LFS, version 1: a `version` line first, at most 1024 bytes.
Pointers made before its first release name hawser.github.com, its name at that time.
"""

from __future__ import annotations

import re

_BEGINS = (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")
_SIZE = re.compile(rb"^size (\d{1,18})\r?$", re.M)


def lfs_pointer(head: bytes) -> str | None:
    """What is to be said of a file that begins with `head`, when it is such a pointer; None for any other."""
    if not head.startswith(_BEGINS):
        return None
    size = _SIZE.search(head)
    of = f" of {int(size[1])} bytes" if size else ""
    return f"a Git LFS pointer, not the file{of}: run `git lfs pull` in its folder, or download the file itself"
