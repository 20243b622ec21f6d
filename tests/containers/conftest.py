"""Tests of the images that `make images` built; collected with ``--servers containers`` only."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without a Docker engine asked for, these are no tests of this run."""
    return True if config.getoption("servers") != "containers" else None
