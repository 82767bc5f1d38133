"""Every command is documented and starts fast; the help needs no heavy library."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import Run

COMMANDS = (
    *("ingest", "watch", "ancestors", "descendants", "parts", "recipe", "compare", "case", "bench-public"),
    "audit",
    *("tree", "bom", "card"),
    *("list", "show", "remove"),
    *("mark", "sql", "serve", "mcp", "push", "pull", "export", "import", "demo"),
)
GROUPS = ("outputs",)
"""Names that hold commands of their own, which need no registry."""
DOCUMENTS = ("bom", "card")
"""Commands that write one document of another tool's format, and have no others."""
PRINTING = tuple(command for command in COMMANDS if command not in {*DOCUMENTS, "serve", "mcp"})
README = Path(__file__).parents[3] / "README.md"
HEAVY = {
    *("duckdb", "numpy", "pyarrow", "scipy", "rich", "huggingface_hub", "datasketch", "safetensors", "ml_dtypes"),
    *("gguf", "matplotlib", "jinja2", "starlette", "uvicorn", "mcp"),
}
HELP_NEEDS = {"typer", "shellingham", "annotated_doc"}
SLOW = ("importlib.metadata", "email", "http", "asyncio", "multiprocessing")
"""Of the standard library: each takes 10 to 40 ms, a tenth of the help."""
MODULES = 65
"""Of ours: a command brings one, and none of what it needs to run."""


def listed(text: str) -> list[str]:
    return re.findall(r"^  ([\w-]+) ", text.split("Commands:")[1].split("\n\n")[0], re.MULTILINE)


def test_the_help_lists_every_command_whole(run: Run) -> None:
    ran = run("--help")
    assert ran.code == 0
    assert sorted(listed(ran.out)) == sorted([*COMMANDS, *GROUPS])
    assert "..." not in ran.out.split("Commands:")[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_the_common_options(run: Run, command: str) -> None:
    text = run(command, "--help").out
    assert "--registry PATH" in text
    assert [line for line in text.splitlines() if len(line) > 80] == []
    if command in PRINTING:
        assert all(
            option in text
            for option in ("--format", "<table|json|jsonl|csv|parquet|html|md", "--output", "--verbose", "--quiet")
        )


def test_the_commands_for_outputs_print_as_others_do(run: Run) -> None:
    assert listed(run("outputs", "--help").out) == ["record", "prompts", "compare"]
    assert "--format" in run("outputs", "compare", "--help").out


def test_the_docs_and_the_help_name_the_same_commands() -> None:
    pages = (README, README.parent / "docs" / "commands.md")
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `forebear ")]
    table = {span.removeprefix("forebear ").split()[0] for row in rows for span in re.findall(r"`([^`]+)`", row)}
    used = set(re.findall(r"^\$ forebear (?:--registry \S+ )?([a-z]+)\b", text, re.MULTILINE))
    assert {*COMMANDS, *GROUPS} <= table
    assert table | used <= {*COMMANDS, *GROUPS}


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    text = "import sys, forebear.registry.cli; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    found = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout
    assert not HEAVY & set(found.split())


@pytest.mark.parametrize("command", [("list",), ("show", "cedar"), ("remove", "cedar")])
def test_what_only_looks_at_the_registry_loads_duckdb_and_no_numbers(
    command: tuple[str, ...], zoo_registry: Path, tmp_path: Path
) -> None:
    shutil.copy(zoo_registry, tmp_path / "registry.duckdb")
    text = (
        f"import sys; from forebear.registry.cli import main; code = main([*{command!r}, '--quiet']);"
        " print(code, *sorted({m.partition('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    environment = {**os.environ, "FOREBEAR_REGISTRY": str(tmp_path / "registry.duckdb")}
    ran = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, env=environment)
    code, *loaded = ran.stderr.split()
    assert code == "0"
    assert (HEAVY - {"rich"}) & set(loaded) == {"duckdb"}


def test_the_help_needs_the_library_it_is_made_with_and_few_modules_of_our_own() -> None:
    """What a person waits for, in counts: `make bench-startup` says the seconds."""
    text = (
        "import site, sys; from forebear.registry.cli import main; code = main(['--help']);"
        " files = {name: getattr(m, '__file__', None) or '' for name, m in sys.modules.items()};"
        " others = {n.partition('.')[0] for n, f in files.items() if f.startswith(tuple(site.getsitepackages()))};"
        " ours = [n for n in files if n.partition('.')[0] == 'forebear'];"
        " print(len(ours), *sorted(others | {*%r} & {*files}), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", text % (SLOW,)], capture_output=True, text=True, check=True)
    ours, *others = ran.stderr.split()
    assert {name for name in others if not name.startswith("_")} - {"forebear"} <= HELP_NEEDS
    assert int(ours) <= MODULES


def test_the_version_is_printed(run: Run) -> None:
    ran = run("--version")
    assert (ran.code, ran.out.startswith("forebear ")) == (0, True)


def test_no_command_is_a_usage_error_that_shows_the_help(run: Run) -> None:
    ran = run()
    assert (ran.code, ran.out) == (2, "")
    assert "Commands:" in ran.err


def test_the_public_names_are_all_there_and_no_others() -> None:
    import forebear.registry as package

    assert all(getattr(package, name).__name__ == name for name in package.__all__ if name != "Outcome")
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = package.Nothing


@pytest.mark.parametrize("place", ["before", "after", "environment"])
def test_the_registry_is_named_before_or_after_the_command_or_by_the_environment(
    run: Run, zoo_registry: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    option = ["--registry", zoo_registry]
    if place == "environment":
        monkeypatch.setenv("FOREBEAR_REGISTRY", os.fspath(zoo_registry))
    ran = run(*(option if place == "before" else []), "list", *(option if place == "after" else []))
    assert ran.code == 0
    assert "17 models in" in ran.err


@pytest.mark.parametrize(("asked", "threads"), [(None, 1), ("2", 2)])
def test_matrix_products_of_a_command_have_one_thread_unless_a_user_asks_for_more(
    asked: str | None, threads: int
) -> None:
    if (os.cpu_count() or 1) < 2 or not Path("/proc/self/task").exists():
        pytest.skip("one core has one thread, and not every system lists them")
    code = (
        "from forebear.registry.cli import main; import contextlib\n"
        "with contextlib.suppress(SystemExit): main(['--version'])\n"
        "import threading, numpy as np, pathlib; a = np.ones((2000, 2000)); a @ a\n"
        "print(len(list(pathlib.Path('/proc/self/task').iterdir())))"
    )
    environment = {k: v for k, v in os.environ.items() if k not in {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}}
    environment |= {"OPENBLAS_NUM_THREADS": asked} if asked else {}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert int(ran.stdout.split()[-1]) == threads
