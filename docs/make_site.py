"""Stages the pages of the documentation site, and checks what was built: `make docs-site`.

Pages of docs/ go as they are, those that stand elsewhere (README.md, CHANGELOG.md, ...) under names of their own. Links
between them are kept; a link into the code keeps its words alone, as the site does not hold the code.
"""

from __future__ import annotations

import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

ROOT = Path(__file__).parents[1]
ELSEWHERE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "benchmarks/RESULTS.md": "results.md",
    "benchmarks/calibration.svg": "calibration.svg",
}
"""Pages and pictures that stand outside of docs/, and their names in the site."""
COPIED = {".md", ".png", ".json", ".csv", ".ipynb"}
"""Endings of the files of docs/ that the site holds."""
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\((?!https?:|mailto:|#)([^)\s#]*)(#[^)\s]*)?\)")
_FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""Elements that a browser loads something for, and by which attribute."""


def site_files() -> dict[str, Path]:
    """Name in the site -> file of the checkout."""
    found = {name: ROOT / path for path, name in ELSEWHERE.items()}
    docs = ROOT / "docs"
    for path in sorted(docs.rglob("*")):
        if path.suffix in COPIED and "__pycache__" not in path.parts:
            found[path.relative_to(docs).as_posix()] = path
    return found


def staged(text: str, name: str, path: Path, files: dict[str, Path]) -> str:
    """A page as the site has it: every link to a file of the site by its name there, others as their words."""
    names = {file.relative_to(ROOT).as_posix(): target for target, file in files.items()}
    place = path.relative_to(ROOT).parent.as_posix()

    def link(match: re.Match[str]) -> str:
        mark, words, target, anchor = match.groups()
        wanted = names.get(normpath(str(PurePosixPath(place) / target)))
        if wanted is None:
            return words if not mark else match.group(0)
        return f"{mark}[{words}]({relpath(wanted, str(PurePosixPath(name).parent))}{anchor or ''})"

    parts = re.split(r"(^```.*?^```[^\n]*$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else _LINK.sub(link, part) for part in parts)


def stage(folder: Path) -> None:
    """Write all pages below an empty `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    files = site_files()
    for name, path in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            (folder / name).write_text(staged(path.read_text(encoding="utf-8"), name, path, files), encoding="utf-8")
        else:
            shutil.copyfile(path, folder / name)


class _Loads(HTMLParser):
    """Collects what a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the address of an element that is fetched; links to other pages are not."""
        held = dict(attrs)
        if tag == "link" and held.get("rel") in {"canonical", "next", "prev", "alternate"}:
            return
        if address := held.get(_FETCHED.get(tag, "")):
            self.found.append(address)


def foreign(page: str) -> list[str]:
    """Addresses of other hosts that a page makes a browser fetch."""
    reader = _Loads()
    reader.feed(page)
    return [address for address in reader.found if re.match(r"[a-z]*:?//", address)]


def check(folder: Path) -> list[str]:
    """What is wrong with a site that was built: pages or styles that ask other hosts for something."""
    wrong = []
    for path in sorted(folder.rglob("*.html")):
        wrong += [f"{path.name} loads {address}" for address in foreign(path.read_text(encoding="utf-8"))]
    for path in sorted(folder.rglob("*.css")):
        asked = re.findall(r"(?:url\(|@import )[\"']?((?:https?:)?//[^)\"']*)", path.read_text(encoding="utf-8"))
        wrong += [f"{path.name} loads {address}" for address in asked]
    return wrong


def main() -> int:
    """Stage, or check what was built: `python -m docs.make_site stage|check FOLDER`."""
    what, folder = sys.argv[1], Path(sys.argv[2])
    if what == "stage":
        stage(folder)
        return 0
    wrong = check(folder)
    print("\n".join(wrong) if wrong else f"{len(list(folder.rglob('*.html')))} pages, nothing of another host")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
