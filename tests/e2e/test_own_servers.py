"""`tradewire up` on servers that are the user's own: they are used as they are, and are still there afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import httpx
import pytest
from tests.e2e.slices import ROOT

from tradewire.app.cli import main
from tradewire.app.cli.output import Exit
from tradewire.embedded import Stack, StackPaths, fetch, read_state
from tradewire.embedded.platform_state import read_platform

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def servers(run_roots: Path) -> Iterator[Stack]:
    """A Kafka of one broker, a Postgres and a registry, as somebody else runs them."""
    paths = StackPaths.under(run_roots / "theirs")
    fetch(paths)
    with Stack(paths) as stack:
        stack.start()
        yield stack


@pytest.fixture
def at_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder with the sample."""
    monkeypatch.chdir(ROOT)


def test_platform_on_servers_of_ones_own_trades_and_leaves_them_running(
    servers: Stack, run_root: Path, at_root: None, capsys: pytest.CaptureFixture[str]
) -> None:
    bus, registry = f"kafka://{servers.bootstrap_servers}", servers.registry_url
    dsns = [
        word
        for name in ("strategy", "risk", "execution", "telemetry")
        for word in ("--dsn", f"{name}={servers.postgres_dsn(name)}")
    ]
    up = ["up", "--market", "replay", "--bars-per-second", "5", "--bus", bus, "--registry", registry, *dsns]
    root = ["--root", str(run_root)]

    assert main([*up, *root]) != Exit.DONE, "one broker can't keep three copies"
    assert "tradewire topics apply" in capsys.readouterr().err
    assert main(["topics", "apply", "--bus", bus, "--replication", "1"]) == Exit.DONE
    try:
        assert main([*up, *root]) == Exit.DONE
        state, platform = read_state(StackPaths.under(run_root)), read_platform(run_root)
        assert state is None or state.servers == {}, state
        assert platform is not None
        risk = platform.services["risk"].url
        capsys.readouterr()
        while not handled(f"{risk}/metrics"):
            Event().wait(0.5)
    finally:
        main(["down", *root])
    assert servers.dead() == ()
    assert os.path.exists(f"/proc/{servers.pid('kafka')}")


def handled(url: str) -> bool:
    """Whether the service has handled a record."""
    lines = httpx.get(url, timeout=60).text.splitlines()
    return any(
        line.startswith("tradewire_messages_processed_total{")
        and 'outcome="ok"' in line
        and float(line.split()[-1]) > 0
        for line in lines
    )
