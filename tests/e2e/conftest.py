"""Whole runs on real servers."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.slices import first_weeks

from tradewire.app.operating.monolith import Scenario, run_monolith
from tradewire.app.operating.watch import RunResult


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


@pytest.fixture(scope="session")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """The first weeks of the hourly sample."""
    return first_weeks(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def undisturbed(scenario: Scenario) -> RunResult:
    """What the slice comes to when nothing goes wrong."""
    result = asyncio.run(run_monolith(scenario))
    assert result.fills > 5
    return result
