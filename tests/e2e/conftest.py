"""Whole runs on real servers."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def run_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of its own for a run's servers."""
    return tmp_path_factory.mktemp("run")
