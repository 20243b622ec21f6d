"""A server that stops answering is told by every signal while it is away, and by none once it is back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import httpx
import psutil
import pytest
from tests.e2e.slices import kept_replay

from tradewire.app.cli import main
from tradewire.app.cli.output import Exit
from tradewire.embedded import StackPaths, read_state
from tradewire.embedded.freezing import freeze, thaw
from tradewire.embedded.platform_state import read_platform
from tradewire.embedded.service_processes import SERVICES

pytestmark = pytest.mark.timeout(1800)
WITH_DATABASE = ("strategy", "risk", "execution", "telemetry")
SERVERS = {"kafka": SERVICES, "registry": SERVICES, "postgres": WITH_DATABASE}
"""Server → services that can't do without it."""


class Platform:
    """A platform that is kept on real servers."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self._capsys = root, capsys

    def exit_code(self, command: str) -> int:
        """Of a command that asks how it is."""
        return main([command, "--root", str(self.root), "--json"])

    def said(self, command: str) -> str:
        """What it answers, as text."""
        self._capsys.readouterr()
        main([command, "--root", str(self.root), "--json"])
        return json.dumps(json.loads(self._capsys.readouterr().out))

    def probe(self, service: str, name: str) -> int:
        """Status of a service's probe."""
        state = read_platform(self.root)
        assert state is not None
        return httpx.get(f"{state.services[service].url}/health/{name}", timeout=60).status_code

    @contextmanager
    def frozen(self, server: str) -> Iterator[None]:
        """A server that takes connections and does not answer: the process and those it forked."""
        state = read_state(StackPaths.under(self.root))
        assert state is not None
        first = psutil.Process(state.servers[server][0].pid)
        processes = [first.pid, *(child.pid for child in first.children(recursive=True))]
        for pid in processes:
            freeze(pid)
        try:
            yield
        finally:
            for pid in processes:
                thaw(pid)

    def until_well(self) -> None:
        """Wait until everything works; pytest's timeout bounds it."""
        while self.exit_code("status") != Exit.DONE or self.exit_code("lag") != Exit.DONE:
            Event().wait(0.5)


@pytest.fixture(scope="module")
def kept(run_roots: Path) -> Iterator[Path]:
    """``tradewire up`` on a slow replay."""
    with kept_replay(run_roots / "away", bars_per_second=1) as root:
        yield root


@pytest.mark.parametrize("server", SERVERS)
def test_server_that_does_not_answer_is_told_by_every_signal(
    server: str, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    platform = Platform(kept, capsys)
    platform.until_well()
    with platform.frozen(server):
        for service in SERVERS[server]:
            while platform.probe(service, "ready") != httpx.codes.SERVICE_UNAVAILABLE:
                Event().wait(0.5)
        while platform.exit_code("status") == Exit.DONE:
            Event().wait(0.5)
        while platform.exit_code("lag") == Exit.DONE:
            Event().wait(0.5)
        assert "unreachable" in platform.said("status")
        assert [platform.probe(service, "live") for service in SERVICES] == [httpx.codes.OK] * len(SERVICES)
    platform.until_well()
