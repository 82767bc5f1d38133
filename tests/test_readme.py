"""The README's transcript is what the command prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forebear.registry.cli import app

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(
    r"<!-- the next block is checked by tests/test_readme.py -->\n```console\n\$ forebear (.*)\n((?:.*\n)*?)```"
)


@pytest.mark.skipif(not README.exists(), reason="the wheel has no README.md")
def test_the_transcript_is_what_the_command_prints(zoo_registry: Path) -> None:
    found = BLOCK.search(README.read_text(encoding="utf-8"))
    assert found
    printed = CliRunner().invoke(app, ["--registry", str(zoo_registry), *found[1].split()])
    assert printed.exit_code == 0
    assert [line.rstrip() for line in found[2].splitlines()] == [line.rstrip() for line in printed.stdout.splitlines()]
