"""The code's version: the commit of a checkout that keeps the file, nothing where git does not keep it."""

from __future__ import annotations

import os
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from tradewire.backtest.report import code_version as module
from tradewire.backtest.report.code_version import code_version, commit_of


def git(folder: Path, *words: str) -> str:
    named = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(folder), *named, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=kept).stdout.strip()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of a checkout with one commit."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "part").mkdir()
    (tmp_path / "other.py").write_text("1\n")
    path = tmp_path / "part/source.py"
    path.write_text("1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "First")
    return path


def test_a_clean_checkout_is_its_commit(source: Path) -> None:
    (source.parent / "notes.txt").write_text("kept by nobody")

    assert commit_of(source) == git(source.parent, "rev-parse", "HEAD")


def test_a_change_anywhere_in_the_checkout_makes_it_dirty(source: Path) -> None:
    (source.parents[1] / "other.py").write_text("2\n")

    assert commit_of(source) == git(source.parent, "rev-parse", "HEAD") + "+dirty"


def test_an_installed_file_inside_somebody_elses_checkout_has_no_commit(source: Path) -> None:
    installed = source.parent / "site.py"
    installed.write_text("1\n")

    assert commit_of(installed) is None


def test_variables_of_another_repository_change_nothing(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(source.parent / "none"))

    assert commit_of(source) == git(source.parent, "rev-parse", "HEAD")


def test_without_git_there_is_no_commit_and_the_release_stands_for_it(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(source.parent))
    monkeypatch.setattr(module, "_SOURCE", source)

    assert commit_of(source) is None
    assert code_version.__wrapped__() == metadata.version("tradewire-backtest")
