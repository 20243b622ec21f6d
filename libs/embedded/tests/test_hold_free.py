"""Nothing is removed from under a platform that runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tradewire.embedded import StackPaths
from tradewire.embedded.hold_free import held
from tradewire.embedded.lock import FolderLock

MAKEFILE = Path(__file__).parents[3] / "Makefile"


def make_clean(folder: Path) -> subprocess.CompletedProcess[str]:
    """What `make clean` says in a folder whose virtual environment is ours."""
    (folder / ".venv/bin").mkdir(parents=True, exist_ok=True)
    python = folder / ".venv/bin/python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    command = ["make", "-f", str(MAKEFILE), "clean"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ})


def test_make_clean_while_a_platform_runs_then_refused_with_its_folder_and_done_once_it_ended(tmp_path: Path) -> None:
    paths = StackPaths.under(tmp_path / ".tradewire/up")
    paths.root.mkdir(parents=True)
    lock = FolderLock(paths.lock_file, root=paths.root)
    lock.acquire()
    try:
        refused = make_clean(tmp_path)
    finally:
        lock.release()
    assert refused.returncode != 0
    assert "a platform runs in .tradewire/up: end it with `tradewire down --root .tradewire/up`" in refused.stderr
    assert paths.root.is_dir()
    assert make_clean(tmp_path).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_held_when_there_is_no_such_folder_then_nothing(tmp_path: Path) -> None:
    assert held(tmp_path / "nowhere") == []
