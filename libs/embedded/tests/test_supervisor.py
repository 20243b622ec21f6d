"""When a service that died is started again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tradewire.embedded import Stack, StackPaths, supervisor
from tradewire.embedded.service_processes import ServiceProcess
from tradewire.embedded.supervisor import LOOP_DEATHS, STEADY_SECONDS, Restarts, Supervisor
from tradewire.testkit.manual_clock import ManualClock


def test_service_that_ends_by_itself_again_and_again_is_in_a_crash_loop_until_it_runs_for_a_while() -> None:
    restarts = Restarts()
    for death in range(LOOP_DEATHS):
        assert not restarts.is_loop(float(death))
        restarts.started(float(death))
        restarts.died(death + 0.5)
    assert restarts.is_loop(LOOP_DEATHS)
    restarts.started(LOOP_DEATHS)
    assert restarts.is_loop(LOOP_DEATHS + STEADY_SECONDS - 1)
    assert not restarts.is_loop(LOOP_DEATHS + STEADY_SECONDS)


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"TRADEWIRE_BUS_URL": "nowhere://x"}, "ended with exit code 2: TRADEWIRE_BUS_URL: "),
        (
            {"TRADEWIRE_BUS_URL": "memory:", "TRADEWIRE_HTTP_HOST": "no.such.host.invalid"},
            "ended with exit code 1: TRADEWIRE_HTTP_PORT: can't listen",
        ),
    ],
)
def test_service_that_ended_by_itself_says_why(tmp_path: Path, environment: dict[str, str], why: str) -> None:
    service = ServiceProcess("risk", environment, tmp_path)
    assert service.why_ended() == ""
    service.start()
    assert service._process is not None
    service._process.wait()
    assert service.why_ended().startswith(why)


def test_service_that_was_killed_says_by_what(tmp_path: Path) -> None:
    service = ServiceProcess("risk", {"TRADEWIRE_BUS_URL": "kafka://127.0.0.1:1"}, tmp_path)
    service.start()
    service.kill()
    assert service.why_ended() == "ended by SIGKILL"


class Scripted(ServiceProcess):
    """Runs a line of Python in place of a service."""

    def __init__(self, service: str, line: str, logs: Path) -> None:
        super().__init__(service, {}, logs)
        self._line = line

    def start(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-S", "-c", self._line])
        self.starts += 1


HANGS, ENDS = "import signal; signal.pause()", "raise SystemExit(1)"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("lines", [{"risk": HANGS, "execution": ENDS}, {"risk": ENDS}, {"risk": HANGS}])
@pytest.mark.parametrize("loop_s", [supervisor.LOOP_SECONDS, 0.0])
async def test_start_is_given_up_when_one_service_hangs_and_another_ends_again_and_again(
    lines: Mapping[str, str], loop_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "LOOP_SECONDS", loop_s)  # 0: ends too seldom to be called a loop
    clock, said = ManualClock(), list[str]()
    services = [Scripted(name, line, tmp_path) for name, line in lines.items()]
    supervised = Supervisor(services, Stack(StackPaths.under(tmp_path)), clock, said.append)
    supervised.start()
    supervising = asyncio.create_task(supervised.supervise(lambda: clock.advance(seconds=10)))
    try:
        assert await supervised.until_ready(400.0) == list(lines)
    finally:
        supervising.cancel()
        await asyncio.gather(supervising, return_exceptions=True)
        for service in services:
            service.kill()


@pytest.mark.timeout(60)
async def test_service_that_is_frozen_is_told_once_and_not_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LOOK_SECONDS", 0.01)
    said, looks = list[str](), asyncio.Queue[None]()
    service = Scripted("risk", HANGS, tmp_path)
    supervised = Supervisor([service], Stack(StackPaths.under(tmp_path)), ManualClock(), said.append)
    supervised.start()
    pid = service.pid
    supervising = asyncio.create_task(supervised.supervise(lambda: looks.put_nowait(None)))
    try:
        for change in (service.freeze, service.thaw):
            change()
            before = len(said)
            while len(said) == before:
                await looks.get()
    finally:
        supervising.cancel()
        await asyncio.gather(supervising, return_exceptions=True)
        service.kill()
    assert said == [f"risk is frozen (SIGSTOP): kill -CONT {pid} lets it go on", "risk goes on"]
    assert service.starts == 1
