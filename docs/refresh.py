"""Every output in README and docs/ as the commands print it today: `make docs`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.docs.blocks import ROOT, pages
from tests.docs.running import run_page
from tests.docs.session import Session


def refresh(paths: list[Path]) -> int:
    """Run the blocks of the pages and write the pages whose output has changed; how many there were."""
    changed = 0
    with tempfile.TemporaryDirectory(prefix="forebear-docs-") as folder, Session(Path(folder) / "checkout") as session:
        for path in paths:
            page = run_page(path, session)
            if page.differences:
                path.write_text(page.text, encoding="utf-8")
                changed += 1
            said = f"{len(page.differences)} of its outputs changed" if page.differences else "as it was"
            print(f"{path.relative_to(ROOT)}: {page.blocks} blocks, {said}", file=sys.stderr)
    return changed


if __name__ == "__main__":
    refresh([Path(name).resolve() for name in sys.argv[1:]] or pages())
