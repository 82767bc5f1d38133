"""`forebear.toml`: where it is read from, and what a wrong one says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from forebear.registry.cli.settings import read_settings

from ..conftest import Run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's config folder without a file, and no registry in the environment."""
    monkeypatch.delenv("FOREBEAR_REGISTRY")
    monkeypatch.delenv("FOREBEAR_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "config" / "forebear").mkdir(parents=True)
    return tmp_path / "config" / "forebear"


def write(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


def test_the_file_of_the_users_config_folder_names_the_registry(run: Run, home: Path, zoo_registry: Path) -> None:
    write(home / "forebear.toml", f"registry = '{zoo_registry}'")
    assert "17 models in" in run("list").err


def test_a_relative_registry_is_one_from_the_files_folder(
    run: Run, home: Path, zoo_registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(zoo_registry, home / "here.duckdb")
    write(home / "forebear.toml", "registry = 'here.duckdb'")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert "17 models in" in run("list").err and not [*Path().iterdir()]
    monkeypatch.chdir(home)
    assert "17 models in" in run("--config", "forebear.toml", "list").err
    assert read_settings(str(write(home / "lake.toml", "registry = 'ducklake:x'"))).registry == "ducklake:x"


def test_options_and_the_environment_go_before_the_file(
    run: Run, home: Path, zoo_registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home / "forebear.toml", f"registry = '{tmp_path / 'none.duckdb'}'")
    assert run("list").code == 1
    assert run("list", "--registry", zoo_registry).code == 0
    monkeypatch.setenv("FOREBEAR_REGISTRY", str(zoo_registry))
    assert run("list").code == 0


def test_a_file_in_the_working_folder_is_not_read(
    run: Run, home: Path, zoo_registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = write(tmp_path / "forebear.toml", f"registry = '{zoo_registry}'")
    monkeypatch.chdir(tmp_path)
    assert run("list").code == 1
    assert run("--config", stranger, "list").code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("registry = 3", "registry is not a path in quotes"),
        ("token = 'hf_x'", "'token' is no setting"),
        ("registry", "no TOML"),
        ("a" * 70_000, "more than 65536 bytes"),
    ],
)
def test_a_file_that_is_wrong_says_what_is(run: Run, home: Path, text: str, said: str) -> None:
    file = write(home / "forebear.toml", text)
    ran = run("list")
    assert (ran.code, str(file) in ran.err, said in ran.err) == (1, True, True), ran.err


def test_a_file_that_is_named_has_to_be_there(
    run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOREBEAR_CONFIG", str(tmp_path / "none.toml"))
    ran = run("list")
    assert (ran.code, "no such file" in ran.err) == (1, True)
