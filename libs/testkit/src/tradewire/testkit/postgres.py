"""A real Postgres for tests: ``pytest_plugins = ["tradewire.testkit.postgres"]`` in a test module."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradewire.embedded import Stack, StackPaths


class PostgresServer:
    """One server that tests share; they use databases of their own, and bring back what they kill."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def new_database(self) -> str:
        """DSN of an empty database."""
        return self._stack.postgres_dsn(f"t{uuid.uuid4().hex}")

    def kill(self) -> None:
        """End it as a crash would."""
        self._stack.kill("postgres")

    def start(self) -> None:
        """Start it again, on the same port and data; returns when it serves."""
        self._stack.restart("postgres")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Started once per test run in a folder of its own."""
    root = Path(tempfile.mkdtemp(prefix="tradewire-postgres-"))
    try:
        with Stack(StackPaths.under(root), kafka=False, registry=False) as stack:
            stack.start()
            yield PostgresServer(stack)
    finally:
        shutil.rmtree(root, ignore_errors=True)
