"""Whole runs on real servers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def run_roots() -> Iterator[Path]:
    """Where runs have their servers. Not below pytest's own folder, which every other session of the same user closes
    to the user that PostgreSQL runs as.
    """
    with tempfile.TemporaryDirectory(prefix="tradewire-e2e-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def run_root(run_roots: Path) -> Path:
    """A folder of its own for a run's servers."""
    return Path(tempfile.mkdtemp(dir=run_roots))
