"""What ``status`` says of a service's process: how it is now, and how an earlier one ended as history."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tradewire.app.inspecting.service_status import ServiceStatus, service_problems, services_of
from tradewire.embedded.freezing import freeze
from tradewire.embedded.platform_state import PlatformPhase, PlatformState, ServiceState
from tradewire.embedded.process_mark import ProcessMark
from tradewire.testkit.manual_clock import ManualClock

KILLED = "ended by SIGKILL"
NOBODY = "http://127.0.0.1:1"
"""A port on which nobody listens."""


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing."""
    with subprocess.Popen([sys.executable, "-S", "-c", "import signal; signal.pause()"]) as started:
        yield started
        started.kill()


async def told(mark: ProcessMark | None, *, url: str | None = NOBODY, loop: bool = False) -> tuple[ServiceStatus, str]:
    """The status of risk, which was killed before, and what is said to be wrong with it."""
    risk = ServiceState(mark, url, 2, "logs/risk", loop, KILLED)
    platform = PlatformState(ProcessMark.of(1), PlatformPhase.RUNNING, "", {"risk": risk})
    (found,) = await services_of(platform, None, ManualClock())
    return found, " | ".join(service_problems([found]))


async def test_service_that_is_frozen_after_a_kill_is_told_as_frozen(process: subprocess.Popen[bytes]) -> None:
    mark = ProcessMark.of(process.pid)
    freeze(process.pid)
    found, problem = await told(mark)
    frozen = f"process {process.pid} is frozen (SIGSTOP): kill -CONT {process.pid} lets it go on"
    assert (found.pid, found.health, found.last_error) == (process.pid, "no answer", frozen)
    assert problem == f"risk does not answer: {frozen}; an earlier process {KILLED}"
    _, problem = await told(mark, loop=True)
    assert "risk is in a crash loop: started 2 times; it ended by SIGKILL" in problem


async def test_service_that_runs_and_can_not_be_asked_is_told_as_such(process: subprocess.Popen[bytes]) -> None:
    found, problem = await told(ProcessMark.of(process.pid))
    assert str(found.last_error).startswith("it runs, and could not be asked: ConnectError")
    assert problem.endswith(f"; an earlier process {KILLED}")
    found, _ = await told(ProcessMark.of(process.pid), url=None)
    assert found.last_error == "it has just started: its HTTP server does not listen yet"


async def test_service_that_does_not_run_is_down_and_says_how_it_ended(process: subprocess.Popen[bytes]) -> None:
    mark = ProcessMark.of(process.pid)
    process.kill()
    process.wait()
    found, problem = await told(mark)
    assert (found.pid, found.health) == (None, "down")
    assert problem == f"risk is down: it {KILLED}"
    assert (await told(None))[1] == problem
