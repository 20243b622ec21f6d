"""Real servers for tests: `pytest_plugins = ["tradewire.embedded.fixtures"]` in a test module or the root conftest."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradewire.embedded.jars import fetch
from tradewire.embedded.paths import StackPaths
from tradewire.embedded.stack import Stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Kafka, PostgreSQL and Redis, started once per test run in a folder of their own, empty at first.

    Tests share them: use topics, databases and keys of your own, and bring back what you stop. The registry is not
    started; ask for the fixture `registry_url` to have it.
    """
    root = Path(tempfile.mkdtemp(prefix="tradewire-stack-"))
    paths = StackPaths.under(root)
    try:
        fetch(paths, registry=False)
        with Stack(paths, redis=True) as servers:
            servers.start(later=["registry"])
            yield servers
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder for servers of a test's own. Each session of pytest closes pytest's folder to all other users anew,
    and PostgreSQL runs as another user where tests run as root."""
    with tempfile.TemporaryDirectory(prefix="tradewire-stack-") as path:
        yield Path(path).resolve()


@pytest.fixture(scope="session")
def registry_url(stack: Stack) -> str:
    """Base URL of the registry's Confluent API, started when a test first asks for it; keeps its schemas in `stack`."""
    fetch(stack.paths, registry=True)
    stack.restart("registry")
    return stack.registry_url
