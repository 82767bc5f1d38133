"""What other platforms take: the GitHub Action, the container file, the citation, the man page."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.make_man import PAGE, man_page
from forebear.registry import Registry

ROOT = Path(__file__).parent.parent
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]


def test_the_action_uses_no_other_action_and_puts_no_input_into_a_script() -> None:
    assert ACTION["runs"]["using"] == "composite"
    assert [set(step) & {"uses"} for step in STEPS] == [set()] * len(STEPS)
    assert {step["shell"] for step in STEPS} == {"bash"}
    assert all("${{" not in step["run"] for step in STEPS)  # an input is text of a stranger: by environment alone
    used = set(re.findall(r"inputs\.([\w-]+)", str(STEPS)))
    assert used == set(ACTION["inputs"])


@pytest.mark.parametrize(("fail_on", "code"), [("", 0), ("direction_unknown\nundeclared", 11)])
def test_the_audit_of_the_action_runs(zoo: Path, tmp_path: Path, fail_on: str, code: int) -> None:
    with Registry(tmp_path / "published.duckdb") as registry:
        registry.ingest(zoo / "alder")
        registry.push(tmp_path / "published")
    step = next(step for step in STEPS if step.get("id") == "audit")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "FOREBEAR_REGISTRY": str(tmp_path / "registry.duckdb"),
        "PULL": str(tmp_path / "published"),
        "MODELS": f"{zoo / 'alder-vocabulary'}\n{zoo / 'alder-4bit'}\n",
        "QUERY": "*",
        "FAIL_ON": fail_on,
        "SARIF": str(tmp_path / "found.sarif"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    ran = subprocess.run(["bash", "-c", step["run"]], env=environment, capture_output=True, text=True)
    assert ran.returncode == code, ran.stderr
    assert json.loads((tmp_path / "found.sarif").read_text(encoding="utf-8"))["version"] == "2.1.0"
    assert (tmp_path / "output").read_text(encoding="utf-8") == f"sarif={tmp_path / 'found.sarif'}\n"


def test_the_citation_is_that_of_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)  # what the format requires
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])


def test_the_man_page_is_that_of_the_help() -> None:
    assert PAGE.read_text(encoding="utf-8") == man_page(), "python -m docs.make_man writes it anew"


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_man_page_is_read_without_a_warning() -> None:
    ran = subprocess.run(["groff", "-man", "-ww", "-Tutf8", PAGE], capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    assert "--fail-on" in re.sub(r"\x1b\[[0-9;]*m|.\x08", "", ran.stdout)


def builder() -> str | None:
    """A program that builds containers, and whose daemon answers."""
    for name in ("podman", "docker"):
        if shutil.which(name) and subprocess.run([name, "info"], capture_output=True).returncode == 0:
            return name
    return None


@pytest.mark.container
def test_the_container_is_built_and_answers() -> None:
    name = builder()
    if name is None:
        pytest.skip("no docker or podman with a daemon")
    subprocess.run([name, "build", "--file", "Containerfile", "--tag", "forebear-test", "."], cwd=ROOT, check=True)
    ran = subprocess.run([name, "run", "--rm", "forebear-test", "demo", "--quiet"], capture_output=True, text=True)
    assert (ran.returncode, "alder-docs-tests" in ran.stdout) == (0, True)


def test_the_container_runs_nothing_as_root_and_takes_no_checkout_rubbish() -> None:
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    assert text.index("\nUSER forebear") < text.index("\nENTRYPOINT")
    assert "constraints.txt" in text
    ignored = (ROOT / ".containerignore").read_text(encoding="utf-8")
    assert ignored == (ROOT / ".dockerignore").read_text(encoding="utf-8") and ".git\n" in ignored
