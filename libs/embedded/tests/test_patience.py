"""A start is waited for as long as something moves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tradewire.embedded import service_processes
from tradewire.embedded.patience import QUIET_TIMES_MAX, Patience, cpu_seconds
from tradewire.embedded.service_processes import ServiceDiedError, ServiceProcess, until_ready
from tradewire.testkit.manual_clock import ManualClock


def test_patience_when_something_moves_then_lasts_and_ends_when_nothing_does() -> None:
    clock = ManualClock()
    patience = Patience(60.0, clock)
    for number in range(9):
        clock.advance(seconds=59.0)
        assert not patience.is_over(number)
    clock.advance(seconds=61.0)
    assert patience.is_over(8)
    assert patience.why == "did nothing for 61 s"


def test_patience_when_something_moves_for_ever_then_ends_too() -> None:
    clock = ManualClock()
    patience, looks = Patience(60.0, clock), 0
    while not patience.is_over(looks):
        clock.advance(seconds=30.0)
        looks += 1
    assert looks == 2 * QUIET_TIMES_MAX + 1
    assert patience.why == f"was at work for {60 * QUIET_TIMES_MAX + 30} s"


def test_service_when_it_works_and_tells_nothing_new_then_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_processes, "CPU_STEP_SECONDS", 1)
    service, report = Hanging("risk", {}, tmp_path, "while True: pass"), {"phase": "reading", "unready": []}
    service.start()
    try:
        before = service.moved(report)
        while service.moved(report) == before:
            pass
    finally:
        service.kill()
    assert service.moved({**report, "phase": "running"}) != service.moved(report)


def test_cpu_when_a_process_works_then_moves_and_of_none_it_is_0() -> None:
    worker = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        while cpu_seconds(worker.pid) < 1:
            pass
    finally:
        worker.kill()
        worker.wait()
    assert cpu_seconds(worker.pid) == cpu_seconds(None) == 0


class Hanging(ServiceProcess):
    """A process that begins and does nothing, or no more than a line of Python."""

    def __init__(
        self, service: str, environment: Mapping[str, str], logs: Path, line: str = "import signal; signal.pause()"
    ) -> None:
        super().__init__(service, environment, logs)
        self._line = line

    def start(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-c", self._line])


async def test_until_ready_when_a_service_hangs_then_says_so(tmp_path: Path) -> None:
    service = Hanging("risk", {}, tmp_path)
    service.start()
    try:
        with pytest.raises(ServiceDiedError, match="risk is not ready, and did nothing"):
            await until_ready([service], quiet_s=0.5)
    finally:
        service.kill()
