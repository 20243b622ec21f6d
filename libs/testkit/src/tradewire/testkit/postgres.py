"""A real Postgres for tests: ``pytest_plugins = ["tradewire.testkit.postgres"]`` in a test module."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tradewire.embedded import Stack, StackPaths


class PostgresServer(Protocol):
    """One server that tests share; they use databases of their own, and bring back what they kill."""

    def new_database(self) -> str:
        """DSN of an empty database."""

    def kill(self) -> None:
        """End it as a crash would."""

    def start(self) -> None:
        """Start it again, on the same port and data; returns when it serves."""


class EmbeddedPostgres(PostgresServer):
    """That of the embedded stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def new_database(self) -> str:
        return self._stack.postgres_dsn(f"t{uuid.uuid4().hex}")

    def kill(self) -> None:
        self._stack.kill("postgres")

    def start(self) -> None:
        self._stack.restart("postgres")


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """Started once per test run: in a folder of its own, or in a container with ``--servers containers``."""
    if request.config.getoption("servers") == "containers":
        from tradewire.testkit.containers import ContainerPostgres

        server = ContainerPostgres()
        try:
            server.first_start()
            yield server
        finally:
            server.stop()
        return
    root = Path(tempfile.mkdtemp(prefix="tradewire-postgres-"))
    try:
        with Stack(StackPaths.under(root), kafka=False, registry=False) as stack:
            stack.start()
            yield EmbeddedPostgres(stack)
    finally:
        shutil.rmtree(root, ignore_errors=True)
