"""A start is waited for as long as something moves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tradewire.embedded.patience import Patience, cpu_seconds
from tradewire.embedded.service_processes import ServiceDiedError, ServiceProcess, until_ready
from tradewire.testkit.manual_clock import ManualClock


def test_patience_when_something_moves_then_lasts_whatever_the_time_and_ends_when_nothing_does() -> None:
    clock = ManualClock()
    patience = Patience(60.0, clock)
    for number in range(100):
        clock.advance(seconds=59.0)
        assert not patience.is_over(number)
    clock.advance(seconds=61.0)
    assert patience.is_over(99)


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
    """A process that begins and does nothing."""

    def start(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])


async def test_until_ready_when_a_service_hangs_then_says_so(tmp_path: Path) -> None:
    service = Hanging("risk", {}, tmp_path)
    service.start()
    try:
        with pytest.raises(ServiceDiedError, match="risk is not ready, and did nothing"):
            await until_ready([service], quiet_s=0.5)
    finally:
        service.kill()
