"""What `import forebear` and `python -m forebear` give, and what they cost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import forebear
from forebear.registry.version import forebear_version

ZOO = Path(__file__).parent / "zoo" / "models"


def test_the_package_gives_the_registry_the_version_and_compare() -> None:
    assert set(forebear.__all__) <= set(dir(forebear))
    assert forebear.__version__ == forebear_version()
    assert forebear.Registry.__name__ == "Registry"
    with pytest.raises(AttributeError, match="no attribute 'descendants'"):
        _ = forebear.descendants


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import json, sys, forebear; forebear.__version__; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"duckdb", "numpy", "scipy", "pyarrow", "rich", "typer"} & set(json.loads(ran.stdout))


def test_the_registry_itself_needs_neither_numpy_nor_scipy() -> None:
    code = "import json, sys, forebear; forebear.Registry; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "scipy", "pyarrow"} & set(json.loads(ran.stdout))


def test_the_package_runs_as_the_command() -> None:
    ran = subprocess.run([sys.executable, "-m", "forebear", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout == f"forebear {forebear_version()}\n"


def test_two_sources_are_compared_without_a_registry() -> None:
    found = forebear.compare(ZOO / "alder", ZOO / "alder-docs")
    assert "of one lineage" in found.sentence
    assert not found.trusted
