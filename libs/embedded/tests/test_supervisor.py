"""When a service that died is started again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewire.embedded.service_processes import ServiceProcess
from tradewire.embedded.supervisor import LOOP_DEATHS, STEADY_SECONDS, Restarts


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
